"""Write the head of the audit chain, signed, to a file outside the database, and offer it to outside witnesses.

A minute after an entry was written its digest stands in the file; from then on it cannot be changed unnoticed. What
goes wrong here stops nothing else: the next run tries again.
"""

import asyncio
import time
from pathlib import Path

import structlog

from models.database import Database
from services.witness import heads

LOOK_SECONDS = 60.0
OFFER_SECONDS = 600.0
"""How often a changed head goes out as a webhook event."""

log = structlog.get_logger(__name__)


class Witness:
    """Keeps the heads of one database's chain in ``file``."""

    def __init__(self, database: Database, file: Path) -> None:
        self._database = database
        self._file = file
        self._offered_at = float("-inf")

    async def run(self) -> None:
        """Check at once and then every minute, until cancelled."""
        while True:
            await asyncio.to_thread(self.look)
            await asyncio.sleep(LOOK_SECONDS)

    def look(self) -> None:
        """Write the head if it changed since it was last written."""
        try:
            with self._database.reading() as session:
                head = heads.record(session, self._file)
            if head is not None and time.monotonic() - self._offered_at >= OFFER_SECONDS:
                with self._database.transaction() as session:
                    heads.offer(session, head)
                self._offered_at = time.monotonic()
        except Exception:
            log.exception("witness.failed")
