"""What a restoration asks of the engine, and when a deviation is settled."""
# ruff: noqa: F401, F811 - pytest takes the imported fixture by its name.

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlmodel import Session, col, select

from models.case import Case, CaseState
from models.deviation import Deviation, DeviationKind
from models.engine_state import ElementVisit, InstanceState, ProcessDefinition, ProcessInstance
from models.outbox import OutboxCommand, OutboxKind, OutboxStatus
from models.task import Task, TaskStatus
from models.task_outcome import TaskOutcome
from services.accounts.actors import Actor
from services.clock import product_now
from services.deviations import ledger, noticing, restoring
from services.errors import Forbidden
from settings import PROJECT_ROOT
from tests.factories.powers import actor, add_case, session

ADMINISTRATOR: Actor = actor("admin.system")
INSTANCE, TASK, NEW = 100, 150, 900


def visit(session: Session, key: int, element: str, state: InstanceState, began: datetime, kind: str = "X") -> None:
    """Add what the feed has told of one element of the case's instance; it ended an hour after ``began``, if it has."""
    ended = None if state is InstanceState.ACTIVE else began + timedelta(hours=1)
    session.add(
        ElementVisit(
            key=key,
            process_instance_key=INSTANCE,
            process_id="direct-devolution",
            element_id=element,
            element_type=kind,
            state=state,
            started_at=began,
            ended_at=ended,
        )
    )


@pytest.fixture
def case(session: Session) -> Case:
    """Return a case of a running instance whose task an approver has."""
    made, now = add_case(session, 1, process_instance_key=INSTANCE), product_now(session)
    instance = {"case_no": made.case_no, "process_id": "direct-devolution", "version": 1, "started_at": now}
    session.add(ProcessInstance(key=INSTANCE, **instance))
    session.add(
        Task(
            key=TASK,
            case_no=made.case_no,
            process_id="direct-devolution",
            process_instance_key=INSTANCE,
            element_id="Task_CountyDecide",
            element_instance_key=TASK - 1,
            name="作出审批决定",
            candidate_groups=["xingguo.approver"],
            created_at=now,
        )
    )
    session.add(
        ProcessDefinition(
            key=1,
            process_id="direct-devolution",
            version=1,
            name="直接下放",
            resource_name="direct-devolution.bpmn",
            checksum="x",
            xml=(PROJECT_ROOT / "bpmn" / "direct-devolution.bpmn").read_text(),
            deployed_at=now,
        )
    )
    session.flush()
    return made


def commands(session: Session, kind: OutboxKind) -> list[dict[str, Any]]:
    """Return what the relay is to do, oldest first."""
    rows = session.exec(select(OutboxCommand).where(OutboxCommand.kind == kind).order_by(col(OutboxCommand.id))).all()
    return [one.payload for one in rows]


def completed_elsewhere(session: Session) -> Deviation:
    """Have the engine say that the task is completed, which nobody answered; return what is recorded."""
    noticing.confirm(session, TASK, product_now(session))
    return session.exec(select(Deviation)).one()


def ended(session: Session, case: Case) -> Deviation:
    """Have the case's instance end at the engine's port and the reconciler look; return what is recorded."""
    instance = session.get_one(ProcessInstance, INSTANCE)
    instance.state, instance.ended_at = InstanceState.TERMINATED, product_now(session)
    session.add(instance)
    session.flush()
    assert noticing.ended_instances(session, 10) == [case.case_no]
    noticing.tell_ended(session, case.case_no)
    assert noticing.ended_instances(session, 10) == []
    return session.exec(select(Deviation)).one()


def test_a_task_completed_elsewhere_is_moved_back_from_whatever_began_after_it(session: Session, case: Case) -> None:
    row, now = completed_elsewhere(session), product_now(session)
    assert (row.kind, row.element_id) == (DeviationKind.TASK_COMPLETED, "Task_CountyDecide")
    visit(session, 120, "CallActivity_DeadlineWatch", InstanceState.ACTIVE, now - timedelta(days=1))
    visit(session, 160, "Gateway_CountyDecision", InstanceState.COMPLETED, now + timedelta(seconds=1))
    visit(session, 161, "Task_RecordDecision", InstanceState.ACTIVE, now + timedelta(seconds=1))
    session.flush()
    for _ in range(2):
        restoring.restore(session, ADMINISTRATOR, INSTANCE)
    (move,) = commands(session, OutboxKind.MOVE_INSTANCE)
    assert (move["key"], move["activate"], move["terminate"]) == (INSTANCE, {"Task_CountyDecide": {}}, [161])


