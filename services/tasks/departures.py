"""What becomes of a person's tasks when the account is disabled or loses a post: they go back to their groups.

Otherwise nobody could take them: a claimed task is its assignee's alone.
"""

from collections.abc import Sequence

from sqlmodel import Session, col, select

from models.task import Task
from services.accounts import administration, memberships, task_rights
from services.accounts.actors import Actor
from services.accounts.administration import AccountView
from services.tasks import assignment


def disable(session: Session, actor: Actor, username: str) -> AccountView:
    """Disable an account as ``administration.disable`` does, and give back every task it has claimed."""
    account = administration.disable(session, actor, username)
    _give_back(session, actor, username, [])
    return account


def set_memberships(session: Session, actor: Actor, username: str, groups: Sequence[str], reason: str) -> AccountView:
    """Give posts as ``memberships.set_memberships`` does, and give back the tasks that no remaining post allows."""
    account = memberships.set_memberships(session, actor, username, groups, reason)
    _give_back(session, actor, username, account.groups)
    return account


def _give_back(session: Session, actor: Actor, username: str, groups: Sequence[str]) -> None:
    claimed = select(Task).where(Task.assignee == username, col(Task.is_open), col(Task.case_no).is_not(None))
    for task in session.exec(claimed.order_by(col(Task.key))).all():
        if not task_rights.is_offered(groups, task.candidate_groups):
            assignment.give_back(session, task, actor)
