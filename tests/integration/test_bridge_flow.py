"""Feed and relay beside a real engine: what it did arrives once, what it is to do is sent once, whatever dies."""

import signal
import time
from collections.abc import Iterator

import httpx
import pytest
from sqlmodel import Session, col, select

from engine.gateway import Gateway
from models.engine_state import ElementVisit, EngineJob, FeedPosition, Heartbeat, InstanceState, ProcessInstance
from models.outbox import OutboxCommand, OutboxStatus
from models.task import FormVersion, Task, TaskCandidate, TaskStatus
from models.task_outcome import TaskOutcome, TaskOutcomeStatus
from services.clock import machine_now
from services.process_engine import outbox
from tests.factories.bridge_records import Log, bulk_body
from tests.instance import eventually
from tests.integration.stack import Stack

pytestmark = pytest.mark.engine
serial: Iterator[int] = iter(range(1, 10_000))


def task_of(stack: Stack, case_no: str, element_id: str) -> Task:
    def look(session: Session) -> Task | None:
        return session.exec(select(Task).where(Task.case_no == case_no, Task.element_id == element_id)).first()

    return eventually(lambda: stack.look(look), f"{element_id} of {case_no}")


def begin(stack: Stack, prefix: str = "F") -> str:
    case_no = f"{prefix}{next(serial):05d}"
    stack.add_case(case_no)
    stack.publish("bridge-submitted", case_no, area="xingguo")
    return case_no


def answer(stack: Stack, task: Task, *, decided: bool = True) -> None:
    """Do what completing a task does in the database."""
    with stack.database.transaction() as session:
        row = session.get_one(Task, task.key)
        row.status, row.is_open = TaskStatus.COMPLETING, False
        if decided:
            session.add(
                TaskOutcome(
                    task_key=task.key,
                    case_no=task.case_no or "",
                    process_id=task.process_id,
                    element_id=task.element_id,
                    task_name=task.name,
                    account="xingguo.window",
                    outcome="accept",
                    decided_at=machine_now(),
                )
            )
        outbox.complete_user_task(session, stream=task.case_no or "", key=task.key, variables={"outcome": "accept"})


def outbox_status(stack: Stack, natural_key: str) -> OutboxStatus | None:
    return stack.look(
        lambda s: s.exec(select(OutboxCommand.status).where(OutboxCommand.natural_key == natural_key)).first()
    )


def sent(stack: Stack, natural_key: str) -> bool:
    return outbox_status(stack, natural_key) is OutboxStatus.SENT


def test_new_groups_and_variables_reach_a_running_instance_and_come_back_by_the_feed(stack: Stack) -> None:
    case_no = begin(stack)
    task = task_of(stack, case_no, "Task_Review")
    with stack.database.transaction() as session:
        outbox.update_user_task(session, stream=case_no, key=task.key, candidate_groups=["city.y"], version="1")
        outbox.set_variables(
            session, stream=case_no, key=task.process_instance_key, variables={"area": "ganxian"}, version="1"
        )
        outbox.set_variables(session, stream="gone", key=(1 << 51) + 1, variables={"area": "ganxian"}, version="1")

    def groups(session: Session) -> bool:
        rows = session.exec(select(TaskCandidate.group_name).where(TaskCandidate.task_key == task.key)).all()
        return list(rows) == ["city.y"]

    eventually(lambda: stack.look(groups), "the new groups")
    for natural_key in (f"variables:{task.process_instance_key}:1", f"variables:{(1 << 51) + 1}:1"):
        eventually(lambda named=natural_key: sent(stack, named), natural_key)


def test_a_task_arrives_with_its_case_name_groups_form_and_dates(stack: Stack) -> None:
    case_no = begin(stack)
    task = task_of(stack, case_no, "Task_Review")
    candidates = stack.look(lambda s: s.exec(select(TaskCandidate).where(TaskCandidate.task_key == task.key)).all())
    form = stack.look(lambda s: s.get(FormVersion, task.form_key))
    assert task.name == "审查 材料"
    assert task.item_name == "测试事项"
    assert task.candidate_groups == ["xingguo.window", "city.zrzy.reviewer"]
    assert {one.group_name for one in candidates} == {"xingguo.window", "city.zrzy.reviewer"}
    assert all(one.due_at == task.due_at and one.is_open for one in candidates)
    assert task.due_at is not None
    assert form is not None
    assert form.definition["id"] == "bridge-form"


