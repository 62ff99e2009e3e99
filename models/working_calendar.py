"""The working calendar: which days count, and why (published holidays with 调休, overlaid by local days)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import lru_cache

from chinese_calendar.constants import holidays as published_holidays
from chinese_calendar.constants import workdays as published_workdays

from models.database import CHINA

ONE_DAY = timedelta(days=1)
END_OF_DAY = time(23, 59, 59)

HOLIDAY_NAMES = {
    "New Year's Day": "元旦",
    "Spring Festival": "春节",
    "Tomb-sweeping Day": "清明节",
    "Labour Day": "劳动节",
    "Dragon Boat Festival": "端午节",
    "National Day": "国庆节",
    "Mid-autumn Festival": "中秋节",
    "Anti-Fascist 70th Day": "抗战胜利纪念日",
}


@dataclass(frozen=True)
class DayKind:
    """Whether a day is a working day, why, and whether that is certain yet."""

    working: bool
    reason: str
    provisional: bool = False


@dataclass(frozen=True)
class WorkingCalendar:
    """The calendar in force in one area.

    ``overlay`` overrules the published days. A day past ``published_until`` is a guess by the week and provisional,
    unless the overlay names it.
    """

    published_until: date
    overlay: Mapping[date, tuple[bool, str]] = field(default_factory=dict)

    def day(self, day: date) -> DayKind:
        """Return the kind of ``day``."""
        named = self.overlay.get(day)
        if named is not None:
            return DayKind(named[0], named[1])
        if day > self.published_until:
            return DayKind(day.weekday() < 5, "工作日（暂定）" if day.weekday() < 5 else "周末（暂定）", True)
        return _published_day(day)

    def add_working_days(self, day: date, count: int) -> date:
        """Return the ``count``-th working day after ``day``; ``day`` itself never counts (行政许可法 art. 82)."""
        while count > 0:
            day += ONE_DAY
            if self.day(day).working:
                count -= 1
        return day

    def working_days_between(self, first: date, last: date) -> int:
        """Count the working days after ``first`` up to and including ``last``."""
        count = 0
        while first < last:
            first += ONE_DAY
            count += self.day(first).working
        return count


def published_until() -> date:
    """Return the last day of the last published holiday schedule."""
    return date(max(day.year for day in published_holidays), 12, 31)


@lru_cache(maxsize=4096)
def _published_day(day: date) -> DayKind:
    if day in published_workdays:
        return DayKind(True, f"{_holiday_name(published_workdays[day])}调休上班")
    if day in published_holidays:
        return DayKind(False, _holiday_name(published_holidays[day]))
    return DayKind(True, "工作日") if day.weekday() < 5 else DayKind(False, "周末")


def _holiday_name(name: object) -> str:
    text = str(getattr(name, "value", name))
    return HOLIDAY_NAMES.get(text, text)


def china_date(moment: datetime) -> date:
    """Return the date of an instant in China."""
    return moment.astimezone(CHINA).date()


def end_of_day(day: date) -> datetime:
    """Return the last second of a day in China: the instant a limit ends."""
    return datetime.combine(day, END_OF_DAY, CHINA)


def start_of_day(day: date) -> datetime:
    """Return the first instant of a day in China."""
    return datetime.combine(day, time.min, CHINA)


__all__ = [
    "DayKind",
    "WorkingCalendar",
    "china_date",
    "end_of_day",
    "published_until",
    "start_of_day",
]
