"""The statutory holidays of a year are computed as the published schedules of past years had them."""

from datetime import date

import pytest

from models import statutory_holidays
from models.working_calendar import DaySource, WorkingCalendar, published_until

PUBLISHED = WorkingCalendar(published_until())


@pytest.mark.parametrize("year", range(2008, published_until().year + 1))
def test_every_computed_holiday_was_a_day_off_when_its_year_was_published(year: int) -> None:
    """The second of May (since 2025) and New Year's eve (not off in 2014, optional in 2024) came later."""
    later = {"劳动节": 2} if year < 2025 else {}
    eves = year < 2025
    for day, name in statutory_holidays.of_year(year).items():
        new_years_eve = name == "春节" and day == min(
            one for one, called in statutory_holidays.of_year(year).items() if called == "春节"
        )
        if later.get(name) == day.day or (eves and new_years_eve):
            continue
        assert not PUBLISHED.day(day).working, (day, name)


def test_a_year_has_thirteen_holidays() -> None:
    assert len(statutory_holidays.of_year(2027)) == 13


@pytest.mark.parametrize(
    ("day", "name"),
    [
        (date(2027, 1, 1), "元旦"),
        (date(2027, 2, 5), "春节"),
        (date(2027, 2, 8), "春节"),
        (date(2027, 4, 5), "清明节"),
        (date(2027, 5, 2), "劳动节"),
        (date(2027, 6, 9), "端午节"),
        (date(2027, 9, 15), "中秋节"),
        (date(2027, 10, 3), "国庆节"),
    ],
)
def test_a_holiday_of_a_year_not_yet_published_is_a_provisional_day_off(day: date, name: str) -> None:
    kind = WorkingCalendar(date(2026, 12, 31)).day(day)
    assert (kind.working, kind.provisional, kind.source) == (False, True, DaySource.WEEK)
    assert kind.reason == f"{name}（暂定）"


def test_a_limit_over_the_new_year_leaves_new_years_day_out_and_is_provisional() -> None:
    calendar = WorkingCalendar(date(2026, 12, 31))
    assert calendar.add_working_days(date(2026, 12, 31), 1) == date(2027, 1, 4)
    assert calendar.provisional_until(date(2026, 12, 31), date(2027, 1, 4))


def test_the_fixed_days_alone_are_known_beyond_the_lunar_tables() -> None:
    assert set(statutory_holidays.of_year(2150).values()) == {"元旦", "劳动节", "国庆节"}
