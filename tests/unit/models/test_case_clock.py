"""The statutory clock against an independent day-by-day reckoning."""

from datetime import date, timedelta

import chinese_calendar
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.case_clock import (
    NO_LONGER_COUNTED,
    DayStatus,
    LimitUnit,
    Pause,
    compute_clock,
    compute_receipt_clock,
    receipt_due,
)
from models.database import CHINA
from models.working_calendar import DayKind, WorkingCalendar, end_of_day, published_until, start_of_day
from tests.reckoning import add_working_days, statuses, working

CALENDAR = WorkingCalendar(published_until())
WORKING = LimitUnit.WORKING_DAY


def naive_due(started: date, limit: int, pauses: list[tuple[date, date]]) -> date:
    """Walk the days without any of the product's code."""
    day = started
    while limit:
        day = day + timedelta(1)
        if chinese_calendar.is_workday(day) and not any(first < day <= last for first, last in pauses):
            limit -= 1
    return day


def test_twenty_working_days_over_the_national_day_of_2026() -> None:
    clock = compute_clock(date(2026, 9, 21), 20, WORKING, CALENDAR, today=date(2026, 9, 30))
    assert clock.due_on == date(2026, 10, 26)
    assert clock.used == 6
    assert clock.remaining == 14
    reasons = {day.date: day.reason for day in clock.days}
    assert reasons[date(2026, 10, 1)] == "国庆节"
    assert reasons[date(2026, 10, 10)] == "国庆节调休上班"
    assert clock.days[0].status is DayStatus.NOT_STARTED


@settings(max_examples=300, deadline=None)
@given(
    started=st.dates(date(2022, 1, 1), date(2026, 3, 31)),
    limit=st.integers(0, 45),
    spans=st.lists(st.tuples(st.integers(0, 40), st.integers(0, 30)), max_size=3),
)
def test_due_day_agrees_with_an_independent_reckoning(started: date, limit: int, spans: list[tuple[int, int]]) -> None:
    ended = [(started + timedelta(first), started + timedelta(first) + timedelta(length)) for first, length in spans]
    pauses = [Pause(first, last, last, "听证") for first, last in ended]
    clock = compute_clock(started, limit, WORKING, CALENDAR, today=started + timedelta(400), pauses=pauses)
    assert clock.due_on == naive_due(started, limit, ended)
    counted = [day for day in clock.days if day.status is DayStatus.COUNTED]
    assert len(counted) == limit
    assert [day.date for day in clock.days] == [started + timedelta(n) for n in range(len(clock.days))]


def test_overlapping_pauses_count_once() -> None:
    hearing = Pause(date(2026, 3, 2), date(2026, 3, 6), date(2026, 3, 6), "听证")
    review = Pause(date(2026, 3, 4), date(2026, 3, 10), date(2026, 3, 10), "专家评审")
    both = compute_clock(date(2026, 3, 1), 5, WORKING, CALENDAR, today=date(2026, 3, 31), pauses=[hearing, review])
    paused = [day.date.day for day in both.days if day.status is DayStatus.PAUSED]
    assert paused == [3, 4, 5, 6, 9, 10]
    assert both.due_on == date(2026, 3, 16)


def test_a_running_pause_lasts_at_least_to_its_plan_and_then_to_today() -> None:
    running = Pause(date(2026, 3, 2), date(2026, 3, 6), None, "检测")
    planned = compute_clock(date(2026, 3, 1), 5, WORKING, CALENDAR, today=date(2026, 3, 3), pauses=[running])
    overrun = compute_clock(date(2026, 3, 1), 5, WORKING, CALENDAR, today=date(2026, 3, 10), pauses=[running])
    assert planned.due_on == date(2026, 3, 12)
    assert overrun.due_on == date(2026, 3, 16)


def test_a_pause_begun_and_ended_on_one_day_stops_nothing() -> None:
    pause = Pause(date(2026, 3, 3), date(2026, 3, 9), date(2026, 3, 3), "鉴定")
    clock = compute_clock(date(2026, 3, 1), 5, WORKING, CALENDAR, today=date(2026, 3, 9), pauses=[pause])
    assert clock.due_on == date(2026, 3, 6)


