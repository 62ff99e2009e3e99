"""Sign in, authenticate tokens, sign out.

Everything here uses machine time, never the controlled clock. A token is 256 random bits and stored as its
SHA-256 digest.
"""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import bindparam, delete, sql
from sqlmodel import Session, col

from models.account import AccessToken, Account, Membership, SignInMethod
from services.accounts import demo_accounts, passwords, system_rights
from services.accounts.actors import Actor, actor_of, supervised_items
from services.accounts.password_policy import change_is_due
from services.clock import machine_now
from services.errors import Unauthenticated
from services.journal import audit
from settings import get_settings

TOKEN_BYTES: Final = 32


class BadCredentials(Unauthenticated):
    """The name or password is wrong, or the account is inactive; which one is not said."""

    code = "bad_credentials"
    title, title_en = "用户名或密码错误，或账号已停用", "Wrong user name or password, or the account is inactive"


@dataclass(frozen=True)
class SignIn:
    """A session: the token for the client, the secret of its forms, its end, whose it is, and how it was opened.

    ``seen_at`` is the last use on record, ``password_change_due`` means that nothing else may be done with it.
    """

    token: str
    csrf: str
    expires_at: datetime
    actor: Actor
    seen_at: datetime
    password_change_due: bool
    method: SignInMethod


def sign_in(session: Session, username: str, password: str, origin: str, now: datetime) -> SignIn:
    """Open a session for the account, or raise ``BadCredentials``.

    The answer and the work are the same for an unknown name, a wrong password and an inactive account;
    ``services/entrance`` limits how often it may be tried. Call it first in a transaction: the password is checked on a
    connection of its own, so that SQLite's write lock is not held while Argon2 runs, and the audit of a failure is
    committed here, for the error that follows rolls the caller's transaction back.
    """
    with Session(session.get_bind().execution_options(writing=False)) as reader:
        known = reader.get(Account, username)
        stored = known.password_hash if known is not None else None
    correct = _is_right(stored, password)
    renewed = passwords.hash_password(password) if correct and passwords.needs_rehash(stored or "") else None
    account = session.get(Account, username, populate_existing=True, with_for_update=True)
    if account is None:
        raise BadCredentials
    if account.password_hash != stored:
        # Another sign-in has renewed the hash meanwhile, or the password was changed.
        correct, renewed = _is_right(account.password_hash, password), None
    if not account.active or not correct:
        if not correct:
            audit.append(session, username, "session.refuse", username, {"from": origin}, now)
            session.commit()
        raise BadCredentials
    if not system_rights.may_use_password(actor_of(session, username, account.display_name)):
        audit.append(session, username, "session.refuse", username, {"from": origin, "reason": "password_off"}, now)
        session.commit()
        raise BadCredentials
    if renewed is not None:
        account.password_hash = renewed
    session.add(account)
    return open_session(session, account, SignInMethod.PASSWORD, origin, now)


def _is_right(stored: str | None, password: str) -> bool:
    """Tell whether a password opens an account; the published one does in development alone."""
    right = passwords.verify(stored, password)
    return right and (get_settings().development or not demo_accounts.is_published(password))


def open_session(
    session: Session, account: Account, method: SignInMethod, origin: str, now: datetime, **how: str
) -> SignIn:
    """Open a session for an authenticated account; ``how`` is recorded in the audit entry with the address.

    Only a session opened by password requires a due password change first: other sign-in methods do not use it.
    """
    username = account.username
    session.exec(delete(AccessToken).where(col(AccessToken.username) == username, col(AccessToken.expires_at) <= now))
    token, csrf = secrets.token_urlsafe(TOKEN_BYTES), secrets.token_urlsafe(TOKEN_BYTES)
    expires_at = now + get_settings().session_length
    opened = AccessToken(
        digest=digest_of(token),
        username=username,
        csrf=csrf,
        method=method,
        created_at=now,
        seen_at=now,
        expires_at=expires_at,
    )
    session.add(opened)
    session.flush()
    audit.append(session, username, "session.open", username, {"from": origin, **how}, now)
    due = _change_is_due(method, account.password_one_time, account.password_changed_at, now)
    return SignIn(token, csrf, expires_at, actor_of(session, username, account.display_name), now, due, method)


def authenticate(session: Session, token: str) -> Actor:
    """Return whose token it is; raise ``Unauthenticated`` when it is unknown or expired, or its account inactive.

    A session expires at its end, and when unused for ``Settings.session_idle``.
    """
    return resume(session, token).actor


_RESUMED = (
    sql.select(
        col(AccessToken.csrf),
        col(AccessToken.method),
        col(AccessToken.expires_at),
        col(AccessToken.seen_at),
        col(Account.username),
        col(Account.display_name),
        col(Account.active),
        col(Account.password_one_time),
        col(Account.password_changed_at),
        col(Membership.group_name),
    )
    .join(Account, col(Account.username) == col(AccessToken.username))
    .join(Membership, col(Membership.username) == col(Account.username), isouter=True)
    .where(col(AccessToken.digest) == bindparam("digest"))
)


def resume(session: Session, token: str) -> SignIn:
    """Return the session a token belongs to, with the secret of its forms (CSRF), as ``authenticate`` does."""
    rows = session.connection().execute(_RESUMED, {"digest": digest_of(token)}).all()
    now = machine_now()
    if not rows or not rows[0].active or rows[0].expires_at <= now:
        raise Unauthenticated
    found = rows[0]
    if found.seen_at + get_settings().session_idle <= now:
        raise Unauthenticated("长时间未操作，请重新登录", "The session was not used for too long; sign in again")
    groups = frozenset(row.group_name for row in rows if row.group_name is not None)
    actor = Actor(found.username, found.display_name, groups, supervised_items(session, groups))
    due = _change_is_due(found.method, found.password_one_time, found.password_changed_at, now)
    return SignIn(token, found.csrf, found.expires_at, actor, found.seen_at, due, found.method)


def sign_out(session: Session, token: str) -> None:
    """End the session of a token; an unknown one is ignored."""
    session.exec(delete(AccessToken).where(col(AccessToken.digest) == digest_of(token)))


def _change_is_due(method: SignInMethod, one_time: bool, changed_at: datetime | None, now: datetime) -> bool:
    return method is SignInMethod.PASSWORD and change_is_due(one_time, changed_at, now)


def digest_of(token: str) -> str:
    """Return the digest under which a token is stored."""
    return hashlib.sha256(token.encode()).hexdigest()
