"""An independent reckoning of the clock, day by day, without any of the product's code."""

from datetime import date, timedelta

import chinese_calendar

Span = tuple[date, date, date | None]
"""A pause: the day it began, its planned end, its end if it has one."""


def working(day: date, closed: frozenset[date] = frozenset()) -> bool:
    """Tell whether a day counts: the published schedule, less the days a window was closed."""
    return day not in closed and chinese_calendar.is_workday(day)


def add_working_days(day: date, count: int, closed: frozenset[date] = frozenset()) -> date:
    """Return the ``count``-th working day after ``day``."""
    while count:
        day += timedelta(1)
        count -= working(day, closed)
    return day


def statuses(
    started: date, limit: int, pauses: list[Span], today: date, closed: frozenset[date] = frozenset()
) -> dict[date, str]:
    """Tell what every day does to a limit of working days."""
    stopped = set()
    for begun, planned, ended in pauses:
        day = begun
        while day < (ended if ended is not None else max(planned, today)):
            day += timedelta(1)
            stopped.add(day)
    told, day = {started: "not_started"}, started
    while limit:
        day += timedelta(1)
        if not working(day, closed):
            told[day] = "non_working"
        elif day in stopped:
            told[day] = "paused"
        else:
            told[day] = "counted"
            limit -= 1
    return told


def counted_day(told: dict[date, str], count: int) -> date:
    """Return the day on which ``count`` days have counted."""
    return [day for day, status in told.items() if status == "counted"][count - 1]
