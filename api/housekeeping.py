"""What a web process tidies up beside its requests: files that nobody used within a day."""

import asyncio
from typing import Final

import structlog
from fastapi.concurrency import run_in_threadpool
from sqlalchemy.exc import SQLAlchemyError

from connectors.storage import BlobStore
from models.database import Database
from services.files import retention

INTERVAL_SECONDS: Final = 600.0
BATCH: Final = 200

log = structlog.get_logger(__name__)


async def keep_tidy(database: Database, store: BlobStore) -> None:
    """Check every ten minutes until cancelled; what fails is logged and tried again."""
    while True:
        try:
            removed = await run_in_threadpool(remove_expired_files, database, store)
            if removed:
                log.info("files.expired", removed=removed)
        except (SQLAlchemyError, OSError) as exc:
            log.warning("files.expiry_failed", kind=type(exc).__name__)
        await asyncio.sleep(INTERVAL_SECONDS)


def remove_expired_files(database: Database, store: BlobStore) -> int:
    """Remove files whose day is over, each in a transaction of its own; return how many there were."""
    with database.reading() as session:
        found = retention.expired(session, BATCH)
    removed = 0
    for file_id in found:
        with database.transaction() as session:
            removed += retention.remove(session, store, file_id)
    return removed
