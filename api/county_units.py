"""The counties' units (县级部门) as dated data: list, add, rename, end."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, ConfigDict, Field

from api.dependencies import Caller, Code, Cursor, Limit, WebDatabase
from api.problems import documented
from api.routing import API_BASE, LARGEST_INTEGER, StaffRoute
from models.catalogue import Government
from services.paging import Page
from services.powers import county_units
from services.powers.county_units import CountyUnitView

router = APIRouter(prefix=API_BASE, route_class=StaffRoute, tags=["powers"])

Number = Annotated[int, Path(ge=1, le=LARGEST_INTEGER, description="The unit's number.")]
Short = Annotated[str, Field(min_length=1, max_length=32)]
Name = Annotated[str, Field(min_length=1, max_length=60)]
PaperName = Annotated[str, Field(max_length=100, description="The whole name on papers, where it is another.")]
Text = Annotated[str, Field(min_length=1, max_length=2000)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class UnitInput(_Body):
    """The body of ``POST /county-units``; without a day the unit begins today."""

    area: Short
    code: Short
    name: Name
    paper_name: PaperName = ""
    belongs_to: Government = Government.COUNTY
    own_accounts: bool = False
    begins_on: date | None = None
    reason: Text


class RenameInput(_Body):
    """The body of ``/rename``; without a day the name counts from today."""

    name: Name
    paper_name: PaperName = ""
    on: date | None = None
    reason: Text


class EndInput(_Body):
    """The body of ``/end``: ``on`` is the first day without the unit, ``successor`` the code of who has its items."""

    on: date | None = None
    successor: Short | None = None
    reason: Text


@router.get("/county-units", responses=documented(401, 422))
def list_county_units(
    caller: Caller, database: WebDatabase, area: Code = None, cursor: Cursor = None, limit: Limit = 50
) -> Page[CountyUnitView]:
    """List the counties' units, those that ended among them."""
    with database.reading() as session:
        return county_units.list_units(session, area=area, cursor=cursor or None, limit=limit)


@router.post("/county-units", status_code=201, responses=documented(401, 403, 422))
def add_county_unit(body: UnitInput, response: Response, caller: Caller, database: WebDatabase) -> CountyUnitView:
    """Add a unit from a day on."""
    with database.transaction() as session:
        added = county_units.add(session, caller, **body.model_dump())
    response.headers["Location"] = f"{API_BASE}/county-units?area={added.area}"
    return added


@router.post("/county-units/{number}/rename", responses=documented(401, 403, 404, 422, conflict="county_unit_ended"))
def rename_county_unit(number: Number, body: RenameInput, caller: Caller, database: WebDatabase) -> CountyUnitView:
    """Rename a unit from a day on."""
    with database.transaction() as session:
        return county_units.rename(session, caller, number, **body.model_dump())


@router.post("/county-units/{number}/end", responses=documented(401, 403, 404, 422, conflict="county_unit_ended"))
def end_county_unit(number: Number, body: EndInput, caller: Caller, database: WebDatabase) -> CountyUnitView:
    """End a unit from a day on; its successor has its items."""
    with database.transaction() as session:
        return county_units.end(session, caller, number, **body.model_dump())
