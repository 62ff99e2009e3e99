"""The names of people; a name stays as it was when the account was opened."""

from collections.abc import Collection

from sqlmodel import Session, col, select

from models.account import Account
from services.process_cache import ProcessCache


def display_name(session: Session, username: str) -> str | None:
    """Return the name of the person with an account, None where there is none."""
    return _NAMES.find(session, username)


def _read(session: Session, usernames: Collection[str]) -> dict[str, str]:
    query = select(Account.username, Account.display_name).where(col(Account.username).in_(usernames))
    return dict(session.exec(query).all())


_NAMES: ProcessCache[str, str] = ProcessCache(_read)
