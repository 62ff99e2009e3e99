"""A case's deadlines: the dates derived from its clock, in a table of their own, one row per case.

Each may be recomputed at any time, as when the calendar changes or a special procedure runs on. What happened to the
case (received, accepted, decided, closed, overdue) and the terms it was accepted on (its limits) stay with the case.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON
from sqlmodel import Field, SQLModel

from models.case_clock import CaseClock
from models.database import Instant


class DueDate(StrEnum):
    """The dates that can be provisional (暂定), by the names the API gives them."""

    ACCEPTANCE = "acceptance_due_at"
    SUPPLEMENT = "supplement_due_at"
    STATUTORY = "due_at"
    PROMISED = "promised_due_at"
    REVIEW = "review_due_at"
    DECISION = "decision_due_at"
    DELIVERY = "delivery_due_at"


class CaseDeadlines(SQLModel, table=True):
    """The deadlines of one case: when each thing is due, when a warning is given and when it is overrun."""

    __tablename__ = "case_deadlines"

    case_no: str = Field(primary_key=True, foreign_key="case.case_no", max_length=32)
    acceptance_due_at: datetime | None = Field(default=None, sa_type=Instant)
    acceptance_warn_at: datetime | None = Field(default=None, sa_type=Instant)
    supplement_due_at: datetime | None = Field(default=None, sa_type=Instant)
    due_at: datetime | None = Field(default=None, sa_type=Instant)
    """The end of the statutory limit."""
    warn_at: datetime | None = Field(default=None, sa_type=Instant)
    promised_due_at: datetime | None = Field(default=None, sa_type=Instant)
    review_due_at: datetime | None = Field(default=None, sa_type=Instant)
    """The end of the county's share of a ``substantive`` case."""
    review_warn_at: datetime | None = Field(default=None, sa_type=Instant)
    review_overrun_at: datetime | None = Field(default=None, sa_type=Instant)
    """When the review becomes a stage overrun: past the county's share, or past a threshold of the single clock."""
    forwarding_late_at: datetime | None = Field(default=None, sa_type=Instant)
    decision_due_at: datetime | None = Field(default=None, sa_type=Instant)
    """The end of the city's share, from the dossier's receipt."""
    decision_warn_at: datetime | None = Field(default=None, sa_type=Instant)
    decision_overrun_at: datetime | None = Field(default=None, sa_type=Instant)
    delivery_due_at: datetime | None = Field(default=None, sa_type=Instant)
    provisional: bool = False
    """The date of the present stage counts days whose schedule is not published yet (暂定)."""
    provisional_dates: list[str] = Field(default_factory=list, sa_type=JSON)
    """The provisional dates, by their names (``DueDate``)."""
    thresholds: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    """The row of ``warning-thresholds`` by which the warnings and overruns are computed."""
    clock_version: int = 0
    """How often ``deadline-watch`` was notified that the dates moved."""

    @property
    def watched(self) -> tuple[datetime | None, ...]:
        """Return the dates ``deadline-watch`` waits for; a change of any of them wakes it."""
        return (
            self.delivery_due_at,
            self.acceptance_due_at,
            self.acceptance_warn_at,
            self.supplement_due_at,
            self.due_at,
            self.warn_at,
            self.promised_due_at,
            self.review_overrun_at,
            self.decision_overrun_at,
            self.forwarding_late_at,
        )

    @property
    def first_limit(self) -> tuple[datetime | None, bool]:
        """Return the earlier end of the statutory and the promised limit, and whether it is provisional."""
        if self.promised_due_at is not None and (self.due_at is None or self.promised_due_at < self.due_at):
            return self.promised_due_at, self.is_provisional(DueDate.PROMISED)
        return self.due_at, self.due_at is not None and self.is_provisional(DueDate.STATUTORY)

    def is_provisional(self, date: DueDate) -> bool:
        """Tell whether one of the dates is still provisional."""
        return date in self.provisional_dates

    def owe_answer(self, due_at: datetime, warn_at: datetime, *, provisional: bool) -> None:
        """Set the end of the receipt limit, by which the window must answer."""
        self.acceptance_due_at, self.acceptance_warn_at, self.provisional = due_at, warn_at, provisional
        self._mark(DueDate.ACCEPTANCE, provisional)

    def owe_supplement(self, due_at: datetime, *, provisional: bool) -> None:
        """Set by when the applicant must supply what was missing."""
        self.supplement_due_at, self.provisional = due_at, provisional
        self._mark(DueDate.SUPPLEMENT, provisional)

    def owe_delivery(self, due_at: datetime, *, provisional: bool) -> None:
        """Set by when the decision must be delivered."""
        self.delivery_due_at = due_at
        self._mark(DueDate.DELIVERY, provisional)

    def settle_receipt(self) -> None:
        """Clear the receipt's provisional marks: the window has answered, and they no longer move."""
        self.provisional_dates = []

    def set_limits(self, statutory: CaseClock, promised: CaseClock) -> None:
        """Set the ends of the limits of an accepted case."""
        self.due_at, self.warn_at, self.promised_due_at = statutory.due_at, statutory.yellow_at, promised.due_at
        self.provisional = statutory.provisional
        self._mark(DueDate.STATUTORY, statutory.provisional)
        self._mark(DueDate.PROMISED, promised.provisional)

    def set_review_share(self, review: CaseClock, *, overrun_at: datetime, forwarding_late_at: datetime | None) -> None:
        """Set the county's share of a ``substantive`` case."""
        self.review_due_at, self.review_warn_at = review.due_at, review.yellow_at
        self.review_overrun_at, self.forwarding_late_at = overrun_at, forwarding_late_at
        self._mark(DueDate.REVIEW, review.provisional)

    def set_decision_share(self, decision: CaseClock, *, overrun_at: datetime) -> None:
        """Set the city's share of a ``substantive`` case."""
        self.decision_due_at, self.decision_warn_at = decision.due_at, decision.yellow_at
        self.decision_overrun_at = overrun_at
        self._mark(DueDate.DECISION, decision.provisional)

    def clear_decision_share(self) -> None:
        """Clear the city's share: the city does not have the dossier."""
        self.decision_due_at = self.decision_warn_at = self.decision_overrun_at = None
        self._mark(DueDate.DECISION, False)

    def clear_shares(self) -> None:
        """Clear both shares of a case the city has taken over: from then on it has a single clock."""
        self.review_due_at = self.review_warn_at = self.review_overrun_at = self.forwarding_late_at = None
        self._mark(DueDate.REVIEW, False)
        self.clear_decision_share()

    def _mark(self, date: DueDate, provisional: bool) -> None:
        others = [one for one in self.provisional_dates if one != date]
        self.provisional_dates = sorted([*others, date.value] if provisional else others)
