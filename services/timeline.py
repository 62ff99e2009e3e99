"""A case's history for people: each event once, by its natural key."""

from datetime import datetime

from sqlmodel import Session, select

from models.audit import TimelineEntry

SYSTEM = "system"
"""The actor of what no person did."""


def add(
    session: Session, case_no: str, event: str, text: str, *, actor: str, at: datetime, key: str | None = None
) -> bool:
    """Record an event unless its key (by default the event's name) is there; tell whether it was new."""
    natural_key = key or event
    if has(session, case_no, natural_key):
        return False
    session.add(TimelineEntry(case_no=case_no, natural_key=natural_key, at=at, actor=actor, event=event, text=text))
    session.flush()
    return True


def has(session: Session, case_no: str, natural_key: str) -> bool:
    """Tell whether an event is recorded."""
    query = select(TimelineEntry.id).where(TimelineEntry.case_no == case_no, TimelineEntry.natural_key == natural_key)
    return session.exec(query).first() is not None
