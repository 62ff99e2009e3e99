"""The audit trail, for the audit administrator alone; every reading of it is itself recorded."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from fastapi.responses import Response, StreamingResponse

from api.dependencies import Caller, Cursor, Empty, IsoDate, Limit, Search, WebDatabase
from api.downloads import file_headers
from api.problems import documented
from api.routing import API_BASE, AuditorRoute
from services.accounts import audit_reading
from services.accounts.audit_reading import AuditFilter, AuditRow
from services.clock import machine_now
from services.paging import Page

router = APIRouter(prefix=API_BASE, route_class=AuditorRoute, tags=["accounts"])


class CsvResponse(Response):
    """A table for spreadsheets."""

    media_type = "text/csv"


def _filter(
    q: Search = None,
    actor: Annotated[str | None, Query(max_length=64, description="A user name, or who acts by itself.")] = None,
    object: Annotated[str | None, Query(max_length=100, description="A case's number, a user name …")] = None,
    since: Annotated[IsoDate | Empty | None, Query(alias="from", description="The first day.")] = None,
    until: Annotated[IsoDate | Empty | None, Query(alias="to", description="The last day.")] = None,
) -> AuditFilter:
    return AuditFilter(
        q=q or None, actor=actor or None, subject=object or None, since=since or None, until=until or None
    )


Wanted = Annotated[AuditFilter, Depends(_filter)]


@router.get("/audit", responses=documented(401, 403, 422))
def list_audit(
    wanted: Wanted, caller: Caller, database: WebDatabase, cursor: Cursor = None, limit: Limit = 50
) -> Page[AuditRow]:
    """List the audit trail, newest first; `q` is searched for in every text of an entry."""
    with database.reading() as session:
        found = audit_reading.search(session, caller, wanted, cursor=cursor or None, limit=limit)
    with database.transaction() as session:
        audit_reading.note_reading(session, caller, "audit.read", wanted)
    return found


@router.get("/audit.csv", response_class=CsvResponse, responses=documented(401, 403, 422))
def export_audit(wanted: Wanted, caller: Caller, database: WebDatabase) -> Response:
    """Export the audit trail as CSV, newest first, with the same filters; no cell can act as a formula."""
    with database.transaction() as session:
        audit_reading.note_reading(session, caller, "audit.export", wanted)
    name = f"audit-{machine_now().date()}.csv"
    rows = audit_reading.export(database, caller, wanted)
    return StreamingResponse(rows, media_type="text/csv", headers=file_headers(name))
