"""The overlay on the published working calendar."""

from datetime import date, datetime

from sqlmodel import Field, SQLModel

from models.database import Instant

CITY_WIDE = ""
"""The area of a day that holds in every area."""


class CalendarDay(SQLModel, table=True):
    """One day on which the published calendar is overruled, for the city or for one area's window."""

    __tablename__ = "calendar_day"

    area: str = Field(primary_key=True, max_length=32)
    day: date = Field(primary_key=True)
    working: bool
    reason: str = Field(max_length=200)
    entered_by: str = Field(max_length=64)
    entered_at: datetime = Field(sa_type=Instant)
