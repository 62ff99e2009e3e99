"""Rows as an earlier release had them, for tests of the migrations."""

from datetime import UTC, datetime

import sqlalchemy as sa

AT = datetime(2026, 12, 21, 1, tzinfo=UTC).replace(tzinfo=None)


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
