"""The working calendar in force in an area: the published schedule overlaid by the days on record."""

from sqlalchemy import bindparam
from sqlmodel import Session, col, select

from models.calendar import CITY_WIDE, CalendarDay
from models.working_calendar import DayKind, DaySource, WorkingCalendar, entered_years, published_until

_DAYS = select(CalendarDay).where(col(CalendarDay.area).in_((bindparam("city"), bindparam("area"))))


def calendar_of(session: Session, area: str) -> WorkingCalendar:
    """Return the calendar of one area; its own days overrule the city's, which overrule the published ones."""
    rows = session.exec(_DAYS, params={"city": CITY_WIDE, "area": area}).all()
    city = {row.day: DayKind(row.working, row.reason, False, DaySource.CITY) for row in rows if row.area == CITY_WIDE}
    own = {row.day: DayKind(row.working, row.reason, False, DaySource.AREA) for row in rows if row.area != CITY_WIDE}
    return WorkingCalendar(published_until(), city | own, entered_years(city))
