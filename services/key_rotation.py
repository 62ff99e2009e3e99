"""Move everything that is under another data key, or under none, to the present one.

In batches, each a transaction of its own: what a crash leaves undone is found by the next run, since every value names
its key. Until the last batch the former keys must be readable. A start does this too, so that a database of the release
before is encrypted by the first start, and an interrupted change of key is finished (ADR 22).
"""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.exc import OperationalError
from sqlmodel import Session, SQLModel

import models  # noqa: F401 - registers every table
from models.database import Database
from models.encrypted import encrypted_columns
from services import encryption
from services.cases import applicant_digests
from services.errors import SetupError
from services.journal import seals
from services.journal.sealed import Kind

BATCH: Final = 500
_UNSWEPT: Final = 1
"""SQLite's ``user_version`` while free pages may still hold what was in the clear or under a former key."""


def renew(database: Database) -> int:
    """Encrypt and digest under the present key whatever is not; return how many rows were encrypted.

    Raises ``SetupError`` when a value is under an unavailable key; what was done until then stays.
    """
    renewed = sum(_renew_table(database, *one) for one in encrypted_columns(SQLModel.metadata).items())
    after: str | None = ""
    while after is not None:
        with database.transaction() as session:
            after = applicant_digests.renew(session, after, BATCH)
    _sweep(database)
    return renewed


def reseal(database: Database) -> int:
    """Seal under the present key what the audit chain has under another; return how many rows.

    A row that does not fit its seal is left out: it stays under the former key, and every verification reports it.
    """
    with database.reading() as session:
        batches = list(seals.owners_in_batches(session))
    return sum(_reseal(database, *batch) for batch in batches)


def outdated(session: Session) -> Mapping[str, int]:
    """Return how many rows of each table are not wholly under the present key, tables without any left out."""
    found = {}
    for table, columns in encrypted_columns(SQLModel.metadata).items():
        names = list(columns)
        count = session.connection().scalar(
            sa.select(sa.func.count()).select_from(_plain(table, names)).where(_outdated(names))
        )
        if count:
            found[table] = int(count)
    return found


def _renew_table(database: Database, table: str, places: Mapping[str, str]) -> int:
    key = [column.name for column in SQLModel.metadata.tables[table].primary_key]
    plain = _plain(table, [*key, *places])
    by_key = [plain.c[one] for one in key]
    query = sa.select(plain).where(_outdated(places)).order_by(*by_key).limit(BATCH)
    renewed, further = 0, query
    while True:
        with database.transaction() as session:
            rows = session.connection().execute(further).mappings().all()
            if rows:
                _note_unswept(session)
            for row in rows:
                new = {name: _renewed(place, row[name]) for name, place in places.items()}
                # Whoever has changed the row meanwhile has written it under the present key.
                same = [plain.c[name] == row[name] for name in (*key, *places)]
                session.connection().execute(sa.update(plain).where(*same).values(new))
        if not rows:
            return renewed
        renewed += len(rows)
        further = query.where(sa.tuple_(*by_key) > sa.tuple_(*(rows[-1][one] for one in key)))


def _renewed(place: str, stored: str) -> str:
    if not stored or stored.startswith(encryption.prefix()):
        return stored
    former = encryption.key_of(stored)
    try:
        text = stored if former is None else encryption.CIPHER.decrypt(place, stored)
    except encryption.Unreadable as error:
        raise SetupError(
            f"数据库中的证件号码和电话由另一把数据密钥（编号 {former}）加密：请找回它，放在现用密钥之后再启动，"
            "例如 TONGQUAN_DATA_KEY=现用,从前"
        ) from error
    return encryption.CIPHER.encrypt(place, text)


def _reseal(database: Database, kinds: Sequence[Kind], prefix: str, owners: Sequence[str]) -> int:
    """Seal some owners' rows anew; an unreadable one is left out, located by checking one owner and kind at a time."""
    try:
        with database.transaction() as session:
            return seals.reseal(session, kinds, prefix, owners)
    except OperationalError:
        raise
    except seals.UNREADABLE:
        if len(owners) > 1:
            return sum(_reseal(database, kinds, prefix, [owner]) for owner in owners)
        return sum(_reseal(database, [kind], prefix, owners) for kind in kinds) if len(kinds) > 1 else 0


def _plain(table: str, names: Sequence[str]) -> sa.TableClause:
    """Return a table as it is stored, without decryption."""
    return sa.table(table, *(sa.column(name, sa.String) for name in names))


def _outdated(names: Iterable[str]) -> sa.ColumnElement[bool]:
    current = f"{encryption.prefix()}%"
    return sa.or_(*(sa.and_(sa.column(one) != "", sa.column(one).not_like(current)) for one in names))


def _note_unswept(session: Session) -> None:
    if session.connection().dialect.name == "sqlite":
        session.connection().exec_driver_sql(f"PRAGMA user_version = {_UNSWEPT}")


def _sweep(database: Database) -> None:
    """Rebuild an SQLite file once, so that no free page holds what was replaced; PostgreSQL manages its own pages."""
    if database.engine.dialect.name != "sqlite":
        return
    with closing(database.engine.raw_connection()) as pooled:
        # SQLite rebuilds a file only outside a transaction.
        connection: Any = pooled.driver_connection
        if connection.execute("PRAGMA user_version").fetchone()[0] != _UNSWEPT:
            return
        try:
            connection.execute("VACUUM")
            connection.execute("PRAGMA user_version = 0")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.Error as error:
            raise SetupError(f"数据库文件不能重写（{error}）：请清理磁盘空间后再启动") from error
