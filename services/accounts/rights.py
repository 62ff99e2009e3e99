"""Who may do what: by role and area and unit, decided here and nowhere else.

Pure predicates over an actor's groups; the one answer that reaches the database is ``visible_cases``, a condition
for queries that says the same as ``may_read_case``.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final

from sqlalchemy import ColumnElement, and_, false, or_, true
from sqlmodel import col

from models.case import Case
from models.catalogue import Mode
from services.accounts.actors import Actor


class Scope(StrEnum):
    """Where a group acts: in one area, for the city, or on the system itself."""

    AREA = "area"
    CITY = "city"
    ADMIN = "admin"


class Role(StrEnum):
    """What a member of a group does (DESIGN §6)."""

    WINDOW = "window"
    REVIEWER = "reviewer"
    CHIEF = "chief"
    APPROVER = "approver"
    SUPERVISOR = "supervisor"
    ADVISOR = "advisor"
    COORDINATOR = "coordinator"
    SYSTEM = "system"
    SECURITY = "security"
    AUDIT = "audit"

    @classmethod
    def handling(cls) -> frozenset["Role"]:
        """Return the roles that handle a case and therefore see whose it is."""
        return _HANDLING


_HANDLING: Final = frozenset({Role.WINDOW, Role.REVIEWER, Role.CHIEF, Role.APPROVER, Role.SUPERVISOR})
_EXAMINING: Final = frozenset({Role.REVIEWER, Role.CHIEF, Role.APPROVER})
_EXAMINED_BY: Final = {
    Mode.DIRECT: frozenset({Scope.AREA}),
    Mode.SUBSTANTIVE: frozenset({Scope.AREA, Scope.CITY}),
    Mode.WINDOW: frozenset({Scope.CITY}),
}
_AREA_ROLES: Final = frozenset({Role.WINDOW, Role.REVIEWER, Role.CHIEF, Role.APPROVER, Role.SUPERVISOR})
_CITY_UNIT_ROLES: Final = frozenset({Role.REVIEWER, Role.APPROVER, Role.SUPERVISOR, Role.ADVISOR})
_ADMIN_ROLES: Final = frozenset({Role.SYSTEM, Role.SECURITY, Role.AUDIT})
_CODE: Final = re.compile(r"[a-z][a-z0-9_-]*")


@dataclass(frozen=True)
class Group:
    """A group's name taken apart: ``xingguo.window``, ``rongjiang.qjfj.reviewer``, ``city.zrzy.approver``."""

    scope: Scope
    role: Role
    area: str | None = None
    unit: str | None = None

    @staticmethod
    @lru_cache(maxsize=4096)
    def parse(name: str) -> "Group":
        """Return the group called ``name``; raise ``ValueError`` for a name that follows no pattern."""
        place, *middle, last = name.split(".")
        if len(middle) > 1 or not all(_CODE.fullmatch(part) for part in (place, *middle)):
            raise ValueError(f"unknown group {name!r}")
        role, unit = Role(last), middle[0] if middle else None
        match place:
            case Scope.ADMIN if unit is None and role in _ADMIN_ROLES:
                return Group(Scope.ADMIN, role)
            case Scope.CITY if unit is None and role is Role.COORDINATOR:
                return Group(Scope.CITY, role)
            case Scope.CITY if unit is not None and role in _CITY_UNIT_ROLES:
                return Group(Scope.CITY, role, unit=unit)
            case Scope.CITY | Scope.ADMIN:
                raise ValueError(f"unknown group {name!r}")
            case _ if role in _AREA_ROLES:
                return Group(Scope.AREA, role, area=place, unit=unit)
        raise ValueError(f"unknown group {name!r}")


@lru_cache(maxsize=4096)
def parse_groups(names: frozenset[str]) -> frozenset[Group]:
    """Return the groups of ``names`` that follow a pattern; a group only a designer uses gives no right to cases."""
    parsed = set()
    for name in names:
        try:
            parsed.add(Group.parse(name))
        except ValueError:
            continue
    return frozenset(parsed)


def is_window_account(actor: Actor) -> bool:
    """Tell whether the account works at the window of some area."""
    return any(group.role is Role.WINDOW for group in parse_groups(actor.groups))