def test_a_restoration_the_engine_refused_can_be_asked_for_again(session: Session, case: Case) -> None:
    completed_elsewhere(session)
    later = product_now(session) + timedelta(seconds=1)
    visit(session, 161, "Task_RecordDecision", InstanceState.ACTIVE, later)
    session.flush()
    restoring.restore(session, ADMINISTRATOR, INSTANCE)
    command = session.exec(select(OutboxCommand).where(OutboxCommand.kind == OutboxKind.MOVE_INSTANCE)).one()
    (shown,) = ledger.of_instance(session, INSTANCE)
    assert (shown.asked, shown.refusal, shown.restorable) == (OutboxStatus.PENDING, None, False)
    command.status, command.last_error = OutboxStatus.DEAD, "no element Task_CountyDecide"
    session.flush()
    (shown,) = ledger.of_instance(session, INSTANCE)
    assert (shown.asked, shown.refusal) == (OutboxStatus.DEAD, "no element Task_CountyDecide")
    assert shown.restorable
    restoring.restore(session, ADMINISTRATOR, INSTANCE)
    assert [one["terminate"] for one in commands(session, OutboxKind.MOVE_INSTANCE)] == [[161], [161]]


def test_what_the_history_has_not_told_yet_is_not_moved(session: Session, case: Case) -> None:
    completed_elsewhere(session)
    with pytest.raises(restoring.NothingToRestore):
        restoring.restore(session, ADMINISTRATOR, INSTANCE)


def test_a_task_answered_here_is_no_deviation(session: Session, case: Case) -> None:
    now = product_now(session)
    answer = {"process_id": "direct-devolution", "element_id": "Task_CountyDecide", "task_name": "作出审批决定"}
    answered = TaskOutcome(
        task_key=TASK, case_no=case.case_no, account="xingguo.approver", outcome="approve", decided_at=now, **answer
    )
    session.add(answered)
    session.get_one(Task, TASK).status = TaskStatus.COMPLETING
    session.flush()
    noticing.confirm(session, TASK, now)
    assert session.exec(select(Deviation)).all() == []
    assert session.get_one(Task, TASK).status is TaskStatus.COMPLETED


def test_an_ended_instance_is_begun_anew_once_and_placed_where_it_stood(session: Session, case: Case) -> None:
    began = product_now(session) - timedelta(hours=1)
    visit(session, 110, "Task_CountyReview", InstanceState.TERMINATED, began - timedelta(hours=3))
    visit(session, 120, "CallActivity_DeadlineWatch", InstanceState.TERMINATED, began)
    visit(session, 130, "Task_CountyDecide", InstanceState.TERMINATED, began)
    visit(session, 140, "CallActivity_SpecialProcedure", InstanceState.TERMINATED, began)
    row = ended(session, case)
    for _ in range(2):
        restoring.restore(session, ADMINISTRATOR, INSTANCE)
    (start,) = commands(session, OutboxKind.PUBLISH_MESSAGE)
    assert (start["name"], start["message_id"]) == ("case-submitted-direct", f"{case.case_no}:1")
    assert case.process_instance_key is None
    case.process_instance_key = NEW
    for _ in range(2):
        assert restoring.place(session, case.case_no, NEW, 901)
    (move,) = commands(session, OutboxKind.MOVE_INSTANCE)
    assert (move["key"], move["terminate"]) == (NEW, [901])
    assert sorted(move["activate"]) == ["CallActivity_DeadlineWatch", "Task_CountyDecide"]
    assert (move["variables"]["caseId"], move["variables"]["accepted"]) == (case.case_no, True)
    assert noticing.overcome(session, 10) == []
    session.add(
        ElementVisit(
            key=NEW + 5,
            process_instance_key=NEW,
            process_id="direct-devolution",
            element_id="Task_CountyDecide",
            element_type="USER_TASK",
            started_at=began,
        )
    )
    session.flush()
    assert noticing.overcome(session, 10) == [row.id]
    noticing.settle(session, row.id or 0)
    assert not restoring.place(session, case.case_no, NEW, 901), "nothing remains to be placed"


def test_a_case_that_ends_otherwise_settles_what_was_told_of_it(session: Session, case: Case) -> None:
    row = ended(session, case)
    case.is_open, case.state = False, CaseState.WITHDRAWN
    session.flush()
    assert noticing.overcome(session, 10) == [row.id]


def test_an_instance_that_runs_or_whose_case_is_over_is_not_told_of(session: Session, case: Case) -> None:
    assert noticing.ended_instances(session, 10) == []
    session.get_one(ProcessInstance, INSTANCE).state = InstanceState.TERMINATED
    case.is_open = False
    session.flush()
    assert noticing.ended_instances(session, 10) == []


@pytest.mark.parametrize("group", ["city.coordinator", "xingguo.approver", "admin.audit"])
def test_only_the_system_administrator_restores(session: Session, case: Case, group: str) -> None:
    completed_elsewhere(session)
    with pytest.raises(Forbidden):
        restoring.restore(session, actor(group), INSTANCE)
