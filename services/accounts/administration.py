"""Accounts as the system administrator keeps them: listed, opened, disabled, enabled, given another password.

Which posts an account has is the security administrator's (``memberships``). Nobody knows another person's own
password: one made here is shown once, and must be changed before anything else is done.
"""

import re
from collections.abc import Sequence
from enum import StrEnum
from typing import Final

from pydantic import BaseModel
from sqlalchemy import delete, or_
from sqlmodel import Session, col, select

from models.account import AccessToken, Account, Membership
from models.group import SYSTEM_ADMINISTRATOR, Group
from models.identity import masked
from services import locks
from services.accounts import registration, system_rights
from services.accounts.actors import Actor
from services.accounts.password_policy import one_time_password, set_password
from services.accounts.passwords import hash_password
from services.clock import machine_now
from services.errors import Conflict, FieldProblem, InvalidInput, NotFound
from services.journal import audit
from services.paging import Order, Page, read

NAME_LENGTH: Final = 100
PHONE: Final = re.compile(r"\+?[0-9][0-9 -]{4,18}")
ADMINISTRATORS_LOCK: Final = "administrators"
"""The advisory lock under which the remaining holders of an administrator's office are counted."""


class AccountState(StrEnum):
    """Which accounts a list shows."""

    ACTIVE = "active"
    DISABLED = "disabled"


class AccountView(BaseModel):
    """An account as administrators see it, the phone masked."""

    username: str
    name: str
    phone: str
    active: bool
    password_change_required: bool
    groups: list[str]


class NewPasswordView(AccountView):
    """An account with the one-time password made for it, which is shown only this once."""

    initial_password: str


class UnknownAccount(NotFound):
    """Nobody has the user name."""

    title, title_en = "没有这个账号", "No such account"


class OwnAccount(Conflict):
    """Nobody may do this to their own account."""

    code, title, title_en = "own_account", "不能对自己的账号进行此操作", "Not on one's own account"


class LastAdministrator(Conflict):
    """The office would be left without anybody who can sign in."""

    code = "last_administrator"
    title, title_en = "该管理员岗位只剩这一个可用账号", "This is the last active holder of the administrator's office"