def test_calendar_days_count_weekends() -> None:
    clock = compute_clock(date(2026, 9, 30), 10, LimitUnit.DAY, CALENDAR, today=date(2026, 10, 5))
    assert clock.due_on == date(2026, 10, 10)
    assert clock.used == 5


def test_dates_past_the_published_schedule_are_provisional() -> None:
    assert compute_clock(date(2026, 12, 20), 20, WORKING, CALENDAR, today=date(2026, 12, 21)).provisional
    assert not compute_clock(date(2026, 12, 1), 5, WORKING, CALENDAR, today=date(2026, 12, 1)).provisional


def test_an_overlay_overrules_the_published_calendar_and_is_certain() -> None:
    closed = WorkingCalendar(published_until(), {date(2026, 3, 3): DayKind(False, "窗口停电")})
    clock = compute_clock(date(2026, 3, 1), 5, WORKING, closed, today=date(2026, 3, 3))
    assert clock.due_on == date(2026, 3, 9)
    assert next(day.reason for day in clock.days if day.date == date(2026, 3, 3)) == "窗口停电"
    entered = WorkingCalendar(published_until(), {date(2027, 1, 1): DayKind(False, "元旦")})
    assert not entered.day(date(2027, 1, 1)).provisional


def test_the_receipt_limit_ends_at_the_end_of_the_fifth_working_day() -> None:
    received = start_of_day(date(2026, 9, 21)).replace(hour=9)
    assert receipt_due(received, CALENDAR, 5) == end_of_day(date(2026, 9, 29))
    assert receipt_due(received, CALENDAR, 5).tzinfo is CHINA


@pytest.mark.parametrize(("share", "yellow"), [(0.8, date(2026, 3, 23)), (0.5, date(2026, 3, 13))])
def test_yellow_comes_on_when_its_share_of_the_limit_is_reached(share: float, yellow: date) -> None:
    clock = compute_clock(date(2026, 3, 1), 20, WORKING, CALENDAR, today=date(2026, 3, 2), yellow_share=share)
    assert clock.yellow_on == yellow


def test_days_after_the_decision_are_not_used_up() -> None:
    clock = compute_clock(date(2026, 3, 1), 20, WORKING, CALENDAR, today=date(2026, 3, 31), stopped=date(2026, 3, 5))
    assert clock.used == 4
    counted = [day for day in clock.days if day.status is DayStatus.COUNTED]
    assert [day.date for day in counted if day.reason != NO_LONGER_COUNTED] == [
        date(2026, 3, day) for day in range(2, 6)
    ]


@pytest.mark.parametrize(
    ("limit", "share", "days", "yellow"),
    [
        (20, 0.7, 3, date(2026, 3, 19)),  # the 14th day comes before the 17th
        (20, 0.9, 3, date(2026, 3, 24)),  # the 17th before the 18th
        (5, 0.7, 3, date(2026, 3, 3)),  # 5 - 3 = the 2nd day
        (3, 0.7, 5, date(2026, 3, 2)),  # never before the first day
    ],
)
def test_yellow_is_the_share_or_the_days_left_whichever_is_first(
    limit: int, share: float, days: int, yellow: date
) -> None:
    clock = compute_clock(
        date(2026, 3, 1), limit, WORKING, CALENDAR, today=date(2026, 3, 2), yellow_share=share, yellow_days=days
    )
    assert clock.yellow_on == yellow


def test_the_day_a_share_is_used_up_is_a_counted_one() -> None:
    clock = compute_clock(date(2026, 9, 21), 20, WORKING, CALENDAR, today=date(2026, 9, 21))
    assert clock.counted_on(20) == clock.due_on
    assert clock.counted_on(3) == date(2026, 9, 24)
    assert clock.overrun_at == end_of_day(clock.due_on) + timedelta(seconds=1)


