"""The audit administrator's work (审计查询): the trail searched, read by pages, and exported."""

from datetime import date
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response, StreamingResponse

from api.downloads import file_headers
from api.pages.addresses import query_of
from api.pages.audit_words import ACTIONS
from api.pages.rendering import render
from api.pages.routing import PageRoute
from api.pages.visitors import CurrentVisitor, PageDatabase, Visitor, require
from services.accounts import audit_reading
from services.accounts.audit_reading import AuditFilter
from services.clock import machine_now
from services.errors import FieldProblem, InvalidInput

PAGE_SIZE: Final = 50

router = APIRouter(route_class=PageRoute)

Word = Annotated[str, Query(max_length=100)]


@router.get("/admin/audit")
def show_audit(
    request: Request,
    visitor: CurrentVisitor,
    database: PageDatabase,
    q: Word = "",
    actor: Word = "",
    object: Word = "",
    since: Annotated[str, Query(alias="from", max_length=10)] = "",
    until: Annotated[str, Query(alias="to", max_length=10)] = "",
    cursor: str | None = None,
) -> Response:
    """List the entries that fit, newest first; the reading is itself recorded."""
    require(_audits, visitor)
    given = {"q": q.strip(), "actor": actor.strip(), "object": object.strip(), "from": since, "to": until}
    wanted = _wanted(given)
    with database.reading() as session:
        page = audit_reading.search(session, visitor.actor, wanted, cursor=cursor or None, limit=PAGE_SIZE)
    with database.transaction() as session:
        audit_reading.note_reading(session, visitor.actor, "audit.read", wanted)
    context = {
        "page": page,
        "actions": ACTIONS,
        "given": given,
        "filtered": any(given.values()),
        "first": not cursor,
        "first_link": query_of(given),
        "next_link": query_of({**given, "cursor": page.next}),
        "export_link": "/admin/audit.csv" + query_of(given),
    }
    return render(request, "journal/audit.html", context)


@router.get("/admin/audit.csv")
def export_audit(
    visitor: CurrentVisitor,
    database: PageDatabase,
    q: Word = "",
    actor: Word = "",
    object: Word = "",
    since: Annotated[str, Query(alias="from", max_length=10)] = "",
    until: Annotated[str, Query(alias="to", max_length=10)] = "",
) -> Response:
    """Export the entries that fit."""
    require(_audits, visitor)
    given = {"q": q.strip(), "actor": actor.strip(), "object": object.strip(), "from": since, "to": until}
    wanted = _wanted(given)
    with database.transaction() as session:
        audit_reading.note_reading(session, visitor.actor, "audit.export", wanted)
    rows = audit_reading.export(database, visitor.actor, wanted)
    return StreamingResponse(rows, media_type="text/csv", headers=file_headers(f"审计记录-{machine_now().date()}.csv"))


def _wanted(given: dict[str, str]) -> AuditFilter:
    return AuditFilter(
        q=given["q"] or None,
        actor=given["actor"] or None,
        subject=given["object"] or None,
        since=_day(given, "from"),
        until=_day(given, "to"),
    )


def _day(given: dict[str, str], name: str) -> date | None:
    try:
        return date.fromisoformat(given[name]) if given[name] else None
    except ValueError as error:
        raise InvalidInput([FieldProblem(name, "应为日期")]) from error


def _audits(visitor: Visitor) -> bool:
    return visitor.audits
