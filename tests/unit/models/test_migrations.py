"""The migrations keep what was there; that they lead to the tables of the models is tested on both databases."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from sqlalchemy.exc import IntegrityError
from sqlmodel import select

import models  # noqa: F401  # Registers every table.
from models.case import Case
from models.case_deadlines import DueDate
from models.database import Database
from services import setup

AT = datetime(2026, 12, 21, 1, tzinfo=UTC).replace(tzinfo=None)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(f"sqlite:///{tmp_path / 'tongquan.db'}")
    yield opened
    opened.dispose()


def filler(column: sa.Column[object]) -> object:
    """Return a value a column that may not be empty takes."""
    for kind, value in ((sa.DateTime, AT), (sa.Date, AT.date()), (sa.Integer, 1), (sa.Boolean, True), (sa.JSON, "[]")):
        if isinstance(column.type, kind):
            return value
    return "window" if column.name == "mode" else "working_day" if column.name == "limit_unit" else column.name[:8]


def insert(connection: sa.Connection, name: str, **values: object) -> None:
    """Insert a row as an earlier release had it; a serial number is the database's to give."""
    table = sa.Table(name, sa.MetaData(), autoload_with=connection)
    needed = [one for one in table.columns if not one.nullable]
    row = {one.name: filler(one) for one in needed if one.name != "id" or not isinstance(one.type, sa.Integer)}
    connection.execute(table.insert().values({**row, **values}))


def insert_case(connection: sa.Connection, number: str, **values: object) -> None:
    """Insert a case as an earlier release had it."""
    insert(connection, "case", case_no=number, applicant_digest=number, **values)


def test_a_provisional_due_date_stays_provisional_by_its_name(database: Database) -> None:
    command.upgrade(setup._alembic(database.url), "0001")
    with database.engine.begin() as connection:
        insert_case(connection, "accepted", provisional=True, accepted_at=AT)
        insert_case(connection, "received", provisional=True)
        insert_case(connection, "certain", provisional=False, accepted_at=AT)
    setup.migrate(database)
    with database.reading() as session:
        found = {one.case_no: one for one in session.exec(select(Case)).all()}
    assert found["accepted"].deadlines.is_provisional(DueDate.STATUTORY)
    assert found["received"].deadlines.is_provisional(DueDate.ACCEPTANCE)
    assert found["certain"].deadlines.provisional_dates == []


def test_one_open_case_an_application_stays_the_rule_when_the_dates_leave_the_case(database: Database) -> None:
    command.upgrade(setup._alembic(database.url), "0008")
    with database.engine.begin() as connection:
        insert_case(connection, "closed", is_open=False)
    setup.migrate(database)
    same = {"item_code": "i", "project": "p"}
    with database.engine.begin() as connection:
        insert(connection, "case", case_no="open", applicant_digest="a", **same)
        insert(connection, "case", case_no="over", applicant_digest="a", is_open=False, **same)
        with pytest.raises(IntegrityError):
            insert(connection, "case", case_no="again", applicant_digest="a", **same)


def test_what_refers_to_a_table_made_anew_is_kept_and_still_refers_to_it(database: Database) -> None:
    command.upgrade(setup._alembic(database.url), "0001")
    with database.engine.begin() as connection:
        insert_case(connection, "running")
        insert(connection, "task", key=7, case_no="running")
        insert(connection, "task_candidate", task_key=7, group_name="xingguo.window")
        insert(connection, "material", case_no="running")
    setup.migrate(database)
    with database.transaction() as session:
        assert session.connection().scalar(sa.text("SELECT group_name FROM task_candidate WHERE task_key = 7"))
        assert session.connection().scalar(sa.text("SELECT count(*) FROM material")) == 1
        with pytest.raises(IntegrityError):
            session.connection().execute(sa.text("DELETE FROM task"))


def test_a_transfer_decided_before_transfers_moved_cases_has_taken_effect(database: Database) -> None:
    command.upgrade(setup._alembic(database.url), "0001")
    with database.engine.begin() as connection:
        insert(connection, "unit_transfer", area="rongjiang", item="S-22", from_unit="zrzy", to_unit="nb")
    setup.migrate(database)
    with database.reading() as session:
        row = session.connection().execute(sa.text("SELECT state, in_flight, revoke_reason FROM unit_transfer")).one()
    assert tuple(row) == ("effective", "finish", "")
