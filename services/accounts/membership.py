"""Where an actor belongs: the predicates on its groups from which the rights modules are built.

Services call the rights modules (``power_rights``, ``supervision_rights`` …), never this one.
"""

from sqlalchemy import ColumnElement, false, or_, true
from sqlmodel import col

from models.group import COORDINATOR, Group, Role, Scope, parse_groups
from services.accounts.actors import Actor


def is_coordinator(actor: Actor) -> bool:
    """Tell whether the account is the coordinator of the city's lead unit."""
    return COORDINATOR in _groups(actor)


def is_staff(actor: Actor) -> bool:
    """Tell whether the account belongs to an area or the city; an administrator does not."""
    return any(group.scope is not Scope.ADMIN for group in _groups(actor))


def acts_in_unit(actor: Actor, unit: str, *roles: Role) -> bool:
    """Tell whether the account has one of ``roles`` in a city unit."""
    return any(group.scope is Scope.CITY and group.unit == unit and group.role in roles for group in _groups(actor))


def acts_in_area(actor: Actor, area: str, *roles: Role) -> bool:
    """Tell whether the account has one of ``roles`` in an area."""
    return any(group.area == area and group.role in roles for group in _groups(actor))


def directs_unit(actor: Actor, unit: str) -> bool:
    """Tell whether the account decides on what a city unit delegates: its approver, or the coordinator."""
    return is_coordinator(actor) or acts_in_unit(actor, unit, Role.APPROVER)


def areas_of(actor: Actor) -> frozenset[str]:
    """Return the areas the account belongs to."""
    return frozenset(group.area for group in _groups(actor) if group.area is not None)


def units_of(actor: Actor) -> frozenset[str]:
    """Return the city units the account belongs to."""
    return frozenset(group.unit for group in _groups(actor) if group.scope is Scope.CITY and group.unit is not None)


def is_concerned(actor: Actor, area: str, unit: str) -> bool:
    """Tell whether a matter between an area and a city unit concerns the account; all concern the coordinator."""
    return is_coordinator(actor) or unit in units_of(actor) or area in areas_of(actor)


def concerning(actor: Actor, area: object, unit: object) -> ColumnElement[bool]:
    """Return the condition on the columns ``area`` and ``unit`` equivalent to ``is_concerned``."""
    if is_coordinator(actor):
        return true()
    own = ((area, areas_of(actor)), (unit, units_of(actor)))
    conditions = [col(column).in_(sorted(codes)) for column, codes in own if codes]
    return or_(*conditions) if conditions else false()


def _groups(actor: Actor) -> frozenset[Group]:
    return parse_groups(actor.groups)
