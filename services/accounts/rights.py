"""Who may do what with cases, by role and area and unit.

Pure predicates over an actor's groups; the only one evaluated by the database is ``visible_cases``, a condition
for queries equivalent to ``may_read_case``.
"""

from collections.abc import Iterable
from typing import Final

from sqlalchemy import ColumnElement, and_, false, or_, true
from sqlmodel import col

from models.case import Case
from models.catalogue import Mode
from models.group import Group, Role, Scope, parse_groups
from services.accounts.actors import Actor
from services.accounts.membership import is_staff
from services.errors import Forbidden

_EXAMINING: Final = frozenset({Role.REVIEWER, Role.CHIEF, Role.APPROVER})
_PRESIDING: Final = frozenset({Role.REVIEWER, Role.APPROVER, Role.CHIEF, Role.ADVISOR})


def works_on_cases(actor: Actor) -> bool:
    """Tell whether the account works on cases at all; an administrator does not."""
    return is_staff(actor)


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


def may_handle(actor: Actor, case: Case) -> bool:
    """Tell whether the account examines or decides the case at the stage where it stands."""
    stage = _stage_of(case)
    return any(
        group.role in _EXAMINING and group.scope is stage and _covers(group, actor, case)
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


def may_preside(groups: Iterable[str]) -> bool:
    """Tell whether a member of ``groups`` may be named to preside over a hearing (听证主持人)."""
    return any(group.role in _PRESIDING for group in parse_groups(groups))


def require_work_on_cases(actor: Actor) -> None:
    """Raise ``Forbidden`` for an administrator, who does not work on cases and delegated powers."""
    if not works_on_cases(actor):
        raise Forbidden("只有市、县工作人员可以查看", "Only staff of the city and its counties may look")


def require_window_account(actor: Actor) -> None:
    """Raise ``Forbidden`` unless the account works at some area's window."""
    if not is_window_account(actor):
        raise Forbidden("只有综合窗口可以接件", "Only a window account may submit")


def require_submit(actor: Actor, area: str) -> None:
    """Raise ``Forbidden`` unless the actor works at the area's window."""
    if not may_submit(actor, area):
        raise Forbidden("只有本县区综合窗口可以接件", "Only the area's window may submit")


def require_act_for_applicant(actor: Actor, case: Case) -> None:
    """Raise ``Forbidden`` unless the account may act on what the applicant brings to the window of the case's area."""
    if not may_submit(actor, case.area):
        raise Forbidden("只有本县区综合窗口可以办理", "Only the area's window may do this")


def require_read_case(actor: Actor, case: Case) -> None:
    """Raise ``Forbidden`` unless the account may read the case."""
    if not may_read_case(actor, case):
        raise Forbidden("该办件不在您的职责范围内", "The case is not yours to read")


def require_handle(actor: Actor, case: Case) -> None:
    """Raise ``Forbidden`` unless the account may begin and end special procedures (特别程序) of the case now."""
    if not may_handle(actor, case):
        raise Forbidden(
            "只有办件当前所在层级的承办或审批人员可以办理特别程序",
            "Only those handling the case at its present stage may do this",
        )


def require_extend(actor: Actor, case: Case) -> None:
    """Raise ``Forbidden`` unless the account may extend the case's limit (延期): who decides the case approves it."""
    if not may_approve(actor, case):
        raise Forbidden("延期须由有权作出决定的审批人批准", "Only the deciding approver may extend")


def require_revoke(actor: Actor, case: Case) -> None:
    """Raise ``Forbidden`` unless the account may revoke (撤销) what the case granted: who would decide such a case."""
    if not may_approve(actor, case):
        raise Forbidden("撤销须由有权作出决定的审批人办理", "Only the deciding approver may revoke")


def require_read_notification(actor: Actor, to_group: str) -> None:
    """Raise ``Forbidden`` unless the account is a member of the group a notification (提醒) went to."""
    if not actor.acts_for((to_group,)):
        raise Forbidden("这条提醒不是发给您的", "The notification is not yours")


def _stage_of(case: Case) -> Scope:
    """Return where the case is examined now: a ``substantive`` one first in its county, from its dossier on the city.

    A ``window`` case, and one a recall took over, is the city's alone, a ``direct`` one the county's.
    """
    match case.handled_as:
        case Mode.WINDOW:
            return Scope.CITY
        case Mode.SUBSTANTIVE if case.level == 1:
            return Scope.CITY
    return Scope.AREA


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