def test_a_completion_reaches_the_engine_and_the_called_process_knows_the_case(stack: Stack) -> None:
    case_no = begin(stack)
    first = task_of(stack, case_no, "Task_Review")
    answer(stack, first)
    second = task_of(stack, case_no, "Task_Decide")
    confirmed = eventually(
        lambda: stack.look(
            lambda s: s.exec(
                select(TaskOutcome).where(
                    TaskOutcome.task_key == first.key, TaskOutcome.status == TaskOutcomeStatus.CONFIRMED
                )
            ).first()
        ),
        "confirmation",
    )
    assert confirmed.outcome == "accept"
    assert stack.look(lambda s: s.get_one(Task, first.key)).status is TaskStatus.COMPLETED
    assert second.process_id == "bridge-child"
    answer(stack, second)

    def ended(session: Session) -> bool:
        rows = session.exec(select(ProcessInstance).where(ProcessInstance.case_no == case_no)).all()
        return len(rows) == 2 and all(row.state is InstanceState.COMPLETED for row in rows)

    eventually(lambda: stack.look(ended), "both instances ended")
    visited = stack.look(
        lambda s: s.exec(
            select(ElementVisit.element_id).where(ElementVisit.process_instance_key == first.process_instance_key)
        ).all()
    )
    assert sorted(visited) == ["Call_Child", "End", "Start", "Task_Job", "Task_Review"]


def test_claims_are_mirrored_and_our_own_echo_changes_nothing(stack: Stack) -> None:
    case_no = begin(stack)
    task = task_of(stack, case_no, "Task_Review")
    with stack.database.transaction() as session:
        session.get_one(Task, task.key).assignee = "b"
        for version, who in (("1", "a"), ("2", None), ("3", "b")):
            outbox.assign_user_task(session, stream=case_no, key=task.key, assignee=who, version=version)
    eventually(lambda: sent(stack, f"assign:{task.key}:3"), "claims sent")
    seen = set()
    until = time.monotonic() + 0.5
    while time.monotonic() < until:
        seen.add(stack.look(lambda s: s.get_one(Task, task.key)).assignee)
    assert seen == {"b"}


def test_a_task_completed_in_another_tool_is_closed_here(stack: Stack) -> None:
    case_no = begin(stack)
    task = task_of(stack, case_no, "Task_Review")
    stack.call(lambda gateway: gateway.complete_user_task(task.key, {"outcome": "accept"}))
    closed = eventually(
        lambda: stack.look(
            lambda s: s.exec(select(Task).where(Task.key == task.key, Task.status == TaskStatus.COMPLETED)).first()
        ),
        "task closed",
    )
    assert not closed.is_open


def test_an_answer_to_a_cancelled_task_is_overtaken_and_its_command_ends(stack: Stack) -> None:
    case_no = begin(stack)
    task = task_of(stack, case_no, "Task_Review")
    stack.stop_bridge()
    stack.call(lambda gateway: gateway.cancel_instance(task.process_instance_key))
    answer(stack, task)
    stack.start_bridge()
    eventually(lambda: sent(stack, f"complete:{task.key}"), "command closed")
    decision = stack.look(lambda s: s.exec(select(TaskOutcome).where(TaskOutcome.task_key == task.key)).one())
    assert decision.status is TaskOutcomeStatus.OVERTAKEN
    assert stack.look(lambda s: s.get_one(Task, task.key)).status is TaskStatus.CANCELED


def test_a_completion_sent_before_the_relay_died_is_confirmed_not_repeated(stack: Stack) -> None:
    case_no = begin(stack)
    task = task_of(stack, case_no, "Task_Review")
    stack.stop_bridge(signal.SIGKILL)
    stack.call(lambda gateway: gateway.complete_user_task(task.key, {"outcome": "accept"}))
    answer(stack, task)
    stack.start_bridge()
    eventually(lambda: sent(stack, f"complete:{task.key}"), "command closed")
    assert stack.look(lambda s: s.get_one(Task, task.key)).status is TaskStatus.COMPLETED