@settings(max_examples=300, deadline=None)
@given(
    started=st.dates(date(2022, 1, 1), date(2026, 1, 31)),
    limit=st.integers(1, 30),
    extension=st.integers(0, 10),
    seen=st.integers(0, 120),
    spans=st.lists(
        st.tuples(st.integers(0, 40), st.integers(1, 30), st.one_of(st.none(), st.integers(0, 40))), max_size=3
    ),
)
def test_every_day_is_told_as_an_independent_reckoning_tells_it(
    started: date, limit: int, extension: int, seen: int, spans: list[tuple[int, int, int | None]]
) -> None:
    today = started + timedelta(seen)
    pauses = []
    for offset, planned, length in spans:
        begun = started + timedelta(offset)
        ended = begun + timedelta(length) if length is not None else None
        pauses.append((begun, begun + timedelta(planned), ended))
    clock = compute_clock(
        started,
        limit + extension,
        WORKING,
        CALENDAR,
        today=today,
        pauses=[Pause(begun, planned, ended, "听证") for begun, planned, ended in pauses],
    )
    told = statuses(started, limit + extension, pauses, today)
    assert {day.date: day.status.value for day in clock.days} == told
    assert clock.used == sum(status == "counted" and day <= today for day, status in told.items())
    assert all(day.reason for day in clock.days)


def test_an_extension_of_a_limit_in_calendar_days_is_in_working_days() -> None:
    clock = compute_clock(date(2026, 9, 21), 10, LimitUnit.DAY, CALENDAR, today=date(2026, 9, 21), extension=5)
    # Ten calendar days end on 1 October; 8, 9, 10, 12 and 13 October are the next five working days.
    assert clock.due_on == date(2026, 10, 13)
    assert clock.limit == 15
    reasons = {day.date: day.reason for day in clock.days}
    assert reasons[date(2026, 10, 1)] == "自然日"
    assert reasons[date(2026, 10, 2)] == "国庆节"


def test_calendar_days_are_certain_past_the_published_holidays() -> None:
    beyond = published_until() + timedelta(10)
    assert not compute_clock(beyond, 10, LimitUnit.DAY, CALENDAR, today=beyond).provisional
    assert compute_clock(beyond, 10, WORKING, CALENDAR, today=beyond).provisional


@settings(max_examples=200, deadline=None)
@given(
    received=st.dates(date(2022, 1, 1), date(2026, 6, 30)),
    corrected_after=st.integers(0, 5),
    supplied_after=st.none() | st.integers(0, 60),
    seen_after=st.integers(0, 120),
)
def test_the_receipt_limit_tells_every_day_and_agrees_with_an_independent_reckoning(
    received: date, corrected_after: int, supplied_after: int | None, seen_after: int
) -> None:
    corrected = add_working_days(received, corrected_after)
    supplied = corrected + timedelta(supplied_after) if supplied_after is not None else None
    today = (supplied or corrected) + timedelta(seen_after)
    clock = compute_receipt_clock(received, 5, CALENDAR, today=today, corrected=corrected, supplied=supplied)
    told = {day.date: day.status.value for day in clock.days}
    assert list(told) == [received + timedelta(n) for n in range(len(told))]
    waiting = [received + timedelta(n) for n in range((supplied or today).toordinal() - received.toordinal() + 1)]
    assert {told[day] for day in waiting if day > corrected} <= {"paused", "non_working"}
    if supplied is None:
        assert clock.due_on is None
    else:
        assert clock.due_on == add_working_days(supplied, 5)
        assert [status for day, status in told.items() if day > supplied].count("counted") == 5
        assert clock.used == min(5, sum(working(supplied + timedelta(n + 1)) for n in range(seen_after)))


def test_a_receipt_without_a_correction_is_one_limit() -> None:
    clock = compute_receipt_clock(date(2026, 9, 21), 5, CALENDAR, today=date(2026, 9, 24), answered=date(2026, 9, 23))
    assert clock.due_on == date(2026, 9, 29)
    assert clock.used == 2
