"""Supervision (审管互动): the approval information a supervisor gets, and what it answers."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from models.database import Instant, choice


class PushRole(StrEnum):
    """Why a supervisor gets a push: it is the one responsible, or follows up in the county (市、县两级)."""

    RESPONSIBLE = "responsible"
    FOLLOW_UP = "follow_up"


class FeedbackKind(StrEnum):
    """What supervision led to."""

    INSPECTION = "inspection"
    CORRECTION_ORDER = "correction_order"
    PENALTY = "penalty"
    RESTRICTION = "restriction"

    @property
    def label(self) -> str:
        """Return the Chinese name."""
        return FEEDBACK_LABELS[self]


FEEDBACK_LABELS = {
    FeedbackKind.INSPECTION: "监督检查",
    FeedbackKind.CORRECTION_ORDER: "责令改正",
    FeedbackKind.PENALTY: "行政处罚",
    FeedbackKind.RESTRICTION: "限制措施",
}


class SupervisionPush(SQLModel, table=True):
    """The approval information (审管信息推送单) of one closed case for one supervisor, created at closing.

    ``sheet`` holds the item, the decision, the documents and the certificate; the applicant is named only in the case.
    A push is on time when ``pushed_at`` is not after ``due_at``.
    """

    __tablename__ = "supervision_push"
    __table_args__ = (
        UniqueConstraint("case_no", "recipient", name="uq_supervision_push_recipient"),
        Index("ix_supervision_push_recipient", "recipient", "id"),
        Index("ix_supervision_push_pushed", "pushed_at"),
    )

    id: int | None = Field(default=None, primary_key=True)
    case_no: str = Field(foreign_key="case.case_no", max_length=32)
    recipient: str = Field(max_length=128)
    """The account group of the supervisor."""
    role: PushRole = Field(sa_type=choice(PushRole))
    approver_group: str = Field(max_length=128, index=True)
    """The account group that decided the case, and gets the feedback."""
    sheet: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    pushed_at: datetime = Field(sa_type=Instant)
    due_at: datetime = Field(sa_type=Instant)
    escalate_at: datetime = Field(sa_type=Instant)
    claimed_at: datetime | None = Field(default=None, sa_type=Instant)
    claimed_by: str | None = Field(default=None, max_length=64)
    reminded_at: datetime | None = Field(default=None, sa_type=Instant)
    escalated_at: datetime | None = Field(default=None, sa_type=Instant)

    @property
    def on_time(self) -> bool:
        """Tell whether the information was pushed within the limit."""
        return self.pushed_at <= self.due_at


class SupervisionFeedback(SQLModel, table=True):
    """One result of supervision, and how the approver took it.

    ``natural_key`` makes repeated feedback one row; it is null for what an earlier release recorded.
    """

    __tablename__ = "supervision_feedback"
    __table_args__ = (
        UniqueConstraint("push_id", "natural_key", name="uq_supervision_feedback_natural_key"),
        Index("ix_supervision_feedback_push", "push_id", "id"),
        Index("ix_supervision_feedback_applicant", "applicant_digest", "kind"),
    )

    id: int | None = Field(default=None, primary_key=True)
    push_id: int = Field(foreign_key="supervision_push.id")
    kind: FeedbackKind = Field(sa_type=choice(FeedbackKind))
    text: str
    applicant_digest: str = Field(max_length=64)
    """The case's, so that a restriction applies to the applicant's next application."""
    given_by: str = Field(max_length=64)
    given_at: datetime = Field(sa_type=Instant)
    natural_key: str | None = Field(default=None, max_length=64)
    answer_due_at: datetime | None = Field(default=None, sa_type=Instant)
    reminded_at: datetime | None = Field(default=None, sa_type=Instant)
    """When the approver was reminded of the overdue answer."""
    read_by: str | None = Field(default=None, max_length=64)
    read_at: datetime | None = Field(default=None, sa_type=Instant)
    answer: str = ""
    answered_by: str | None = Field(default=None, max_length=64)
    answered_at: datetime | None = Field(default=None, sa_type=Instant)
    lifted_by: str | None = Field(default=None, max_length=64)
    lifted_at: datetime | None = Field(default=None, sa_type=Instant)
    """When a restriction ended; null while it holds."""
