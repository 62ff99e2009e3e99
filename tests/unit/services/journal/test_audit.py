"""The audit trail: chained, append-only, and verifiable."""

import contextlib
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlmodel import select

from models.audit import AuditEntry
from models.database import Database
from services.journal import audit
from tests.databases import Databases, new

AT = datetime(2026, 9, 21, 1, 0, 0, 123456, tzinfo=UTC)


@pytest.fixture
def database(databases: Databases, tmp_path: Path) -> Iterator[Database]:
    with new(databases, tmp_path) as opened:
        yield opened


def write(database: Database, number: int) -> None:
    for serial in range(number):
        with database.transaction() as session:
            audit.append(session, "li", "case.read", f"K{serial}", {"顺序": serial, "more": [1.5, None, True]}, AT)


def broken(database: Database) -> list[int]:
    with database.reading() as session:
        return [link.id for link in audit.verify(session)]


def test_an_empty_trail_holds(database: Database) -> None:
    assert broken(database) == []
    with database.reading() as session:
        assert audit.head(session) == audit.ChainHead(0, audit.GENESIS)


def test_a_chain_holds_and_each_entry_names_the_one_before(database: Database) -> None:
    write(database, 5)
    assert broken(database) == []
    with database.reading() as session:
        entries = session.exec(select(AuditEntry).order_by("id")).all()
        assert [entry.id for entry in entries] == [1, 2, 3, 4, 5]
        assert [entry.previous for entry in entries] == [
            audit.GENESIS,
            *(entry.digest for entry in entries[:-1]),
        ]


def test_several_entries_of_one_transaction_chain_too(database: Database) -> None:
    with database.transaction() as session:
        for serial in range(3):
            audit.append(session, "li", "x", str(serial), {}, AT)
    assert broken(database) == []


def test_a_transaction_rolled_back_leaves_no_gap(database: Database) -> None:
    write(database, 1)
    with database.reading() as session:
        audit.append(session, "li", "x", "lost", {}, AT)
    write(database, 1)
    assert broken(database) == []


def test_what_a_savepoint_appended_goes_with_it(database: Database) -> None:
    with database.transaction() as session:
        audit.append(session, "li", "x", "first", {}, AT)
        with contextlib.suppress(TimeoutError), session.begin_nested():
            audit.append(session, "li", "x", "lost", {}, AT)
            with session.begin_nested():
                audit.append(session, "li", "x", "lost with what it is in", {}, AT)
            raise TimeoutError
        with session.begin_nested():
            audit.append(session, "li", "x", "second", {}, AT)
        audit.append(session, "li", "x", "third", {}, AT)
    with database.reading() as session:
        assert session.exec(select(AuditEntry.subject).order_by("id")).all() == ["first", "second", "third"]
    assert broken(database) == []


def test_what_was_appended_before_a_commit_in_between_is_written_with_it(database: Database) -> None:
    with contextlib.suppress(TimeoutError), database.transaction() as session:
        audit.append(session, "li", "session.refuse", "kept", {}, AT)
        session.commit()
        raise TimeoutError
    with database.reading() as session:
        assert session.exec(select(AuditEntry.subject)).all() == ["kept"]


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ("UPDATE audit_entry SET actor = 'wang' WHERE id = 3", [3]),
        ("UPDATE audit_entry SET detail = '{}' WHERE id = 3", [3]),
        ("UPDATE audit_entry SET at = '2020-01-01 00:00:00.000000' WHERE id = 3", [3]),
        ("UPDATE audit_entry SET digest = 'forged' WHERE id = 3", [3, 4]),
        ("DELETE FROM audit_entry WHERE id = 3", [4]),
        ("DELETE FROM audit_entry WHERE id = 1", [2]),
    ],
)
def test_tampering_breaks_the_chain_where_it_was_done(database: Database, change: str, where: list[int]) -> None:
    write(database, 5)
    with database.transaction() as session:
        session.connection().execute(text(change))
    assert sorted(set(broken(database))) == where


def test_renumbering_after_a_removal_is_noticed(database: Database) -> None:
    write(database, 3)
    with database.transaction() as session:
        session.connection().execute(text("DELETE FROM audit_entry WHERE id = 2"))
        session.connection().execute(text("UPDATE audit_entry SET id = 2 WHERE id = 3"))
    assert 2 in broken(database)


def test_concurrent_writers_queue_and_none_is_lost(database: Database) -> None:
    writers = [threading.Thread(target=write, args=(database, 25)) for _ in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert broken(database) == []
    with database.reading() as session:
        assert audit.head(session).id == 100


def test_what_is_not_json_is_refused_before_it_is_written(database: Database) -> None:
    with pytest.raises(TypeError), database.transaction() as session:
        audit.append(session, "li", "x", "y", {"at": AT}, AT)
    with pytest.raises(ValueError), database.transaction() as session:
        audit.append(session, "li", "x", "y", {"number": float("nan")}, AT)
