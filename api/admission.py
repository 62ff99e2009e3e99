"""Let a token in: whose it is, whether the password must be changed first, and that the session was used."""

from contextlib import suppress
from datetime import timedelta
from typing import Final

from sqlalchemy.exc import OperationalError, TimeoutError

from models.database import Database
from services.accounts import own_account, sessions
from services.accounts.own_account import PasswordChangeRequired
from services.accounts.sessions import SignIn
from services.clock import machine_now
from settings import get_settings

NOTES_IN_IDLE_TIME: Final = 20
"""How many times a session's use is recorded at most within the time after which an unused one ends."""
NOTE_SECONDS: Final = 0.5
"""How long a request may wait for the record to be written."""


def note_use(database: Database, signed_in: SignIn) -> None:
    """Record that the session was used, where the last record is old enough for it to matter.

    Nothing is written where sessions have no idle time-out, so that a read stays a read. When the database is too busy
    to take the record, the request is served all the same: the next one writes it.
    """
    settings = get_settings()
    if settings.session_idle >= settings.session_length:
        return
    now = machine_now()
    if now - signed_in.seen_at < max(settings.session_idle / NOTES_IN_IDLE_TIME, timedelta(seconds=1)):
        return
    with suppress(OperationalError, TimeoutError), database.transaction(NOTE_SECONDS) as session:
        own_account.note_use(session, signed_in.token, now)


def admitted(database: Database, token: str, *, changing_password: bool = False) -> SignIn:
    """Return the session a token belongs to; raise ``Unauthenticated`` or ``PasswordChangeRequired``."""
    with database.reading() as session:
        signed_in = sessions.resume(session, token)
    if signed_in.password_change_due and not changing_password:
        raise PasswordChangeRequired
    note_use(database, signed_in)
    return signed_in
