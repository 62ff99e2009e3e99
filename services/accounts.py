"""Accounts: sign in, know who a token belongs to, sign out, and create accounts.

Everything here lives by the machine's clock, never by the controlled one. Passwords are Argon2id with the parameters
of RFC 9106's low-memory profile. A token is 256 random bits and stored as its SHA-256 digest.
"""

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from threading import BoundedSemaphore
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.profiles import RFC_9106_LOW_MEMORY
from sqlalchemy import bindparam, delete, func, or_, sql
from sqlmodel import Session, col, select

from models.account import AccessToken, Account, Membership
from models.catalogue import Area, CountyUnit, Responsibility, SupervisorLevel, Unit
from services import audit
from services.clock import machine_now, product_now
from services.errors import Conflict, FieldProblem, InvalidInput, SetupError, Unauthenticated
from settings import get_settings

ATTEMPTS_BEFORE_LOCK: Final = 5
LOCK_DURATION: Final = timedelta(minutes=15)
TOKEN_BYTES: Final = 32
USERNAME_LENGTH: Final = 64
PASSWORD_LENGTH: Final = 256
MINIMUM_PASSWORD_LENGTH: Final = 10
DEMO_PASSWORD: Final = "tongquan-demo"  # noqa: S105  # Published; `seed_demo_accounts` refuses production.

ADMINISTRATOR_GROUPS: Final = frozenset({"admin.system", "admin.security", "admin.audit"})

_hashing_slots = BoundedSemaphore(4)
"""Each Argon2 run takes 64 MiB: a flood of sign-ins waits here instead of exhausting the memory."""


class BadCredentials(Unauthenticated):
    """The name or password is wrong, or the account is locked or inactive; which one is not told."""

    code = "bad_credentials"
    title, title_en = "用户名或密码错误，或账号已被锁定", "Wrong user name or password, or the account is locked"


class AdministratorsExclusive(Conflict):
    """An administrator may hold no other role (三员分立)."""

    code = "administrators_exclusive"
    title, title_en = "三员分立：管理员不得兼任其他角色", "An administrator may hold no other role"


class AccountExists(Conflict):
    """The user name is taken."""

    code = "account_exists"
    title, title_en = "用户名已存在", "The user name is taken"


@dataclass(frozen=True)
class Actor:
    """Who acts: an account, the groups it is a member of, and what it supervises.

    ``supervised_items`` are the items whose city supervisor, by the responsibility matrix of the day, is one of the
    account's units; it is empty for everyone but city supervisors.
    """

    username: str
    display_name: str
    groups: frozenset[str]
    supervised_items: frozenset[str] = frozenset()

    def acts_for(self, groups: Iterable[str]) -> bool:
        """Tell whether the account is a member of one of ``groups``."""
        return not self.groups.isdisjoint(groups)


@dataclass(frozen=True)
class SignIn:
    """A session: the token for the client, the secret of its forms, its end, and whose it is."""

    token: str
    csrf: str
    expires_at: datetime
    actor: Actor


def sign_in(session: Session, username: str, password: str, now: datetime) -> SignIn:
    """Open a session for the account, or raise ``BadCredentials``.

    Five failures in a row lock the account for fifteen minutes. The answer and the work are the same for an unknown
    name, a wrong password and a locked account. Call it first in a transaction: the password is checked on a
    connection of its own, so that SQLite's write lock is not held while Argon2 runs, and a failure is committed here,
    for the error that follows rolls the caller's transaction back.
    """
    with Session(session.get_bind().execution_options(writing=False)) as reader:
        known = reader.get(Account, username)
        stored = known.password_hash if known is not None else None
    correct = _verify(stored, password)
    account = session.get(Account, username, populate_existing=True, with_for_update=True)
    if account is None:
        raise BadCredentials
    locked = account.locked_until is not None and now < account.locked_until
    if locked or not account.active or not correct or account.password_hash != stored:
        if not locked and not correct:
            _count_failure(account, now)
            session.add(account)
            detail = {"failed_attempts": account.failed_attempts}
            audit.record(session, username, "session.refuse", username, detail, now)
            session.commit()
        raise BadCredentials
    account.failed_attempts, account.locked_until = 0, None
    if _hasher().check_needs_rehash(account.password_hash):
        account.password_hash = hash_password(password)
    session.add(account)
    session.exec(delete(AccessToken).where(col(AccessToken.username) == username, col(AccessToken.expires_at) <= now))
    token, csrf = secrets.token_urlsafe(TOKEN_BYTES), secrets.token_urlsafe(TOKEN_BYTES)
    expires_at = now + timedelta(hours=get_settings().session_hours)
    session.add(AccessToken(digest=_digest(token), username=username, csrf=csrf, created_at=now, expires_at=expires_at))
    session.flush()
    audit.record(session, username, "session.open", username, {}, now)
    return SignIn(token, csrf, expires_at, _actor(session, username, account.display_name))


