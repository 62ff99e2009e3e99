"""Insert many rows at once, on SQLite and PostgreSQL alike, and say what happens to those that are there
already."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Table, func, inspect
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, SQLModel

Rows = Sequence[Mapping[str, Any]]


def upsert(
    session: Session,
    model: type[SQLModel],
    rows: Rows,
    *,
    update: tuple[str, ...] = (),
    fill: tuple[str, ...] = (),
) -> None:
    """Insert ``rows``, all with the same columns; on a primary key that exists write ``update``, complete
    ``fill``.

    A column of ``fill`` is written only where it is null. With neither, existing rows stay as they are.
    """
    if not rows:
        return
    dialect = session.get_bind().dialect.name
    session.connection().execute(_statement(model, dialect, tuple(rows[0]), update, fill), list(rows))


@lru_cache(maxsize=256)
def _statement(
    model: type[SQLModel],
    dialect: str,
    columns: tuple[str, ...],
    update: tuple[str, ...],
    fill: tuple[str, ...],
) -> Any:
    table = inspect(model).local_table
    if not isinstance(table, Table):
        raise TypeError(f"{model.__name__} is no table")
    build: Any = postgresql.insert if dialect == "postgresql" else sqlite.insert
    statement = build(table)
    changes: dict[str, Any] = {name: statement.excluded[name] for name in update}
    changes |= {name: func.coalesce(table.c[name], statement.excluded[name]) for name in fill}
    if not changes:
        return statement.on_conflict_do_nothing()
    return statement.on_conflict_do_update(index_elements=list(table.primary_key.columns), set_=changes)
