"""Insert rows, and update or keep those that already exist, on SQLite and PostgreSQL alike."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Table, func, inspect, or_
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, SQLModel

Rows = Sequence[Mapping[str, Any]]


def upsert(
    session: Session,
    model: type[SQLModel],
    rows: Rows,
    *,
    key: tuple[str, ...] = (),
    update: tuple[str, ...] = (),
    fill: tuple[str, ...] = (),
) -> int:
    """Insert ``rows``, all with the same columns; where one exists, write ``update`` and complete ``fill``.

    Return how many rows were written.

    ``key`` names the columns of the constraint that identifies an existing row, by default the primary key; a column of
    ``fill`` is written only where it is null. With neither ``update`` nor ``fill`` existing rows stay as they are, and
    without ``key`` a conflict on any constraint counts.
    """
    if not rows:
        return 0
    statement = _statement(model, session.get_bind().dialect.name, tuple(rows[0]), key, update, fill)
    return session.connection().execute(statement, list(rows), execution_options={"preserve_rowcount": True}).rowcount


def insert_on(dialect: str, model: type[SQLModel]) -> Any:
    """Return the insert of ``sqlite`` or ``postgresql``, which knows ``on_conflict_do_update``."""
    table = inspect(model).local_table
    if not isinstance(table, Table):
        raise TypeError(f"{model.__name__} is no table")
    build: Any = postgresql.insert if dialect == "postgresql" else sqlite.insert
    return build(table)


@lru_cache(maxsize=256)
def _statement(
    model: type[SQLModel],
    dialect: str,
    columns: tuple[str, ...],
    key: tuple[str, ...],
    update: tuple[str, ...],
    fill: tuple[str, ...],
) -> Any:
    statement = insert_on(dialect, model)
    table = statement.table
    changes: dict[str, Any] = {name: statement.excluded[name] for name in update}
    changes |= {name: func.coalesce(table.c[name], statement.excluded[name]) for name in fill}
    if not changes:
        return statement.on_conflict_do_nothing(index_elements=key or None)
    return statement.on_conflict_do_update(
        index_elements=key or list(table.primary_key.columns),
        set_=changes,
        where=None if update else or_(*(table.c[name].is_(None) for name in fill)),
    )
