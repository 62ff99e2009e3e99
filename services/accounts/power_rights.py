"""Who may act on delegated powers: agreements, filings, recalls, unit transfers, and the ledger of all of it.

Pure predicates over an actor's groups and plain codes; the ``visible_`` ones are conditions for queries equivalent to
the predicate they name.
"""

from typing import Final

from sqlalchemy import ColumnElement, or_
from sqlmodel import col

from models.agreement import Side
from models.filing import Filing
from models.group import Role, parse_groups
from models.power_event import PowerEvent, PowerSubject
from services.accounts import membership
from services.accounts.actors import Actor
from services.errors import Forbidden

BETWEEN_TWO: Final = (PowerSubject.FILING, PowerSubject.CONSULTATION)
"""Subjects that concern only one county and one city unit."""


def visible_events(actor: Actor) -> ColumnElement[bool]:
    """Return the condition on ``PowerEvent`` for what the account may read: what concerns it, and all that is not
    confidential to one county and one city unit.
    """
    own = membership.concerning(actor, PowerEvent.area, PowerEvent.unit)
    return or_(col(PowerEvent.subject).not_in(BETWEEN_TWO), own)


def may_draft_agreement(actor: Actor, area: str, unit: str) -> bool:
    """Tell whether the account may draft an agreement between an area and a city unit: either side, or the
    coordinator.
    """
    return membership.directs_unit(actor, unit) or signs_for_area(actor, area)


def may_draft_agreements(actor: Actor) -> bool:
    """Tell whether the account may draft an agreement for somebody."""
    return membership.is_coordinator(actor) or any(group.role is Role.APPROVER for group in parse_groups(actor.groups))


def signs_for_unit(actor: Actor, unit: str) -> bool:
    """Tell whether the account signs agreements for a city unit."""
    return membership.acts_in_unit(actor, unit, Role.APPROVER)


def signs_for_area(actor: Actor, area: str) -> bool:
    """Tell whether the account signs agreements for an area."""
    return membership.acts_in_area(actor, area, Role.APPROVER)


def sides_of(actor: Actor, area: str, unit: str) -> list[Side]:
    """Return the sides of an agreement between an area and a city unit that the account signs for."""
    signing = ((Side.CITY, signs_for_unit(actor, unit)), (Side.COUNTY, signs_for_area(actor, area)))
    return [side for side, signs in signing if signs]


def may_change_agreement(actor: Actor, unit: str) -> bool:
    """Tell whether the account suspends, resumes and ends the agreements of a city unit."""
    return membership.directs_unit(actor, unit)


def may_handle_filing(actor: Actor, unit: str) -> bool:
    """Tell whether the account acknowledges, questions and reviews filings with a city unit."""
    return membership.acts_in_unit(actor, unit, Role.REVIEWER, Role.APPROVER)


def may_answer_filing(actor: Actor, area: str) -> bool:
    """Tell whether the account answers questions about an area's filings."""
    return membership.acts_in_area(actor, area, Role.REVIEWER, Role.CHIEF, Role.APPROVER)


def may_read_filing(actor: Actor, area: str, unit: str) -> bool:
    """Tell whether the account may read a filing of an area with a city unit."""
    return membership.is_concerned(actor, area, unit)


def visible_filings(actor: Actor) -> ColumnElement[bool]:
    """Return the condition on ``Filing`` equivalent to ``may_read_filing``."""
    return membership.concerning(actor, Filing.area, Filing.unit)


def may_propose_recall(actor: Actor, unit: str) -> bool:
    """Tell whether the account may propose to recall what a city unit has delegated."""
    officers = (Role.REVIEWER, Role.APPROVER, Role.SUPERVISOR)
    return membership.is_coordinator(actor) or membership.acts_in_unit(actor, unit, *officers)


def may_state_opinion(actor: Actor, area: str) -> bool:
    """Tell whether the account states the county's view on a recall (陈述意见)."""
    return membership.acts_in_area(actor, area, Role.APPROVER, Role.CHIEF)


def may_decide_recall(actor: Actor, unit: str) -> bool:
    """Tell whether the account decides on recalls of what a city unit has delegated, and on their end."""
    return membership.directs_unit(actor, unit)


def may_see_recalled_cases(actor: Actor, area: str, unit: str) -> bool:
    """Tell whether the account may see which cases a recall between an area and a city unit affects."""
    return membership.is_concerned(actor, area, unit)


def may_transfer(actor: Actor, area: str) -> bool:
    """Tell whether the account decides on transfers between an area's units (二次划转)."""
    return membership.is_coordinator(actor) or membership.acts_in_area(actor, area, Role.APPROVER)


