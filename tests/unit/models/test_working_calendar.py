"""The working calendar: published days, local days over them, and years that were entered here."""

from datetime import UTC, date, datetime, timedelta

import chinese_calendar
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.working_calendar import (
    STATUTORY_HOLIDAYS,
    DayKind,
    DaySource,
    Missing,
    WorkingCalendar,
    china_date,
    end_of_day,
    entered_years,
    missing_of_year,
    published_until,
    start_of_day,
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


@pytest.mark.parametrize(
    ("day", "kind"),
    [
        (date(2026, 9, 21), DayKind(True, "工作日")),
        (date(2026, 9, 19), DayKind(False, "周末")),
        (date(2026, 10, 1), DayKind(False, "国庆节")),
        (date(2026, 9, 25), DayKind(False, "中秋节")),
        (date(2026, 1, 1), DayKind(False, "元旦")),
        (date(2026, 2, 17), DayKind(False, "春节")),
        (date(2026, 10, 10), DayKind(True, "国庆节调休上班")),
        (date(2027, 1, 1), DayKind(False, "元旦（暂定）", True, DaySource.WEEK)),
        (date(2027, 1, 4), DayKind(True, "工作日（暂定）", True, DaySource.WEEK)),
        (date(2027, 1, 2), DayKind(False, "周末（暂定）", True, DaySource.WEEK)),
    ],
)
def test_a_day_is_told_by_its_name(day: date, kind: DayKind) -> None:
    assert WorkingCalendar(date(2026, 12, 31)).day(day) == kind


def test_a_local_day_overrules_the_published_one_and_a_guess() -> None:
    closed = DayKind(False, "窗口停电", source=DaySource.AREA)
    calendar = WorkingCalendar(date(2026, 12, 31), {date(2026, 9, 21): closed, date(2027, 1, 4): closed})
    assert calendar.day(date(2026, 9, 21)) == calendar.day(date(2027, 1, 4)) == closed
    assert calendar.add_working_days(date(2026, 9, 18), 1) == date(2026, 9, 20), "made up for the Mid-autumn days"
    assert calendar.add_working_days(date(2026, 9, 18), 2) == date(2026, 9, 22)


def test_a_day_an_entered_year_does_not_name_follows_the_week_and_is_certain() -> None:
    calendar = WorkingCalendar(date(2026, 12, 31), entered_years=frozenset({2027}))
    assert calendar.day(date(2027, 3, 5)) == DayKind(True, "工作日", source=DaySource.CITY)
    assert calendar.day(date(2027, 3, 6)) == DayKind(False, "周末", source=DaySource.CITY)


def test_a_span_is_a_guess_from_the_first_day_past_the_schedule() -> None:
    calendar = WorkingCalendar(date(2026, 12, 31))
    assert not calendar.provisional_until(date(2026, 12, 1), date(2026, 12, 31))
    assert calendar.provisional_until(date(2026, 12, 1), date(2027, 1, 1))
    assert not calendar.provisional_until(date(2027, 1, 5), date(2027, 1, 5)), "the first day itself does not count"


def test_what_a_year_lacks_is_named_and_counted() -> None:
    days = {day: kind for day, kind in notice_of(2027).items() if "清明" not in kind.reason}
    assert missing_of_year(2027, days) == Missing(("清明",), 1)
    assert missing_of_year(2027, notice_of(2027, days_each=1)) == Missing((), 6)
    assert missing_of_year(2028, days) == Missing(STATUTORY_HOLIDAYS, 13)
    assert missing_of_year(2027, notice_of(2027)) is None


def test_days_begin_and_end_in_china() -> None:
    day = date(2026, 9, 21)
    assert start_of_day(day).isoformat() == "2026-09-21T00:00:00+08:00"
    assert end_of_day(day).isoformat() == "2026-09-21T23:59:59+08:00"
    assert china_date(datetime(2026, 9, 20, 16, tzinfo=UTC)) == day
    assert china_date(datetime(2026, 9, 20, 15, 59, tzinfo=UTC)) == date(2026, 9, 20)


def test_a_day_past_the_schedule_is_a_guess_by_the_week_and_says_so() -> None:
    kind = PUBLISHED.day(date(2027, 1, 4))
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
