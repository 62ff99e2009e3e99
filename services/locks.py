"""Locks: requests that would decide on the same thing at once go one after the other.

On PostgreSQL a row lock, or an advisory lock where there is no row yet; SQLite's writers queue anyway (ADR 6).
"""

from typing import TypeVar

from sqlmodel import Session, SQLModel

Row = TypeVar("Row", bound=SQLModel)


def find_for_update(session: Session, table: type[Row], key: object) -> Row | None:
    """Return a row as it is now, or None; no other transaction changes it until this one ends."""
    return session.get(table, key, with_for_update=True, populate_existing=True)


def acquire_power(session: Session, area: str, item: str) -> None:
    """Acquire the advisory lock on an area's power over an item, which recalls and unit transfers share."""
    acquire(session, f"power:{area}:{item}")


def try_acquire(session: Session, name: str) -> bool:
    """Acquire the advisory lock called ``name`` unless another process has it; it is released with the transaction.

    On SQLite, where only one process would ask for such a lock, it is always free.
    """
    if session.get_bind().dialect.name != "postgresql":
        return True
    query = "SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))"
    return bool(session.connection().exec_driver_sql(query, (name,)).scalar_one())


def acquire(session: Session, name: str) -> None:
    """Wait for the advisory lock called ``name``; it is released when the transaction ends."""
    if session.get_bind().dialect.name == "postgresql":
        session.connection().exec_driver_sql("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (name,))
