"""The migrations keep what was there; that they lead to the tables of the models is tested on both databases."""

from collections.abc import Iterator
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
from tests.databases import Databases
from tests.factories.earlier_rows import AT, insert, insert_case


@pytest.fixture
def database(databases: Databases, tmp_path: Path) -> Iterator[Database]:
    with databases.empty(tmp_path) as opened:
        yield opened


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
