"""The database: one engine per process, one transaction per request or job.

SQLite runs in WAL mode; a writing transaction begins ``IMMEDIATE`` so that it never fails midway for lack of the write
lock, and waits for the product's own lock first (``models/write_lock.py``). PostgreSQL runs at its default isolation.
Instants are stored in UTC and read back in China time.
"""

from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
from typing import Any

import orjson
from psycopg import ProgrammingError
from psycopg.adapt import Dumper
from sqlalchemy import DateTime, Engine, Enum, event
from sqlalchemy.engine import Connection, Dialect
from sqlalchemy.types import TypeDecorator
from sqlmodel import Session, SQLModel, create_engine

from models.write_lock import WriteLock

CHINA = timezone(timedelta(hours=8), "Asia/Shanghai")
"""China has one zone and, since 1991, no summer time."""

SQLITE_BUSY_TIMEOUT_MS = 15_000

HOLDS_WRITE_LOCK = "holds_write_lock"
"""The key under which a pooled connection records that it holds the write lock, until it returns to the pool."""

KEPT_FROM_ROLLBACK = "kept_from_rollback"
"""The key under which a session collects what is to be written even if its transaction is undone."""

HELD_OBJECTS = 500
"""How many of the rows it has read a writing transaction keeps, so that reading one again costs no second query."""

SQLModel.metadata.naming_convention = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Instant(TypeDecorator[datetime]):
    """An aware instant; a naive one is refused when bound."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the instant in UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant needs a time zone")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the instant in China time."""
        if value is None:
            return None
        return (value.replace(tzinfo=UTC) if value.tzinfo is None else value).astimezone(CHINA)


def choice(words: type[StrEnum]) -> Any:
    """Return the column type of an enumeration: stored by value, as text, on every database."""
    return Enum(
        words,
        native_enum=False,
        create_constraint=False,
        length=32,
        values_callable=lambda members: [member.value for member in members],
    )


class WritingSession(Session):
    """A session that keeps the rows it has read: SQLAlchemy by itself drops those no longer referenced."""

    def hold(self, row: object) -> None:
        """Keep a row until the session ends or newer ones push it out."""
        self.info.setdefault("held", deque(maxlen=HELD_OBJECTS)).append(row)


event.listen(WritingSession, "loaded_as_persistent", WritingSession.hold)
event.listen(WritingSession, "pending_to_persistent", WritingSession.hold)


def keep_from_rollback(session: Session, write: Callable[[Session], None]) -> None:
    """Have ``write`` run in a transaction of its own, should this one be undone: the record of what was refused."""
    session.info.setdefault(KEPT_FROM_ROLLBACK, []).append(write)


class Database:
    """Open sessions on one database URL.

    ``transaction()`` commits at its end or rolls back whole; ``reading()`` never writes.
    """

    def __init__(self, url: str, *, pool_size: int = 10) -> None:
        self.url = url
        self.engine = _open_engine(url, pool_size)

    @contextmanager
    def transaction(self, patience: float | None = None) -> Iterator[Session]:
        """Yield a session whose writes are committed together at the end, or not at all.

        ``patience`` is how many seconds to wait at most for SQLite's write lock, for a write that may be skipped; the
        default is the usual time-out.
        """
        writing = self.engine.execution_options(writing=True, patience=patience)
        session = WritingSession(writing, expire_on_commit=False)
        try:
            with session, session.begin():
                yield session
        except Exception:
            for write in session.info.get(KEPT_FROM_ROLLBACK, ()):
                with self.transaction() as another:
                    write(another)
            raise

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """Yield a session for queries; anything it writes is discarded."""
        with Session(self.engine, expire_on_commit=False, autoflush=False) as session:
            yield session

    def dispose(self) -> None:
        """Close every pooled connection."""
        self.engine.dispose()


class _NoDumper(Dumper):
    """Refuses lists, as SQLite does: psycopg would write ``{a,b}`` into a text column, and ours are stored as JSON."""

    def dump(self, obj: Any) -> bytes:
        """Raise for every value."""
        raise ProgrammingError(f"a {type(obj).__name__} is no value of a column")


def _write_json(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_NON_STR_KEYS).decode()


def _open_engine(url: str, pool_size: int) -> Engine:
    if not url.startswith("sqlite"):
        url = url.replace("postgresql://", "postgresql+psycopg://", 1)
        server = create_engine(
            url,
            pool_size=pool_size,
            max_overflow=pool_size,
            pool_pre_ping=True,
            hide_parameters=True,
            json_serializer=_write_json,
            json_deserializer=orjson.loads,
        )

        @event.listens_for(server, "connect")
        def refuse_lists(connection: Any, _record: object) -> None:
            connection.adapters.register_dumper(list, _NoDumper)

        return server
    engine = create_engine(
        url,
        connect_args={"check_same_thread": False, "timeout": SQLITE_BUSY_TIMEOUT_MS / 1000},
        pool_size=pool_size,
        hide_parameters=True,
        json_serializer=_write_json,
        json_deserializer=orjson.loads,
    )

    write_lock = WriteLock(engine.url.database, SQLITE_BUSY_TIMEOUT_MS / 1000)

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: object) -> None:
        connection.isolation_level = None
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA synchronous = NORMAL")
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.execute(f"PRAGMA busy_timeout = {SQLITE_BUSY_TIMEOUT_MS}")
        cursor.execute("PRAGMA cache_size = -65536")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        if not connection.get_execution_options().get("writing", False):
            connection.exec_driver_sql("BEGIN")
            return
        patience = connection.get_execution_options().get("patience")
        if not connection.info.get(HOLDS_WRITE_LOCK, False):
            write_lock.acquire(patience)
            connection.info[HOLDS_WRITE_LOCK] = True
        if patience is None:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            return
        connection.exec_driver_sql(f"PRAGMA busy_timeout = {int(patience * 1000)}")
        try:
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        finally:
            connection.exec_driver_sql(f"PRAGMA busy_timeout = {SQLITE_BUSY_TIMEOUT_MS}")

    @event.listens_for(engine, "checkin")
    def hand_on(_connection: Any, record: Any) -> None:
        if record.info.pop(HOLDS_WRITE_LOCK, False):
            write_lock.release()

    return engine
