"""Sign in within limits: who guesses is slowed down, and the owner of an account is not locked out by it.

A failure counts against the account and against the address. From an address where the account has signed in before,
nobody's failures elsewhere matter: there the account has windows of its own. Right passwords count for nothing, so
that any number of people may sign in at one address. Unknown names are counted like accounts, under a digest keyed
by the product's key, for they may be passwords typed into the wrong field.
"""

import hashlib
import hmac
from datetime import datetime, timedelta
from typing import Final

from sqlmodel import Session, col, delete

from models.database import Database
from models.rate_limit import KnownAddress
from models.upsert import upsert
from services.accounts import sessions
from services.accounts.sessions import BadCredentials, SignIn
from services.clock import machine_now
from services.documents.signing import load_key
from services.entrance import spraying
from services.errors import TooManyRequests
from services.rate_limits import RateLimits
from settings import Settings, get_settings

KNOWN_FOR: Final = timedelta(days=90)
"""An address that an account no longer uses is forgotten after so long."""

_FROM: Final = "sign-in-from"
_TO: Final = "sign-in-to"
_TO_FROM: Final = "sign-in-to-from"


def sign_in(database: Database, username: str, password: str, origin: str) -> SignIn:
    """Open a session for the account; raise ``BadCredentials``, or ``TooManyRequests`` without looking at the password.

    It takes as long as Argon2 does and opens its own transactions; call it in a thread that nothing else waits for.
    """
    settings, name = get_settings(), _digest(username)
    with database.reading() as session:
        known = session.get(KnownAddress, (username, origin)) is not None
        wait = _wait(RateLimits(session), settings, name, origin, known=known)
    if wait:
        raise TooManyRequests(wait, "登录尝试过于频繁，请稍后再试", "Too many attempts to sign in; try again later")
    now = machine_now()
    try:
        with database.transaction() as session:
            signed_in = sessions.sign_in(session, username, password, origin, now)
    except BadCredentials:
        with database.transaction() as session:
            limits = RateLimits(session)
            limits.note(settings.sign_in_account_limit, *_account_window(name, origin, known=known))
            limits.note(settings.sign_in_address_limit, _FROM, origin)
            spraying.note(session, origin, name, now)
        raise
    # Not above, where the audit trail is locked: a failure locks its windows first, and the audit trail last.
    with database.transaction() as session:
        _remember(session, username, origin, now)
        RateLimits(session).clear(settings.sign_in_account_limit, *_account_window(name, origin, known=known))
    return signed_in


def _wait(limits: RateLimits, settings: Settings, name: str, origin: str, *, known: bool) -> int:
    of_account = limits.wait(settings.sign_in_account_limit, *_account_window(name, origin, known=known))
    return of_account if known else max(of_account, limits.wait(settings.sign_in_address_limit, _FROM, origin))


def _account_window(name: str, origin: str, *, known: bool) -> tuple[str, ...]:
    return (_TO_FROM, name, origin) if known else (_TO, name)


def _remember(session: Session, username: str, origin: str, now: datetime) -> None:
    forgotten = col(KnownAddress.last_used_at) < now - KNOWN_FOR
    session.exec(delete(KnownAddress).where(col(KnownAddress.username) == username, forgotten))
    row = {"username": username, "address": origin, "last_used_at": now}
    upsert(session, KnownAddress, [row], update=("last_used_at",))


def _digest(username: str) -> str:
    seed = load_key(get_settings()).private_bytes_raw()
    return hmac.digest(seed, b"tongquan sign-in name\0" + username.encode(), hashlib.sha256).hex()
