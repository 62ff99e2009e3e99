"""The system administrator's view of the engine (流程运行): definitions, instances, incidents and their retry."""

from dataclasses import dataclass
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from api.pages import words
from api.pages.addresses import query_of
from api.pages.rendering import render
from api.pages.routing import PageRoute, see
from api.pages.visitors import CurrentVisitor, GuardedForm, PageDatabase, RowKey, Visitor, require
from models.engine_state import InstanceState
from services.deviations import ledger
from services.errors import NotFound
from services.process_engine import processes
from services.process_engine.processes import DefinitionView
from settings import get_settings

PAGE_SIZE: Final = 50
COUNTED: Final = 200
"""Running instances are counted up to here; more are shown as 200+."""

router = APIRouter(route_class=PageRoute)


@dataclass(frozen=True)
class DefinitionRow:
    """A deployed process with the numbers of its running instances and incidents."""

    definition: DefinitionView
    running: str
    incidents: int


@router.get("/admin/processes")
def show_processes(request: Request, visitor: CurrentVisitor, database: PageDatabase) -> Response:
    """List the deployed processes."""
    require(_administers, visitor)
    rows = []
    with database.reading() as session:
        for definition in processes.definitions(session):
            page = processes.instances(session, visitor.actor, definition.id, state=InstanceState.ACTIVE, limit=COUNTED)
            running = f"{COUNTED}+" if page.next else str(len(page.items))
            rows.append(DefinitionRow(definition, running, sum(one.incidents for one in page.items)))
        deviations = ledger.count_open(session, COUNTED)
    more = f"{COUNTED}+" if deviations > COUNTED else str(deviations)
    context = {"rows": rows, "deviations": more if deviations else "", "operate_url": get_settings().operate_url}
    return render(request, "process_engine/processes.html", context)


@router.get("/admin/processes/{process_id}")
def show_process(
    request: Request,
    process_id: str,
    visitor: CurrentVisitor,
    database: PageDatabase,
    state: str = "",
    cursor: str | None = None,
) -> Response:
    """List the instances of one process, newest first."""
    require(_administers, visitor)
    wanted = InstanceState(state) if state in set(InstanceState) else None
    with database.reading() as session:
        known = {one.id: one for one in processes.definitions(session)}
        if process_id not in known:
            raise NotFound("没有这个流程")
        page = processes.instances(
            session, visitor.actor, process_id, state=wanted, cursor=cursor or None, limit=PAGE_SIZE
        )
    chosen = {"state": wanted.value if wanted else "", "cursor": page.next or ""}
    context = {
        "definition": known[process_id],
        "page": page,
        "state": wanted,
        "first": not cursor,
        "next_link": query_of(chosen),
    }
    return render(request, "process_engine/process.html", context)


@router.get("/admin/instances/{key}")
def show_instance(
    request: Request, key: RowKey, visitor: CurrentVisitor, database: PageDatabase, notice: str = ""
) -> Response:
    """Show one instance: its diagram and where it is stuck."""
    require(_administers, visitor)
    with database.reading() as session:
        found = processes.instance(session, visitor.actor, key)
        deviations = ledger.of_instance(session, key)
        names = {one.id: one.name for one in processes.definitions(session)}
    context = {
        "instance": found,
        "deviations": deviations,
        "name": names.get(found.process_id, found.process_id),
        "notice": words.NOTICES.get(notice, ""),
    }
    return render(request, "process_engine/instance.html", context)


@router.post("/admin/instances/{key}/incidents/{incident_key}/retry")
def retry(
    key: RowKey, incident_key: RowKey, visitor: CurrentVisitor, _form: GuardedForm, database: PageDatabase
) -> Response:
    """Ask the engine to try again."""
    require(_administers, visitor)
    with database.transaction() as session:
        processes.retry_incident(session, visitor.actor, key, incident_key)
    return see(f"/admin/instances/{key}", "retried")


def _administers(visitor: Visitor) -> bool:
    return visitor.administers
