"""What the engine did that no use case asked for, for the system administrator."""

from fastapi import APIRouter

from api.dependencies import Caller, Cursor, EngineKey, Limit, WebDatabase, engine_key
from api.problems import documented
from api.routing import API_BASE, AccountRoute
from services.deviations import ledger, restoring
from services.deviations.ledger import DeviationView
from services.paging import Page
from services.process_engine import processes
from services.process_engine.processes import InstanceDetail

router = APIRouter(prefix=API_BASE, route_class=AccountRoute, tags=["processes"])


@router.get("/deviations", responses=documented(401, 403, 422))
def list_deviations(
    caller: Caller, database: WebDatabase, settled: bool = False, cursor: Cursor = None, limit: Limit = 50
) -> Page[DeviationView]:
    """List the open deviations, or the settled ones, newest first; for the system administrator."""
    with database.reading() as session:
        return ledger.deviations(session, caller, settled=settled, cursor=cursor or None, limit=limit)


@router.post(
    "/process-instances/{key}/restore",
    status_code=202,
    responses=documented(401, 403, 404, conflict="nothing_to_restore"),
)
def restore_process_instance(key: EngineKey, caller: Caller, database: WebDatabase) -> InstanceDetail:
    """Repair what happened to an instance outside the product; for the system administrator."""
    with database.transaction() as session:
        instance_key = engine_key(key)
        restoring.restore(session, caller, instance_key)
        return processes.instance(session, caller, instance_key)