def may_submit(actor: Actor, area: str) -> bool:
    """Tell whether the account may hand in a case at the window of ``area``."""
    return any(group.role is Role.WINDOW and group.area == area for group in parse_groups(actor.groups))


def may_read_case(actor: Actor, case: Case) -> bool:
    """Tell whether the account may read the case at all.

    A county reads its own cases, after a transfer too; a county unit those it reviews; a city unit those of its own
    items; a supervisor those of the items it supervises and its unit's taken over from a county; the coordinator every
    one; an administrator none.
    """
    return any(_covers(group, actor, case) for group in parse_groups(actor.groups))


def may_see_personal_data(actor: Actor, case: Case) -> bool:
    """Tell whether the account may see whose case it is: who handles or supervises it, not who only advises."""
    return any(group.role in Role.handling() and _covers(group, actor, case) for group in parse_groups(actor.groups))


def may_handle(actor: Actor, case: Case) -> bool:
    """Tell whether the account examines or decides the case, in its county or its city unit as the mode has it."""
    return any(
        group.role in _EXAMINING and group.scope in _EXAMINED_BY[case.handled_as] and _covers(group, actor, case)
        for group in parse_groups(actor.groups)
    )


def may_approve(actor: Actor, case: Case) -> bool:
    """Tell whether the account decides the case: the county's approver if ``direct``, else the city unit's."""
    deciding = Scope.CITY if case.handled_as in Mode.decided_by_city() else Scope.AREA
    return any(
        group.role is Role.APPROVER and group.scope is deciding and _covers(group, actor, case)
        for group in parse_groups(actor.groups)
    )


def visible_cases(actor: Actor) -> ColumnElement[bool]:
    """Return the condition on ``Case`` that holds for the cases ``may_read_case`` allows."""
    groups = parse_groups(actor.groups)
    if any(group.role is Role.COORDINATOR for group in groups):
        return true()
    areas = {group.area for group in groups if group.scope is Scope.AREA and group.unit is None}
    units = {group.unit for group in groups if group.scope is Scope.CITY and group.role is not Role.SUPERVISOR}
    conditions: list[ColumnElement[bool]] = []
    if areas:
        conditions.append(col(Case.area).in_(sorted(filter(None, areas))))
    if units:
        conditions.append(col(Case.city_unit).in_(sorted(filter(None, units))))
    if actor.supervised_items:
        conditions.append(col(Case.item_code).in_(sorted(actor.supervised_items)))
    if offices := {group.unit for group in groups if group.scope is Scope.CITY and group.role is Role.SUPERVISOR}:
        taken_over = and_(col(Case.mode) == Mode.DIRECT, col(Case.taken_over_at).is_not(None))
        conditions.append(and_(taken_over, col(Case.city_unit).in_(sorted(filter(None, offices)))))
    conditions.extend(
        and_(col(Case.area) == group.area, col(Case.review_unit) == group.unit)
        for group in groups
        if group.scope is Scope.AREA and group.unit is not None
    )
    return or_(*conditions) if conditions else false()


def may_administer(actor: Actor) -> bool:
    """Tell whether the account is the system administrator (系统管理员)."""
    return Group(Scope.ADMIN, Role.SYSTEM) in parse_groups(actor.groups)


def may_secure(actor: Actor) -> bool:
    """Tell whether the account is the security administrator (安全保密管理员)."""
    return Group(Scope.ADMIN, Role.SECURITY) in parse_groups(actor.groups)


def is_auditor(actor: Actor) -> bool:
    """Tell whether the account is the audit administrator (安全审计员)."""
    return Group(Scope.ADMIN, Role.AUDIT) in parse_groups(actor.groups)


def is_coordinator(actor: Actor) -> bool:
    """Tell whether the account is the coordinator of the city's lead unit."""
    return Group(Scope.CITY, Role.COORDINATOR) in parse_groups(actor.groups)


def _covers(group: Group, actor: Actor, case: Case) -> bool:
    match group.scope:
        case Scope.AREA:
            return group.area == case.area and group.unit in (None, case.review_unit)
        case Scope.CITY if group.role is Role.COORDINATOR:
            return True
        case Scope.CITY if group.role is Role.SUPERVISOR:
            overseen = case.supervised_by_city_unit and group.unit == case.city_unit
            return overseen or case.item_code in actor.supervised_items
        case Scope.CITY:
            return group.unit == case.city_unit
    return False
