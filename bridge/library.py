"""Tell the city library (市电子证照库) of each certificate's state until it confirms, and compare from time to time.

What is due is leased, so that several bridges may run; no transaction is open while the library is asked. In
development, where no library is set, this bridge serves a stand-in of its own over HTTP; in production without one,
certificates stay pending and are shown so.
"""

import asyncio
from collections.abc import Callable

import structlog

from connectors.city_library import CityLibrary, HttpLibrary, LibraryFailed, StandIn
from models.database import Database
from services.certificates import library
from services.certificates.library import Due
from settings import Settings

POLL_SECONDS = 0.5
BATCH = 20
STAND_IN_FILE = "city-library.db"

log = structlog.get_logger(__name__)


class LibrarySender:
    """Send and compare what is due until cancelled."""

    def __init__(self, database: Database, settings: Settings, *, poll_seconds: float = POLL_SECONDS) -> None:
        self._database = database
        self._settings = settings
        self._poll_seconds = poll_seconds

    async def run(self) -> None:
        """Look for what is due until cancelled; where there is no library, wait for ever."""
        stand_in = self._stand_in()
        token = self._settings.city_library_token
        address = self._settings.city_library_url or (stand_in.url if stand_in is not None else "")
        if not address:
            log.warning("certificate.no_city_library")
            await asyncio.Event().wait()
        connection = HttpLibrary(address, token.get_secret_value() if token is not None else "")
        try:
            while True:
                try:
                    asked = await self.ask_due(connection)
                except Exception:
                    log.exception("certificate.library_round_failed")
                    asked = 0
                if asked < BATCH:
                    await asyncio.sleep(self._poll_seconds)
        finally:
            await connection.close()
            if stand_in is not None:
                stand_in.stop()

    async def ask_due(self, connection: CityLibrary) -> int:
        """Ask the library about everything due, up to a batch, and record the answers; return how many."""
        due = await asyncio.to_thread(self._take)
        await asyncio.gather(*(self._ask(connection, one) for one in due))
        return len(due)

    def _take(self) -> list[Due]:
        with self._database.reading() as session:
            if not library.is_anything_due(session):
                return []
        with self._database.transaction() as session:
            return library.take(session, BATCH)

    async def _ask(self, connection: CityLibrary, due: Due) -> None:
        """Send or compare one certificate; where the result cannot be noted, the lease brings it back."""
        try:
            if due.compare:
                found = await connection.find(due.number)
                await self._note(lambda: self._compared(due, found))
            else:
                await connection.put(due.number, due.version, due.request_id, due.record)
                await self._note(lambda: self._confirmed(due))
        except LibraryFailed as error:
            text = str(error)
            await self._note(lambda: self._failed(due, text))

    async def _note(self, write: Callable[[], None]) -> None:
        try:
            await asyncio.to_thread(write)
        except Exception:
            log.exception("certificate.library_mark_failed")

    def _confirmed(self, due: Due) -> None:
        with self._database.transaction() as session:
            library.confirm(session, due)

    def _compared(self, due: Due, found: dict[str, object] | None) -> None:
        with self._database.transaction() as session:
            library.compared(session, due, found)

    def _failed(self, due: Due, error: str) -> None:
        with self._database.transaction() as session:
            library.fail(session, due, error)

    def _stand_in(self) -> StandIn | None:
        if self._settings.city_library_url or not self._settings.development:
            return None
        stand_in = StandIn(self._settings.state_dir / STAND_IN_FILE)
        stand_in.start()
        return stand_in
