"""Set a deviation right, when the system administrator asks for it.

A task completed outside the product: its instance is moved back to the task, and whatever began after it is ended.

An instance that was ended: the case's start message is sent again, under a new id, so that the engine starts one
instance however often the relay sends it. Its first job claims the case as usual and stays open; the instance is moved
from there to the elements the former one stood at, which ends the job. A called process begins anew, with how far
acceptance had come as variables. Messages about an open special procedure or a recall are sent to it again.
"""

from typing import Any, Final

from defusedxml.ElementTree import fromstring
from sqlmodel import Session, col, select

from models.case import Case
from models.deviation import Deviation, DeviationKind
from models.engine_state import ElementVisit, InstanceState, ProcessDefinition, ProcessInstance
from models.outbox import OutboxCommand
from models.protocol import Message
from models.task import Task
from services.accounts import system_rights
from services.accounts.actors import Actor
from services.cases import special_procedures, submission
from services.clock import product_now
from services.deviations import ledger
from services.errors import Conflict, NotFound
from services.journal import audit, task_outcomes
from services.process_engine import outbox
from services.takeovers import handover

START_TASK: Final = "Task_StartCase"
ACCEPTANCE: Final = "CallActivity_Acceptance"
_BPMN: Final = "{http://www.omg.org/spec/BPMN/20100524/MODEL}"
_CONTAINERS: Final = ("PROCESS", "SUB_PROCESS", "EVENT_SUB_PROCESS", "MULTI_INSTANCE_BODY")
_PASSED: Final = ("EXCLUSIVE_GATEWAY", "INCLUSIVE_GATEWAY", "PARALLEL_GATEWAY", "START_EVENT", "END_EVENT")
"""Element types at which nothing waits: one that seems active is one whose end is not exported yet."""


class NothingToRestore(Conflict):
    """The instance has no deviation that can be set right now."""

    code, title, title_en = "nothing_to_restore", "该实例没有可恢复的偏离", "The instance has nothing to restore"


class Placed(Conflict):
    """The job's instance is moved to where the case stands; the job ends with that."""

    code, title, title_en = "placed", "实例正移到办件所在环节", "The instance is being moved to where the case stands"


def restore(session: Session, actor: Actor, instance_key: int) -> None:
    """Undo what happened to an instance outside the product; asking again while it is under way changes nothing.

    Raises ``Forbidden`` for everyone but the system administrator, ``NotFound``, and ``NothingToRestore``.
    """
    system_rights.require_administrator(actor)
    if session.get(ProcessInstance, instance_key) is None:
        raise NotFound("没有这个流程实例", "No such process instance")
    query = select(Deviation).where(
        Deviation.process_instance_key == instance_key,
        Deviation.kind != DeviationKind.FOREIGN_GROUP,
        col(Deviation.settled_at).is_(None),
    )
    row = session.exec(query.order_by(col(Deviation.id).desc()).with_for_update()).first()
    if row is None:
        raise NothingToRestore
    if not ledger.is_restorable(row, _asked(session, row), product_now(session)):
        return
    case = session.get_one(Case, row.case_no, with_for_update={"key_share": True}, populate_existing=True)
    if not case.is_open:
        raise NothingToRestore("办件已经办结")
    row.command = _move_back(session, row) if row.kind is DeviationKind.TASK_COMPLETED else _begin(session, case, row)
    row.asked_by, row.asked_at = actor.username, product_now(session)
    session.add(row)
    detail = {"kind": row.kind, "process_instance_key": str(instance_key), "deviation": row.id}
    audit.append(session, actor.username, "engine.restore", row.case_no, detail, row.asked_at)


def place(session: Session, case_no: str, instance_key: int, start_element: int) -> bool:
    """Move the instance that has just claimed a case to where the case stands; False where it begins as usual.

    ``start_element`` is the element instance of the job that claims it.
    """
    query = select(Deviation).where(
        Deviation.case_no == case_no,
        Deviation.kind == DeviationKind.INSTANCE_ENDED,
        col(Deviation.settled_at).is_(None),
        col(Deviation.asked_at).is_not(None),
    )
    row = session.exec(query.order_by(col(Deviation.id).desc())).first()
    if row is None or not row.steps or row.process_instance_key == instance_key:
        return False
    case = session.get_one(Case, case_no)
    key = f"move:{instance_key}:placed"
    if session.exec(select(OutboxCommand.id).where(OutboxCommand.natural_key == key)).first() is None:
        acceptance = handover.acceptance_variables(session, case)
        row.command = outbox.move_instance(
            session,
            stream=case_no,
            key=instance_key,
            activate={step: acceptance if step == ACCEPTANCE else {} for step in row.steps},
            terminate=[start_element],
            variables=_variables(session, case),
            version="placed",
        )
        session.add(row)
        special_procedures.restart_monitor(session, case, f"restored-{row.id}")
    return True


