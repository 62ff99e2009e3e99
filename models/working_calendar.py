"""The working calendar: which days count, and why (published holidays with 调休, overlaid by local days)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache

from chinese_calendar.constants import holidays as published_holidays
from chinese_calendar.constants import workdays as published_workdays

from models import statutory_holidays
from models.database import CHINA

ONE_DAY = timedelta(days=1)
SATURDAY = 5
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


STATUTORY_HOLIDAYS = ("元旦", "春节", "清明", "劳动", "端午", "中秋", "国庆")
"""What a year's published schedule names (全国年节及纪念日放假办法 art. 2)."""

STATUTORY_HOLIDAY_DAYS = 13
"""Days off the schedule of a year names at least (the same article, as revised in 2024)."""


class DaySource(StrEnum):
    """Where a day's kind comes from; ``WEEK`` assumes the usual week and the statutory
    holidays, no schedule being published.
    """

    PUBLISHED = "published"
    CITY = "city"
    AREA = "area"
    WEEK = "week"


@dataclass(frozen=True)
class DayKind:
    """Whether a day is a working day, why, by which source, and whether that is final."""

    working: bool
    reason: str
    provisional: bool = False
    source: DaySource = DaySource.PUBLISHED


@dataclass(frozen=True)
class WorkingCalendar:
    """The calendar in force in one area.

    ``overlay`` overrides the published days. A day past ``published_until`` is a day off where the law makes it a
    holiday, else follows the usual week, and is provisional, unless the overlay names it or its year is one of
    ``entered_years``, whose schedule was entered here.
    """

    published_until: date
    overlay: Mapping[date, DayKind] = field(default_factory=dict)
    entered_years: frozenset[int] = frozenset()

    def day(self, day: date) -> DayKind:
        """Return the kind of ``day``."""
        named = self.overlay.get(day)
        if named is not None:
            return named
        if day <= self.published_until:
            return _published_day(day)
        reason = "工作日" if day.weekday() < SATURDAY else "周末"
        if day.year in self.entered_years:
            return DayKind(day.weekday() < SATURDAY, reason, source=DaySource.CITY)
        holiday = statutory_holidays.of_year(day.year).get(day)
        if holiday is not None:
            return DayKind(False, f"{holiday}（暂定）", True, DaySource.WEEK)
        return DayKind(day.weekday() < SATURDAY, f"{reason}（暂定）", True, DaySource.WEEK)

    def add_working_days(self, day: date, count: int) -> date:
        """Return the ``count``-th working day after ``day``; ``day`` itself never counts (行政许可法 art. 82)."""
        while count > 0:
            day += ONE_DAY
            if self.day(day).working:
                count -= 1
        return day

    def subtract_working_days(self, day: date, count: int) -> date:
        """Return the ``count``-th working day before ``day``."""
        while count > 0:
            day -= ONE_DAY
            if self.day(day).working:
                count -= 1
        return day

    def provisional_until(self, first: date, last: date) -> bool:
        """Tell whether a day after ``first`` up to and including ``last`` is provisional."""
        if last <= self.published_until:
            return False
        day = max(first, self.published_until)
        while day < last:
            day += ONE_DAY
            if self.day(day).provisional:
                return True
        return False

    def working_days_between(self, first: date, last: date) -> int:
        """Count the working days after ``first`` up to and including ``last``."""
        count = 0
        while first < last:
            first += ONE_DAY
            count += self.day(first).working
        return count


def entered_years(city_days: Mapping[date, DayKind]) -> frozenset[int]:
    """Return the years whose whole schedule the city-wide days give.

    A year is complete when every one of its days is named, or when each of the seven statutory holidays is named among
    at least ``STATUTORY_HOLIDAY_DAYS`` days off: so the State Council's notice itself may be entered, and the days it
    does not name follow the usual week.
    """
    return frozenset(year for year in {day.year for day in city_days} if missing_of_year(year, city_days) is None)


@dataclass(frozen=True)
class Missing:
    """What the city-wide days of a year lack to make it complete."""

    holidays: tuple[str, ...]
    days_off: int


def missing_of_year(year: int, city_days: Mapping[date, DayKind]) -> Missing | None:
    """Return what the city-wide days lack to give the whole schedule of a year; None when they lack nothing."""
    named = [kind for day, kind in city_days.items() if day.year == year]
    if len(named) == (date(year + 1, 1, 1) - date(year, 1, 1)).days:
        return None
    off = [kind.reason for kind in named if not kind.working]
    absent = tuple(name for name in STATUTORY_HOLIDAYS if not any(name in reason for reason in off))
    short = max(0, STATUTORY_HOLIDAY_DAYS - len(off))
    return Missing(absent, short) if absent or short else None


@lru_cache(maxsize=1)
def published_until() -> date:
    """Return the last day of the last published holiday schedule."""
    return date(max(day.year for day in published_holidays), 12, 31)


@lru_cache(maxsize=4096)
def _published_day(day: date) -> DayKind:
    if day in published_workdays:
        return DayKind(True, f"{_holiday_name(published_workdays[day])}调休上班")
    if day in published_holidays:
        return DayKind(False, _holiday_name(published_holidays[day]))
    return DayKind(True, "工作日") if day.weekday() < SATURDAY else DayKind(False, "周末")


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
    "DaySource",
    "Missing",
    "WorkingCalendar",
    "china_date",
    "end_of_day",
    "entered_years",
    "missing_of_year",
    "published_until",
    "start_of_day",
]
