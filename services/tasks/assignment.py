"""Assign tasks: claim one, give it back, hand it to a colleague."""

from sqlmodel import Session

from models.case import Case
from models.task import Task
from services.accounts import task_rights
from services.accounts.actors import Actor, actor_of
from services.clock import product_now
from services.errors import FieldProblem, InvalidInput
from services.journal import audit, timeline
from services.process_engine import outbox
from services.tasks.access import TaskClaimed, get_open
from services.tasks.views import TaskView, view_now


def claim(session: Session, actor: Actor, key: int) -> TaskView:
    """Take a task; claiming one's own again changes nothing."""
    task = get_open(session, actor, key)
    if task_rights.is_taken(actor, task.assignee):
        raise TaskClaimed(f"该任务已由{task.assignee}认领")
    if task.assignee is None:
        _assign(session, task, actor.username, actor, "认领")
    return view_now(session, task)


def release(session: Session, actor: Actor, key: int) -> TaskView:
    """Give a claimed task back to its groups."""
    task = get_open(session, actor, key)
    task_rights.require_release(actor, task.assignee)
    if task.assignee is not None:
        _assign(session, task, None, actor, "退回公共列表")
    return view_now(session, task)


def reassign(session: Session, actor: Actor, key: int, to: str, reason: str) -> TaskView:
    """Hand a task to another candidate, with the reason."""
    task = get_open(session, actor, key)
    task_rights.require_not_taken(actor, task.assignee)
    case = session.get_one(Case, task.case_no)
    if not task_rights.is_candidate(actor_of(session, to, to), task.candidate_groups, case):
        raise InvalidInput([FieldProblem("to", "对方不在该任务的候选范围内")])
    _assign(session, task, to, actor, f"转交{to}：{reason}" if reason else f"转交{to}")
    return view_now(session, task)


def give_back(session: Session, task: Task, actor: Actor) -> None:
    """Give the task of somebody who has left the post back to its groups, in the name of whoever changed the post."""
    _assign(session, task, None, actor, "认领人离岗，退回公共列表")


def _assign(session: Session, task: Task, assignee: str | None, actor: Actor, text: str) -> None:
    now = product_now(session)
    task.assignee = assignee
    session.add(task)
    version = f"{now.timestamp():.6f}"
    outbox.assign_user_task(session, stream=task.case_no or "", key=task.key, assignee=assignee, version=version)
    audit.append(
        session,
        actor.username,
        "task.assign",
        task.case_no or "",
        {"task": task.key, "assignee": assignee},
        now,
    )
    timeline.append(
        session,
        task.case_no or "",
        "task.assigned",
        f"{task.name}：{text}",
        actor=actor.username,
        at=now,
        key=f"task.assigned:{task.key}:{version}",
    )
