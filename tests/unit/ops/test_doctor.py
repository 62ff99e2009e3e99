"""What ``tongquan doctor`` tells of exporters that present a wrong account."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import SQLModel

import models  # noqa: F401 - registers every table
from models.database import Database
from models.engine_state import Heartbeat
from ops import doctor
from services.clock import machine_now
from services.heartbeats import FEED
from settings import get_settings
from tests.databases import Databases


@pytest.fixture
def database(databases: Databases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    with databases.empty(tmp_path) as opened:
        monkeypatch.setenv("DATABASE_URL", opened.url)
        monkeypatch.setenv("TONGQUAN_STATE_DIR", str(tmp_path))
        get_settings.cache_clear()
        yield opened
    get_settings.cache_clear()


@pytest.mark.parametrize(("seconds_ago", "told"), [(None, False), (3, True), (600, False)])
def test_an_exporter_that_was_refused_lately_is_told_with_the_way_out(
    database: Database, seconds_ago: int | None, told: bool
) -> None:
    SQLModel.metadata.create_all(database.engine)
    now = machine_now()
    refused_at = None if seconds_ago is None else (now - timedelta(seconds=seconds_ago)).isoformat()
    with database.transaction() as session:
        session.add(Heartbeat(component=FEED, at=now, detail={"refused_at": refused_at}))
    findings = list(doctor._exporters())
    assert [one.ok for one in findings] == ([False] if told else [])
    assert all("tongquan-feed" in one.way_out and "keys/feed.password" in one.way_out for one in findings)


def test_a_database_that_is_not_there_yet_tells_nothing_of_exporters(database: Database) -> None:
    assert list(doctor._exporters()) == []
