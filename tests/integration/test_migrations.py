"""The revisions of the schema: what they make is what the models say, and they keep the data."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text
from sqlmodel import SQLModel

import models  # noqa: F401 - registers every table
from models.case import Case
from models.case_deadlines import CaseDeadlines
from models.database import Database
from services.setup import _alembic, migrate
from tests.databases import Databases
from tests.factories.earlier_rows import insert, insert_case

AT = datetime(2026, 9, 21, 1, tzinfo=UTC)
UNDATED = {"provisional": False, "provisional_dates": [], "thresholds": {}, "clock_version": 0}
CASE = {
    "query_code": "q",
    "item_code": "D-01",
    "item_version": 1,
    "guide_version": 1,
    "item_name": "i",
    "mode": "direct",
    "power_kind": "filing",
    "power_type": "p",
    "area": "xingguo",
    "city_unit": "jtys",
    "on_site_check": False,
    "approval_filing": False,
    "conditions": {},
    "applicant_digest": "d",
    "submitted_by": "s",
    "is_open": True,
    "state": 1,
    "level": 0,
    "received_at": AT,
    "deemed_accepted": False,
    "limit_unit": "working_day",
    "handling": "承诺件",
    "by_commitment": False,
    "process_id": "direct-devolution",
    **UNDATED,
}
DATES = {
    **{
        name: AT + timedelta(days=number)
        for number, name in enumerate(CaseDeadlines.model_fields)
        if name.endswith("_at")
    },
    "provisional": True,
    "provisional_dates": ["due_at", "promised_due_at"],
    "thresholds": {"yellowShare": 0.8},
    "clock_version": 3,
}
"""What stood on a case before its deadlines had a table, no two instants alike."""


@pytest.fixture
def database(databases: Databases, tmp_path: Path) -> Iterator[Database]:
    """Yield an empty database."""
    with databases.empty(tmp_path) as opened:
        yield opened


def differences(connection: Connection) -> list[object]:
    """Return what the models have and the database lacks, or the reverse."""
    context = MigrationContext.configure(connection, opts={"compare_type": False})
    return list(compare_metadata(context, SQLModel.metadata))


def test_the_revisions_make_what_the_models_say(database: Database) -> None:
    migrate(database)
    with database.engine.connect() as connection:
        assert differences(connection) == []


def test_a_cases_dates_move_beside_it_and_back(database: Database) -> None:
    config = _alembic(database.url)
    command.upgrade(config, "0008")
    with database.engine.begin() as connection:
        of_case = sa.Table("case", sa.MetaData(), autoload_with=connection)
        for number, dates in (("dated", DATES), ("new", {})):
            connection.execute(of_case.insert().values({**CASE, "case_no": number, "project": number, **dates}))
    for revision, table in (("head", "case_deadlines"), ("0008", "case"), ("head", "case_deadlines")):
        (command.upgrade if revision == "head" else command.downgrade)(config, revision)
        with database.engine.connect() as connection:
            columns = sa.Table(table, sa.MetaData(), autoload_with=connection).c
            rows = connection.execute(sa.select(columns.case_no, *(columns[name] for name in DATES))).all()
        kept = {row.case_no: row._asdict() for row in rows}
        assert {name: at_utc(kept["dated"][name]) for name in DATES} == DATES
        assert kept["new"] == {"case_no": "new", **dict.fromkeys(DATES), **UNDATED}
    with database.reading() as session:
        assert session.get_one(Case, "dated").deadlines.watched.count(None) == 0
        assert session.get_one(Case, "new").deadlines.watched == (None,) * 10
    with database.engine.connect() as connection:
        assert differences(connection) == []


def at_utc(value: object) -> object:
    """Return an instant in UTC, which SQLite keeps without saying so; anything else as it is."""
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    return value


def test_notices_and_who_read_them_live_through_the_revisions_both_ways(database: Database) -> None:
    config = _alembic(database.url)
    command.upgrade(config, "0001")
    with database.transaction() as session:
        connection = session.connection()
        connection.execute(
            text(
                'INSERT INTO "case" (case_no, query_code, item_code, item_version, guide_version, item_name, mode,'
                " power_kind, power_type, area, city_unit, on_site_check, approval_filing, project, conditions,"
                " applicant_digest, submitted_by, is_open, state, level, received_at, deemed_accepted, limit_unit,"
                " provisional, handling, thresholds, by_commitment, clock_version, process_id)"
                " VALUES ('c', 'q', 'D-01', 1, 1, 'i', 'direct', 'filing', 'p', 'xingguo', 'jtys', false, false, '',"
                " '{}', 'd', 's', true, 1, 0, '2026-09-21 01:00:00', false, 'working_day', false, '', '{}', false, 0,"
                " 'direct-devolution')"
            )
        )
        connection.execute(
            text(
                "INSERT INTO notice (id, natural_key, case_no, kind, signal, to_group, text, at)"
                " VALUES (7, 'k', 'c', 'reminder', 'overdue', 'xingguo.window', 't', '2026-09-21 01:00:00')"
            )
        )
        connection.execute(
            text("INSERT INTO notice_reading (notice_id, username, read_at) VALUES (7, 'x', '2026-09-21 01:00:00')")
        )
    for revision in ("head", "0001", "head"):
        (command.upgrade if revision == "head" else command.downgrade)(config, revision)
        table = "notification" if revision == "head" else "notice"
        with database.engine.connect() as connection:
            kept = connection.execute(text(f"SELECT case_no, to_group FROM {table} WHERE id = 7")).one()  # noqa: S608
            assert tuple(kept) == ("c", "xingguo.window")
            assert connection.execute(text(f"SELECT username FROM {table}_reading")).one()[0] == "x"  # noqa: S608
    with database.engine.connect() as connection:
        assert connection.execute(text("SELECT subject FROM notification WHERE id = 7")).one()[0] == "case"
        assert differences(connection) == []


def test_the_cases_of_unit_transfers_move_to_a_table_of_their_own_and_back(database: Database) -> None:
    config = _alembic(database.url)
    command.upgrade(config, "0008")
    with database.engine.begin() as connection:
        for number in ("recalled", "moved", "kept"):
            insert_case(connection, number)
        insert(connection, "recall", id=3, state="effective")
        insert(connection, "unit_transfer", id=5, state="effective", in_flight="transfer")
        insert(connection, "unit_transfer", id=6, state="decided", in_flight="finish")
        insert(connection, "recall_case", recall_id=3, case_no="recalled", disposition="transfer")
        insert(connection, "recall_case", unit_transfer_id=5, case_no="moved", disposition="move_unit")
        insert(connection, "recall_case", recall_id=3, case_no="kept", disposition="finish")
        insert(connection, "recall_case", unit_transfer_id=5, case_no="kept", disposition="keep_unit")
        connection.execute(text("UPDATE recall_case SET from_unit = 'zrzy', state_code = 8 WHERE unit_transfer_id = 5"))
    of_transfer = [(5, "moved", "move_unit", 8, "zrzy"), (5, "kept", "keep_unit", 8, "zrzy")]
    of_recall = [(3, "recalled", "transfer"), (3, "kept", "finish")]
    columns = "unit_transfer_id, case_no, disposition, state_code, from_unit"
    for step in ("up", "down", "up"):
        (command.upgrade if step == "up" else command.downgrade)(config, "0009" if step == "up" else "0008")
        table = "unit_transfer_case" if step == "up" else "recall_case WHERE recall_id IS NULL"
        with database.engine.connect() as connection:
            rows = connection.execute(text(f"SELECT {columns}, at FROM {table} ORDER BY id")).all()  # noqa: S608
            assert [tuple(row)[:5] for row in rows] == of_transfer
            assert len({row[5] for row in rows}) == 1
            query = "SELECT recall_id, case_no, disposition FROM recall_case WHERE recall_id IS NOT NULL ORDER BY id"
            assert [tuple(row) for row in connection.execute(text(query)).all()] == of_recall
    with database.engine.begin() as connection:
        processes = connection.execute(text("SELECT process_id FROM unit_transfer ORDER BY id")).scalars().all()
        assert processes == ["delegation-recall", "delegation-recall"]
        insert(connection, "unit_transfer_case", unit_transfer_id=6, case_no="moved", disposition="keep_unit")
        insert(connection, "recall_case", recall_id=3, case_no="moved", disposition="finish")
        assert connection.execute(text("SELECT count(DISTINCT id) FROM unit_transfer_case")).scalar() == 3


def test_a_case_of_before_keeps_the_placeholder_that_was_its_unit(database: Database) -> None:
    config = _alembic(database.url)
    command.upgrade(config, "0017")
    with database.engine.begin() as connection:
        for area, code in (("xingguo", "cjdw"), ("rongjiang", "zrzy")):
            insert(connection, "county_unit", area=area, code=code)
        for number, area, unit in (("old", "xingguo", None), ("own", "rongjiang", None), ("kept", "rongjiang", "zrzy")):
            insert_case(connection, number, area=area, county_unit=unit, project=number)
    command.upgrade(config, "head")
    with database.engine.connect() as connection:
        cases = connection.execute(text('SELECT case_no, county_unit FROM "case"')).all()
        units = connection.execute(text("SELECT code, in_force_to, renames FROM county_unit")).all()
    assert {tuple(row) for row in cases} == {("old", "cjdw"), ("own", None), ("kept", "zrzy")}
    assert {row.code: row.in_force_to is not None for row in units} == {"cjdw": True, "zrzy": False}
    with database.engine.connect() as connection:
        assert differences(connection) == []
