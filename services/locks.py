"""Turns: requests that would decide on the same thing at once go one after the other.

On PostgreSQL by a lock on its row, or on its name where it has no row yet; SQLite's writers queue anyway.
"""

from typing import TypeVar

from sqlmodel import Session, SQLModel

Row = TypeVar("Row", bound=SQLModel)


def locked(session: Session, table: type[Row], key: object) -> Row | None:
    """Return a row that is about to change, as it is now; nobody else changes it until this transaction ends."""
    return session.get(table, key, with_for_update=True, populate_existing=True)


def take_power(session: Session, area: str, item: str) -> None:
    """Wait for the turn to decide on an area's power over an item: a recall and a second transfer share it."""
    take(session, f"power:{area}:{item}")


def take(session: Session, what: str) -> None:
    """Wait until no other transaction has the turn named ``what``; it is given back when this one ends."""
    if session.get_bind().dialect.name == "postgresql":
        session.connection().exec_driver_sql("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (what,))
