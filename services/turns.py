"""Turns: requests that would decide on the same thing at once go one after the other."""

from sqlmodel import Session


def take(session: Session, what: str) -> None:
    """Wait until no other transaction has the turn named ``what``; it is given back when this one ends.

    For what has no row to lock yet. SQLite's writers queue anyway.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.connection().exec_driver_sql("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (what,))
