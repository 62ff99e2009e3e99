"""Who may bring new lists of items and new guides into force."""

from typing import Final

from models.group import Role, Scope, parse_groups
from services.accounts import membership
from services.accounts.actors import Actor
from services.errors import Conflict, Forbidden

LEAD_UNIT: Final = "xzsp"
"""The city's lead unit (市行政审批局), which reviews every list."""


class SamePerson(Conflict):
    """A drafter tried to publish their own list."""

    code, title, title_en = "same_person", "起草人不能审定自己起草的清单", "The drafter may not publish the list"


def may_read_lists(actor: Actor) -> bool:
    """Tell whether the account may read drafts of lists."""
    return membership.is_staff(actor)


def may_draft_list(actor: Actor) -> bool:
    """Tell whether the account drafts lists: the coordinator, or a city unit's reviewer or approver."""
    return membership.is_coordinator(actor) or any(
        group.scope is Scope.CITY and group.role in (Role.REVIEWER, Role.APPROVER)
        for group in parse_groups(actor.groups)
    )


def may_review_lists(actor: Actor) -> bool:
    """Tell whether the account decides on lists: the coordinator, or the lead unit's approver."""
    return membership.directs_unit(actor, LEAD_UNIT)


def may_publish_list(actor: Actor, drafted_by: str) -> bool:
    """Tell whether the account may publish or reject a list: it decides on lists and has not drafted this one."""
    return may_review_lists(actor) and actor.username != drafted_by


def may_publish_guide(actor: Actor, unit: str) -> bool:
    """Tell whether the account publishes the guides of a city unit: its approver, or the coordinator."""
    return membership.directs_unit(actor, unit)


def require_read_lists(actor: Actor) -> None:
    """Raise ``Forbidden`` unless the account may read drafts of lists."""
    if not may_read_lists(actor):
        raise Forbidden


def require_draft_list(actor: Actor) -> None:
    """Raise ``Forbidden`` unless the account drafts lists."""
    if not may_draft_list(actor):
        raise Forbidden("只有市级单位可以起草清单", "Only city units may draft a list")


def require_publish_list(actor: Actor, drafted_by: str) -> None:
    """Raise ``Forbidden`` unless the account decides on lists, and ``SamePerson`` where it drafted this one."""
    if may_publish_list(actor, drafted_by):
        return
    if may_review_lists(actor):
        raise SamePerson
    raise Forbidden("只有市行政审批局可以审定清单", "Only the city's lead unit may review a list")


def require_publish_guide(actor: Actor, unit: str) -> None:
    """Raise ``Forbidden`` unless the account publishes the guides of ``unit``."""
    if not may_publish_guide(actor, unit):
        raise Forbidden(
            "只有事项的市级单位审批负责人或统筹单位可以发布办事指南",
            "Only the item's city unit or the coordinator may publish its guide",
        )