def may_preview_transfer(actor: Actor, area: str) -> bool:
    """Tell whether the account may see what a transfer between an area's units would do to its cases."""
    return membership.is_coordinator(actor) or area in membership.areas_of(actor)


def may_manage_units(actor: Actor, area: str) -> bool:
    """Tell whether the account adds, renames and ends an area's units: whoever decides on transfers between them."""
    return may_transfer(actor, area)


def require_draft_agreement(actor: Actor, area: str, unit: str) -> None:
    """Raise ``Forbidden`` unless the account may draft an agreement between the two."""
    if not may_draft_agreement(actor, area, unit):
        raise Forbidden("只有签约双方和统筹单位可以起草协议", "Only the two sides or the coordinator may draft")


def require_signatory(actor: Actor, area: str, unit: str, side: Side | None = None) -> None:
    """Raise ``Forbidden`` unless the account signs for ``side``, or for one of the two where none is named."""
    signing = sides_of(actor, area, unit)
    if not signing:
        raise Forbidden("只有签约双方的审批负责人可以签署", "Only the two sides' approvers may sign")
    if side is not None and side not in signing:
        raise Forbidden(f"您不代表{side.label}签署", "You do not sign for this side")


def require_change_agreement(actor: Actor, unit: str) -> None:
    """Raise ``Forbidden`` unless the account may suspend, resume and end the agreements of ``unit``."""
    if not may_change_agreement(actor, unit):
        raise Forbidden("只有市级签约单位或统筹单位可以操作", "Only the city unit or the coordinator may do this")


def require_read_filing(actor: Actor, area: str, unit: str) -> None:
    """Raise ``Forbidden`` unless the account may read the filing."""
    if not may_read_filing(actor, area, unit):
        raise Forbidden("该报备件不在您的职责范围内", "The filing is not yours to read")


def require_handle_filing(actor: Actor, unit: str) -> None:
    """Raise ``Forbidden`` unless the account acts on filings for the city unit."""
    if not may_handle_filing(actor, unit):
        raise Forbidden("只有接受报备的市级单位可以操作", "Only the city unit the decision is filed with may do this")


def require_answer_filing(actor: Actor, area: str) -> None:
    """Raise ``Forbidden`` unless the account answers for the county that decided."""
    if not may_answer_filing(actor, area):
        raise Forbidden("只有作出决定的县（市、区）可以答复", "Only the deciding county may answer")


def require_propose_recall(actor: Actor, unit: str) -> None:
    """Raise ``Forbidden`` unless the account may propose a recall."""
    if not may_propose_recall(actor, unit):
        raise Forbidden("只有市级单位或统筹单位可以提出收回", "Only the city unit or the coordinator may propose")


def require_state_opinion(actor: Actor, area: str) -> None:
    """Raise ``Forbidden`` unless the account states the county's view."""
    if not may_state_opinion(actor, area):
        raise Forbidden("只有相关县（市、区）可以陈述意见", "Only the county concerned may state its view")


def require_decide_recall(actor: Actor, unit: str) -> None:
    """Raise ``Forbidden`` unless the account decides on recalls."""
    if not may_decide_recall(actor, unit):
        raise Forbidden(
            "只有统筹单位或市级单位审批负责人可以决定", "Only the coordinator or the unit's approver may decide"
        )


def require_see_recalled_cases(actor: Actor, area: str, unit: str) -> None:
    """Raise ``Forbidden`` unless the account may see the cases a recall affects."""
    if not may_see_recalled_cases(actor, area, unit):
        raise Forbidden("只有相关单位可以预览", "Only those concerned may look")


def require_transfer(actor: Actor, area: str) -> None:
    """Raise ``Forbidden`` unless the account decides on transfers in the area."""
    if not may_transfer(actor, area):
        raise Forbidden(
            "只有本县（市、区）审批负责人或统筹单位可以划转", "Only the county's approver or the coordinator"
        )


def require_manage_units(actor: Actor, area: str) -> None:
    """Raise ``Forbidden`` unless the account adds, renames and ends the area's units."""
    if not may_manage_units(actor, area):
        raise Forbidden(
            "只有本县（市、区）审批负责人或统筹单位可以变更县级部门", "Only the county's approver or the coordinator"
        )


def require_preview_transfer(actor: Actor, area: str) -> None:
    """Raise ``Forbidden`` unless the account may preview a transfer in the area."""
    if not may_preview_transfer(actor, area):
        raise Forbidden("只有本县（市、区）或统筹单位可以预览", "Only those concerned may look")
