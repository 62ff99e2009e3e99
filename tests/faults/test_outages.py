"""What stands still, or has no room, for a while: no work is lost meanwhile, and nobody has to restart anything."""

import sqlite3
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from tests.faults.parts import (
    RECOVERY_SECONDS,
    assert_in_is_out,
    assert_nothing_given_up,
    environment,
    halted,
    until_ready,
    until_red,
)
from tests.instance import Instance, eventually

pytestmark = pytest.mark.engine

ITEM, AREA = "W-01", "xingguo"
CHUNK = b"\0" * 2**20


def submission_refused(instance: Instance) -> bool:
    """Try to submit; tell whether the site said that it cannot now. A case that is made all the same is finished."""
    body = instance.body(ITEM, AREA)
    answer = instance.api(f"{AREA}.window").post("/cases", json=body, headers={"Idempotency-Key": str(uuid4())})
    assert answer.status_code in (201, 503), answer.text
    if answer.status_code == 503:
        assert answer.json()["code"], answer.text
    return answer.status_code == 503


@pytest.mark.parametrize(("part", "check"), [("engine", "engine"), ("bridge", "feed")])
def test_people_go_on_working_while_a_part_hangs_and_it_all_arrives_afterwards(
    running: Instance, part: str, check: str
) -> None:
    accepted, decided = running.submit(ITEM, AREA), running.submit(ITEM, AREA)
    running.task(accepted, "Task_DecideAcceptance")
    running.task(decided, "Task_DecideAcceptance")
    with halted(running, part):
        running.complete(accepted, "Task_DecideAcceptance", "accept")
        submitted = [running.submit(ITEM, AREA) for _ in range(3)]
        until_red(running, check)
        running.complete(decided, "Task_DecideAcceptance", "accept")
    until_ready(running, f"{part} hung")
    assert_in_is_out(running, [accepted, decided, *submitted])
    assert_nothing_given_up(running)


@pytest.mark.sqlite("PostgreSQL's writers lock rows, not the database")
def test_a_database_kept_by_a_stranger_refuses_with_503_and_all_goes_on_once_it_is_free(running: Instance) -> None:
    url = environment(running)["DATABASE_URL"]
    path = url.removeprefix("sqlite:///")
    case_nos = [running.submit(ITEM, AREA) for _ in range(3)]
    for case_no in case_nos:
        running.complete(case_no, "Task_DecideAcceptance", "accept")
    with closing(sqlite3.connect(path, timeout=RECOVERY_SECONDS, isolation_level=None)) as stranger:
        stranger.execute("BEGIN IMMEDIATE")
        eventually(lambda: submission_refused(running), "a submission refused", RECOVERY_SECONDS)
        stranger.execute("ROLLBACK")
    until_ready(running, "the database was kept")
    assert_in_is_out(running, case_nos)
    assert_nothing_given_up(running)


@pytest.mark.sqlite("PostgreSQL keeps the database on a disk of its own")
def test_a_full_disk_refuses_with_503_and_all_goes_on_once_there_is_room(
    running: Instance, small_disk: Path | None
) -> None:
    if small_disk is None:
        pytest.skip("this account may not mount a small file system to fill")
    case_nos = [running.submit(ITEM, AREA) for _ in range(3)]
    for case_no in case_nos:
        running.complete(case_no, "Task_DecideAcceptance", "accept")
    filler = small_disk / "filler"
    try:
        with filler.open("wb", buffering=0) as file:

            def no_room() -> bool:
                """Fill what the others gave back, and look whether that is noticed."""
                try:
                    while True:
                        file.write(CHUNK)
                except OSError:
                    return submission_refused(running)

            eventually(no_room, "a submission refused for want of room", RECOVERY_SECONDS)
            assert httpx.get(f"{running.url}/healthz", timeout=60).status_code == 200
            assert running.case(case_nos[0])["case_no"] == case_nos[0]
    finally:
        filler.unlink()
    until_ready(running, "the disk was full")
    assert_in_is_out(running, case_nos)
    assert_nothing_given_up(running)
