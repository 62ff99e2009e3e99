"""The bridge tells the city library over HTTP: what is due, again after it was away, and anew where it differs."""

import asyncio
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlmodel import col, select, update

from bridge.library import LibrarySender
from connectors.city_library import HttpLibrary, StandIn
from models.certificate import LibraryEntry, LibraryStanding
from models.database import Database
from services.certificates import library
from services.clock import machine_now
from services.documents import signing
from settings import get_settings
from tests.databases import Databases, new
from tests.factories.certificates import ADMINISTRATOR, approved, issued, submitted
from tests.factories.city_library import served, start_again


@pytest.fixture
def database(databases: Databases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """Yield a seeded database with keys of its own."""
    monkeypatch.setenv("TONGQUAN_STATE_DIR", str(tmp_path))
    get_settings.cache_clear()
    signing.forget_key()
    with new(databases, tmp_path, seeded=True) as opened:
        yield opened
    get_settings.cache_clear()
    signing.forget_key()


@pytest.fixture
def stand_in(tmp_path: Path) -> Iterator[StandIn]:
    """Serve a library of its own."""
    with served(tmp_path / "library.db") as running:
        yield running


def ask(database: Database, stand_in: StandIn) -> int:
    """Let the bridge ask once about everything due, and return about how much it was."""

    async def asked() -> int:
        connection = HttpLibrary(stand_in.url)
        try:
            return await LibrarySender(database, get_settings()).ask_due(connection)
        finally:
            await connection.close()

    return asyncio.run(asked())


def make_due(database: Database) -> None:
    """Let the pauses be over."""
    with database.transaction() as session:
        session.exec(update(LibraryEntry).values(available_at=machine_now()))


def standings(database: Database) -> dict[str, LibraryStanding]:
    """Return how the library stands to each certificate."""
    with database.reading() as session:
        return dict(session.exec(select(LibraryEntry.number, LibraryEntry.standing)).all())


def test_two_states_a_library_missed_reach_it_as_the_last_one(database: Database, stand_in: StandIn) -> None:
    stand_in.stop()
    with database.transaction() as session:
        first = issued(session).number
    assert ask(database, stand_in) == 1
    with database.transaction() as session:
        second = approved(session, submitted(session, "W-28", first))
        assert second is not None
        approved(session, submitted(session, "W-30", second.number))
        last = second.number
    assert ask(database, stand_in) == 2
    assert set(standings(database).values()) == {LibraryStanding.PENDING}
    start_again(stand_in)
    assert ask(database, stand_in) == 0, "the pause after a failure is kept"
    make_due(database)
    assert ask(database, stand_in) == 2
    assert standings(database) == {first: LibraryStanding.IN_STEP, last: LibraryStanding.IN_STEP}
    kept = {number: stand_in.find(number) for number in (first, last)}
    assert {number: one[1]["state"] for number, one in kept.items() if one} == {first: "changed", last: "cancelled"}


def test_what_the_library_lost_is_noticed_shown_and_sent_anew(database: Database, stand_in: StandIn) -> None:
    with database.transaction() as session:
        number = issued(session).number
    ask(database, stand_in)
    with closing(stand_in.connect()) as connection, connection:
        connection.execute("DELETE FROM certificate")
    with database.transaction() as session:
        library.mend(session, ADMINISTRATOR)
    ask(database, stand_in)
    assert standings(database) == {number: LibraryStanding.DIFFERS}
    ask(database, stand_in)
    assert standings(database) == {number: LibraryStanding.IN_STEP}
    assert stand_in.find(number) is not None


def test_a_library_that_is_away_while_it_is_compared_is_no_difference(database: Database, stand_in: StandIn) -> None:
    with database.transaction() as session:
        number = issued(session).number
    ask(database, stand_in)
    stand_in.stop()
    make_due(database)
    assert ask(database, stand_in) == 1
    assert standings(database) == {number: LibraryStanding.IN_STEP}
    with database.reading() as session:
        row = session.exec(select(LibraryEntry).where(col(LibraryEntry.number) == number)).one()
    assert row.attempts == 1
    assert row.available_at > machine_now()
