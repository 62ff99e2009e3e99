"""Policy notices (政策文件告知): what a supervisor tells the approvers of new national, provincial or city policy."""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import JSON, Index, LargeBinary, UniqueConstraint
from sqlmodel import Field, SQLModel

from models.database import Instant, choice


class PolicyLevel(StrEnum):
    """Who issued the policy document."""

    NATIONAL = "national"
    PROVINCIAL = "provincial"
    CITY = "city"

    @property
    def label(self) -> str:
        """Return the Chinese name."""
        return LEVEL_LABELS[self]


LEVEL_LABELS = {PolicyLevel.NATIONAL: "国家", PolicyLevel.PROVINCIAL: "省级", PolicyLevel.CITY: "市级"}


class PolicyNotice(SQLModel, table=True):
    """One policy document and the items it is about."""

    __tablename__ = "policy_notice"
    __table_args__ = (Index("ix_policy_notice_issued", "issued_at", "id"),)

    id: int | None = Field(default=None, primary_key=True)
    title: str = Field(max_length=300)
    level: PolicyLevel = Field(sa_type=choice(PolicyLevel))
    published_on: date
    items: list[str] = Field(default_factory=list, sa_type=JSON)
    issued_by: str = Field(max_length=64)
    issued_for: str = Field(max_length=128)
    """The supervisor's account group that gives notice."""
    issued_at: datetime = Field(sa_type=Instant)
    due_at: datetime = Field(sa_type=Instant)
    escalate_at: datetime = Field(sa_type=Instant)
    reminded_at: datetime | None = Field(default=None, sa_type=Instant)
    escalated_at: datetime | None = Field(default=None, sa_type=Instant)
    completed_at: datetime | None = Field(default=None, sa_type=Instant)
    """When the last recipient had acknowledged it."""


class PolicyItem(SQLModel, table=True):
    """One item a notice is about, for the guide's and the case's page."""

    __tablename__ = "policy_item"
    __table_args__ = (Index("ix_policy_item_item", "item", "notice_id"),)

    notice_id: int = Field(primary_key=True, foreign_key="policy_notice.id")
    item: str = Field(primary_key=True, max_length=16)


class PolicyRecipient(SQLModel, table=True):
    """One group that gets the notice; whoever decides must acknowledge it (read receipt), the others may."""

    __tablename__ = "policy_recipient"
    __table_args__ = (Index("ix_policy_recipient_group", "group_name", "notice_id"),)

    notice_id: int = Field(primary_key=True, foreign_key="policy_notice.id")
    group_name: str = Field(primary_key=True, max_length=128)
    notified_at: datetime | None = Field(default=None, sa_type=Instant)
    acknowledged_at: datetime | None = Field(default=None, sa_type=Instant)
    acknowledged_by: str | None = Field(default=None, max_length=64)
    required: bool = True
    """Whether the notice waits for this group's acknowledgement."""


class PolicyFile(SQLModel, table=True):
    """The document itself, fixed by its digest."""

    __tablename__ = "policy_file"
    __table_args__ = (UniqueConstraint("notice_id", name="uq_policy_file_notice"),)

    id: int | None = Field(default=None, primary_key=True)
    notice_id: int = Field(foreign_key="policy_notice.id")
    name: str = Field(max_length=200)
    sha256: str = Field(max_length=64)
    size: int
    content: bytes = Field(sa_type=LargeBinary)
