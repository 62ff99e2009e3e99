"""Have the bridge project a set-aside record again, and wait for it; for the API and the pages alike."""

import time
from typing import Final

import anyio
from fastapi.concurrency import run_in_threadpool

from models.database import Database
from services.accounts.actors import Actor
from services.process_engine import set_aside
from services.process_engine.set_aside import RetryNotCarriedOut

PATIENCE_SECONDS: Final = 15.0
PAUSE_SECONDS: Final = 0.1


async def carry_out(database: Database, actor: Actor, key: int) -> None:
    """Ask for a retry and return when it has been carried out successfully.

    Raises ``Forbidden``, ``NotFound``, ``StillUnreadable``, and ``RetryNotCarriedOut`` when the bridge does not answer.
    """
    await run_in_threadpool(_request, database, actor, key)
    give_up_at = time.monotonic() + PATIENCE_SECONDS
    while not await run_in_threadpool(_is_carried_out, database, key):
        if time.monotonic() > give_up_at:
            raise RetryNotCarriedOut
        await anyio.sleep(PAUSE_SECONDS)


def _request(database: Database, actor: Actor, key: int) -> None:
    with database.transaction() as session:
        set_aside.request_retry(session, actor, key)


def _is_carried_out(database: Database, key: int) -> bool:
    with database.reading() as session:
        return set_aside.is_carried_out(session, key)
