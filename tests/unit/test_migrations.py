"""The migrations lead to the tables of the models, and keep what was there."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlmodel import SQLModel, select

import models  # noqa: F401  # Registers every table.
from models.case import Case
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
    for kind, value in ((sa.DateTime, AT), (sa.Integer, 1), (sa.Boolean, True), (sa.JSON, "[]")):
        if isinstance(column.type, kind):
            return value
    return "window" if column.name == "mode" else "working_day" if column.name == "limit_unit" else column.name[:8]


def insert_case(connection: sa.Connection, number: str, **values: object) -> None:
    """Insert a case as an earlier release had it."""
    table = sa.Table("case", sa.MetaData(), autoload_with=connection)
    row = {column.name: filler(column) for column in table.columns if not column.nullable}
    connection.execute(table.insert().values({**row, "case_no": number, "applicant_digest": number, **values}))


def test_the_migrations_lead_to_the_tables_of_the_models(database: Database) -> None:
    setup.migrate(database)
    with database.reading() as session:
        context = MigrationContext.configure(session.connection(), opts={"compare_type": False})
        assert compare_metadata(context, SQLModel.metadata) == []


def test_a_provisional_due_date_stays_provisional_by_its_name(database: Database) -> None:
    command.upgrade(setup._alembic(database.url), "0001")
    with database.engine.begin() as connection:
        insert_case(connection, "accepted", provisional=True, accepted_at=AT)
        insert_case(connection, "received", provisional=True)
        insert_case(connection, "certain", provisional=False, accepted_at=AT)
    setup.migrate(database)
    with database.reading() as session:
        found = {one.case_no: one for one in session.exec(select(Case)).all()}
    assert found["accepted"].is_provisional("due_at")
    assert found["received"].is_provisional("acceptance_due_at")
    assert found["certain"].provisional_dates == []
