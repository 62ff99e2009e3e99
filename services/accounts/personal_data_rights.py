"""Who may see the applicant of a case: whoever handles it, and whoever supervises it, for a purpose stated each time.

An advisor and the coordinator have no need to know (个人信息保护法 art. 6: no more than the purpose asks for); for them
the applicant is masked, the papers, which name the applicant, stay closed, and no search matches a name.
"""

from collections.abc import Set
from dataclasses import replace
from typing import Final

from sqlalchemy import ColumnElement

from models.case import Case
from models.group import Role, parse_groups
from services.accounts import rights
from services.accounts.actors import Actor
from services.errors import FieldProblem, Forbidden, InvalidInput

SHORTEST_PURPOSE: Final = 2
LONGEST_PURPOSE: Final = 200

_SUPERVISING: Final = frozenset({Role.SUPERVISOR})


class PurposeRequired(Forbidden):
    """The account supervises the case and does not handle it, so it must state the purpose of reading (查阅事由)."""

    code = "purpose_required"
    title, title_en = "请填写查阅事由", "Say for what purpose you look"


def may_see(actor: Actor, case: Case) -> bool:
    """Tell whether the account may see the applicant without stating a purpose: it handles the case."""
    return rights.may_read_case(_acting_in(actor, Role.handling()), case)


def may_see_for_a_purpose(actor: Actor, case: Case) -> bool:
    """Tell whether the account may see the applicant for a stated purpose: it supervises the case."""
    return rights.may_read_case(_acting_in(actor, _SUPERVISING), case)


def searchable_cases(actor: Actor) -> ColumnElement[bool]:
    """Return the condition on ``Case`` equivalent to ``may_see``: the cases found by their applicant's name."""
    return rights.visible_cases(_acting_in(actor, Role.handling()))


def is_open(actor: Actor, case: Case, purpose: str | None) -> bool:
    """Tell whether the account sees the applicant in the clear, having stated ``purpose`` or none."""
    return may_see(actor, case) or (purpose is not None and may_see_for_a_purpose(actor, case))


def require_open(actor: Actor, case: Case, purpose: str | None) -> None:
    """Raise ``PurposeRequired`` where a purpose would open the papers, ``Forbidden`` where nothing would."""
    if is_open(actor, case, purpose):
        return
    if may_see_for_a_purpose(actor, case):
        raise PurposeRequired
    raise Forbidden(
        "文书和材料载有申请人信息，只有承办和监管人员可以查阅", "Papers and files are for who handles or supervises it"
    )


def stated(purpose: str | None) -> str | None:
    """Return a purpose as it is recorded, None for none; raise ``InvalidInput`` for a meaningless one."""
    if purpose is None or not purpose.strip():
        return None
    given = " ".join(purpose.split())
    if not SHORTEST_PURPOSE <= len(given) <= LONGEST_PURPOSE or not given.isprintable():
        raise InvalidInput([FieldProblem("purpose", f"应为{SHORTEST_PURPOSE}至{LONGEST_PURPOSE}个字符")])
    return given


def _acting_in(actor: Actor, roles: Set[Role]) -> Actor:
    """Return the actor with those of its groups that have one of ``roles``, and what it supervises only if they do."""
    groups = frozenset(group.name for group in parse_groups(actor.groups) if group.role in roles)
    supervised = actor.supervised_items if Role.SUPERVISOR in roles else frozenset[str]()
    return replace(actor, groups=groups, supervised_items=supervised)
