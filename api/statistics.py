"""Statistics (统计分析): the figures of a period as JSON and as a workbook."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from api.dependencies import Caller, IsoDate, WebDatabase
from api.downloads import WorkbookResponse, as_workbook
from api.problems import documented
from api.routing import API_BASE, StaffRoute
from services.statistics import table, workbook
from services.statistics.table import By, Statistics

router = APIRouter(prefix=API_BASE, route_class=StaffRoute, tags=["statistics"])

From = Annotated[IsoDate | None, Query(alias="from", description="The first day; left out, 1 January.")]
To = Annotated[IsoDate | None, Query(alias="to", description="The last day; left out, today.")]


@router.get("/statistics", responses=documented(401, 403, 422))
def get_statistics(
    caller: Caller, database: WebDatabase, begin: From = None, end: To = None, by: By = By.AREA
) -> Statistics:
    """Return the figures of the cases the account may read, by county, unit, mode, item or month."""
    with database.reading() as session:
        return table.statistics(session, caller, by, begin, end)


@router.get("/statistics.xlsx", response_class=WorkbookResponse, responses=documented(401, 403, 422))
def get_workbook(
    caller: Caller, database: WebDatabase, begin: From = None, end: To = None, by: By = By.AREA
) -> Response:
    """Return the same figures as a workbook, with what each of them counts on its second sheet."""
    with database.reading() as session:
        found = table.statistics(session, caller, by, begin, end)
    return as_workbook(workbook.write(found), f"{found.file_name}.xlsx")
