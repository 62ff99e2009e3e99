"""The figures (指标): what each counts, of which cases, and by which instant it belongs to a period.

A flow belongs to the period in which it happened: a case received in March and decided in April is one received in
March and one decided in April. Stocks (open, yellow, red) stand as of now, whatever the period. The same text for
readers, with numerators and denominators, is docs/reference/statistics.md.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, case, func, null, or_, true
from sqlmodel import Session, col, select

from models.case import Case, CaseState, Verdict
from models.case_clock import LimitUnit
from models.case_deadlines import CaseDeadlines
from models.clock_record import ClockRecord
from models.supervision import SupervisionPush

NOT_ACCEPTED: Final = (CaseState.NOT_NEEDED, CaseState.REFUSED)
WITHDRAWN: Final = (CaseState.RETRACTED, CaseState.WITHDRAWN)


class Figure(StrEnum):
    """The counts of a row, in the order they are shown."""

    RECEIVED = "received"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    CORRECTED = "corrected"
    CLOSED = "closed"
    APPROVED = "approved"
    DENIED = "denied"
    WITHDRAWN = "withdrawn"
    ON_TIME = "on_time"
    OVERDUE = "overdue"
    PROMISE_KEPT = "promise_kept"
    PROMISE_BROKEN = "promise_broken"
    OPEN = "open"
    YELLOW = "yellow"
    RED = "red"
    PUSH_ON_TIME = "push_on_time"
    PUSH_OVERDUE = "push_overdue"


@dataclass
class Tally:
    """The figures of one group of cases; ``durations`` counts decided cases by the working days they took."""

    counts: dict[Figure, int] = field(default_factory=lambda: dict.fromkeys(Figure, 0))
    durations: dict[int, int] = field(default_factory=dict)

    def add(self, other: "Tally") -> None:
        """Add another group's figures."""
        for figure, count in other.counts.items():
            self.counts[figure] += count
        for days, count in other.durations.items():
            self.durations[days] = self.durations.get(days, 0) + count

    @property
    def average_days(self) -> float | None:
        """Return the mean of the working days, None where nothing with such a limit was decided."""
        cases = sum(self.durations.values())
        return sum(days * count for days, count in self.durations.items()) / cases if cases else None

    @property
    def p90_days(self) -> int | None:
        """Return the least number of working days that nine tenths of the decided cases did not exceed."""
        return percentile(self.durations, 0.9)

    @property
    def on_time_rate(self) -> float | None:
        """Return the share of decisions within the statutory limit, None where nothing was decided."""
        decided = self.counts[Figure.ON_TIME] + self.counts[Figure.OVERDUE]
        return self.counts[Figure.ON_TIME] / decided if decided else None


def percentile(counts: dict[int, int], share: float) -> int | None:
    """Return the nearest-rank percentile of values with their counts, None of nothing."""
    total = sum(counts.values())
    reached = 0
    for value in sorted(counts):
        reached += counts[value]
        if reached >= share * total:
            return value
    return None


@dataclass(frozen=True)
class Period:
    """From the first instant to before the end."""

    begin: datetime
    end: datetime

    def holds(self, column: Any) -> ColumnElement[bool]:
        """Return the condition that an instant lies in the period."""
        return and_(col(column) >= self.begin, col(column) < self.end)


Key = str | None


def tally(
    session: Session,
    seen: ColumnElement[bool],
    group: Any,
    period: Period,
    now: datetime,
    *,
    stock: ColumnElement[bool] | None = None,
) -> dict[Key, Tally]:
    """Count every figure of the cases seen, by the values of a column of ``Case``; ``group`` None counts all as one.

    ``stock`` narrows the cases counted as open, yellow and red: else all that are open now.
    """
    return _Counting(session, seen, group, now).all(period, true() if stock is None else stock)


