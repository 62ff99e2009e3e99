"""The ledger of delegated powers (权力运行台账): what happened to agreements, filings, recalls and lists, and why."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from models.database import Instant, choice


class PowerSubject(StrEnum):
    """What an event is about."""

    AGREEMENT = "agreement"
    FILING = "filing"
    RECALL = "recall"
    UNIT_TRANSFER = "unit_transfer"
    LIST_DRAFT = "list_draft"
    CONSULTATION = "consultation"
    GUIDE = "guide"

    @property
    def label(self) -> str:
        """Return the Chinese name."""
        return _LABELS[self]


_LABELS = {
    PowerSubject.AGREEMENT: "承接协议",
    PowerSubject.FILING: "县级报备",
    PowerSubject.RECALL: "收回权限",
    PowerSubject.UNIT_TRANSFER: "二次划转",
    PowerSubject.LIST_DRAFT: "事项清单",
    PowerSubject.CONSULTATION: "业务指导",
    PowerSubject.GUIDE: "办事指南",
}


class PowerEvent(SQLModel, table=True):
    """One event; ``natural_key`` makes it unique for its subject."""

    __tablename__ = "power_event"
    __table_args__ = (
        UniqueConstraint("subject", "subject_id", "natural_key", name="uq_power_event_natural_key"),
        Index("ix_power_event_at", "at", "id"),
    )

    id: int | None = Field(default=None, primary_key=True)
    subject: PowerSubject = Field(sa_type=choice(PowerSubject))
    subject_id: int
    natural_key: str = Field(max_length=100)
    event: str = Field(max_length=64)
    at: datetime = Field(sa_type=Instant)
    actor: str = Field(max_length=64)
    area: str = Field(default="", max_length=32)
    unit: str = Field(default="", max_length=32)
    text: str
