"""The statutory clock of one case: a pure computation that explains every day.

Counting begins the day after acceptance (行政许可法 art. 42, 82). A special procedure stops the clock on the days
after it began up to and including the day it ended; while it runs, its planned working days count as stopped.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from models.working_calendar import ONE_DAY, WorkingCalendar, china_date, end_of_day, start_of_day

DEFAULT_YELLOW_SHARE = 0.8

JUST_AFTER = timedelta(seconds=1)
"""A limit is overrun one second after its last second."""


NO_LONGER_COUNTED = "已停止计时，未使用"
"""The reason of a day that would have counted, had the case not been answered before it."""

AWAITING_SUPPLEMENT = "等待申请人补正，不计入受理期限"


class LimitUnit(StrEnum):
    """The unit a limit is counted in."""

    WORKING_DAY = "working_day"
    DAY = "day"


class DayStatus(StrEnum):
    """What a day does to the clock."""

    COUNTED = "counted"
    NON_WORKING = "non_working"
    PAUSED = "paused"
    NOT_STARTED = "not_started"


@dataclass(frozen=True)
class Pause:
    """A span in which the clock stands still: the days after ``begun`` up to and including ``ended``.

    ``ended`` is null while it runs; then it lasts at least to ``planned_end``.
    """

    begun: date
    planned_end: date
    ended: date | None
    reason: str
    provisional: bool = False
    """The planned end is an estimate: it counts working days beyond the published schedule."""

    def covers(self, day: date, today: date) -> bool:
        """Tell whether the clock is stopped on ``day``, as of ``today``."""
        last = self.ended if self.ended is not None else max(self.planned_end, today)
        return self.begun < day <= last


@dataclass(frozen=True)
class Day:
    """One day of the clock."""

    date: date
    status: DayStatus
    reason: str


@dataclass(frozen=True)
class CaseClock:
    """The computation of one limit; ``due_on`` is the day on which it ends."""

    limit: int
    unit: LimitUnit
    days: tuple[Day, ...]
    due_on: date
    used: int
    provisional: bool
    yellow_on: date

    @property
    def remaining(self) -> int:
        """Return how many counted days are left."""
        return self.limit - self.used

    @property
    def due_at(self) -> datetime:
        """Return the instant the limit ends."""
        return end_of_day(self.due_on)

    @property
    def overrun_at(self) -> datetime:
        """Return the first instant past the limit."""
        return self.due_at + JUST_AFTER

    def counted_on(self, count: int) -> date:
        """Return the day on which ``count`` days are used up; the last day where fewer are counted."""
        counted = [day.date for day in self.days if day.status is DayStatus.COUNTED]
        return counted[min(count, len(counted)) - 1] if counted else self.due_on

    @property
    def yellow_at(self) -> datetime:
        """Return the instant the yellow light comes on."""
        return start_of_day(self.yellow_on)


def compute_clock(
    started: date,
    limit: int,
    unit: LimitUnit,
    calendar: WorkingCalendar,
    *,
    today: date,
    pauses: Sequence[Pause] = (),
    stopped: date | None = None,
    extension: int = 0,
    yellow_share: float = DEFAULT_YELLOW_SHARE,
    yellow_days: int = 0,
) -> CaseClock:
    """Compute a limit of ``limit`` days after ``started``.

    ``extension`` lengthens it by that many working days, whatever the limit's own unit (行政许可法 art. 42, 82).
    ``stopped`` is the day the case was decided; later days are not used up, and are marked so. A limit of 0 ends on
    ``started``.
    The yellow light comes on with the day that uses up ``yellow_share`` of the limit, or with the one that leaves
    ``yellow_days`` of it, whichever is first.
    """
    own, limit = limit, limit + extension
    yellow_at_count = share_of(limit, yellow_share)
    if yellow_days > 0:
        yellow_at_count = max(1, min(yellow_at_count, limit - yellow_days))
    seen_until = today if stopped is None else min(today, stopped)
    days = [Day(started, DayStatus.NOT_STARTED, "自次日起计算")]
    counted = used = 0
    day = yellow_on = started
    provisional = False
    while counted < limit:
        day += ONE_DAY
        kind = calendar.day(day)
        by_working_day = unit is LimitUnit.WORKING_DAY or counted >= own
        provisional = provisional or (kind.provisional and by_working_day)
        covering = [pause for pause in pauses if pause.covers(day, today)]
        pause = covering[0] if covering else None
        provisional = provisional or any(one.provisional and one.ended is None for one in covering)
        if by_working_day and not kind.working:
            days.append(Day(day, DayStatus.NON_WORKING, kind.reason))
        elif pause is not None:
            days.append(Day(day, DayStatus.PAUSED, pause.reason))
        else:
            counted += 1
            used += day <= seen_until
            reason = kind.reason if by_working_day else "自然日"
            unused = stopped is not None and day > stopped
            days.append(Day(day, DayStatus.COUNTED, NO_LONGER_COUNTED if unused else reason))
            if counted == yellow_at_count:
                yellow_on = day
    return CaseClock(limit, unit, tuple(days), day, used, provisional, yellow_on)


@dataclass(frozen=True)
class ReceiptClock:
    """The computation of the receipt limit (受理期限); ``due_on`` is empty while a correction is awaited."""

    limit: int
    days: tuple[Day, ...]
    due_on: date | None
    used: int
    provisional: bool


def compute_receipt_clock(
    received: date,
    limit: int,
    calendar: WorkingCalendar,
    *,
    today: date,
    corrected: date | None = None,
    supplied: date | None = None,
    answered: date | None = None,
) -> ReceiptClock:
    """Compute the limit to accept, refuse or ask for a correction, every day explained.

    ``corrected`` is the day of the correction notice: the clock then stops until ``supplied``, the day the supplement
    came, from which the limit starts anew. ``answered`` is the day the window answered; days after it are not used up.
    """
    first = compute_clock(received, limit, LimitUnit.WORKING_DAY, calendar, today=today, stopped=corrected or answered)
    if corrected is None:
        return ReceiptClock(limit, first.days, first.due_on, first.used, first.provisional)
    explained = [day for day in first.days if day.date <= corrected]
    day, until = corrected + ONE_DAY, today if supplied is None else supplied
    while day <= until:
        kind = calendar.day(day)
        status = DayStatus.PAUSED if kind.working else DayStatus.NON_WORKING
        explained.append(Day(day, status, AWAITING_SUPPLEMENT if kind.working else kind.reason))
        day += ONE_DAY
    if supplied is None:
        return ReceiptClock(limit, tuple(explained), None, first.used, first.provisional)
    anew = compute_clock(supplied, limit, LimitUnit.WORKING_DAY, calendar, today=today, stopped=answered)
    return ReceiptClock(limit, (*explained, *anew.days[1:]), anew.due_on, anew.used, anew.provisional)


def share_of(limit: int, share: float) -> int:
    """Return the counted day on which ``share`` of a limit is used up: rounded up, at least the first."""
    return max(1, math.ceil(round(limit * share, 6)))


def receipt_due(received: datetime, calendar: WorkingCalendar, limit: int) -> datetime:
    """Return the instant the receipt limit ends (five working days, 行政许可法 art. 32)."""
    return end_of_day(calendar.add_working_days(china_date(received), limit))