def accounts(
    session: Session,
    actor: Actor,
    *,
    q: str | None = None,
    group: str | None = None,
    state: AccountState | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[AccountView]:
    """Return a page of the accounts by user name; ``q`` is part of a name, ``group`` a post's group."""
    system_rights.require_list_accounts(actor)
    query = select(Account)
    if q:
        query = query.where(
            or_(*(col(c).contains(q, autoescape=True) for c in (Account.username, Account.display_name)))
        )
    if group is not None:
        members = select(Membership.username).where(Membership.group_name == group)
        query = query.where(col(Account.username).in_(members))
    if state is not None:
        query = query.where(col(Account.active).is_(state is AccountState.ACTIVE))
    found = read(session, query, Order(Account.username), cursor, limit)
    held = _groups(session, [one.username for one in found.rows])
    return found.page(lambda one: _view(one, held.get(one.username, [])))


def account(session: Session, actor: Actor, username: str) -> AccountView:
    """Return one account; raise ``NotFound``."""
    system_rights.require_list_accounts(actor)
    found = session.get(Account, username)
    if found is None:
        raise UnknownAccount
    return view_of(session, found)


def open_account(session: Session, actor: Actor, username: str, name: str, phone: str = "") -> NewPasswordView:
    """Open an account for a person, without any post, and return its one-time password.

    Raises ``InvalidInput`` and ``AccountExists``. A name like a group's is refused: pages would show the person as
    the holder of that post.
    """
    system_rights.require_manage_accounts(actor)
    problems = [*registration.username_problems(username), *_named_like_a_post(username)]
    if not 0 < len(name) <= NAME_LENGTH or not name.isprintable():
        problems.append(FieldProblem("name", f"长度应为 1 至 {NAME_LENGTH} 个字符"))
    if phone and PHONE.fullmatch(phone) is None:
        problems.append(FieldProblem("phone", "应为电话号码"))
    if problems:
        raise InvalidInput(problems)
    password = one_time_password()
    password_hash = hash_password(password)
    registration.require_new(session, username)
    made = registration.add(session, username, name, password_hash, frozenset(), phone=phone, one_time=True)
    audit.append(session, actor.username, "account.create", username, {"groups": []}, machine_now())
    return NewPasswordView(**_view(made, []).model_dump(), initial_password=password)


def disable(session: Session, actor: Actor, username: str) -> AccountView:
    """Disable an account and end its sessions; a disabled one stays as it is.

    Raises ``NotFound``, ``OwnAccount`` and ``LastAdministrator``.
    """
    system_rights.require_manage_accounts(actor)
    found = _another(session, actor, username)
    if found.active:
        for office in sorted(registration.ADMINISTRATOR_GROUPS.intersection(groups_held(session, username))):
            require_another_holder(session, office, username)
        found.active = False
        session.add(found)
        ended = end_sessions(session, username)
        audit.append(session, actor.username, "account.disable", username, {"sessions": ended}, machine_now())
    return view_of(session, found)


def enable(session: Session, actor: Actor, username: str) -> AccountView:
    """Enable a disabled account, with the posts it had; an enabled one stays as it is."""
    system_rights.require_manage_accounts(actor)
    found = _another(session, actor, username)
    if not found.active:
        found.active = True
        session.add(found)
        audit.append(session, actor.username, "account.enable", username, {}, machine_now())
    return view_of(session, found)


def reset_password(session: Session, actor: Actor, username: str) -> NewPasswordView:
    """Give an account a one-time password, end its sessions and its lock, and return the password.

    Raises ``NotFound``, ``OwnAccount``, and ``SeparationOfDuties`` for the other administrators' accounts: whoever
    knows their password holds their office. Theirs are reset on the machine (``deploy.reset_password``).
    """
    system_rights.require_manage_accounts(actor)
    password = one_time_password()
    password_hash = hash_password(password)
    found = _another(session, actor, username)
    if not resettable(groups_held(session, username)):
        raise registration.SeparationOfDuties(
            "三员分立：系统管理员不得重置安全保密管理员和安全审计员的密码，请在服务器上重置",
            "The system administrator may not reset another administrator's password; reset it on the server",
        )
    replace_password(session, found, password_hash, actor.username)
    return NewPasswordView(**view_of(session, found).model_dump(), initial_password=password)


def resettable(groups: Sequence[str]) -> bool:
    """Tell whether the system administrator resets the password of an account with these groups."""
    return not registration.ADMINISTRATOR_GROUPS.intersection(groups) - {SYSTEM_ADMINISTRATOR.name}


def replace_password(session: Session, found: Account, password_hash: str, by: str) -> None:
    """Replace an account's password by a one-time one, end its sessions, and record it in the audit trail."""
    set_password(found, password_hash, one_time=True, at=machine_now())
    session.add(found)
    ended = end_sessions(session, found.username)
    audit.append(session, by, "account.reset_password", found.username, {"sessions": ended}, machine_now())


def get_for_update(session: Session, username: str) -> Account:
    """Return an account as it is now; raise ``UnknownAccount``."""
    found = locks.find_for_update(session, Account, username)
    if found is None:
        raise UnknownAccount
    return found


def view_of(session: Session, found: Account) -> AccountView:
    """Return an account as administrators see it."""
    return _view(found, groups_held(session, found.username))


def groups_held(session: Session, username: str) -> list[str]:
    """Return the groups of an account, active or not, in the order of their names."""
    return _groups(session, [username]).get(username, [])


def end_sessions(session: Session, username: str) -> int:
    """End every session of an account and return how many there were."""
    return session.exec(delete(AccessToken).where(col(AccessToken.username) == username)).rowcount


def require_another_holder(session: Session, office: str, username: str) -> None:
    """Raise ``LastAdministrator`` unless another active account holds an administrator's office."""
    locks.acquire(session, ADMINISTRATORS_LOCK)
    others = (
        select(Account.username)
        .join(Membership, col(Membership.username) == Account.username)
        .where(Membership.group_name == office, col(Account.active), Account.username != username)
        .limit(1)
    )
    if session.exec(others).first() is None:
        raise LastAdministrator


def _another(session: Session, actor: Actor, username: str) -> Account:
    found = get_for_update(session, username)
    if username == actor.username:
        raise OwnAccount
    return found


def _groups(session: Session, usernames: Sequence[str]) -> dict[str, list[str]]:
    held: dict[str, list[str]] = {}
    query = select(Membership).where(col(Membership.username).in_(usernames)).order_by(col(Membership.group_name))
    for one in session.exec(query).all():
        held.setdefault(one.username, []).append(one.group_name)
    return held


def _named_like_a_post(username: str) -> list[FieldProblem]:
    return [FieldProblem("username", "不能与岗位账号组同名")] if Group.is_name(username) else []


def _view(found: Account, groups: list[str]) -> AccountView:
    return AccountView(
        username=found.username,
        name=found.display_name,
        phone=masked(found.phone),
        active=found.active,
        password_change_required=found.password_one_time,
        groups=groups,
    )
