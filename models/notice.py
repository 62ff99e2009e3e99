"""Notifications to groups of accounts: reminders (催办) and supervision (督办) of a case's dates."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from models.database import Instant, choice


class NoticeKind(StrEnum):
    """催办 goes to who has the work in hand, 督办 to who supervises."""

    REMINDER = "reminder"
    SUPERVISION = "supervision"

    @property
    def label(self) -> str:
        """Return the Chinese name."""
        return "催办" if self is NoticeKind.REMINDER else "督办"


class Notice(SQLModel, table=True):
    """One notification to one group, dated by the instant its cause came due."""

    __tablename__ = "notice"
    __table_args__ = (
        UniqueConstraint("natural_key", "to_group", name="uq_notice_cause"),
        Index("ix_notice_group", "to_group", "id"),
        Index("ix_notice_case", "case_no", "id"),
    )

    id: int | None = Field(default=None, primary_key=True)
    natural_key: str = Field(max_length=120)
    case_no: str = Field(foreign_key="case.case_no", max_length=32)
    kind: NoticeKind = Field(sa_type=choice(NoticeKind))
    signal: str = Field(max_length=32)
    to_group: str = Field(max_length=128)
    text: str
    at: datetime = Field(sa_type=Instant)


class NoticeReading(SQLModel, table=True):
    """That one account has read a notification."""

    __tablename__ = "notice_reading"

    notice_id: int = Field(primary_key=True, foreign_key="notice.id")
    username: str = Field(primary_key=True, max_length=64)
    read_at: datetime = Field(sa_type=Instant)
