"""The filing (县级报备, 报批) of a county's decision with the city unit that answers for the item."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from models.database import Instant, choice


class FilingKind(StrEnum):
    """报备: filed after the decision; 报批: the city consented before it, and it is filed all the same."""

    REPORT = "report"
    APPROVAL = "approval"

    @property
    def label(self) -> str:
        """Return the Chinese name."""
        return "报备" if self is FilingKind.REPORT else "报批"


class FilingState(StrEnum):
    """Filed, questioned and answered as often as needed, acknowledged once."""

    FILED = "filed"
    QUESTIONED = "questioned"
    ANSWERED = "answered"
    ACKNOWLEDGED = "acknowledged"

    @property
    def label(self) -> str:
        """Return the Chinese name."""
        return _LABELS[self]


_LABELS = {
    FilingState.FILED: "待签收",
    FilingState.QUESTIONED: "质询中",
    FilingState.ANSWERED: "已答复，待签收",
    FilingState.ACKNOWLEDGED: "已签收",
}


class ReviewFinding(StrEnum):
    """What the review of a sampled filing found."""

    CONFORMING = "conforming"
    NONCONFORMING = "nonconforming"


class Filing(SQLModel, table=True):
    """One decision on file; its natural key is the case's number."""

    __table_args__ = (
        UniqueConstraint("case_no", name="uq_filing_case_no"),
        Index("ix_filing_unit_state", "unit", "state", "id"),
        Index("ix_filing_area", "area", "id"),
    )

    id: int | None = Field(default=None, primary_key=True)
    case_no: str = Field(foreign_key="case.case_no", max_length=32)
    item: str = Field(max_length=32)
    area: str = Field(max_length=32)
    unit: str = Field(max_length=32)
    kind: FilingKind = Field(sa_type=choice(FilingKind))
    state: FilingState = Field(default=FilingState.FILED, sa_type=choice(FilingState))
    decision: str = Field(max_length=16)
    filed_at: datetime = Field(sa_type=Instant)
    waiting_since: datetime = Field(sa_type=Instant)
    """When the city unit's turn began: on filing, and again with each answer."""
    reminders: int = 0
    """Reminders since ``waiting_since``."""
    acknowledged_by: str | None = Field(default=None, max_length=64)
    acknowledged_at: datetime | None = Field(default=None, sa_type=Instant)
    sampled: bool = False
    review_finding: ReviewFinding | None = Field(default=None, sa_type=choice(ReviewFinding))
    review_text: str = ""
    reviewed_by: str | None = Field(default=None, max_length=64)
    reviewed_at: datetime | None = Field(default=None, sa_type=Instant)


class FilingQuestion(SQLModel, table=True):
    """One question of the city unit and the county's answer."""

    __tablename__ = "filing_question"
    __table_args__ = (UniqueConstraint("filing_id", "number", name="uq_filing_question_number"),)

    id: int | None = Field(default=None, primary_key=True)
    filing_id: int = Field(foreign_key="filing.id")
    number: int
    text: str
    asked_by: str = Field(max_length=64)
    asked_at: datetime = Field(sa_type=Instant)
    answer_due_at: datetime = Field(sa_type=Instant)
    overdue: bool = False
    answer: str = ""
    answered_by: str | None = Field(default=None, max_length=64)
    answered_at: datetime | None = Field(default=None, sa_type=Instant)
