"""Close a case's open tasks, when the engine has left them or the case no longer needs them.

A recall and a withdrawal close a case's tasks in their own transaction: whoever answers after it is refused, even
before the engine learns of it. What the engine then reports of the same tasks changes nothing.
"""

from datetime import datetime

from sqlalchemy import bindparam, update
from sqlmodel import Session, col, select

from models.task import Task, TaskCandidate, TaskStatus
from models.task_outcome import TaskOutcome, TaskOutcomeStatus
from services.journal import audit, timeline

_CANDIDATE = TaskCandidate.__table__  # type: ignore[attr-defined]
CLOSE_CANDIDATES = (
    update(_CANDIDATE).where(_CANDIDATE.c.task_key == bindparam("of_task"), _CANDIDATE.c.is_open).values(is_open=False)
)


def close(session: Session, task: Task, status: TaskStatus, at: datetime) -> None:
    """Close a task and its candidacies in the lists."""
    task.status, task.is_open, task.closed_at = status, False, at
    session.add(task)
    session.flush()
    session.connection().execute(CLOSE_CANDIDATES, {"of_task": task.key})


def cancel(session: Session, task_key: int, at: datetime) -> None:
    """Close a task the process has left; an answer not yet carried out is overtaken."""
    task = session.get(Task, task_key)
    if task is None or task.status in (TaskStatus.COMPLETED, TaskStatus.CANCELED):
        return
    decision = session.exec(select(TaskOutcome).where(TaskOutcome.task_key == task_key)).first()
    if decision is not None and decision.status is TaskOutcomeStatus.RECORDED:
        decision.status = TaskOutcomeStatus.OVERTAKEN
        session.add(decision)
        timeline.append(
            session,
            decision.case_no,
            "task.overtaken",
            f"“{task.name}”的办理意见提交时，该环节已因到期或撤回而结束，意见未生效",
            actor=decision.account,
            at=at,
            key=f"task.overtaken:{task_key}",
        )
        audit.append(session, timeline.SYSTEM, "task.overtaken", decision.case_no, {"task": task_key}, at)
    close(session, task, TaskStatus.CANCELED, at)


def cancel_all(session: Session, case_no: str, at: datetime) -> None:
    """Close every open task of a case; one already answered awaits the engine's confirmation."""
    for key in session.exec(select(Task.key).where(Task.case_no == case_no, col(Task.is_open))).all():
        cancel(session, key, at)
