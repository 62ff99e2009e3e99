"""Load a task for an actor: it exists, is open, and its case concerns the actor."""

from sqlmodel import Session

from models.case import Case, CaseState
from models.task import Task, TaskStatus
from services.accounts import task_rights
from services.accounts.actors import Actor
from services.errors import Conflict, NotFound


class TaskClosed(Conflict):
    """The task was completed before, or the process has left it."""

    code, title, title_en = "task_closed", "该任务已经办结", "Task already closed"


class TaskClaimed(Conflict):
    """Somebody else has claimed the task."""

    code, title, title_en = "task_claimed", "该任务已被他人认领", "Task claimed by somebody else"


def get(session: Session, key: int) -> Task:
    """Return a task that belongs to a case; raise ``NotFound``."""
    task = session.get(Task, key)
    if task is None or task.case_no is None or session.get(Case, task.case_no) is None:
        raise NotFound("没有这个任务", "No such task")
    return task


def get_readable(session: Session, actor: Actor, key: int) -> Task:
    """Return a task the actor may look at; raise ``NotFound`` or ``Forbidden``."""
    task = get(session, key)
    task_rights.require_may_open(actor, task.candidate_groups, task.assignee, session.get_one(Case, task.case_no))
    return task


def get_open(session: Session, actor: Actor, key: int) -> Task:
    """Return an open task the actor is a candidate of; raise ``NotFound``, ``Forbidden`` or ``TaskClosed``."""
    task = get_readable(session, actor, key)
    require_still_open(session, task)
    return task


def require_still_open(session: Session, task: Task) -> None:
    """Raise ``TaskClosed`` unless the task is open, saying so where a recall or a withdrawal has closed it.

    A task the engine opened before it learnt of the withdrawal must not be worked on either.
    """
    case = session.get(Case, task.case_no)
    withdrawn = case is not None and case.case_state in (CaseState.WITHDRAWN, CaseState.RETRACTED)
    if withdrawn and (task.is_open or task.status is TaskStatus.CANCELED):
        raise TaskClosed("申请人已撤回申请，意见未登记")
    if task.is_open:
        return
    recalled = case is not None and case.taken_over_at is not None and task.status is TaskStatus.CANCELED
    raise TaskClosed("权限已收回，办件已移交市级单位，意见未登记" if recalled else "")
