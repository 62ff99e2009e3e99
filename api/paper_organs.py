"""Who signs what (文书署名): the table by which papers are issued, to read."""

from fastapi import APIRouter

from api.dependencies import Caller, Cursor, Limit
from api.problems import documented
from api.routing import API_BASE, StaffRoute
from catalog_data.paper_organs import PaperRule, read_rules
from services.paging import Page, page_of

router = APIRouter(prefix=API_BASE, route_class=StaffRoute, tags=["catalogue"])


@router.get("/paper-organs", responses=documented(401, 422))
def list_paper_organs(caller: Caller, cursor: Cursor = None, limit: Limit = 200) -> Page[PaperRule]:
    """List in whose name each kind of paper goes out, under which seal and by whose hand."""
    return page_of(read_rules(), lambda rule: f"{rule.standing}.{rule.papers[0].name}", cursor, limit)
