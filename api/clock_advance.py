"""The product's clock, and moving it where it is controlled."""

import time
from datetime import datetime
from typing import Final

import anyio
from fastapi import APIRouter
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel

from api.dependencies import Caller, WebDatabase, WebSettings
from api.problems import documented
from api.routing import API_BASE, AdministratorRoute, StrictRoute
from models.database import Database
from services.accounts.actors import Actor
from services.clock import product_now
from services.process_engine import clock_advance
from services.process_engine.clock_advance import AdvanceFailed, AdvanceInput

public = APIRouter(prefix=API_BASE, route_class=StrictRoute, tags=["clock"])
router = APIRouter(prefix=API_BASE, route_class=AdministratorRoute, tags=["clock"])

PATIENCE_SECONDS: Final = 600.0
FIRST_PAUSE_SECONDS: Final = 0.02
LONGEST_PAUSE_SECONDS: Final = 0.5


class ClockState(BaseModel):
    """The product's time, and whether it can be moved."""

    now: datetime
    controlled: bool


@public.get("/clock", responses=documented(503))
def get_clock(database: WebDatabase, settings: WebSettings) -> ClockState:
    """Return the product's time."""
    with database.reading() as session:
        return ClockState(now=product_now(session), controlled=settings.controlled_clock)


@router.post(
    "/clock/advance",
    responses=documented(401, 403, 413, 415, 422, 503, conflict="clock_not_controlled"),
)
async def advance_clock(body: AdvanceInput, caller: Caller, database: WebDatabase, settings: WebSettings) -> ClockState:
    """Move the engine's and the product's time forward together; answers when everything due has happened."""
    number = await run_in_threadpool(_request, database, caller, body.seconds)
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    pause = FIRST_PAUSE_SECONDS
    while not await run_in_threadpool(_is_done, database, number):
        if time.monotonic() > give_up_at:
            raise AdvanceFailed("等待时钟拨动超时，可稍后查看时钟", "Timed out waiting; look at the clock later")
        await anyio.sleep(pause)
        pause = min(pause * 1.5, LONGEST_PAUSE_SECONDS)
    return await run_in_threadpool(get_clock, database, settings)


def _request(database: Database, actor: Actor, seconds: float) -> int:
    with database.transaction() as session:
        return clock_advance.request_advance(session, actor, seconds)


def _is_done(database: Database, number: int) -> bool:
    with database.reading() as session:
        return clock_advance.is_done(session, number)
