"""The working calendar in force in an area: the published schedule overlaid by the days on record."""

from datetime import date

from sqlmodel import Session, col, select

from models.calendar import CITY_WIDE, CalendarDay
from models.working_calendar import WorkingCalendar, published_until


def calendar_of(session: Session, area: str) -> WorkingCalendar:
    """Return the calendar of one area; its own days overrule the city's, which overrule the published ones."""
    days = session.exec(select(CalendarDay).where(col(CalendarDay.area).in_((CITY_WIDE, area)))).all()
    overlay: dict[date, tuple[bool, str]] = {}
    for entry in sorted(days, key=lambda entry: entry.area != CITY_WIDE):
        overlay[entry.day] = (entry.working, entry.reason)
    return WorkingCalendar(published_until(), overlay)