class _Counting:
    def __init__(self, session: Session, seen: ColumnElement[bool], group: Any, now: datetime) -> None:
        self._session, self._seen, self._group, self._now = session, seen, group, now
        self._found: dict[Key, Tally] = {}

    def all(self, period: Period, stock: ColumnElement[bool]) -> dict[Key, Tally]:
        self._count(period.holds(Case.received_at), {Figure.RECEIVED: None})
        self._count(period.holds(Case.accepted_at), {Figure.ACCEPTED: None})
        self._count(period.holds(Case.correction_requested_at), {Figure.CORRECTED: None})
        self._count(
            period.holds(Case.closed_at),
            {
                Figure.CLOSED: None,
                Figure.REFUSED: col(Case.state).in_(NOT_ACCEPTED),
                Figure.WITHDRAWN: col(Case.state).in_(WITHDRAWN),
            },
        )
        promised = col(CaseDeadlines.promised_due_at)
        self._count(
            and_(period.holds(Case.decided_at), col(Case.decision).is_not(None)),
            {
                Figure.APPROVED: col(Case.decision) == Verdict.APPROVE,
                Figure.DENIED: col(Case.decision) == Verdict.DENY,
                Figure.ON_TIME: col(Case.overdue_at).is_(None),
                Figure.OVERDUE: col(Case.overdue_at).is_not(None),
                Figure.PROMISE_KEPT: col(Case.decided_at) <= promised,
                Figure.PROMISE_BROKEN: col(Case.decided_at) > promised,
            },
        )
        self._count(and_(col(Case.is_open), stock), {Figure.OPEN: None, **_lights(self._now)})
        self._count_pushes(period)
        self._measure(period)
        return self._found

    def _count(self, which: ColumnElement[bool], parts: dict[Figure, ColumnElement[bool] | None]) -> None:
        sums = [func.count() if part is None else func.sum(case((part, 1), else_=0)) for part in parts.values()]
        query = select(*self._keyed(*sums)).select_from(Case)
        query = query.join(CaseDeadlines, col(CaseDeadlines.case_no) == col(Case.case_no))
        self._note(query.where(self._seen, which), list(parts))

    def _count_pushes(self, period: Period) -> None:
        claimed, due = col(SupervisionPush.claimed_at), col(SupervisionPush.due_at)
        parts = {
            Figure.PUSH_ON_TIME: claimed <= due,
            Figure.PUSH_OVERDUE: or_(claimed > due, and_(claimed.is_(None), due < self._now)),
        }
        sums = [func.sum(case((part, 1), else_=0)) for part in parts.values()]
        query = select(*self._keyed(*sums)).select_from(Case)
        query = query.join(SupervisionPush, col(SupervisionPush.case_no) == col(Case.case_no))
        self._note(query.where(self._seen, period.holds(SupervisionPush.pushed_at)), list(parts))

    def _measure(self, period: Period) -> None:
        used = col(ClockRecord.body)["used"].as_integer()
        query = select(*self._keyed(used, func.count())).select_from(Case)
        query = query.join(ClockRecord, col(ClockRecord.case_no) == col(Case.case_no))
        decided = and_(period.holds(Case.decided_at), col(Case.limit_unit) == LimitUnit.WORKING_DAY)
        query = query.where(self._seen, decided).group_by(used)
        for key, days, count in self._session.exec(self._grouped(query)).all():
            if days is not None:
                self._of(key).durations[int(days)] = int(count)

    def _keyed(self, *columns: Any) -> tuple[Any, ...]:
        return (null() if self._group is None else self._group, *columns)

    def _grouped(self, query: Any) -> Any:
        return query if self._group is None else query.group_by(self._group)

    def _note(self, query: Any, figures: list[Figure]) -> None:
        for key, *sums in self._session.exec(self._grouped(query)).all():
            for figure, count in zip(figures, sums, strict=True):
                self._of(key).counts[figure] += int(count or 0)

    def _of(self, key: Any) -> Tally:
        return self._found.setdefault(None if key is None else str(key), Tally())


def _lights(now: datetime) -> dict[Figure, ColumnElement[bool] | None]:
    """Return the conditions of an open case's warning lights, as ``casefile.case_list.light_of`` gives them."""
    due, warn = col(CaseDeadlines.due_at), col(CaseDeadlines.warn_at)
    undecided = col(Case.decided_at).is_(None)
    overrun = and_(due.is_not(None), func.coalesce(col(Case.decided_at), now) > due)
    red = or_(and_(col(Case.overdue_at).is_not(None), undecided), overrun)
    warned = and_(undecided, warn.is_not(None), warn <= now, col(Case.state) != CaseState.SPECIAL_OPEN)
    return {Figure.RED: red, Figure.YELLOW: and_(~func.coalesce(red, False), warned)}
