"""The working calendar: published days, local days over them, and years that were entered here."""

from datetime import date, timedelta

import chinese_calendar
from hypothesis import given, settings
from hypothesis import strategies as st

from models.working_calendar import (
    STATUTORY_HOLIDAYS,
    DayKind,
    DaySource,
    WorkingCalendar,
    entered_years,
    published_until,
)

PUBLISHED = WorkingCalendar(published_until())
WEEK = timedelta(days=7)


def notice_of(year: int, *, days_each: int = 2) -> dict[date, DayKind]:
    """Return an invented schedule that names the seven holidays, ``days_each`` days each."""
    days = {}
    for place, holiday in enumerate(STATUTORY_HOLIDAYS):
        for length in range(days_each):
            days[date(year, 1 + place, 10 + length)] = DayKind(False, f"{holiday}节", source=DaySource.CITY)
    return days


@settings(max_examples=400, deadline=None)
@given(st.dates(date(2022, 1, 1), date(2026, 12, 31)))
def test_a_published_day_is_as_the_schedule_has_it(day: date) -> None:
    kind = PUBLISHED.day(day)
    assert kind.working == chinese_calendar.is_workday(day)
    assert kind.source is DaySource.PUBLISHED
    assert not kind.provisional


@settings(max_examples=200, deadline=None)
@given(st.dates(date(2022, 1, 1), date(2026, 6, 30)), st.integers(0, 60))
def test_working_days_are_added_counted_and_taken_away_alike(day: date, count: int) -> None:
    later = PUBLISHED.add_working_days(day, count)
    assert PUBLISHED.working_days_between(day, later) == count
    if count:
        assert PUBLISHED.day(later).working
        again = PUBLISHED.subtract_working_days(later, count)
        assert PUBLISHED.add_working_days(again, count) == later


def test_a_day_past_the_schedule_is_a_guess_by_the_week_and_says_so() -> None:
    kind = PUBLISHED.day(date(2027, 1, 1))
    assert kind.working
    assert kind.provisional
    assert kind.source is DaySource.WEEK
    assert "暂定" in kind.reason


def test_a_year_is_entered_once_all_its_days_are() -> None:
    days = {date(2027, 1, 1) + timedelta(n): DayKind(True, "工作日") for n in range(365)}
    assert entered_years(days) == {2027}
    del days[date(2027, 7, 7)]
    assert entered_years(days) == frozenset()


def test_a_year_is_entered_once_its_seven_holidays_are() -> None:
    days = notice_of(2027)
    assert entered_years(days) == {2027}
    calendar = WorkingCalendar(published_until(), days, entered_years(days))
    assert calendar.day(date(2027, 7, 7)) == DayKind(True, "工作日", source=DaySource.CITY)
    assert not calendar.day(date(2027, 1, 10)).working
    assert not calendar.provisional_until(date(2026, 12, 20), date(2027, 12, 31))
    assert calendar.provisional_until(date(2026, 12, 20), date(2028, 1, 3))


def test_a_schedule_without_one_of_the_holidays_leaves_the_year_provisional() -> None:
    days = {day: kind for day, kind in notice_of(2027).items() if "端午" not in kind.reason}
    assert entered_years(days) == frozenset()


def test_a_schedule_with_too_few_days_leaves_the_year_provisional() -> None:
    assert entered_years(notice_of(2027, days_each=1)) == frozenset()
