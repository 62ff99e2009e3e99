"""When what is owed to supervision is reminded of, and when the coordinator is notified (统筹)."""

from datetime import date, datetime
from typing import Final

from models.working_calendar import WorkingCalendar, end_of_day

ESCALATION_DAYS: Final = 2
"""Working days from the reminder until the coordinator is notified (our decision; the plan is silent)."""


def reminder_and_escalation(days: WorkingCalendar, since: date, limit: int) -> tuple[datetime, datetime]:
    """Return the ends of a limit of so many working days after ``since`` and of the days that follow it."""
    return (
        end_of_day(days.add_working_days(since, limit)),
        end_of_day(days.add_working_days(since, limit + ESCALATION_DAYS)),
    )
