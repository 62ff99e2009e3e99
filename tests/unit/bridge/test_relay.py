"""The relay and the reconciler, with an engine made of Python."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, cast

import pytest
from sqlmodel import col, select

from bridge import reconciler
from bridge.relay import MAX_ATTEMPTS, Relay
from engine.errors import CommandRejected, EngineUnreachable, IncidentGone, TaskGone
from engine.gateway import Gateway
from models.case import Case
from models.database import Database
from models.engine_state import FeedPosition, ProcessInstance
from models.outbox import OutboxCommand, OutboxStatus
from models.task import Task, TaskStatus
from services.cases import submission
from services.clock import machine_now
from services.process_engine import outbox
from tests.factories.bridge_records import START, add_case, fake_hooks


class FakeEngine:
    """Takes commands in the order they come, unless told to refuse them."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, Any]] = []
        self.refusals: dict[Any, list[Exception]] = {}
        self.open_now = 0
        self.most_open = 0
        self.delay = 0.0

    async def _take(self, what: str, key: Any) -> None:
        self.open_now += 1
        self.most_open = max(self.most_open, self.open_now)
        await asyncio.sleep(self.delay)
        self.open_now -= 1
        waiting = self.refusals.get(key)
        if waiting:
            raise waiting.pop(0)
        self.taken.append((what, key))

    async def publish_message(self, name: str, correlation_key: str, **details: Any) -> None:
        await self._take(name, details["message_id"])

    async def complete_user_task(self, key: int, variables: Mapping[str, Any]) -> None:
        await self._take("complete", key)

    async def assign_user_task(self, key: int, assignee: str) -> None:
        await self._take(f"assign {assignee}", key)

    async def unassign_user_task(self, key: int) -> None:
        await self._take("release", key)

    async def update_retries(self, job_key: int, retries: int) -> None:
        await self._take("retries", job_key)

    async def resolve_incident(self, key: int) -> None:
        await self._take("resolve", key)


def relay(database: Database, engine: FakeEngine, until: Callable[[], bool], relays: int = 1) -> None:
    """Run relays until ``until`` holds."""

    async def run() -> None:
        running = [Relay(database, cast(Gateway, engine)) for _ in range(relays)]
        tasks = [asyncio.create_task(one.run()) for one in running]
        for _ in range(2000):
            if until():
                break
            await asyncio.sleep(0.01)
        for one in running:
            one.stop()
        await asyncio.gather(*tasks)

    asyncio.run(run())
    assert until()


def statuses(database: Database) -> list[OutboxStatus]:
    with database.reading() as session:
        return list(session.exec(select(OutboxCommand.status).order_by(col(OutboxCommand.id))))


def all_sent(database: Database) -> Callable[[], bool]:
    return lambda: set(statuses(database)) == {OutboxStatus.SENT}


def message(database: Database, stream: str, message_id: str) -> None:
    with database.transaction() as session:
        outbox.publish_message(
            session,
            submission.Message.DEADLINE_CHANGED,
            stream=stream,
            correlation_key=stream,
            message_id=message_id,
        )


def test_commands_of_a_stream_keep_their_order_and_streams_do_not_wait_for_each_other(database: Database) -> None:
    engine = FakeEngine()
    engine.delay = 0.02
    engine.refusals["a1"] = [CommandRejected("not yet")]
    for message_id in ("a1", "a2", "b1", "b2"):
        message(database, message_id[0], message_id)
    relay(database, engine, all_sent(database))
    order = [key for _, key in engine.taken]
    assert order.index("a1") < order.index("a2")
    assert order.index("b2") < order.index("a1")
    assert engine.most_open >= 2


@pytest.mark.postgresql("SQLite has one relay")
def test_several_relays_send_each_command_once(database: Database) -> None:
    engine = FakeEngine()
    engine.delay = 0.005
    for number in range(120):
        message(database, f"s{number % 30}", f"{number}")
    relay(database, engine, all_sent(database), relays=3)
    taken = [int(key) for _, key in engine.taken]
    assert sorted(taken) == list(range(120))
    for stream in range(30):
        of_stream = [key for key in taken if key % 30 == stream]
        assert of_stream == sorted(of_stream)


