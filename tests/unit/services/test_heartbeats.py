"""Signs of life: each component once, with what it said last."""

from typing import Any

from sqlmodel import select

from models.database import Database
from models.engine_state import Heartbeat
from services.heartbeats import Heartbeats


def written(database: Database) -> dict[str, dict[str, Any]]:
    """Return what each component said last."""
    with database.reading() as session:
        return {beat.component: beat.detail for beat in session.exec(select(Heartbeat))}


def test_each_component_is_told_once_with_what_it_said_last(database: Database) -> None:
    beats = Heartbeats()
    beats.beat("relay", engine=False)
    beats.beat("feed")
    beats.beat("relay", engine=True)
    beats.beat("relay")
    with database.transaction() as session:
        beats.write(session)
    assert written(database) == {"relay": {"engine": True}, "feed": {}}


def test_what_is_written_waits_no_more_and_is_not_written_again(database: Database) -> None:
    beats = Heartbeats()
    assert not beats.waiting
    beats.beat("relay")
    assert beats.waiting
    with database.transaction() as session:
        beats.write(session)
    assert not beats.waiting
    with database.transaction() as session:
        session.delete(session.get_one(Heartbeat, "relay"))
        session.flush()
        beats.beat("feed")
        beats.write(session)
    assert set(written(database)) == {"feed"}


def test_a_later_beat_replaces_an_earlier_process_s(database: Database) -> None:
    for engine in (False, True):
        beats = Heartbeats()
        beats.beat("relay", engine=engine)
        with database.transaction() as session:
            beats.write(session)
    assert written(database) == {"relay": {"engine": True}}
