"""Alembic's environment: the tables of ``models`` on the database ``services.setup`` names."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import sqlalchemy as sa
from alembic import context
from sqlmodel import SQLModel
from sqlmodel.sql.sqltypes import AutoString

import models  # noqa: F401
from models.database import Database, Instant
from models.encrypted import EncryptedText


def render_plain(kind: str, item: Any, _context: object) -> str | Literal[False]:
    """Write the product's own column types as SQLAlchemy's, so that a revision imports nothing of ours."""
    if kind != "type":
        return False
    if isinstance(item, Instant):
        return "sa.DateTime(timezone=True)"
    if isinstance(item, EncryptedText):
        return f"sa.String({item.impl.length})"
    if isinstance(item, sa.Enum | AutoString):
        return f"sa.String({item.length})" if item.length else "sa.String()"
    return False


@contextmanager
def references_unwatched(connection: sa.Connection) -> Iterator[None]:
    """Let SQLite drop a table while it is rebuilt; the pragma takes effect only outside a transaction."""
    if connection.dialect.name != "sqlite":
        yield
        return
    driver: Any = connection.connection.driver_connection
    driver.execute("PRAGMA foreign_keys = OFF")
    try:
        yield
    finally:
        connection.rollback()
        driver.execute("PRAGMA foreign_keys = ON")


def require_whole_references(connection: sa.Connection) -> None:
    """Refuse to commit a migration that leaves dangling foreign keys."""
    if connection.dialect.name == "sqlite":
        broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
        if broken:
            raise RuntimeError(f"{len(broken)} references would be left without their row, the first in {broken[0][0]}")


url = context.config.attributes.get("url")
database = Database(url)

try:
    with database.engine.execution_options(writing=True).connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=SQLModel.metadata,
            render_as_batch=True,
            compare_type=True,
            render_item=render_plain,
            # One transaction for all: a second one of the same connection would wait for the first one's turn to write.
            transactional_ddl=True,
            transaction_per_migration=False,
        )
        with references_unwatched(connection):
            with context.begin_transaction():
                context.run_migrations()
                require_whole_references(connection)
            if connection.in_transaction():
                connection.commit()
finally:
    database.dispose()