def _move_back(session: Session, row: Deviation) -> str:
    """Queue moving an instance back to a task that was completed outside the product."""
    instance = session.get_one(ProcessInstance, row.process_instance_key)
    task = session.get_one(Task, row.task_key)
    visits = select(ElementVisit.key, ElementVisit.element_type).where(
        ElementVisit.process_instance_key == instance.key,
        ElementVisit.state == InstanceState.ACTIVE,
        col(ElementVisit.key) > task.element_instance_key,
        col(ElementVisit.started_at) >= (task.closed_at or row.found_at),
        col(ElementVisit.element_type).not_in(_CONTAINERS),
    )
    began = session.exec(visits).all()
    began_since = [key for key, _type in began]
    passing = any(element_type in _PASSED for _key, element_type in began)
    if instance.state is not InstanceState.ACTIVE or not began_since or passing:
        raise NothingToRestore("流程已离开该任务所在的实例，或引擎的记录尚未到达，请稍后再试")
    return outbox.move_instance(
        session,
        stream=row.case_no,
        key=instance.key,
        activate={row.element_id: {}},
        terminate=began_since,
        variables={},
        version=f"back-{row.id}-{product_now(session).timestamp():.6f}",
    )


def _begin(session: Session, case: Case, row: Deviation) -> str:
    """Have a new instance begin where the ended one stood."""
    taken_over = case.taken_over_at is not None
    row.steps = [] if taken_over else _steps(session, row.process_instance_key)
    if not row.steps and not taken_over:
        raise NothingToRestore("引擎的记录中没有该实例所在的环节")
    if START_TASK in row.steps:
        row.steps = []
    case.process_instance_key = None
    session.add(case)
    message, _ = submission.START_MESSAGES[case.mode]
    attempt, _last = outbox.last_attempt(session, message, case.case_no)
    submission.request_start(session, case, attempt + 1)
    if taken_over:
        again, _last = outbox.last_attempt(session, Message.CASE_RECALLED, handover.message_id(case.case_no))
        handover.hand_over_again(session, case.case_no, again + 1)
    return outbox.message_command(message, outbox.attempt_id(case.case_no, attempt + 1))


def _steps(session: Session, instance_key: int) -> list[str]:
    """Return the elements an ended instance stood at, without those of its event subprocesses.

    They ended after everything in it had begun: what ended earlier was interrupted by the process itself.
    """
    visits = session.exec(select(ElementVisit).where(ElementVisit.process_instance_key == instance_key)).all()
    last_begun = max((visit.started_at for visit in visits), default=None)
    own = _own_elements(session, instance_key)
    stood = [
        visit.element_id
        for visit in visits
        if visit.state is InstanceState.TERMINATED
        and visit.element_id in own
        and visit.ended_at is not None
        and last_begun is not None
        and visit.ended_at >= last_begun
    ]
    return list(dict.fromkeys(stood))


def _own_elements(session: Session, instance_key: int) -> set[str]:
    """Return the elements of an instance's process outside its subprocesses."""
    instance = session.get_one(ProcessInstance, instance_key)
    query = select(ProcessDefinition.xml).where(
        ProcessDefinition.process_id == instance.process_id, ProcessDefinition.version == instance.version
    )
    xml = session.exec(query).first()
    if xml is None:
        return set()
    (process,) = [one for one in fromstring(xml).iter(f"{_BPMN}process") if one.get("id") == instance.process_id]
    return {child.get("id", "") for child in process if child.tag != f"{_BPMN}subProcess"}


def _variables(session: Session, case: Case) -> dict[str, Any]:
    """Return what the steps before would have left in the instance, as the case has it; never a person's data."""
    last = task_outcomes.find(session, case.case_no)
    return {
        **submission.start_variables(case),
        "claimed": True,
        "accepted": case.accepted_at is not None,
        "decision": case.decision.value if case.decision is not None else None,
        "outcome": last.outcome if last is not None else None,
    }


def _asked(session: Session, row: Deviation) -> Any:
    query = select(OutboxCommand.status).where(OutboxCommand.natural_key == row.command)
    return session.exec(query).first() if row.command is not None else None
