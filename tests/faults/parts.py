"""The parts of a running instance as a fault meets them, and what a case that survived must hold."""

import json
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil
from sqlmodel import col, select

from models.database import Database
from models.engine_state import InstanceState, ProcessInstance
from models.write_lock import WriteLock
from tests.instance import Instance, eventually

RECOVERY_SECONDS = 240.0
"""An engine on a busy machine needs a minute for its start alone."""
PATIENCE_SECONDS = 150.0
"""For one step of a case: the jobs before it may have been lost with the part that had them."""
LOST_JOB_SECONDS = 240.0
"""A job on its way to a worker when a part dies comes back after its time-out of 20 s; there may be several."""
COMMAND_OF = {"engine": "java", "bridge": "bridge", "workers": "workers", "web": "api"}
PARTS = tuple(COMMAND_OF)
ONCE = ("case.received", "case.accepted", "case.decided", "case.delivered", "case.closed")
GO_ON = ("supervision-push", "county-filing")
"""Processes of a case that outlive it."""
ROOTS = ("front-window", "direct-devolution", "substantive-review")


def child(instance: Instance, name: str) -> psutil.Process:
    """Return the running child process of an instance, waiting for it."""

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

    return eventually(look, f"{name} is running", RECOVERY_SECONDS)


def end(instance: Instance, *names: str, by: signal.Signals = signal.SIGKILL) -> None:
    """End children, all of them before any is waited for, and wait until their successors run."""
    victims = {name: child(instance, name) for name in names}
    for victim in victims.values():
        victim.send_signal(by)
    for name, victim in victims.items():
        victim.wait(RECOVERY_SECONDS)

        def replaced(name: str = name, pid: int = victim.pid) -> bool:
            return child(instance, name).pid != pid

        eventually(replaced, f"a new {name}", RECOVERY_SECONDS)


def environment(instance: Instance) -> dict[str, str]:
    """Return the variables the instance's children see."""
    return dict(json.loads((instance.state_dir / "run.json").read_text(encoding="utf-8"))["environment"])


@contextmanager
def halted(instance: Instance, name: str) -> Iterator[None]:
    """Stop a child where it stands: it keeps its connections, takes nothing and answers nothing.

    Not in the middle of a transaction on SQLite: nobody else could write until it goes on.
    """
    process = child(instance, name)
    url = environment(instance)["DATABASE_URL"]
    file = url.removeprefix("sqlite:///")
    lock = WriteLock(file if file != url else None, RECOVERY_SECONDS)
    lock.acquire()
    try:
        process.suspend()
        eventually(lambda: stands_still(process.pid), f"{name} stands still", RECOVERY_SECONDS)
    finally:
        lock.release()
    try:
        yield
    finally:
        process.resume()


def stands_still(pid: int) -> bool:
    """Tell whether every thread of a process is stopped."""
    states = [path.read_text().rpartition(")")[2].split()[0] for path in Path(f"/proc/{pid}/task").glob("*/stat")]
    return set(states) == {"T"}


def readiness(instance: Instance) -> dict[str, Any] | None:
    """Return what ``/readyz`` says, ``None`` when nobody answers."""
    try:
        return dict(httpx.get(f"{instance.url}/readyz", timeout=60).json())
    except (httpx.TransportError, json.JSONDecodeError):
        return None


def until_ready(instance: Instance, after: str) -> None:
    """Wait until the instance says that it is ready."""

    def ready() -> bool:
        told = readiness(instance)
        return told is not None and bool(told["ready"])

    eventually(ready, f"ready again after {after}", RECOVERY_SECONDS)


def until_red(instance: Instance, check: str) -> None:
    """Wait until ``/readyz`` names a check as failing."""

    def red() -> bool:
        told = readiness(instance)
        return told is not None and check in told["failing"]

    eventually(red, f"{check} is told", RECOVERY_SECONDS)


def assert_whole(case: dict[str, Any]) -> None:
    """Check that a finished case has everything once."""
    assert case["state"]["code"] == 11
    events = Counter(one["event"] for one in case["timeline"])
    for event in ONCE:
        assert events[event] == 1, events
    assert events["case.forwarded"] <= 1, events
    completed = Counter(one["element_id"] for one in case["opinions"])
    assert set(completed.values()) == {1}, completed
    documents = Counter(one["kind"] for one in case["documents"])
    assert set(documents.values()) == {1}, documents
    numbers = Counter(one["number"] for one in case["documents"] if one["number"])
    assert set(numbers.values()) <= {1}, numbers
    assert len(case["certificates"]) == 1
    roots = [one for one in case["process_instances"] if one["process_id"] in ROOTS]
    assert len(roots) == 1, roots


def assert_left(instance: Instance, *case_nos: str) -> None:
    """Check that the engine leaves the cases for good; their supervision and filing go on by themselves.

    An instance that a worker has noted and a killed engine has undone counts until the bridge has dropped it.
    """
    database = Database(environment(instance)["DATABASE_URL"])
    running = select(ProcessInstance.case_no, ProcessInstance.process_id).where(
        col(ProcessInstance.case_no).in_(case_nos),
        ProcessInstance.state == InstanceState.ACTIVE,
        col(ProcessInstance.process_id).not_in(GO_ON),
    )

    def active() -> list[tuple[str | None, str]]:
        with database.reading() as session:
            return [(case_no, process_id) for case_no, process_id in session.exec(running).all()]

    try:
        eventually(lambda: not active(), "the engine has left the cases", LOST_JOB_SECONDS)
    except AssertionError as exc:
        raise AssertionError(f"{exc}: still active {active()}") from exc
    finally:
        database.dispose()


def assert_in_is_out(instance: Instance, case_nos: list[str]) -> None:
    """Finish cases and check that each comes out once and whole, and that the engine keeps none."""
    for case_no in case_nos:
        assert_whole(instance.finish(case_no))
    assert_left(instance, *case_nos)


def figures(instance: Instance) -> dict[str, float]:
    """Return what ``/metrics`` says, by name and labels as they stand there."""
    text = httpx.get(f"{instance.url}/metrics", timeout=60).text
    lines = [line.rpartition(" ") for line in text.splitlines() if line and not line.startswith("#")]
    return {name: float(value) for name, _, value in lines}


def assert_nothing_given_up(instance: Instance) -> None:
    """Check that no command to the engine was given up, no step waits for a person and no record was set aside."""
    told = figures(instance)
    assert told.get('tongquan_outbox_commands{status="dead"}', 0) == 0
    assert told["tongquan_incidents_open"] == 0
    assert told["tongquan_set_aside_records"] == 0