def authenticate(session: Session, token: str) -> Actor:
    """Return whose token it is; raise ``Unauthenticated`` when it is unknown, expired or its account inactive."""
    return resume(session, token).actor


_RESUMED = (
    sql.select(
        col(AccessToken.csrf),
        col(AccessToken.expires_at),
        col(Account.username),
        col(Account.display_name),
        col(Account.active),
        col(Membership.group_name),
    )
    .join(Account, col(Account.username) == col(AccessToken.username))
    .join(Membership, col(Membership.username) == col(Account.username), isouter=True)
    .where(col(AccessToken.digest) == bindparam("digest"))
)


def resume(session: Session, token: str) -> SignIn:
    """Return the session a token belongs to, with the secret of its forms (CSRF), as ``authenticate`` does."""
    rows = session.connection().execute(_RESUMED, {"digest": _digest(token)}).all()
    if not rows or not rows[0].active or rows[0].expires_at <= machine_now():
        raise Unauthenticated
    found = rows[0]
    groups = frozenset(row.group_name for row in rows if row.group_name is not None)
    actor = Actor(found.username, found.display_name, groups, _supervised_items(session, groups))
    return SignIn(token, found.csrf, found.expires_at, actor)


def sign_out(session: Session, token: str) -> None:
    """End the session of a token; an unknown one is ignored."""
    session.exec(delete(AccessToken).where(col(AccessToken.digest) == _digest(token)))


def groups_of(session: Session, username: str) -> list[str]:
    """Return the groups of an active account in the order of their names; none for an unknown one."""
    return list(
        session.exec(
            select(Membership.group_name)
            .join(Account, col(Account.username) == col(Membership.username))
            .where(Membership.username == username, col(Account.active))
            .order_by(Membership.group_name)
        ).all()
    )


def members_of(session: Session, groups: Iterable[str]) -> list[Account]:
    """Return the active accounts that are members of one of ``groups``, by user name."""
    return list(
        session.exec(
            select(Account)
            .where(
                col(Account.active),
                col(Account.username).in_(
                    select(Membership.username).where(col(Membership.group_name).in_(sorted(set(groups))))
                ),
            )
            .order_by(Account.username)
        ).all()
    )


def create_account(session: Session, username: str, display_name: str, password: str, groups: Iterable[str]) -> Account:
    """Create an account with its groups.

    Raises ``InvalidInput`` for a bad name or a short password, ``AccountExists`` for a taken name and
    ``AdministratorsExclusive`` for an administrator with any other role.
    """
    members = frozenset(groups)
    problems = []
    if not 0 < len(username) <= USERNAME_LENGTH:
        problems.append(FieldProblem("username", f"长度应为 1 至 {USERNAME_LENGTH} 个字符"))
    if not MINIMUM_PASSWORD_LENGTH <= len(password) <= PASSWORD_LENGTH:
        problems.append(FieldProblem("password", f"长度应为 {MINIMUM_PASSWORD_LENGTH} 至 {PASSWORD_LENGTH} 个字符"))
    if problems:
        raise InvalidInput(problems)
    require_exclusive_administrators(members)
    if session.get(Account, username) is not None:
        raise AccountExists
    return _add(session, username, display_name, hash_password(password), members)


def require_exclusive_administrators(groups: Iterable[str]) -> None:
    """Raise ``AdministratorsExclusive`` when ``groups`` pair an administrator's role with any other role."""
    held = frozenset(groups)
    if held & ADMINISTRATOR_GROUPS and len(held) > 1:
        raise AdministratorsExclusive(
            f"三员分立：{'、'.join(sorted(held & ADMINISTRATOR_GROUPS))} 不得与其他角色由同一账号担任"
        )


def hash_password(password: str) -> str:
    """Return the Argon2id hash of a password with a fresh salt."""
    with _hashing_slots:
        return _hasher().hash(password)


