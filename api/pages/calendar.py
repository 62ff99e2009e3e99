"""The working calendar (工作日历): a year's sheets with the reason of every day, its changes, and how to change it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response
from starlette.datastructures import FormData, UploadFile

from api.pages import words
from api.pages.rendering import render
from api.pages.routing import PageRoute, see
from api.pages.visitors import CurrentVisitor, PageDatabase, Visitor, current_visitor, guarded_form, text_of
from models.calendar import CITY_WIDE, CalendarRevision
from models.database import Database
from models.working_calendar import DayKind, Missing
from services.accounts import system_rights
from services.calendar import calendar_files, replanning, revisions
from services.calendar.revisions import DayEntry, RevisionView
from services.errors import FieldProblem, InvalidInput, NotFound
from services.paging import Page

MOST_FIELDS: Final = 10
LONGEST_SOURCE: Final = 200
FILE: Final = "文件"

router = APIRouter(route_class=PageRoute)


@dataclass(frozen=True)
class CalendarMonth:
    """One month of a year's sheet: weeks from Monday, None where a day belongs to another month."""

    name: str
    weeks: list[list[tuple[date, DayKind] | None]]


@dataclass(frozen=True)
class CalendarContext:
    """What the calendar page shows."""

    year: int
    area: str
    months: list[CalendarMonth]
    named: list[tuple[date, DayKind]]
    """The days that differ from the ordinary week, with their reasons."""
    working_days: int
    provisional: bool
    missing: Missing | None
    """What is missing from the days entered to make the year certain."""
    history: Page[RevisionView]
    first: bool
    """The history begins with the newest change."""
    may_change: bool
    years: tuple[int, int]


async def sent_file_form(request: Request) -> AsyncIterator[FormData]:
    """Read a posted form with one file, and close the file once the answer is given."""
    async with request.form(max_files=1, max_fields=MOST_FIELDS, max_part_size=calendar_files.LARGEST_FILE) as form:
        yield form


def guarded_file_form(
    request: Request,
    visitor: Annotated[Visitor, Depends(current_visitor)],
    form: Annotated[FormData, Depends(sent_file_form)],
) -> FormData:
    """Return the form of the visitor's own page."""
    return guarded_form(request, visitor, form)


FileForm = Annotated[FormData, Depends(guarded_file_form)]


@router.get("/calendar")
def show_calendar(
    request: Request,
    visitor: CurrentVisitor,
    database: PageDatabase,
    area: str = "",
    year: Annotated[str, Query(max_length=4)] = "",
    notice: str = "",
    cursor: Annotated[str, Query(max_length=500)] = "",
) -> Response:
    """Show a year of the city's calendar, or of one area's."""
    place = area if area in visitor.areas else CITY_WIDE
    return _page(request, visitor, database, place, _year(year, visitor), notice=notice, cursor=cursor)


@router.post("/calendar/days")
def enter_day(request: Request, visitor: CurrentVisitor, form: FileForm, database: PageDatabase) -> Response:
    """Enter one day."""
    place, year = _place(form, visitor)
    try:
        entry = _entry(form)
        with database.transaction() as session:
            revision = replanning.change_calendar(session, visitor.actor, place, [entry])
    except InvalidInput as error:
        return _page(request, visitor, database, place, year, problems=error.problems)
    return _back(place, entry.day.year, revision)


@router.post("/calendar/file")
def enter_file(request: Request, visitor: CurrentVisitor, form: FileForm, database: PageDatabase) -> Response:
    """Enter the days of a file, all of them or none; what is wrong with it is named by row and column."""
    place, year = _place(form, visitor)
    sent = form.get("file")
    try:
        if not isinstance(sent, UploadFile) or not sent.filename:
            raise InvalidInput([FieldProblem("file", "请选择文件")])
        entries = calendar_files.read_days(sent.file.read(calendar_files.LARGEST_FILE + 1))
        with database.transaction() as session:
            revision = replanning.change_calendar(
                session, visitor.actor, place, entries, source=_file_name(sent.filename)
            )
    except InvalidInput as error:
        return _page(request, visitor, database, place, year, problems=error.problems)
    return _back(place, entries[0].day.year, revision)


def _page(
    request: Request,
    visitor: Visitor,
    database: Database,
    area: str,
    year: int,
    *,
    notice: str = "",
    cursor: str = "",
    problems: list[FieldProblem] | None = None,
) -> Response:
    with database.reading() as session:
        days = revisions.days_of_year(session, area, year)
        history = revisions.history(session, area, cursor=cursor or None)
        missing = revisions.missing_of_year(session, year)
    context = CalendarContext(
        year=year,
        area=area,
        months=[_month(year, month, dict(days)) for month in range(1, 13)],
        named=[(day, kind) for day, kind in days if kind.reason not in words.ORDINARY_DAYS],
        working_days=sum(kind.working for _, kind in days),
        provisional=any(kind.provisional for _, kind in days),
        missing=missing,
        history=history,
        first=not cursor,
        may_change=system_rights.may_change_calendar(visitor.actor, area),
        years=(revisions.FIRST_YEAR, revisions.LAST_YEAR),
    )
    shown = {"page": context, "notice": words.NOTICES.get(notice, ""), "problems": problems or []}
    return render(request, "calendar/show.html", shown, 422 if problems else 200)


def _month(year: int, month: int, days: dict[date, DayKind]) -> CalendarMonth:
    own = [(day, kind) for day, kind in days.items() if day.month == month]
    cells: list[tuple[date, DayKind] | None] = [None] * own[0][0].weekday() + list(own)
    cells += [None] * (-len(cells) % 7)
    return CalendarMonth(f"{year}年{month}月", [cells[start : start + 7] for start in range(0, len(cells), 7)])


def _place(form: FormData, visitor: Visitor) -> tuple[str, int]:
    area = text_of(form, "area")
    if area not in (CITY_WIDE, *visitor.areas):
        raise NotFound(f"没有这个县（市、区）：{area}", f"No such area: {area}")
    return area, _year(text_of(form, "year"), visitor)


def _year(text: str, visitor: Visitor) -> int:
    known = text.isascii() and text.isdecimal() and revisions.FIRST_YEAR <= int(text) <= revisions.LAST_YEAR
    return int(text) if known else visitor.now.year


def _entry(form: FormData) -> DayEntry:
    try:
        day = date.fromisoformat(text_of(form, "date"))
    except ValueError as error:
        raise InvalidInput([FieldProblem("日期", "请填写日期")]) from error
    word = text_of(form, "working")
    working = {"yes": True, "no": False}.get(word)
    if working is None and word != "published":
        raise InvalidInput([FieldProblem("类型", "请选择")])
    reason = text_of(form, "reason")
    if working is not None and not reason:
        raise InvalidInput([FieldProblem("原因", "必填")])
    return DayEntry(day, working, reason)


def _file_name(given: str) -> str:
    """Return a sent file's name as the history keeps it: one line, not longer than its column."""
    return "".join(sign for sign in given if revisions.is_plain(sign))[:LONGEST_SOURCE] or FILE


def _back(area: str, year: int, revision: CalendarRevision | None) -> Response:
    notice = "calendar_changed" if revision is not None else "calendar_unchanged"
    return see(f"/calendar?area={area}&year={year}", notice)
