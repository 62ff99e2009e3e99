"""Who may act on delegated powers: pure predicates over an actor's groups, beside those on cases in ``rights``."""

from services.accounts import rights
from services.accounts.actors import Actor
from services.accounts.rights import Group, Role, Scope
from services.errors import Forbidden


def acts_in_unit(actor: Actor, unit: str, *roles: Role) -> bool:
    """Tell whether the account has one of ``roles`` in a city unit."""
    return any(
        group.scope is Scope.CITY and group.unit == unit and group.role in roles
        for group in rights.parse_groups(actor.groups)
    )


def acts_in_area(actor: Actor, area: str, *roles: Role) -> bool:
    """Tell whether the account has one of ``roles`` in an area."""
    return any(
        group.scope is Scope.AREA and group.area == area and group.role in roles
        for group in rights.parse_groups(actor.groups)
    )


def directs_unit(actor: Actor, unit: str) -> bool:
    """Tell whether the account decides on what a city unit delegates: its approver, or the coordinator."""
    return rights.is_coordinator(actor) or acts_in_unit(actor, unit, Role.APPROVER)


def is_staff(actor: Actor) -> bool:
    """Tell whether the account is of an area or the city; an administrator is not."""
    return any(group.scope is not Scope.ADMIN for group in rights.parse_groups(actor.groups))


def areas_of(actor: Actor) -> frozenset[str]:
    """Return the areas the account belongs to."""
    return frozenset(group.area for group in _groups(actor) if group.area is not None)


def units_of(actor: Actor) -> frozenset[str]:
    """Return the city units the account belongs to."""
    return frozenset(group.unit for group in _groups(actor) if group.scope is Scope.CITY and group.unit is not None)


def require_staff(actor: Actor) -> None:
    """Raise ``Forbidden`` for whoever has nothing to do with delegated powers."""
    if not is_staff(actor):
        raise Forbidden("只有市、县工作人员可以查看", "Only staff of the city and its counties may look")


def is_concerned(actor: Actor, area: str, unit: str) -> bool:
    """Tell whether something between an area and a city unit is the account's own affair, or the coordinator's."""
    return rights.is_coordinator(actor) or unit in units_of(actor) or area in areas_of(actor)


def _groups(actor: Actor) -> frozenset[Group]:
    return rights.parse_groups(actor.groups)
