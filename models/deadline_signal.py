"""The signals a case's dates give rise to, and when: computed from the case and its deadlines alone.

``deadline-watch`` sleeps until the next of these instants. While a special procedure runs, only what the applicant
still owes is signalled (容缺受理): that promise names a day, and a pause does not move it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from models.case import Case, CaseState
from models.case_clock import JUST_AFTER
from models.catalogue import Mode
from models.working_calendar import china_date


class SignalKind(StrEnum):
    """Kinds of deadline signal."""

    ACCEPTANCE_WARNING = "acceptance_warning"
    ACCEPTANCE_OVERDUE = "acceptance_overdue"
    SUPPLEMENT_OVERDUE = "supplement_overdue"
    YELLOW = "yellow"
    OVERDUE = "overdue"
    PROMISE_BROKEN = "promise_broken"
    REVIEW_OVERDUE = "review_overdue"
    DECISION_OVERDUE = "decision_overdue"
    FORWARDING_LATE = "forwarding_late"
    TOLERANCE_WARNING = "tolerance_warning"
    TOLERANCE_OVERDUE = "tolerance_overdue"
    DELIVERY_OVERDUE = "delivery_overdue"


WARNINGS = frozenset({SignalKind.ACCEPTANCE_WARNING, SignalKind.YELLOW})


@dataclass(frozen=True)
class DeadlineSignal:
    """One signal, raised at ``at`` and dated by ``due`` (the end of the limit it is about)."""

    kind: SignalKind
    at: datetime
    due: datetime

    @property
    def natural_key(self) -> str:
        """Return the key that makes the signal unique: its kind and the day its limit ends; a warning's own day.

        So a pause that moves the limit's end after a warning was given does not make it a new one.
        """
        return f"deadline.{self.kind.value}:{china_date(self.at if self.kind in WARNINGS else self.due)}"


def signals_of(case: Case) -> list[DeadlineSignal]:
    """Return every signal, past or to come, of the case's present stage."""
    if not case.is_open:
        return []
    owed = case.deadlines
    if case.case_state is CaseState.SPECIAL_OPEN:
        return _of_promise(case)
    if case.decided_at is not None:
        return _past(SignalKind.DELIVERY_OVERDUE, owed.delivery_due_at)
    if case.accepted_at is not None:
        return _of_handling(case)
    if case.case_state is CaseState.CORRECTION_OPEN:
        return _at_end(SignalKind.SUPPLEMENT_OVERDUE, owed.supplement_due_at)
    return [
        *_warning(SignalKind.ACCEPTANCE_WARNING, owed.acceptance_warn_at, owed.acceptance_due_at),
        *_at_end(SignalKind.ACCEPTANCE_OVERDUE, owed.acceptance_due_at),
    ]


def _of_handling(case: Case) -> list[DeadlineSignal]:
    owed = case.deadlines
    found = [*_warning(SignalKind.YELLOW, owed.warn_at, owed.due_at), *_past(SignalKind.OVERDUE, owed.due_at)]
    if owed.promised_due_at != owed.due_at:
        found += _past(SignalKind.PROMISE_BROKEN, owed.promised_due_at)
    if owed.decision_due_at is not None:
        found += _warning(SignalKind.DECISION_OVERDUE, owed.decision_overrun_at, owed.decision_due_at)
    elif case.handled_as is not Mode.SUBSTANTIVE:
        if owed.review_overrun_at is not None:
            found += _past(SignalKind.REVIEW_OVERDUE, owed.review_overrun_at - JUST_AFTER)
    elif case.level == 0:
        found += _warning(SignalKind.REVIEW_OVERDUE, owed.review_overrun_at, owed.review_due_at)
        found += _warning(SignalKind.FORWARDING_LATE, owed.forwarding_late_at, owed.forwarding_late_at)
    return found + _of_promise(case)


def _of_promise(case: Case) -> list[DeadlineSignal]:
    found = []
    if case.decided_at is None and case.tolerated_until is not None and case.tolerated_supplied_at is None:
        found += _warning(SignalKind.TOLERANCE_WARNING, case.tolerated_until - timedelta(days=1), case.tolerated_until)
        found += _past(SignalKind.TOLERANCE_OVERDUE, case.tolerated_until)
    return found


def _past(kind: SignalKind, due: datetime | None) -> list[DeadlineSignal]:
    return [DeadlineSignal(kind, due + JUST_AFTER, due)] if due is not None else []


def _at_end(kind: SignalKind, due: datetime | None) -> list[DeadlineSignal]:
    return [DeadlineSignal(kind, due, due)] if due is not None else []


def _warning(kind: SignalKind, at: datetime | None, due: datetime | None) -> list[DeadlineSignal]:
    return [DeadlineSignal(kind, at, due)] if at is not None and due is not None else []