def test_a_refused_command_is_tried_with_back_off_and_then_given_up(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.relay.FIRST_BACKOFF", timedelta(milliseconds=1))
    engine = FakeEngine()
    engine.refusals["bad"] = [CommandRejected("INVALID_ARGUMENT: no") for _ in range(MAX_ATTEMPTS)]
    message(database, "s", "bad")
    message(database, "s", "good")
    relay(database, engine, lambda: statuses(database) == [OutboxStatus.DEAD, OutboxStatus.SENT])
    with database.reading() as session:
        dead = session.exec(select(OutboxCommand).where(OutboxCommand.status == OutboxStatus.DEAD)).one()
        assert (dead.attempts, dead.last_error) == (MAX_ATTEMPTS, "INVALID_ARGUMENT: no")


def test_an_engine_out_of_reach_never_makes_a_command_dead(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.relay.UNREACHABLE_PAUSE_SECONDS", 0.001)
    engine = FakeEngine()
    engine.refusals["m"] = [EngineUnreachable("down") for _ in range(MAX_ATTEMPTS * 2)]
    message(database, "s", "m")
    relay(database, engine, all_sent(database))
    with database.reading() as session:
        assert session.exec(select(OutboxCommand.attempts)).one() == 0


class OutOfReach(FakeEngine):
    """Takes nothing the first ``calls`` times, and notes how many came at once each time."""

    def __init__(self, calls: int) -> None:
        super().__init__()
        self.delay = 0.005
        self.calls = calls
        self.at_once: list[int] = []

    async def _take(self, what: str, key: Any) -> None:
        self.at_once.append(self.open_now + 1)
        if len(self.at_once) <= self.calls:
            self.refusals[key] = [EngineUnreachable("starting")]
        await super()._take(what, key)


def test_of_an_engine_out_of_reach_one_command_asks_for_all(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.relay.UNREACHABLE_PAUSE_SECONDS", 0.001)
    engine = OutOfReach(calls=30)
    for number in range(20):
        message(database, f"s{number}", f"m{number}")
    relay(database, engine, all_sent(database))
    assert max(engine.at_once[:20]) > 1
    assert engine.at_once[20:31] == [1] * 11
    assert sorted(key for _, key in engine.taken) == sorted(f"m{number}" for number in range(20))


def test_a_command_the_engine_never_takes_does_not_keep_the_others_waiting(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.relay.UNREACHABLE_PAUSE_SECONDS", 0.001)
    engine = FakeEngine()
    engine.refusals["never"] = [EngineUnreachable("500") for _ in range(100_000)]
    for message_id in ("never", *(f"m{number}" for number in range(10))):
        message(database, message_id, message_id)
    relay(database, engine, lambda: len(engine.taken) == 10)
    assert "never" not in {key for _, key in engine.taken}


def test_a_completion_of_a_task_that_is_gone_waits_for_the_feed(database: Database) -> None:
    engine = FakeEngine()
    engine.refusals[7] = [TaskGone("404") for _ in range(1000)]
    with database.transaction() as session:
        session.add(
            Task(
                key=7,
                process_id="p",
                process_instance_key=1,
                element_id="e",
                element_instance_key=2,
                name="n",
                status=TaskStatus.COMPLETING,
                created_at=START,
            )
        )
        outbox.complete_user_task(session, stream="s", key=7, variables={})
    relay(database, engine, lambda: len(engine.refusals[7]) <= 998)
    assert statuses(database) == [OutboxStatus.PENDING]
    with database.transaction() as session:
        session.get_one(Task, 7).status = TaskStatus.CANCELED
    relay(database, engine, all_sent(database))


def test_claims_and_retries_of_what_is_gone_are_done_with(database: Database) -> None:
    engine = FakeEngine()
    engine.refusals = {7: [TaskGone("404")], 8: [IncidentGone("404")]}
    with database.transaction() as session:
        outbox.assign_user_task(session, stream="a", key=7, assignee="x", version="1")
        outbox.assign_user_task(session, stream="b", key=9, assignee=None, version="1")
        outbox.retry_incident(session, stream="c", key=6, job_key=8, version="1")
    relay(database, engine, all_sent(database))
    assert sorted(engine.taken) == [("release", 9), ("resolve", 6)]


def starts_of(database: Database) -> list[str]:
    with database.reading() as session:
        return [
            row.payload["message_id"] for row in session.exec(select(OutboxCommand).order_by(col(OutboxCommand.id)))
        ]


def sent_ago(database: Database, seconds: float) -> None:
    with database.transaction() as session:
        for row in session.exec(select(OutboxCommand)):
            row.status, row.sent_at = OutboxStatus.SENT, machine_now() - timedelta(seconds=seconds)


def submit(database: Database, case_no: str) -> None:
    add_case(database, case_no)
    with database.transaction() as session:
        submission.request_start(session, session.get_one(Case, case_no))


def test_a_lost_start_is_repeated_once_under_a_new_id(database: Database) -> None:
    submit(database, "C1")
    assert reconciler.reconcile(database, fake_hooks()).restarted == 0
    sent_ago(database, 61)
    assert reconciler.reconcile(database, fake_hooks()).restarted == 1
    assert reconciler.reconcile(database, fake_hooks()).restarted == 0
    assert starts_of(database) == ["C1", "C1:1"]


def test_a_start_is_repeated_sooner_when_the_feed_has_moved_on(database: Database) -> None:
    submit(database, "C1")
    sent_ago(database, 20)
    assert reconciler.reconcile(database, fake_hooks()).restarted == 0
    with database.transaction() as session:
        session.add(FeedPosition(exporter="tq-feed", partition=1, position=9, record_at=machine_now()))
    assert reconciler.reconcile(database, fake_hooks()).restarted == 1


def test_a_started_case_whose_job_is_late_is_left_alone(database: Database) -> None:
    submit(database, "C1")
    sent_ago(database, 600)
    with database.transaction() as session:
        session.add(ProcessInstance(key=10, case_no="C1", process_id="front-window"))
    findings = reconciler.reconcile(database, fake_hooks())
    assert (findings.restarted, findings.unstarted) == (0, 1)


def test_an_orphaned_task_is_adopted(database: Database) -> None:
    add_case(database, "C1", process_instance_key=10)
    with database.transaction() as session:
        session.add(ProcessInstance(key=10, case_no="C1"))
        session.add(ProcessInstance(key=11, parent_key=10))
        session.add(
            Task(
                key=20,
                process_id="p",
                process_instance_key=11,
                element_id="e",
                element_instance_key=2,
                name="n",
                created_at=START,
            )
        )
    assert reconciler.reconcile(database, fake_hooks()).adopted == 1
    with database.reading() as session:
        assert session.get_one(Task, 20).case_no == "C1"
        assert session.get_one(Task, 20).item_name == "测试事项"
