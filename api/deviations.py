"""What the engine did that no use case asked for, for the system administrator."""

from fastapi import APIRouter

from api.dependencies import Caller, Cursor, Limit, WebDatabase
from api.problems import documented
from api.routing import API_BASE, AccountRoute
from services.deviations import ledger
from services.deviations.ledger import DeviationView
from services.paging import Page

router = APIRouter(prefix=API_BASE, route_class=AccountRoute, tags=["processes"])


@router.get("/deviations", responses=documented(401, 403, 422))
def list_deviations(
    caller: Caller, database: WebDatabase, settled: bool = False, cursor: Cursor = None, limit: Limit = 50
) -> Page[DeviationView]:
    """List what is to be seen to, or what is settled, newest first; for the system administrator."""
    with database.reading() as session:
        return ledger.deviations(session, caller, settled=settled, cursor=cursor or None, limit=limit)
