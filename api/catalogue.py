"""The catalogue: items, service guides, areas, and who is responsible."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel, ConfigDict, Field

from api.dependencies import Caller, Code, Cursor, Empty, IsoDate, Limit, Search, WebDatabase
from api.downloads import file_headers
from api.problems import documented
from api.routing import API_BASE, LARGEST_INTEGER, SetupRoute, StrictRoute
from catalog_data.certificate import CertificateRule
from catalog_data.guide import Guide
from models.catalogue import AreaKind, Mode
from services.catalogue import in_force
from services.catalogue.in_force import ItemView, ResponsibilityView
from services.clock import product_now
from services.paging import Page, page_of
from services.powers import agreements
from services.publishing import guide_versions, list_files
from services.supervision import policy_ledger
from services.supervision.policy_ledger import PolicyNoticeRef

public = APIRouter(prefix=API_BASE, route_class=StrictRoute, tags=["catalogue"])
router = APIRouter(prefix=API_BASE, route_class=SetupRoute, tags=["catalogue"])

ItemCode = Annotated[str, Path(max_length=200, description="An item's code, such as `W-01`.")]
OnDate = Annotated[IsoDate | Empty | None, Query(description="The day asked about; the product's today by default.")]


class AreaView(BaseModel):
    """A county-level area; ``pseudo_code`` marks a division code of our own."""

    code: str
    name: str
    kind: AreaKind
    division_code: str
    pseudo_code: bool


class GuideInput(BaseModel):
    """The body of ``POST /items/{code}/guide``: ``yaml`` is a guide in the form of ``catalog_data/guides``."""

    model_config = ConfigDict(extra="forbid")

    yaml: str = Field(min_length=1, max_length=guide_versions.LARGEST_FILE)


class GuideView(Guide):
    """A service guide and the policy notices (政策文件告知) about its item."""

    certificate: CertificateRule | None = None
    """What the item does to a certificate; null where it does nothing to any."""
    notices: list[PolicyNoticeRef]


@public.get("/items", responses=documented(422))
def list_items(
    database: WebDatabase,
    mode: Mode | Empty | None = None,
    area: Code = None,
    unit: Code = None,
    q: Search = None,
    on: OnDate = None,
    cursor: Cursor = None,
    limit: Limit = 200,
) -> Page[ItemView]:
    """List the items in force on a day, in the order of the annexes."""
    with database.reading() as session:
        day = on or product_now(session).date()
        found = in_force.list_items(
            session,
            on=day,
            mode=mode or None,
            area=area or None,
            unit=unit or None,
            q=q,
            agreements=agreements.pairs_in_force(session, day),
        )
    return page_of(found, lambda item: item.code, cursor, limit)


@public.get("/items.csv", responses=documented(422), response_class=PlainTextResponse)
def export_items(database: WebDatabase, on: OnDate = None) -> PlainTextResponse:
    """Return the list in force on a day as the CSV file that ``POST /list-drafts`` takes."""
    with database.reading() as session:
        day = on or product_now(session).date()
        text = list_files.export(session, day)
    return PlainTextResponse(text, media_type="text/csv", headers=file_headers(f"items-{day}.csv"))


@public.get("/items/{code}/guide", responses=documented(404, 422))
def get_guide(
    code: ItemCode,
    database: WebDatabase,
    version: Annotated[
        int | None, Query(ge=1, le=LARGEST_INTEGER, description="A version; the newest by default.")
    ] = None,
) -> GuideView:
    """Return the service guide (办事指南) of an item, the city's newest version or the one a case keeps."""
    with database.reading() as session:
        guide = in_force.parse_guide(guide_versions.version_of(session, code, version))
        notices = policy_ledger.of_item(session, code)
    return GuideView(**guide.model_dump(), notices=notices)


@router.post("/items/{code}/guide", status_code=201, responses=documented(401, 403, 404, 413, 415, 422))
def publish_guide(
    code: ItemCode, body: GuideInput, response: Response, caller: Caller, database: WebDatabase
) -> GuideView:
    """Publish the next version of an item's guide from a file; cases submitted before keep theirs."""
    with database.reading() as session:
        guide_versions.get_publishable(session, caller, code)
    parsed = guide_versions.parse(body.yaml.encode())
    with database.transaction() as session:
        guide = guide_versions.publish(session, caller, code, parsed)
        notices = policy_ledger.of_item(session, code)
    response.headers["Location"] = f"{API_BASE}/items/{code}/guide?version={guide.version}"
    return GuideView(**guide.model_dump(), notices=notices)


@router.get("/items/{code}/guide-file", responses=documented(401, 404), response_class=PlainTextResponse)
def get_guide_file(code: ItemCode, caller: Caller, database: WebDatabase) -> PlainTextResponse:
    """Return the YAML file the next version of a guide starts from."""
    with database.reading() as session:
        text = guide_versions.file_to_edit(session, code)
    return PlainTextResponse(text, media_type="application/yaml")


@public.get("/areas", responses=documented(422))
def list_areas(database: WebDatabase, cursor: Cursor = None, limit: Limit = 200) -> Page[AreaView]:
    """List the county-level areas in the plans' order."""
    with database.reading() as session:
        found = [AreaView.model_validate(area, from_attributes=True) for area in in_force.areas(session)]
    return page_of(found, lambda area: area.code, cursor, limit)


@router.get("/responsibilities", responses=documented(401, 404, 422))
def get_responsibility(
    caller: Caller,
    database: WebDatabase,
    item: Annotated[str, Query(min_length=1, max_length=64)],
    area: Annotated[str, Query(min_length=1, max_length=64)],
    on: OnDate = None,
) -> ResponsibilityView:
    """Tell which account groups accept, review, decide, answer for and supervise an item in an area on a day."""
    with database.reading() as session:
        return in_force.responsibility(session, item, area, on or product_now(session).date())
