"""A case's clock as month sheets: which day counts, which does not, and why."""

from calendar import Calendar
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from services.deadlines.clock_views import ClockDay, ClockView

MONDAY = 0
COUNTED = "counted"


@dataclass(frozen=True)
class DayCell:
    """One day of a sheet; ``status`` is empty for a day the clock says nothing about."""

    day: date
    status: str
    reason: str
    due: bool
    today: bool
    ahead: bool
    """The day counts, but has not come yet: the plan up to the due day; or the case was answered before it came."""


@dataclass(frozen=True)
class MonthSheet:
    """One month: weeks from Monday, ``None`` where a day belongs to another month."""

    year: int
    month: int
    weeks: list[list[DayCell | None]]

    @property
    def name(self) -> str:
        """Return the month as 2026年11月."""
        return f"{self.year}年{self.month}月"


def month_sheets(
    days: Sequence[ClockDay], due: date | None, today: date, *, stopped: date | None = None
) -> list[MonthSheet]:
    """Return the sheets from a clock's first day to its last, or to the due day if that is later.

    ``stopped`` is the day the case was decided or ended; no day after it was used up.
    """
    if not days:
        return []
    explained = {day.date: day for day in days}
    first, last = min(explained), max(max(explained), due or min(explained))
    sheets = []
    year, month = first.year, first.month
    while (year, month) <= (last.year, last.month):
        sheets.append(_sheet(year, month, explained, due, today, min(today, stopped or today)))
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
    return sheets


def share_used(clock: ClockView) -> int:
    """Return how much of the limit is used, in whole percent up to 100."""
    return min(100, round(100 * clock.used / clock.limit)) if clock.limit else 0


def _sheet(
    year: int, month: int, explained: dict[date, ClockDay], due: date | None, today: date, used_until: date
) -> MonthSheet:
    weeks: list[list[DayCell | None]] = []
    for week in Calendar(MONDAY).monthdatescalendar(year, month):
        own = [_cell(day, explained.get(day), due, today, used_until) if day.month == month else None for day in week]
        weeks.append(own)
    return MonthSheet(year, month, weeks)


def _cell(day: date, explained: ClockDay | None, due: date | None, today: date, used_until: date) -> DayCell:
    status, reason = (explained.status, explained.reason) if explained else ("", "")
    ahead = status == COUNTED and day > used_until
    return DayCell(day, status, reason, due=day == due, today=day == today, ahead=ahead)
