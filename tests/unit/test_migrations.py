"""The schema's revisions: one after the other to the tables of ``models``, with what a database held before."""

from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlmodel import SQLModel

import models  # noqa: F401 - registers every table
from models.database import Database
from services import setup


@pytest.fixture
def url(tmp_path: Path) -> str:
    """Return the address of a database that is not there yet."""
    return f"sqlite:///{tmp_path / 'migrated.db'}"


def alembic(url: str) -> Config:
    """Return the configuration ``services.setup`` uses."""
    config = Config()
    config.set_main_option("script_location", str(setup.MIGRATIONS))
    config.attributes["url"] = url
    return config


def differences(url: str) -> list[object]:
    """Return what distinguishes a database from the tables of ``models``."""
    database = Database(url)
    with database.engine.connect() as connection:
        found = compare_metadata(MigrationContext.configure(connection), SQLModel.metadata)
    database.dispose()
    return list(found)


def test_a_new_database_goes_through_every_revision_to_the_tables_of_the_models(url: str) -> None:
    database = Database(url)
    setup.migrate(database)
    database.dispose()
    assert differences(url) == []


def test_the_newest_revisions_can_be_taken_back_and_applied_again(url: str) -> None:
    command.upgrade(alembic(url), "head")
    command.downgrade(alembic(url), "0001")
    command.upgrade(alembic(url), "head")
    assert differences(url) == []


def test_a_transfer_decided_before_transfers_moved_cases_has_taken_effect(url: str) -> None:
    command.upgrade(alembic(url), "0001")
    database = Database(url)
    with database.transaction() as session:
        session.connection().exec_driver_sql(
            "INSERT INTO unit_transfer (area, item, from_unit, to_unit, effective_on, reason, decided_by, decided_at)"
            " VALUES ('rongjiang', 'S-22', 'zrzy', 'nb', '2026-09-01', '划转', 'city.coordinator', '2026-08-30')"
        )
    setup.migrate(database)
    with database.reading() as session:
        row = session.connection().exec_driver_sql("SELECT state, in_flight, revoke_reason FROM unit_transfer").one()
    database.dispose()
    assert tuple(row) == ("effective", "finish", "")
