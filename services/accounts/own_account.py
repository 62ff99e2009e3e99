"""What people do with their own account: change the password, list their sessions and end them."""

from datetime import datetime
from typing import Final

from pydantic import BaseModel
from sqlalchemy import delete, update
from sqlmodel import Session, col, select

from models.account import AccessToken, Account
from services import locks
from services.accounts import passwords
from services.accounts.actors import Actor
from services.accounts.password_policy import password_problem, set_password
from services.accounts.sessions import digest_of
from services.clock import machine_now
from services.errors import FieldProblem, Forbidden, InvalidInput, NotFound, Unauthenticated
from services.journal import audit
from settings import get_settings

SESSION_ID_LENGTH: Final = 16
"""How many characters of a token's digest identify the session to its owner; they give no access."""


class PasswordChangeRequired(Forbidden):
    """The password was made by somebody else, or is too old: it must be changed before anything else."""

    code = "password_change_required"
    title, title_en = "请先修改密码", "Change the password first"


class WrongPassword(InvalidInput):
    """The old password is not the account's."""

    def __init__(self) -> None:
        super().__init__([FieldProblem("old", "当前密码不正确")])


class SessionView(BaseModel):
    """A session of one's own; ``seen_at`` is when it was last used, to the minute or so."""

    id: str
    current: bool
    created_at: datetime
    seen_at: datetime
    expires_at: datetime


def change_password(session: Session, actor: Actor, token: str, old: str, new: str) -> None:
    """Change the account's own password and end every other session of it.

    Call it first in a transaction: like ``sessions.sign_in`` it checks and hashes before the write lock is taken, and
    commits the audit entry of a failure. Raises ``WrongPassword``, and ``InvalidInput`` for a new one that is the old
    one or breaks the policy. ``services/entrance`` limits how often it may be tried.
    """
    if (wrong := password_problem(actor.username, new)) is not None:
        raise InvalidInput([FieldProblem("new", wrong)])
    if new == old:
        raise InvalidInput([FieldProblem("new", "不能与当前密码相同")])
    with Session(session.get_bind().execution_options(writing=False)) as reader:
        stored = reader.get_one(Account, actor.username).password_hash
    correct = passwords.verify(stored, old)
    changed = passwords.hash_password(new) if correct else ""
    account = locks.find_for_update(session, Account, actor.username)
    if account is None or not account.active:
        raise Unauthenticated
    now = machine_now()
    if not correct or account.password_hash != stored:
        audit.append(session, actor.username, "password.refuse", actor.username, {}, now)
        session.commit()
        raise WrongPassword
    set_password(account, changed, one_time=False, at=now)
    session.add(account)
    ended = end_other_sessions(session, actor, token)
    audit.append(session, actor.username, "password.change", actor.username, {"sessions": ended}, now)


def own_sessions(session: Session, actor: Actor, token: str) -> list[SessionView]:
    """Return the account's sessions, the newest first."""
    now, current = machine_now(), digest_of(token)
    unused_since = now - get_settings().session_idle
    query = (
        select(AccessToken)
        .where(AccessToken.username == actor.username, col(AccessToken.expires_at) > now)
        .where(col(AccessToken.seen_at) > unused_since)
        .order_by(col(AccessToken.created_at).desc(), col(AccessToken.digest))
    )
    return [
        SessionView(
            id=one.digest[:SESSION_ID_LENGTH],
            current=one.digest == current,
            created_at=one.created_at,
            seen_at=one.seen_at,
            expires_at=one.expires_at,
        )
        for one in session.exec(query).all()
    ]


def end_session(session: Session, actor: Actor, session_id: str) -> None:
    """End one of the account's own sessions; raise ``NotFound`` for an unknown one or somebody else's."""
    named = col(AccessToken.digest).startswith(session_id, autoescape=True)
    ended = 0
    if len(session_id) == SESSION_ID_LENGTH:
        ended = session.exec(delete(AccessToken).where(col(AccessToken.username) == actor.username, named)).rowcount
    if not ended:
        raise NotFound("没有这个会话", "No such session")
    audit.append(session, actor.username, "session.end", actor.username, {"sessions": ended}, machine_now())


def end_others(session: Session, actor: Actor, token: str) -> int:
    """End every session of the account except the requesting one, and return how many there were."""
    ended = end_other_sessions(session, actor, token)
    audit.append(session, actor.username, "session.end", actor.username, {"sessions": ended}, machine_now())
    return ended


def end_other_sessions(session: Session, actor: Actor, token: str) -> int:
    """End every other session of the account, without an audit entry; return how many there were."""
    own = col(AccessToken.username) == actor.username
    return session.exec(delete(AccessToken).where(own, col(AccessToken.digest) != digest_of(token))).rowcount


def note_use(session: Session, token: str, at: datetime) -> None:
    """Record that a session was used; an older time never replaces a newer one."""
    digest = digest_of(token)
    session.exec(
        update(AccessToken).where(col(AccessToken.digest) == digest, col(AccessToken.seen_at) < at).values(seen_at=at)
    )
