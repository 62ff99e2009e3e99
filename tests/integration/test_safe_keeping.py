"""An instance is kept safe: what it stores, a backup while people work, and its restoring elsewhere.

One engine runs for what is stored and backed up, another beside it for what is restored. Each is waited for as long as
it takes.
"""

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from models.database import Database
from tests import instance as instances
from tests.databases import Databases
from tests.instance import Instance, eventually, id_card, run

pytestmark = [pytest.mark.sqlite("a backup of PostgreSQL is pg_dump's"), pytest.mark.engine]

ITEM, AREA = "W-01", "xingguo"
NUMBER, PHONE = id_card(8123), "13907978123"
FIRST_TASK = "Task_DecideAcceptance"
PASSPHRASE = {"TONGQUAN_BACKUP_PASSPHRASE": "只有保管人知道"}
PATIENCE = 180.0


@pytest.fixture(scope="module")
def running(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """Start an instance of its own on the machine's clock."""
    with instances.running(databases, tmp_path_factory.mktemp("safe")) as instance:
        yield instance


def finished(instance: Instance, case_no: str) -> int:
    """Complete a case's tasks favourably until it is closed, however slow the machine; return its state."""

    def step() -> int | None:
        case = instance.case(case_no)
        if case["closed_at"] is not None:
            return int(case["state"]["code"])
        for task in case["tasks"]:
            complete = {"outcome": task["outcomes"][0]["value"], "opinion": "", "values": {}}
            client = instance.api(task["candidate_groups"][0])
            # 409: the page shows a task until the engine has said that it is gone.
            assert client.post(f"/tasks/{task['id']}/complete", json=complete).status_code in (202, 409)
        return None

    return eventually(step, f"the end of {case_no}: {instance.told(case_no)}", PATIENCE)


def test_number_and_phone_of_a_case_stand_in_no_file_of_database_engine_or_logs(running: Instance) -> None:
    person = {"kind": "person", "name": "李四", "id_type": "id_card", "id_number": NUMBER, "phone": PHONE}
    case_no = running.submit(ITEM, AREA, applicant=person)
    assert finished(running, case_no) == 11
    assert running.case(case_no, f"{AREA}.approver")["applicant"]["phone"] == PHONE
    files = [path for path in sorted(running.state_dir.rglob("*")) if path.is_file()]
    kinds = {path.relative_to(running.state_dir).parts[0] for path in files}
    assert {"tongquan.db", "tongquan.db-wal", "engine", "logs"} <= kinds
    found = []
    for path in files:
        try:
            content = path.read_bytes()
        except FileNotFoundError:  # The engine removes files that it has no more need of.
            continue
        found += [f"{path}: {word}" for word in (NUMBER, PHONE) if word.encode() in content]
    assert found == []


class Window:
    """A window that goes on submitting until it is told to stop; ``receipts`` are the numbers it was given."""

    def __init__(self, instance: Instance) -> None:
        self.receipts: list[str] = []
        self.refusals: list[str] = []
        self._client = instance.api(f"{AREA}.window")
        self._instance = instance
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> "Window":
        self._thread.start()
        return self

    def __exit__(self, *_exc: object) -> None:
        self._over.set()
        self._thread.join(PATIENCE)

    def _run(self) -> None:
        number = 0
        while not self._over.wait(0.5):
            number += 1
            body = self._instance.body(ITEM, AREA)
            answer = self._client.post("/cases", json=body, headers={"Idempotency-Key": f"under-way-{number}"})
            if answer.status_code == 201:
                self.receipts.append(answer.json()["case_no"])
            else:
                self.refusals.append(answer.text)


@pytest.fixture(scope="module")
def backed_up(running: Instance, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[str]]:
    """Back the running instance up while a window submits; return the archive and the cases known before."""
    known = [running.submit(ITEM, AREA) for _ in range(2)]
    running.task(known[0], FIRST_TASK)
    running.complete(known[0], FIRST_TASK, "accept")
    archive = tmp_path_factory.mktemp("archive") / "running.tar.gz.age"
    with Window(running) as window:
        eventually(lambda: window.receipts, "a submission", PATIENCE)
        known += window.receipts
        done = run(
            "backup", str(archive), "--encrypt", "--state-dir", str(running.state_dir), env={**os.environ, **PASSPHRASE}
        )
        before = len(window.receipts)
        eventually(lambda: len(window.receipts) > before, "a submission after the backup", PATIENCE)
    assert done.returncode == 0, done.stdout + done.stderr
    assert window.refusals == []
    return archive, known


@pytest.fixture(scope="module")
def restored(
    databases: Databases, backed_up: tuple[Path, list[str]], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Instance]:
    """Restore the backup elsewhere and start it on other ports, beside the first."""
    folder = tmp_path_factory.mktemp("elsewhere") / "state"
    done = run("restore", str(backed_up[0]), "--state-dir", str(folder), env={**os.environ, **PASSPHRASE})
    assert done.returncode == 0, done.stdout + done.stderr
    with instances.running(databases, folder) as instance:
        yield instance


def open_cases(instance: Instance) -> set[str]:
    """Return the open cases, as the database has them."""
    database = Database(f"sqlite:///{instance.state_dir / 'tongquan.db'}")
    with database.reading() as session:
        found = session.connection().scalars(
            sa.select(sa.column("case_no")).select_from(sa.table("case")).where(sa.column("is_open"))
        )
        numbers = set(found)
    database.dispose()
    return numbers


def test_a_backup_under_submissions_goes_on_elsewhere_to_the_end_of_its_cases_and_so_does_the_first(
    running: Instance, backed_up: tuple[Path, list[str]], restored: Instance
) -> None:
    _, known = backed_up
    there = open_cases(restored)
    assert set(known) <= there
    assert there <= open_cases(running)
    # However many a window has submitted meanwhile: one under way, one waiting, and the last that came into the backup.
    for case_no in (known[0], known[1], max(there)):
        assert finished(restored, case_no) == 11
    verified = run("verify-audit", "--state-dir", str(restored.state_dir))
    assert verified.returncode == 0, verified.stdout
    assert finished(running, known[0]) == 11
