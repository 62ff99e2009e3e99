"""Who may work on a task: the members of a candidate group that its case concerns, and whoever has claimed it.

A task's candidate groups come from the engine, and are accepted only as far as the case confirms them: a group of its
area (and, where the group is a unit's, of its unit), of its city unit, or one that supervises it. A group of another
county gives no access, however it came into the list.
"""

from collections.abc import Iterable
from dataclasses import replace

from models.case import Case
from models.group import Group, Role, Scope
from services.accounts import rights
from services.accounts.actors import Actor
from services.errors import Forbidden


def concerns(group_name: str, case: Case) -> bool:
    """Tell whether a task of the case may be offered to a group.

    Which city supervisors supervise the case follows from the matrix of the day; it is checked when a task is opened.
    """
    try:
        group = Group.parse(group_name)
    except ValueError:
        return False
    if group.scope is Scope.CITY and group.role is Role.SUPERVISOR:
        return True
    return rights.may_read_case(Actor(group_name, "", frozenset({group_name})), case)


def is_offered(groups: Iterable[str], candidates: Iterable[str]) -> bool:
    """Tell whether a task is offered to a member of ``groups``, whatever its case."""
    return not frozenset(groups).isdisjoint(candidates)


def is_candidate(actor: Actor, candidates: Iterable[str], case: Case) -> bool:
    """Tell whether the account may claim a task of the case that is offered to ``candidates``."""
    return rights.may_read_case(replace(actor, groups=actor.groups.intersection(candidates)), case)


def may_open(actor: Actor, candidates: Iterable[str], assignee: str | None, case: Case) -> bool:
    """Tell whether the account may look at a task: its assignee, and every candidate, where the case is theirs."""
    assigned = assignee == actor.username and rights.may_read_case(actor, case)
    return assigned or is_candidate(actor, candidates, case)


def is_taken(actor: Actor, assignee: str | None) -> bool:
    """Tell whether somebody else has claimed the task."""
    return assignee is not None and assignee != actor.username


def require_may_open(actor: Actor, candidates: Iterable[str], assignee: str | None, case: Case) -> None:
    """Raise ``Forbidden`` unless the account may look at the task."""
    if not may_open(actor, candidates, assignee, case):
        raise Forbidden("该任务不属于您的岗位", "The task is not yours")


def require_not_taken(actor: Actor, assignee: str | None) -> None:
    """Raise ``Forbidden`` where somebody else has claimed the task."""
    if is_taken(actor, assignee):
        raise Forbidden(f"该任务已由{assignee}认领", "The task is claimed by somebody else")


def require_release(actor: Actor, assignee: str | None) -> None:
    """Raise ``Forbidden`` where somebody else has claimed the task and alone may give it back."""
    if is_taken(actor, assignee):
        raise Forbidden("只有认领人可以退回该任务", "Only the assignee may release the task")