def seed_demo_accounts(
    session: Session, areas: Iterable[Area], county_units: Iterable[CountyUnit], city_units: Iterable[Unit]
) -> int:
    """Create the demonstration accounts that are missing and return how many were created; development only.

    Each is named like the one candidate group it belongs to. All share one hash of the published password, for two
    hundred Argon2 runs would hold up every first start by half a minute and protect nothing.
    """
    if not get_settings().development:
        raise SetupError("演示账号只能在开发环境中创建", "Demonstration accounts exist in development only")
    present = set(session.exec(select(Account.username)).all())
    missing = {
        name: label for name, label in _demo_accounts(areas, county_units, city_units).items() if name not in present
    }
    if missing:
        shared_hash = hash_password(DEMO_PASSWORD)
        for name, label in missing.items():
            _add(session, name, label, shared_hash, frozenset({name}))
    return len(missing)


_AREA_ROLES: Final = {
    "window": "综合窗口",
    "reviewer": "承办人",
    "chief": "首席代表",
    "approver": "审批人",
    "supervisor": "监管人员",
}
_CITY_ROLES: Final = {
    "reviewer": "承办人",
    "approver": "审批人",
    "supervisor": "监管人员",
    "advisor": "业务指导员",
}
_CITY_WIDE: Final = {
    "city.coordinator": "市级统筹协调员",
    "admin.system": "系统管理员",
    "admin.security": "安全保密管理员",
    "admin.audit": "安全审计员",
}


def _demo_accounts(
    areas: Iterable[Area], county_units: Iterable[CountyUnit], city_units: Iterable[Unit]
) -> dict[str, str]:
    names = dict(_CITY_WIDE)
    for area in areas:
        names.update({f"{area.code}.{role}": f"{area.name}{label}" for role, label in _AREA_ROLES.items()})
    for unit in county_units:
        names.setdefault(unit.reviewer_group, f"{unit.name}{_AREA_ROLES['reviewer']}")
    for city_unit in city_units:
        roles = _CITY_ROLES if city_unit.deciding else {"supervisor": _CITY_ROLES["supervisor"]}
        names.update({f"city.{city_unit.code}.{role}": f"{city_unit.name}{roles[role]}" for role in roles})
    return names


def _add(session: Session, username: str, display_name: str, password_hash: str, groups: frozenset[str]) -> Account:
    account = Account(username=username, display_name=display_name, password_hash=password_hash)
    session.add(account)
    session.flush()
    session.add_all(Membership(username=username, group_name=group) for group in sorted(groups))
    session.flush()
    return account


def _actor(session: Session, username: str, display_name: str) -> Actor:
    groups = frozenset(groups_of(session, username))
    return Actor(username, display_name, groups, _supervised_items(session, groups))


def _supervised_items(session: Session, groups: frozenset[str]) -> frozenset[str]:
    parts = [group.split(".") for group in groups]
    units = [part[1] for part in parts if len(part) == 3 and part[0] == "city" and part[2] == "supervisor"]
    if not units:
        return frozenset()
    today: date = product_now(session).date()
    current = (
        select(Responsibility.item, func.max(Responsibility.version).label("version"))
        .where(
            or_(col(Responsibility.in_force_from).is_(None), col(Responsibility.in_force_from) <= today),
            or_(col(Responsibility.in_force_to).is_(None), col(Responsibility.in_force_to) >= today),
        )
        .group_by(Responsibility.item)
        .subquery()
    )
    return frozenset(
        session.exec(
            select(Responsibility.item)
            .join(
                current,
                (col(Responsibility.item) == current.c.item) & (col(Responsibility.version) == current.c.version),
            )
            .where(Responsibility.level == SupervisorLevel.CITY, col(Responsibility.supervisor_unit).in_(units))
        ).all()
    )


def _count_failure(account: Account, now: datetime) -> None:
    if account.locked_until is not None:
        account.failed_attempts, account.locked_until = 0, None
    account.failed_attempts += 1
    if account.failed_attempts >= ATTEMPTS_BEFORE_LOCK:
        account.locked_until = now + LOCK_DURATION


def _verify(stored: str | None, password: str) -> bool:
    with _hashing_slots:
        try:
            _hasher().verify(stored or _decoy_hash(), password)
        except (VerificationError, InvalidHashError):
            return False
    return stored is not None


@lru_cache(maxsize=1)
def _hasher() -> PasswordHasher:
    return PasswordHasher.from_parameters(RFC_9106_LOW_MEMORY)


@lru_cache(maxsize=1)
def _decoy_hash() -> str:
    return _hasher().hash(secrets.token_urlsafe(TOKEN_BYTES))


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
