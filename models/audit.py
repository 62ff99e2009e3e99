"""The record of what happened: a case's timeline for people, the hash-chained audit trail for auditors."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from models.database import Instant


class TimelineEntry(SQLModel, table=True):
    """One line of a case's history; ``natural_key`` makes each event unique."""

    __tablename__ = "timeline_entry"
    __table_args__ = (
        UniqueConstraint("case_no", "natural_key", name="uq_timeline_entry_natural_key"),
        Index("ix_timeline_entry_case", "case_no", "at", "id"),
    )

    id: int | None = Field(default=None, primary_key=True)
    case_no: str = Field(foreign_key="case.case_no", max_length=32)
    natural_key: str = Field(max_length=100)
    at: datetime = Field(sa_type=Instant)
    actor: str = Field(max_length=64)
    event: str = Field(max_length=64)
    text: str


class AuditEntry(SQLModel, table=True):
    """One link of the audit chain: ``digest`` covers this entry and the digest before it."""

    __tablename__ = "audit_entry"
    __table_args__ = (
        Index("ix_audit_entry_subject", "subject", "id"),
        Index("ix_audit_entry_at", "at"),
        Index("ix_audit_entry_actor", "actor", "id"),
    )

    id: int = Field(primary_key=True)
    at: datetime = Field(sa_type=Instant)
    actor: str = Field(max_length=64)
    action: str = Field(max_length=64)
    subject: str = Field(max_length=100)
    detail: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    previous: str = Field(max_length=64)
    digest: str = Field(max_length=64)
