"""The working calendar: every day of a year with its reason, its changes, and the days that are entered."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict, Field, StrictBool

from api.dependencies import Caller, Code, Cursor, IsoDate, Limit, WebDatabase
from api.problems import documented
from api.routing import API_BASE, SetupRoute
from models.calendar import CITY_WIDE
from models.working_calendar import DaySource, china_date
from services.calendar import replanning, revisions
from services.calendar.revisions import DayEntry, RevisionView
from services.clock import product_now
from services.paging import Page

MOST_DAYS = 800
"""Two years of days in one request."""

router = APIRouter(prefix=API_BASE, route_class=SetupRoute, tags=["calendar"])


class CalendarDayView(BaseModel):
    """One day: whether it counts, why, whether that is certain, and which source says so.

    ``source``: ``published`` (the State Council's schedule), ``city`` or ``area`` (entered here), ``week`` (a guess).
    """

    date: date
    working: bool
    reason: str
    provisional: bool
    source: DaySource


class CalendarView(BaseModel):
    """A year in one area; ``area`` is empty for the city's own calendar."""

    area: str
    year: int
    provisional: bool
    days: list[CalendarDayView]


class DayInput(BaseModel):
    """A day as entered; ``working: null`` takes an entered day back."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    date: IsoDate
    working: StrictBool | None
    reason: str = Field(default="", max_length=revisions.LONGEST_REASON)


class CalendarInput(BaseModel):
    """The body of ``POST /calendar``: days for the whole city, or for one area."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    area: Annotated[str, Field(max_length=32)] | None = None
    days: list[DayInput] = Field(min_length=1, max_length=MOST_DAYS)


class CalendarOutcome(BaseModel):
    """What a change did: its number (null when no day changed), its days and the cases it moved."""

    revision: int | None
    area: str
    changed_days: int
    moved_cases: int


@router.get("/calendar", responses=documented(401, 404, 422))
def get_calendar(
    _caller: Caller,
    database: WebDatabase,
    area: Code = None,
    year: Annotated[int | None, Query(ge=revisions.FIRST_YEAR, le=revisions.LAST_YEAR)] = None,
) -> CalendarView:
    """Return every day of a year (by default this one) in an area, or for the whole city."""
    with database.reading() as session:
        wanted = year if year is not None else china_date(product_now(session)).year
        days = revisions.days_of_year(session, area or CITY_WIDE, wanted)
    return CalendarView(
        area=area or CITY_WIDE,
        year=wanted,
        provisional=any(kind.provisional for _, kind in days),
        days=[
            CalendarDayView(
                date=day, working=kind.working, reason=kind.reason, provisional=kind.provisional, source=kind.source
            )
            for day, kind in days
        ],
    )


@router.post("/calendar", responses=documented(401, 403, 404, 413, 415, 422))
def change_calendar(body: CalendarInput, caller: Caller, database: WebDatabase) -> CalendarOutcome:
    """Enter days; the dates of every running case they affect move at once. All days are taken, or none."""
    entries = [DayEntry(one.date, one.working, one.reason) for one in body.days]
    with database.transaction() as session:
        revision = replanning.change_calendar(session, caller, body.area or CITY_WIDE, entries)
        return CalendarOutcome(
            revision=revision.id if revision is not None else None,
            area=body.area or CITY_WIDE,
            changed_days=revision.days if revision is not None else 0,
            moved_cases=revision.moved_cases if revision is not None else 0,
        )


@router.get("/calendar/history", responses=documented(401, 404, 422))
def get_history(
    _caller: Caller, database: WebDatabase, area: Code = None, cursor: Cursor = None, limit: Limit = 20
) -> Page[RevisionView]:
    """Return the changes of the city's calendar, and of one area's when it is named, newest first."""
    with database.reading() as session:
        revisions.require_area(session, area or CITY_WIDE)
        return revisions.history(session, area or CITY_WIDE, cursor=cursor or None, limit=limit)
