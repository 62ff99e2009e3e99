"""``kill -9`` in the middle of a case: nothing is lost, nothing is doubled, and it goes on by itself."""

import signal
from collections import Counter
from collections.abc import Iterator
from typing import Any

import httpx
import psutil
import pytest

from tests import instance as instances
from tests.databases import Databases
from tests.instance import Instance, eventually

pytestmark = pytest.mark.engine

ITEM, AREA = "W-01", "xingguo"
LOST_JOB_SECONDS = 75.0
"""A job on its way to a worker when a part dies comes back after its time-out of 20 s; there may be two in a row."""
COMMAND_OF = {"engine": "java", "bridge": "bridge", "workers": "workers", "web": "api"}


@pytest.fixture(scope="module")
def running(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """Start an instance of its own on the machine's clock."""
    with instances.running(databases, tmp_path_factory.mktemp("faults")) as started:
        yield started


def child(instance: Instance, name: str) -> psutil.Process:
    """Return the running child process of an instance."""

    def look() -> psutil.Process | None:
        for process in psutil.process_iter():
            try:
                words = process.cmdline()
                belongs = process.environ().get("TONGQUAN_STATE_DIR") == str(instance.state_dir)
            except (psutil.AccessDenied, psutil.NoSuchProcess, psutil.ZombieProcess):
                continue
            if not belongs or not words:
                continue
            if name == "engine" and words[0].endswith("java"):
                return process
            if "-m" in words and words[words.index("-m") + 1] == COMMAND_OF[name]:
                return process
        return None

    return eventually(look, f"{name} is running")


def kill(instance: Instance, name: str) -> None:
    """Kill a child and wait until its successor runs."""
    victim = child(instance, name)
    victim.send_signal(signal.SIGKILL)
    victim.wait(10)
    eventually(lambda: child(instance, name).pid != victim.pid, f"a new {name}")


def ready(instance: Instance) -> bool:
    """Tell whether the instance says it is ready."""
    try:
        return httpx.get(f"{instance.url}/readyz", timeout=5).status_code == 200
    except httpx.TransportError:
        return False


def assert_whole(case: dict[str, Any]) -> None:
    """Check that a finished case has everything once."""
    assert case["state"]["code"] == 11
    events = Counter(one["event"] for one in case["timeline"])
    for event in ("case.received", "case.accepted", "case.forwarded", "case.decided", "case.delivered", "case.closed"):
        assert events[event] == 1, events
    completed = Counter(one["element_id"] for one in case["opinions"])
    assert set(completed.values()) == {1}, completed
    documents = Counter(one["kind"] for one in case["documents"])
    assert set(documents.values()) == {1}, documents
    assert len(case["certificates"]) == 1
    roots = [one for one in case["process_instances"] if one["process_id"] == "front-window"]
    assert len(roots) == 1


@pytest.mark.parametrize("victim", ["workers", "bridge", "web", "engine"])
def test_cases_under_way_survive_the_death_of_a_part(running: Instance, victim: str) -> None:
    fresh = running.submit(ITEM, AREA)
    waiting = running.submit(ITEM, AREA)
    instance = running
    instance.complete(waiting, "Task_DecideAcceptance", "accept")
    kill(instance, victim)
    eventually(lambda: ready(instance), f"ready again after the death of {victim}", 90)
    assert_whole(instance.finish(waiting))
    assert_whole(instance.finish(fresh))
    assert_left(instance, waiting)


def assert_left(instance: Instance, case_no: str) -> None:
    """Check that the engine leaves the case for good; its supervision goes on by itself."""

    def active() -> list[str]:
        instances = instance.case(case_no)["process_instances"]
        own = [one for one in instances if one["process_id"] != "supervision-push"]
        return [one["process_id"] for one in own if one["state"] == "active"]

    try:
        eventually(lambda: not active(), "the engine has left the case", LOST_JOB_SECONDS)
    except AssertionError as exc:
        raise AssertionError(f"{exc}: still active {active()}") from exc


def test_a_submission_sent_twice_across_a_crash_is_one_case(running: Instance) -> None:
    body = running.body(ITEM, AREA)
    client = running.api(f"{AREA}.window")
    first = client.post("/cases", json=body, headers={"Idempotency-Key": "across-a-crash"})
    kill(running, "web")
    eventually(lambda: ready(running), "ready again", 90)
    second = client.post("/cases", json=body, headers={"Idempotency-Key": "across-a-crash"})
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json()["case_no"] == second.json()["case_no"]
    assert_whole(running.finish(first.json()["case_no"]))
