"""The page of the statistics (统计分析): a period's figures, by county, unit, mode, item or month."""

from datetime import date
from typing import Final
from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import Response

from api.downloads import as_workbook
from api.pages.rendering import render
from api.pages.routing import PageRoute
from api.pages.visitors import CurrentVisitor, PageDatabase
from services.errors import FieldProblem, InvalidInput
from services.statistics import table, workbook
from services.statistics.table import By, Statistics
from services.statistics.workbook import COLUMNS, HEADS

DRILLED: Final = {By.AREA: "area", By.MODE: "mode", By.ITEM: "item"}
"""By what the list of cases can be narrowed to a row's."""

router = APIRouter(route_class=PageRoute)


@router.get("/statistics")
def show_statistics(
    request: Request, visitor: CurrentVisitor, database: PageDatabase, begin: str = "", end: str = "", by: str = ""
) -> Response:
    """Show the figures; a period that cannot be is told beside its fields, with the usual one's figures."""
    wanted = By(by) if by in set(By) else By.AREA
    problems: dict[str, str] = {}
    try:
        found = _found(database, visitor, wanted, begin, end)
    except InvalidInput as error:
        problems = {one.field: one.message for one in error.problems}
        found = _found(database, visitor, wanted, "", "")
    context = {
        "found": found,
        "by": wanted,
        "begin": begin or found.begin.isoformat(),
        "end": end or found.end.isoformat(),
        "problems": problems,
        "heads": HEADS,
        "columns": COLUMNS,
        "drilled": DRILLED.get(wanted),
        "workbook": "/statistics.xlsx?" + urlencode({"begin": found.begin, "end": found.end, "by": wanted.value}),
    }
    return render(request, "statistics/show.html", context, 422 if problems else 200)


@router.get("/statistics.xlsx")
def save_workbook(
    visitor: CurrentVisitor, database: PageDatabase, begin: str = "", end: str = "", by: str = ""
) -> Response:
    """Return the same figures as a workbook."""
    found = _found(database, visitor, By(by) if by in set(By) else By.AREA, begin, end)
    return as_workbook(workbook.write(found), f"{found.file_name}.xlsx")


def _found(database: PageDatabase, visitor: CurrentVisitor, by: By, begin: str, end: str) -> Statistics:
    first, last = _day(begin, "from"), _day(end, "to")
    with database.reading() as session:
        return table.statistics(session, visitor.actor, by, first, last)


def _day(text: str, field: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise InvalidInput([FieldProblem(field, "应为日期，如 2026-03-01")]) from error
