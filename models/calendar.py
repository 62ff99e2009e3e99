"""The overlay on the published working calendar, and the history of its changes."""

from datetime import date, datetime

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from models.database import Instant

CITY_WIDE = ""
"""The area of a day that holds in every area."""


class CalendarDay(SQLModel, table=True):
    """One day on which the published calendar is overridden, for the city or for one area's window."""

    __tablename__ = "calendar_day"

    area: str = Field(primary_key=True, max_length=32)
    day: date = Field(primary_key=True)
    working: bool
    reason: str = Field(max_length=200)
    entered_by: str = Field(max_length=64)
    entered_at: datetime = Field(sa_type=Instant)


class CalendarRevision(SQLModel, table=True):
    """One change of the calendar: who, when, from what; its number is the calendar's version."""

    __tablename__ = "calendar_revision"
    __table_args__ = (UniqueConstraint("seed_digest", name="uq_calendar_revision_seed"),)

    id: int | None = Field(default=None, primary_key=True)
    area: str = Field(max_length=32)
    source: str = Field(max_length=200)
    """Its source: a file's name, or 手工录入."""
    seed_digest: str | None = Field(default=None, max_length=64)
    """The digest of a shipped file, so that it is imported once."""
    changed_by: str = Field(max_length=64)
    changed_at: datetime = Field(sa_type=Instant)
    days: int
    moved_cases: int = 0
    """How many running cases had a date moved by it."""


class CalendarChange(SQLModel, table=True):
    """One day of a revision with its former value; ``None`` means the published schedule applied."""

    __tablename__ = "calendar_change"
    __table_args__ = (
        UniqueConstraint("revision_id", "day", name="uq_calendar_change_day"),
        Index("ix_calendar_change_day", "day"),
    )

    id: int | None = Field(default=None, primary_key=True)
    revision_id: int = Field(foreign_key="calendar_revision.id")
    day: date
    working_before: bool | None = None
    reason_before: str | None = Field(default=None, max_length=200)
    working: bool | None = None
    reason: str | None = Field(default=None, max_length=200)
