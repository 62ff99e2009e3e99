"""A case's clock as people see it, every day explained; kept as it was once the case is decided or over (ADR 8)."""

from collections.abc import Sequence
from datetime import date, datetime

from pydantic import BaseModel
from sqlmodel import Session

from models.case import Case
from models.case_clock import Day, ReceiptClock
from models.clock_record import ClockRecord
from services.deadlines import case_deadlines, clock_inputs


class ClockDay(BaseModel):
    """One day of a case's clock and why it counts or not."""

    date: date
    status: str
    reason: str


class ReceiptView(BaseModel):
    """The limit to answer a receipt (受理期限), day by day; ``due_on`` is null while a correction is awaited."""

    limit: int
    used: int
    due_on: date | None
    provisional: bool
    days: list[ClockDay]


class ClockView(BaseModel):
    """A case's clock, every day explained: the decision's from acceptance on, and the receipt's before it."""

    limit: int | None
    unit: str
    used: int
    remaining: int | None
    days: list[ClockDay]
    provisional: bool = False
    yellow_on: date | None = None
    """The day on which the yellow light comes on."""
    receipt: ReceiptView


def clock_view(session: Session, case: Case, now: datetime) -> ClockView:
    """Return the case's clock with every day explained; from the decision or the end on, as it stood then."""
    if case.decided_at is not None or not case.is_open:
        record = session.get(ClockRecord, case.case_no)
        if record is not None:
            return ClockView.model_validate(record.body)
    return _computed(session, case, now)


def keep(session: Session, case: Case, at: datetime) -> None:
    """Keep what the clock says at the case's decision, or at its end without one; the first record stays."""
    if session.get(ClockRecord, case.case_no) is None:
        body = _computed(session, case, at).model_dump(mode="json")
        session.add(ClockRecord(case_no=case.case_no, kept_at=at, body=body))


def _computed(session: Session, case: Case, now: datetime) -> ClockView:
    """Compute the clock; before acceptance nothing has been counted of the limit to decide."""
    inputs = clock_inputs.gather(session, [case]).of(case)
    clock = case_deadlines.case_clock(case, inputs, now)
    receipt = _receipt_view(case_deadlines.receipt_clock(case, inputs, now))
    if clock is None:
        limit, unit = case_deadlines.announced_limit(session, case)
        return ClockView(limit=limit, unit=unit, used=0, remaining=limit, days=[], receipt=receipt)
    return ClockView(
        limit=clock.limit,
        unit=clock.unit,
        used=clock.used,
        remaining=clock.remaining,
        days=_days(clock.days),
        provisional=clock.provisional,
        yellow_on=clock.yellow_on,
        receipt=receipt,
    )


def _receipt_view(clock: ReceiptClock) -> ReceiptView:
    return ReceiptView(
        limit=clock.limit,
        used=clock.used,
        due_on=clock.due_on,
        provisional=clock.provisional,
        days=_days(clock.days),
    )


def _days(days: Sequence[Day]) -> list[ClockDay]:
    return [ClockDay(date=day.date, status=day.status.value, reason=day.reason) for day in days]
