"""Alembic's environment: the tables of ``models`` on the database ``services.setup`` names."""

from typing import Any, Literal

import sqlalchemy as sa
from alembic import context
from sqlmodel import SQLModel
from sqlmodel.sql.sqltypes import AutoString

import models  # noqa: F401
from models.database import Database, Instant


def render_plain(kind: str, item: Any, _context: object) -> str | Literal[False]:
    """Write the product's own column types as SQLAlchemy's, so that a revision imports nothing of ours."""
    if kind != "type":
        return False
    if isinstance(item, Instant):
        return "sa.DateTime(timezone=True)"
    if isinstance(item, sa.Enum | AutoString):
        return f"sa.String({item.length})" if item.length else "sa.String()"
    return False


url = context.config.attributes.get("url")
database = Database(url)

with database.engine.execution_options(writing=True).connect() as connection:
    context.configure(
        connection=connection,
        target_metadata=SQLModel.metadata,
        render_as_batch=True,
        compare_type=True,
        render_item=render_plain,
        transaction_per_migration=False,
        transactional_ddl=True,
    )
    with context.begin_transaction():
        context.run_migrations()
    if connection.in_transaction():
        connection.commit()
database.dispose()
