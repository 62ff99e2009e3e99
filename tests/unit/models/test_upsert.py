"""Inserts that meet rows that are there already."""

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, select

from models.audit import TimelineEntry
from models.database import Database
from models.engine_state import InstanceState, ProcessInstance
from models.upsert import upsert
from tests.factories.bridge_records import add_case

AT = datetime(2026, 9, 21, 1, 0, tzinfo=UTC)


def instance(key: int, case_no: str | None, process_id: str = "acceptance") -> dict[str, Any]:
    return {"key": key, "case_no": case_no, "process_id": process_id, "version": 1, "state": InstanceState.ACTIVE}


def known(session: Session) -> dict[int, tuple[str | None, str]]:
    """Return the case and the process of each instance."""
    rows = session.exec(select(ProcessInstance).execution_options(populate_existing=True))
    return {row.key: (row.case_no, row.process_id) for row in rows}


def event(number: int, key: str, text: str = "t") -> dict[str, Any]:
    return {"id": number, "case_no": "1", "natural_key": key, "at": AT, "actor": "a", "event": "e", "text": text}


def test_rows_that_are_there_stay(database: Database) -> None:
    with database.transaction() as session:
        upsert(session, ProcessInstance, [instance(1, "A"), instance(2, "B")])
        upsert(session, ProcessInstance, [instance(2, "C"), instance(3, "C")])
        upsert(session, ProcessInstance, [])
        assert {key: case_no for key, (case_no, _) in known(session).items()} == {1: "A", 2: "B", 3: "C"}


def test_some_columns_are_written_and_others_completed(database: Database) -> None:
    with database.transaction() as session:
        upsert(session, ProcessInstance, [instance(1, "A"), instance(2, None)])
        rows = [instance(1, "B", "transfer"), instance(2, "B", "transfer")]
        upsert(session, ProcessInstance, rows, update=("process_id",), fill=("case_no",))
        assert known(session) == {1: ("A", "transfer"), 2: ("B", "transfer")}


def test_what_is_only_completed_keeps_the_rest(database: Database) -> None:
    with database.transaction() as session:
        upsert(session, ProcessInstance, [instance(1, "A"), instance(2, None)])
        upsert(session, ProcessInstance, [instance(1, "B", "x"), instance(2, "B", "x")], fill=("case_no",))
        assert known(session) == {1: ("A", "acceptance"), 2: ("B", "acceptance")}


def test_only_the_key_named_tells_that_a_row_is_there(database: Database) -> None:
    add_case(database, "1")
    key = ("case_no", "natural_key")
    with database.transaction() as session:
        upsert(session, TimelineEntry, [event(1, "one", "first")], key=key)
        upsert(session, TimelineEntry, [event(2, "one", "second")], key=key)
        assert session.exec(select(TimelineEntry.text)).all() == ["first"]
    with pytest.raises(IntegrityError), database.transaction() as session:
        upsert(session, TimelineEntry, [event(1, "two")], key=key)
