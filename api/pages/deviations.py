"""The system administrator's ledger of deviations (流程偏离): what the engine did that no use case asked for."""

from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from api.pages import words
from api.pages.addresses import query_of
from api.pages.rendering import render
from api.pages.routing import PageRoute, see
from api.pages.visitors import CurrentVisitor, GuardedForm, PageDatabase, RowKey, require
from services.deviations import ledger, restoring

PAGE_SIZE: Final = 50

router = APIRouter(route_class=PageRoute)


@router.get("/admin/deviations")
def show_deviations(
    request: Request,
    visitor: CurrentVisitor,
    database: PageDatabase,
    settled: str = "",
    cursor: str = "",
    notice: str = "",
) -> Response:
    """List the deviations, newest first: the open ones, or those that are settled."""
    require(lambda one: one.administers, visitor)
    with database.reading() as session:
        page = ledger.deviations(session, visitor.actor, settled=bool(settled), cursor=cursor or None, limit=PAGE_SIZE)
    chosen = {"settled": "1" if settled else "", "cursor": page.next or ""}
    context = {
        "page": page,
        "settled": bool(settled),
        "first": not cursor,
        "next_link": query_of(chosen),
        "notice": words.NOTICES.get(notice, ""),
    }
    return render(request, "process_engine/deviations.html", context)


@router.post("/admin/instances/{key}/restore")
def restore(key: RowKey, visitor: CurrentVisitor, _form: GuardedForm, database: PageDatabase) -> Response:
    """Ask for an instance to be repaired."""
    require(lambda one: one.administers, visitor)
    with database.transaction() as session:
        restoring.restore(session, visitor.actor, key)
    return see(f"/admin/instances/{key}", "restoring")
