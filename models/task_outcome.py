"""A person's answer to a user task, and whether the engine has accepted it."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, BigInteger, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from models.database import Instant, choice


class Outcome(StrEnum):
    """The outcomes the product's rules know; a designer's form may offer others, which only its process reads."""

    ACCEPT = "accept"
    CORRECT = "correct"
    REFUSE = "refuse"
    NOT_NEEDED = "not_needed"
    FORWARD = "forward"
    RETURN = "return"
    AGREE = "agree"
    APPROVE = "approve"
    DENY = "deny"
    PROPOSE_DENY = "propose_deny"

    @classmethod
    def merits(cls) -> frozenset["Outcome"]:
        """Return the outcomes that decide a case on its merits."""
        return MERITS

    @classmethod
    def ending(cls) -> frozenset["Outcome"]:
        """Return the outcomes after which a case only remains to be finished: decided, or not accepted at all."""
        return ENDING

    @classmethod
    def unfavourable(cls) -> frozenset["Outcome"]:
        """Return the outcomes that nobody may give without a reason: it is printed, or sent with what goes back."""
        return UNFAVOURABLE


MERITS = frozenset({Outcome.APPROVE, Outcome.DENY})
ENDING = MERITS | {Outcome.REFUSE, Outcome.NOT_NEEDED}
UNFAVOURABLE = frozenset({Outcome.DENY, Outcome.RETURN, Outcome.REFUSE, Outcome.NOT_NEEDED, Outcome.PROPOSE_DENY})


class TaskOutcomeStatus(StrEnum):
    """Whether the engine accepted the answer: ``overtaken`` when a timer or a withdrawal came first."""

    RECORDED = "recorded"
    CONFIRMED = "confirmed"
    OVERTAKEN = "overtaken"


class TaskOutcome(SQLModel, table=True):
    """One completed task: who answered what, when, and why. The opinion never leaves the database."""

    __tablename__ = "task_outcome"
    __table_args__ = (
        UniqueConstraint("task_key", name="uq_task_outcome_task"),
        Index("ix_task_outcome_case", "case_no", "id"),
    )

    id: int | None = Field(default=None, primary_key=True)
    task_key: int = Field(sa_type=BigInteger)
    case_no: str = Field(foreign_key="case.case_no", max_length=32)
    process_id: str = Field(max_length=128)
    element_id: str = Field(max_length=128)
    task_name: str
    account: str = Field(max_length=64)
    outcome: str = Field(max_length=64)
    outcome_label: str = Field(default="", max_length=64)
    opinion: str = ""
    form_values: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    status: TaskOutcomeStatus = Field(default=TaskOutcomeStatus.RECORDED, sa_type=choice(TaskOutcomeStatus))
    decided_at: datetime = Field(sa_type=Instant)
