"""Posts granted and revoked (岗位授权), by the security administrator, who also ends other people's sessions."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import delete
from sqlmodel import Session, col

from models.account import Membership
from services.accounts import posts, system_rights
from services.accounts.actors import Actor
from services.accounts.administration import (
    AccountView,
    OwnAccount,
    end_sessions,
    get_for_update,
    groups_held,
    require_another_holder,
    view_of,
)
from services.accounts.registration import ADMINISTRATOR_GROUPS, require_exclusive_administrators
from services.clock import machine_now
from services.errors import FieldProblem, InvalidInput
from services.journal import audit

REASON_LENGTH: Final = 500
MOST_GROUPS: Final = 50


def set_memberships(session: Session, actor: Actor, username: str, groups: Sequence[str], reason: str) -> AccountView:
    """Give an account exactly these posts, for a reason, and return it; they take effect with its next request.

    Raises ``NotFound``; ``OwnAccount`` for one's own; ``InvalidInput`` for a post that no area, unit or office of the
    catalogue has; ``SeparationOfDuties`` and ``AdministratorsExclusive`` (三员分立); ``LastAdministrator``.
    """
    system_rights.require_manage_memberships(actor)
    found = get_for_update(session, username)
    if username == actor.username:
        raise OwnAccount
    wanted, held = frozenset(groups), frozenset(groups_held(session, username))
    problems = _problems(session, wanted, reason)
    if problems:
        raise InvalidInput(problems)
    require_exclusive_administrators(wanted)
    added, removed = sorted(wanted - held), sorted(held - wanted)
    if found.active:
        for office in sorted(ADMINISTRATOR_GROUPS.intersection(removed)):
            require_another_holder(session, office, username)
    if added or removed:
        own = col(Membership.username) == username
        session.exec(delete(Membership).where(own, col(Membership.group_name).in_(removed)))
        session.add_all(Membership(username=username, group_name=group) for group in added)
        session.flush()
        detail = {"added": added, "removed": removed, "reason": reason.strip()}
        audit.append(session, actor.username, "account.memberships", username, detail, machine_now())
    return view_of(session, found)


def end_sessions_of(session: Session, actor: Actor, username: str) -> int:
    """End every session of an account and return how many there were; raise ``NotFound``."""
    system_rights.require_manage_memberships(actor)
    ended = end_sessions(session, get_for_update(session, username).username)
    audit.append(session, actor.username, "account.end_sessions", username, {"sessions": ended}, machine_now())
    return ended


def _problems(session: Session, wanted: frozenset[str], reason: str) -> list[FieldProblem]:
    problems = []
    if unknown := sorted(wanted - posts.every_post(session).keys()):
        problems.append(FieldProblem("groups", f"没有这个岗位：{'、'.join(unknown)}"))
    if not 0 < len(reason.strip()) <= REASON_LENGTH:
        problems.append(FieldProblem("reason", f"长度应为 1 至 {REASON_LENGTH} 个字符"))
    return problems