def test_an_incident_is_shown_and_retried(stack: Stack) -> None:
    from models.engine_state import Incident

    async def start(gateway: Gateway) -> None:
        await gateway.publish_message(
            "bridge-timers", "broken", variables={"wait": "no duration"}, time_to_live_ms=60_000
        )

    stack.call(start)

    def opened(session: Session) -> Incident | None:
        return session.exec(
            select(Incident).where(Incident.element_id == "Event_Wait", col(Incident.resolved_at).is_(None))
        ).first()

    incident = eventually(lambda: stack.look(opened), "incident")
    assert incident.kind == "EXTRACT_VALUE_ERROR"
    with stack.database.transaction() as session:
        outbox.retry_incident(session, stream="broken", key=incident.key, job_key=incident.job_key, version="1")
    eventually(lambda: stack.look(lambda s: s.get_one(Incident, incident.key).resolved_at), "incident resolved")
    again = eventually(lambda: stack.look(opened), "the engine raises it again")
    assert again.key != incident.key
    stack.call(lambda gateway: gateway.cancel_instance(incident.process_instance_key))
    eventually(lambda: stack.look(lambda s: opened(s) is None), "closed with its instance")


def test_nothing_is_lost_or_doubled_when_the_bridge_is_killed_again_and_again(stack: Stack) -> None:
    cases = []
    for number in range(40):
        cases.append(begin(stack, "K"))
        if number in (10, 20, 30):
            stack.stop_bridge(signal.SIGKILL)
            stack.start_bridge()
    tasks = [task_of(stack, case_no, "Task_Review") for case_no in cases]
    stack.stop_bridge(signal.SIGKILL)
    for task in tasks:
        answer(stack, task)
    stack.start_bridge()
    time.sleep(1.2)
    stack.stop_bridge(signal.SIGKILL)
    stack.start_bridge()
    following = [task_of(stack, case_no, "Task_Decide") for case_no in cases]
    assert len({task.key for task in tasks + following}) == 80
    count = stack.look(lambda s: len(s.exec(select(Task.key).where(col(Task.case_no).in_(cases))).all()))
    assert count == 80
    eventually(lambda: all(sent(stack, f"complete:{task.key}") for task in tasks), "all completions sent")


def test_a_forged_record_moves_no_task_to_another_countys_group(stack: Stack) -> None:
    task = task_of(stack, begin(stack), "Task_Review")
    forged = Log().task("UPDATED", task.key, task.process_instance_key, candidateGroupsList=["yudu.approver"])
    forged.position = 2**60
    account = stack.config.feed_account

    def send(exporter: str, auth: tuple[str, str] | None) -> int:
        url = f"http://{stack.config.feed_address}/_bulk"
        body = bulk_body([forged], exporter)
        return httpx.post(url, content=body, auth=auth, trust_env=False).status_code

    assert send("tq-feed", None) == 401
    assert send("tq-feed", (account.username, "guessed")) == 401
    assert send("invented", (account.username, account.password)) == 400
    answer(stack, task)
    task_of(stack, task.case_no or "", "Task_Decide")
    assert stack.look(lambda s: s.get_one(Task, task.key)).candidate_groups == task.candidate_groups
    groups = select(TaskCandidate.group_name).where(TaskCandidate.task_key == task.key)
    assert "yudu.approver" not in stack.look(lambda s: s.exec(groups).all())

    def refusal_is_told(session: Session) -> bool:
        beat = session.get(Heartbeat, "feed")
        return beat is not None and beat.detail.get("refused_at") is not None

    eventually(lambda: stack.look(refusal_is_told), "the refusal in the feed's heartbeat")


def test_the_bridge_shows_signs_of_life_and_stops_cleanly(stack: Stack) -> None:
    def beats(session: Session) -> bool:
        names = set(session.exec(select(Heartbeat.component)).all())
        return {"feed", "relay", "reconciler"} <= names

    eventually(lambda: stack.look(beats), "heartbeats")
    assert stack.stop_bridge() == 0
    stack.start_bridge()
    assert {p.exporter for p in stack.look(lambda s: s.exec(select(FeedPosition)).all())} == {
        "tq-feed",
        "tq-history",
    }
    eventually(lambda: stack.look(lambda s: not s.exec(select(EngineJob)).all()), "no job left open")
