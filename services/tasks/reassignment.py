"""Give an open task to another account group, in our lists and in the engine."""

from sqlalchemy import delete
from sqlmodel import Session, col, select

from models.case import Case
from models.group import parse_groups
from models.in_flight import Disposition
from models.task import NO_DUE, Task, TaskCandidate
from models.unit_transfer import UnitTransferCase
from services.catalogue import in_force, reference
from services.clock import product_now
from services.process_engine import outbox


def replace_group(session: Session, task: Task, former: str, present: str) -> None:
    """Put ``present`` in the place of ``former`` among a task's candidate groups; a claim ends with it.

    A task without that group stays as it is.
    """
    if former not in task.candidate_groups or former == present:
        return
    groups = [present if group == former else group for group in task.candidate_groups]
    task.candidate_groups = list(dict.fromkeys(groups))
    claimed, task.assignee = task.assignee is not None, None
    stream, version = task.case_no or "", f"{product_now(session).timestamp():.6f}-{present}"
    if task not in session.new:
        session.add(task)
        session.flush()
        session.exec(delete(TaskCandidate).where(col(TaskCandidate.task_key) == task.key))
        session.add_all(_candidate(task, group) for group in task.candidate_groups)
        session.flush()
    if claimed:
        outbox.assign_user_task(session, stream=stream, key=task.key, assignee=None, version=version)
    outbox.update_user_task(
        session, stream=stream, key=task.key, candidate_groups=task.candidate_groups, version=version
    )


def reroute(session: Session, task: Task, case: Case) -> None:
    """Give a task that was created for a case's former unit to the one that has the case now.

    The engine may have opened it before it learnt of the transfer.
    """
    present = in_force.reviewer_group(case.area, case.review_unit)
    if not any(group.reviews_in(case.area) and group.name != present for group in parse_groups(task.candidate_groups)):
        return
    moved = select(UnitTransferCase.from_unit).where(
        UnitTransferCase.case_no == case.case_no, UnitTransferCase.disposition == Disposition.MOVE_UNIT
    )
    groups = {unit.code: unit.reviewer_group for unit in reference.county_units(session, case.area)}
    for unit in session.exec(moved).all():
        former = groups.get(unit or "", in_force.reviewer_group(case.area, None))
        replace_group(session, task, former, present)


def _candidate(task: Task, group: str) -> TaskCandidate:
    return TaskCandidate(
        task_key=task.key,
        group_name=group,
        is_open=task.is_open,
        due_at=task.due_at or NO_DUE,
        created_at=task.created_at,
    )
