"""Two web, two bridge and two worker processes on one PostgreSQL, one of each killed: every effect there, and once."""

import re
import signal
from collections import Counter, defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import psutil
import pytest
from sqlmodel import col, func, select

from models.audit import AuditEntry
from models.case import Case
from models.document import Certificate, Document
from models.outbox import OutboxCommand, OutboxStatus
from services.journal import audit
from tests import instance as instances
from tests.databases import Databases
from tests.instance import Instance, eventually, run

pytestmark = [
    pytest.mark.engine,
    pytest.mark.timeout(3600),
    pytest.mark.postgresql("SQLite has one relay, and its writers go one after the other"),
]

MODES = (("W-25", "ruijin"), ("D-12", "zhanggong"), ("S-22", "rongjiang"))
MODE_PROCESSES = {"front-window", "direct-devolution", "substantive-review"}
OF_EACH_MODE = 2
ONCE = ("case.received", "case.accepted", "case.decided", "case.delivered", "case.closed")
PATIENCE = 600.0
"""For a busy machine, and for a job that was on its way to a worker that died: it comes back after its time-out."""


@pytest.fixture(scope="module")
def running(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """Start an instance with two processes of each kind."""
    two = {f"{kind}_processes": "2" for kind in ("web", "bridge", "worker")}
    with instances.running(databases, tmp_path_factory.mktemp("several"), **two) as started:
        yield started


def servers(instance: Instance, package: str) -> list[psutil.Process]:
    """Return the processes that do a package's work; of the web those that its parent has serve."""
    found = []
    for process in psutil.process_iter():
        try:
            belongs = process.environ().get("TONGQUAN_STATE_DIR") == str(instance.state_dir)
            if belongs and process.cmdline()[-2:] == ["-m", package]:
                found.append(process)
        except (psutil.AccessDenied, psutil.NoSuchProcess, psutil.ZombieProcess):
            continue
    if package == "api":
        return [child for parent in found for child in parent.children() if "spawn_main" in " ".join(child.cmdline())]
    return found


def two_servers(instance: Instance, package: str) -> list[psutil.Process]:
    """Return the two processes of a package, once both run."""

    def look() -> list[psutil.Process]:
        try:
            found = servers(instance, package)
        except psutil.Error:
            return []
        return found if len(found) == 2 else []

    return eventually(look, f"two processes of {package}", PATIENCE)


def holder_of_the_feed(instance: Instance) -> psutil.Process:
    """Return the bridge that listens for the exporters."""

    def look() -> psutil.Process | None:
        for process in servers(instance, "bridge"):
            try:
                if any(one.status == psutil.CONN_LISTEN for one in process.net_connections("tcp")):
                    return process
            except psutil.Error:
                continue
        return None

    return eventually(look, "a bridge that listens", PATIENCE)


def kill(victim: psutil.Process) -> None:
    """End a process as a failing machine does."""
    victim.send_signal(signal.SIGKILL)
    victim.wait(60)


def count(instance: Instance, query: Any) -> int:
    """Return the one number a query tells."""
    with instance.database.reading() as session:
        return int(session.exec(query).one())


def submit_at_once(instance: Instance, number: int) -> list[str]:
    """Submit ``number`` cases of each mode side by side and return their numbers."""
    wanted = [mode for mode in MODES for _ in range(number)]
    for _, area in MODES:
        instance.api(f"{area}.window")
    with ThreadPoolExecutor(len(wanted)) as threads:
        return list(threads.map(lambda mode: instance.submit(*mode), wanted))


def test_cases_of_the_three_modes_end_whole_though_one_process_of_each_kind_is_killed(running: Instance) -> None:
    case_nos = submit_at_once(running, OF_EACH_MODE)
    victims = {"bridge": holder_of_the_feed(running)}
    for package in ("api", "workers"):
        victims[package] = two_servers(running, package)[0]
    for case_no in case_nos[::2]:
        eventually(lambda number=case_no: running.case(number)["tasks"], f"the first task of {case_no}", PATIENCE)
        running.complete(case_no, "Task_DecideAcceptance", "accept")
    for victim in victims.values():
        kill(victim)
    for case_no in case_nos:
        case = eventually(lambda number=case_no: finished(running, number), f"{case_no} closed", PATIENCE)
        assert_whole(case)
    for package, victim in victims.items():
        assert victim.pid not in {one.pid for one in two_servers(running, package)}
    eventually(lambda: is_ready(running), "ready again", PATIENCE)
    waiting = select(func.count()).where(col(OutboxCommand.status) != OutboxStatus.SENT)
    eventually(lambda: count(running, waiting) == 0, "every command sent", PATIENCE)


def assert_whole(case: dict[str, Any]) -> None:
    """Check that a finished case has every effect once."""
    assert case["state"]["code"] == 11
    events = Counter(one["event"] for one in case["timeline"])
    assert {events[one] for one in ONCE} == {1}, events
    for name, of in (("opinions", "element_id"), ("documents", "kind")):
        assert set(Counter(one[of] for one in case[name]).values()) == {1}, (name, case[name])
    assert len(case["certificates"]) == 1
    assert len([one for one in case["process_instances"] if one["process_id"] in MODE_PROCESSES]) == 1


def finished(instance: Instance, case_no: str) -> dict[str, Any] | None:
    """Complete the open tasks of a case favourably; return the case once it is closed.

    A request that was with the process killed is simply made again.
    """
    try:
        case = instance.case(case_no)
        for task in case["tasks"]:
            answer = instance.answer(task, task["outcomes"][0]["value"])
            assert answer.status_code in (202, 409), answer.text
    except httpx.TransportError:
        return None
    return case if case["closed_at"] is not None else None


def is_ready(instance: Instance) -> bool:
    """Tell whether the instance says it is ready."""
    try:
        return httpx.get(f"{instance.url}/readyz", timeout=10).status_code == 200
    except httpx.TransportError:
        return False


def test_two_writers_leave_one_audit_chain_and_no_number_out_or_twice(running: Instance) -> None:
    before = count(running, select(func.count()).select_from(AuditEntry))
    case_nos = submit_at_once(running, OF_EACH_MODE)
    assert len(set(case_nos)) == len(case_nos)
    with running.database.reading() as session:
        assert audit.verify(session) == []
        assert audit.head(session).id == session.exec(select(func.count()).select_from(AuditEntry)).one() > before
        for numbers in (
            session.exec(select(Case.case_no)).all(),
            session.exec(select(Document.number)).all(),
            session.exec(select(Certificate.number)).all(),
        ):
            assert_without_gaps(numbers)
    done = run("verify-audit", "--state-dir", str(running.state_dir))
    assert done.returncode == 0, done.stdout
    assert "审计链完整" in done.stdout


def test_web_processes_end_with_their_parent_and_the_site_comes_back(running: Instance) -> None:
    left_behind = two_servers(running, "api")
    kill(left_behind[0].parents()[0])
    eventually(lambda: not any(one.is_running() for one in left_behind), "nobody keeps the port", PATIENCE)
    eventually(lambda: is_ready(running), "ready again", PATIENCE)
    assert len(two_servers(running, "api")) == 2


def test_what_the_processes_write_is_their_owners_alone(running: Instance) -> None:
    exposed = [path for path in (running.state_dir, *running.state_dir.rglob("*")) if path.lstat().st_mode & 0o077]
    assert exposed == []


def assert_without_gaps(numbers: list[str]) -> None:
    """Check that the numbers under each prefix begin at one and leave none out."""
    serials: dict[str, list[int]] = defaultdict(list)
    for number in numbers:
        found = re.fullmatch(r"(.*)(\d{5})(\D*)", number)
        assert found is not None, number
        serials[found[1] + found[3]].append(int(found[2]))
    for prefix, given in serials.items():
        assert sorted(given) == list(range(1, len(given) + 1)), prefix


def test_eight_requests_at_once_with_one_key_are_one_case(running: Instance) -> None:
    item, area = MODES[0]
    body = running.body(item, area)
    client = running.api(f"{area}.window")

    def send(_: int) -> tuple[int, str]:
        answer = client.post("/cases", json=body, headers={"Idempotency-Key": "at-once"})
        return answer.status_code, answer.json().get("case_no", answer.text)

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(send, range(8)))
    assert Counter(status for status, _ in answers) == {200: 7, 201: 1}
    assert len({case_no for _, case_no in answers}) == 1
