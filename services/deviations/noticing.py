"""Detect what happened in the engine outside the product, and when nothing remains to be done about it.

A task's completion is compared with the answers when the engine reports it; instances of open cases are looked at by
the reconciler, for an instance may have been cancelled before its case was known, or before an upgrade.
"""

from datetime import datetime

from sqlmodel import Session, col, select

from models.case import Case
from models.deviation import Deviation, DeviationKind
from models.engine_state import ElementVisit, InstanceState, ProcessInstance
from models.task import Task
from services.clock import product_now
from services.deviations import ledger
from services.journal import timeline
from services.tasks import completion


def confirm(session: Session, task_key: int, at: datetime) -> None:
    """Record the engine's confirmation that a task is completed, and report it where nobody answered it here."""
    if not completion.confirm(session, task_key, at):
        return
    task = session.get_one(Task, task_key)
    case = session.get(Case, task.case_no) if task.case_no is not None else None
    if case is None:
        return
    found = ledger.Found(
        DeviationKind.TASK_COMPLETED,
        f"task_completed:{task_key}",
        task.process_instance_key,
        f"“{task.name}”在系统外被办结，没有办理意见",
        task_key,
        task.element_id,
    )
    ledger.record(session, case, found, at)


def ended_instances(session: Session, limit: int) -> list[str]:
    """Return open cases whose process instance has ended without the case, unless reported already."""
    told = select(Deviation.id).where(
        Deviation.process_instance_key == Case.process_instance_key,
        Deviation.kind == DeviationKind.INSTANCE_ENDED,
    )
    query = (
        select(Case.case_no)
        .join(ProcessInstance, col(ProcessInstance.key) == col(Case.process_instance_key))
        .where(col(Case.is_open), ProcessInstance.state == InstanceState.TERMINATED, ~told.exists())
    )
    return list(session.exec(query.limit(limit)).all())


def tell_ended(session: Session, case_no: str) -> None:
    """Report that a case's process instance has ended while the case is open."""
    case = session.get_one(Case, case_no, with_for_update={"key_share": True}, populate_existing=True)
    instance = session.get(ProcessInstance, case.process_instance_key) if case.process_instance_key else None
    if not case.is_open or instance is None or instance.state is not InstanceState.TERMINATED:
        return
    found = ledger.Found(
        DeviationKind.INSTANCE_ENDED,
        f"instance_ended:{instance.key}",
        instance.key,
        "流程实例在系统外被终止，办件停在原处",
    )
    ledger.record(session, case, found, instance.ended_at or product_now(session))


def overcome(session: Session, limit: int) -> list[int]:
    """Return unsettled deviations about which nothing remains to be done."""
    rows = session.exec(select(Deviation).where(col(Deviation.settled_at).is_(None)).order_by("id").limit(limit)).all()
    return [row.id for row in rows if row.id is not None and _is_overcome(session, row)]


def settle(session: Session, deviation_id: int) -> None:
    """Record that nothing remains to be done about a deviation."""
    row = session.get_one(Deviation, deviation_id, with_for_update=True, populate_existing=True)
    if row.settled_at is not None:
        return
    row.settled_at = product_now(session)
    session.add(row)
    if row.asked_by is not None:
        text, key = f"{row.kind.label}：已恢复", f"deviation.settled:{row.natural_key}"
        timeline.append(session, row.case_no, "case.restored", text, actor=row.asked_by, at=row.settled_at, key=key)


def _is_overcome(session: Session, row: Deviation) -> bool:
    case = session.get_one(Case, row.case_no)
    if row.kind is DeviationKind.FOREIGN_GROUP:
        task = session.get(Task, row.task_key)
        return task is None or not task.is_open
    if not case.is_open:
        return True
    if row.kind is DeviationKind.TASK_COMPLETED:
        again = select(Task.key).where(
            Task.process_instance_key == row.process_instance_key,
            Task.element_id == row.element_id,
            col(Task.key) > (row.task_key or 0),
        )
        return session.exec(again.limit(1)).first() is not None
    if case.process_instance_key in (None, row.process_instance_key):
        return False
    there = select(ElementVisit.key).where(
        ElementVisit.process_instance_key == case.process_instance_key, col(ElementVisit.element_id).in_(row.steps)
    )
    return not row.steps or session.exec(there.limit(1)).first() is not None
