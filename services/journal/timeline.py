"""A case's history for people: each event once, by its natural key."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam
from sqlmodel import Session, col, select

from models.audit import TimelineEntry
from models.upsert import upsert
from services.journal import seals

SYSTEM = "system"
"""The actor of what no person did."""


def append(
    session: Session, case_no: str, event: str, text: str, *, actor: str, at: datetime, key: str | None = None
) -> None:
    """Record an event unless its key (by default the event's name) exists."""
    session.flush()
    entry: dict[str, Any] = {
        "case_no": case_no,
        "natural_key": key or event,
        "at": at,
        "actor": actor,
        "event": event,
        "text": text,
    }
    if upsert(session, TimelineEntry, [entry], key=("case_no", "natural_key")):
        seals.seal(session, TimelineEntry(**entry))


def has(session: Session, case_no: str, natural_key: str) -> bool:
    """Tell whether an event is recorded."""
    return natural_key in recorded(session, case_no, (natural_key,))


_RECORDED = select(TimelineEntry.natural_key).where(
    TimelineEntry.case_no == bindparam("case_no"),
    col(TimelineEntry.natural_key).in_(bindparam("keys", expanding=True)),
)


def recorded(session: Session, case_no: str, natural_keys: Collection[str]) -> set[str]:
    """Return those of some events that are recorded."""
    return set(session.exec(_RECORDED, params={"case_no": case_no, "keys": list(natural_keys)}).all())
