"""What the engine runs: process definitions, instances and their incidents."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from api.dependencies import Caller, Cursor, Empty, EngineKey, Limit, WebDatabase, engine_key
from api.problems import documented
from api.routing import API_BASE, SetupRoute
from models.engine_state import InstanceState
from services.paging import Page, page_of
from services.process_engine import processes
from services.process_engine.processes import DefinitionView, InstanceDetail, InstanceRow

router = APIRouter(prefix=API_BASE, route_class=SetupRoute, tags=["processes"])

ProcessId = Annotated[str, Path(max_length=200, description="A process's id, such as `front-window`.")]
LARGEST_VERSION = 2**31 - 1


class XmlResponse(Response):
    """A BPMN document."""

    media_type = "application/xml"


@router.get("/processes", responses=documented(401, 422))
def list_processes(
    caller: Caller, database: WebDatabase, cursor: Cursor = None, limit: Limit = 200
) -> Page[DefinitionView]:
    """List the deployed processes, each in its newest version."""
    with database.reading() as session:
        found = processes.definitions(session)
    return page_of(found, lambda definition: definition.id, cursor, limit)


@router.get("/processes/{id}/xml", response_class=XmlResponse, responses=documented(401, 404, 422))
def get_process_xml(
    id: ProcessId,
    caller: Caller,
    database: WebDatabase,
    version: Annotated[int | None, Query(ge=1, le=LARGEST_VERSION, description="The newest by default.")] = None,
) -> Response:
    """Return the BPMN of a process."""
    with database.reading() as session:
        return XmlResponse(processes.definition_xml(session, id, version))


@router.get("/processes/{id}/instances", responses=documented(401, 404, 422))
def list_process_instances(
    id: ProcessId,
    caller: Caller,
    database: WebDatabase,
    state: InstanceState | Empty | None = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[InstanceRow]:
    """List a process's instances, newest first: all for the system administrator, else of readable cases."""
    with database.reading() as session:
        return processes.instances(session, caller, id, state=state or None, cursor=cursor or None, limit=limit)


@router.get("/process-instances/{key}", responses=documented(401, 403, 404))
def get_process_instance(key: EngineKey, caller: Caller, database: WebDatabase) -> InstanceDetail:
    """Return one instance: where it is, what it has passed, and where it is stuck."""
    with database.reading() as session:
        return processes.instance(session, caller, engine_key(key))


@router.post(
    "/process-instances/{key}/incidents/{incident_key}/retry",
    status_code=202,
    responses=documented(401, 403, 404, conflict="incident_resolved"),
)
def retry_incident(key: EngineKey, incident_key: EngineKey, caller: Caller, database: WebDatabase) -> InstanceDetail:
    """Let the engine try again where it stopped; for the system administrator."""
    with database.transaction() as session:
        instance_key = engine_key(key)
        processes.retry_incident(session, caller, instance_key, engine_key(incident_key))
        return processes.instance(session, caller, instance_key)
