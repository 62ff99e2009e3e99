"""Who may work on a task, by its candidate groups and who has claimed it."""

from collections.abc import Iterable

from services.accounts.actors import Actor
from services.errors import Forbidden


def is_candidate(groups: Iterable[str], candidates: Iterable[str]) -> bool:
    """Tell whether a member of ``groups`` may claim a task offered to ``candidates``."""
    return not frozenset(groups).isdisjoint(candidates)


def may_open(actor: Actor, candidates: Iterable[str], assignee: str | None) -> bool:
    """Tell whether the account may look at a task: its assignee, and every member of a candidate group."""
    return assignee == actor.username or is_candidate(actor.groups, candidates)


def is_taken(actor: Actor, assignee: str | None) -> bool:
    """Tell whether somebody else has claimed the task."""
    return assignee is not None and assignee != actor.username


def require_may_open(actor: Actor, candidates: Iterable[str], assignee: str | None) -> None:
    """Raise ``Forbidden`` unless the account may look at the task."""
    if not may_open(actor, candidates, assignee):
        raise Forbidden("该任务不属于您的岗位", "The task is not yours")


def require_not_taken(actor: Actor, assignee: str | None) -> None:
    """Raise ``Forbidden`` where somebody else has claimed the task."""
    if is_taken(actor, assignee):
        raise Forbidden(f"该任务已由{assignee}认领", "The task is claimed by somebody else")


def require_release(actor: Actor, assignee: str | None) -> None:
    """Raise ``Forbidden`` where the task is another's to give back."""
    if is_taken(actor, assignee):
        raise Forbidden("只有认领人可以退回该任务", "Only the assignee may release the task")
