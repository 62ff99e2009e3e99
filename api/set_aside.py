"""The engine's records that the feed could not take, for the system administrator."""

from fastapi import APIRouter
from fastapi.concurrency import run_in_threadpool

from api.dependencies import Caller, Cursor, EngineKey, Limit, WebDatabase, engine_key
from api.problems import documented
from api.routing import API_BASE, AdministratorRoute
from api.set_aside_retries import carry_out
from models.database import Database
from services.accounts.actors import Actor
from services.paging import Page
from services.process_engine import set_aside
from services.process_engine.set_aside import SetAsideView

router = APIRouter(prefix=API_BASE, route_class=AdministratorRoute, tags=["processes"])


@router.get("/set-aside", responses=documented(401, 403, 422))
def list_set_aside(
    caller: Caller, database: WebDatabase, cursor: Cursor = None, limit: Limit = 50
) -> Page[SetAsideView]:
    """List the engine's records that could not be read, oldest first."""
    with database.reading() as session:
        return set_aside.waiting_records(session, caller, cursor=cursor or None, limit=limit)


@router.post("/set-aside/{id}/retry", responses=documented(401, 403, 404, 503, conflict="still_unreadable"))
async def retry_set_aside(id: EngineKey, caller: Caller, database: WebDatabase) -> SetAsideView:
    """Project a record again, with those that wait behind it; answers when the bridge has done so."""
    key = engine_key(id)
    await carry_out(database, caller, key)
    return await run_in_threadpool(_get, database, caller, key)


def _get(database: Database, actor: Actor, key: int) -> SetAsideView:
    with database.reading() as session:
        return set_aside.get(session, actor, key)
