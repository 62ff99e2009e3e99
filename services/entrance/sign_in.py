"""Sign in within limits: who guesses is slowed down, and the owner of an account is not locked out by it.

What is counted, and for whom, is in ``attempts``. Right passwords count for nothing, so that any number of people
may sign in at one address.
"""

from datetime import datetime, timedelta
from typing import Final

from sqlmodel import Session, col, delete

from models.database import Database
from models.rate_limit import KnownAddress
from models.upsert import upsert
from services.accounts import sessions
from services.accounts.sessions import BadCredentials, SignIn
from services.clock import machine_now
from services.entrance import spraying
from services.entrance.attempts import Attempts

KNOWN_FOR: Final = timedelta(days=90)
"""How long an address that an account no longer uses is remembered."""


def sign_in(database: Database, username: str, password: str, origin: str) -> SignIn:
    """Open a session for the account; raise ``BadCredentials``, or ``TooManyRequests`` without looking at the password.

    It takes as long as Argon2 does and opens its own transactions; call it in a thread that nothing else waits for.
    """
    with database.reading() as session:
        attempts = Attempts.of(session, username, origin)
        attempts.require_room(session)
    now = machine_now()
    try:
        with database.transaction() as session:
            signed_in = sessions.sign_in(session, username, password, origin, now)
    except BadCredentials:
        with database.transaction() as session:
            attempts.note_failure(session)
            spraying.note(session, origin, attempts.name, now)
        raise
    # Not above, where the audit trail is locked: a failure locks its windows first, and the audit trail last.
    with database.transaction() as session:
        _remember(session, username, origin, now)
        attempts.forget(session)
    return signed_in


def _remember(session: Session, username: str, origin: str, now: datetime) -> None:
    forgotten = col(KnownAddress.last_used_at) < now - KNOWN_FOR
    session.exec(delete(KnownAddress).where(col(KnownAddress.username) == username, forgotten))
    row = {"username": username, "address": origin, "last_used_at": now}
    upsert(session, KnownAddress, [row], update=("last_used_at",))
