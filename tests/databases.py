"""Databases for tests, of the kind a run was asked for (``tests/database_choice.py``).

Making the tables takes a tenth of a second to one, seeding the catalogue up to four; so both are done once a process,
and a test gets a copy: in milliseconds on SQLite, in a tenth of a second on PostgreSQL.
"""

import itertools
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Protocol

import psycopg
from sqlalchemy import make_url
from sqlmodel import SQLModel

import models  # noqa: F401 - registers every table
from catalog_data.loader import load_catalogue
from models.database import Database
from services import setup
from services.catalogue.seeding import seed_catalogue

FILE = "tongquan.db"

Prepare = Callable[[str], None]


class Kind(StrEnum):
    """The databases the product runs on."""

    SQLITE = "sqlite"
    POSTGRESQL = "postgresql"


class Databases(Protocol):
    """Makes databases of one kind; each is gone when its context ends."""

    kind: Kind

    def empty(self, folder: Path) -> AbstractContextManager[Database]:
        """Yield a database without tables; SQLite's is where the state directory ``folder`` has it."""

    def copy(self, name: str, prepare: Prepare, folder: Path | None = None) -> AbstractContextManager[Database]:
        """Yield a copy of the database that ``prepare`` made, once a process, of an empty one's URL.

        SQLite's is in ``folder``, or else in memory, for one thread.
        """

    def twin(self, database: Database, folder: Path) -> AbstractContextManager[Database]:
        """Yield a copy of a database as it is now; nobody may be using it meanwhile."""


def new(databases: Databases, folder: Path | None = None, *, seeded: bool = False) -> AbstractContextManager[Database]:
    """Yield a database with every table: all of them empty, or with the shipped catalogue."""
    return databases.copy("catalogue", _make_catalogue, folder) if seeded else databases.copy("tables", _make, folder)


def migrated(databases: Databases, folder: Path | None = None) -> AbstractContextManager[Database]:
    """Yield a database as its migrations make it, and nothing in it."""
    return databases.copy("migrated", _migrate, folder)


class SqliteDatabases:
    """SQLite, in memory or in a file."""

    kind = Kind.SQLITE

    def __init__(self) -> None:
        self._contents: dict[str, bytes] = {}

    @contextmanager
    def empty(self, folder: Path) -> Iterator[Database]:
        """See :class:`Databases`."""
        with _opened(f"sqlite:///{folder / FILE}") as database:
            yield database

    @contextmanager
    def copy(self, name: str, prepare: Prepare, folder: Path | None = None) -> Iterator[Database]:
        """See :class:`Databases`."""
        content = self._content(name, prepare)
        if folder is not None:
            (folder / FILE).write_bytes(content)
        with _opened("sqlite://" if folder is None else f"sqlite:///{folder / FILE}") as database:
            if folder is None:
                with closing(database.engine.raw_connection()) as connection:
                    connection.driver_connection.deserialize(content)
            yield database

    @contextmanager
    def twin(self, database: Database, folder: Path) -> Iterator[Database]:
        """See :class:`Databases`."""
        content = _bytes_of(database)
        (folder / FILE).write_bytes(content)
        with _opened(f"sqlite:///{folder / FILE}") as copied:
            yield copied

    def _content(self, name: str, prepare: Prepare) -> bytes:
        if name not in self._contents:
            with tempfile.TemporaryDirectory(prefix="tongquan-sqlite-") as folder:
                url = f"sqlite:///{folder}/{FILE}"
                prepare(url)
                with _opened(url) as database:
                    with closing(database.engine.raw_connection()) as connection:
                        # A copy in memory could not open the file's journal.
                        connection.driver_connection.execute("PRAGMA journal_mode = DELETE")
                    self._contents[name] = _bytes_of(database)
        return self._contents[name]


class PostgresDatabases:
    """Databases of one server; its templates stay until the run ends."""

    kind = Kind.POSTGRESQL

    def __init__(self, url: str) -> None:
        self._server = make_url(url)
        self._templates: dict[str, str] = {}
        self._serial = itertools.count(1)

    @contextmanager
    def empty(self, folder: Path) -> Iterator[Database]:
        """See :class:`Databases`."""
        with self._lent("template0") as database:
            yield database

    @contextmanager
    def copy(self, name: str, prepare: Prepare, folder: Path | None = None) -> Iterator[Database]:
        """See :class:`Databases`."""
        if name not in self._templates:
            template = self._create("template0")
            prepare(self._url(template))
            self._templates[name] = template
        with self._lent(self._templates[name]) as database:
            yield database

    @contextmanager
    def twin(self, database: Database, folder: Path) -> Iterator[Database]:
        """See :class:`Databases`."""
        database.dispose()  # A database with connections is no template.
        with self._lent(str(make_url(database.url).database)) as copied:
            yield copied

    def drop_templates(self) -> None:
        """Remove what :meth:`copy` copies."""
        for template in self._templates.values():
            self._ask(f"DROP DATABASE {template} WITH (FORCE)")

    @contextmanager
    def _lent(self, template: str) -> Iterator[Database]:
        name = self._create(template)
        try:
            with _opened(self._url(name)) as database:
                yield database
        finally:
            self._ask(f"DROP DATABASE {name} WITH (FORCE)")

    def _create(self, template: str) -> str:
        name = f"tongquan_test_{os.getpid()}_{next(self._serial)}"
        # Copying files takes a fifth of writing every page to the log, which is the server's own choice.
        self._ask(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
        return name

    def _url(self, name: str) -> str:
        return self._server.set(database=name).render_as_string(hide_password=False)

    def _ask(self, statement: str) -> None:
        with psycopg.connect(self._server.render_as_string(hide_password=False), autocommit=True) as connection:
            connection.execute(statement.encode())


def _bytes_of(database: Database) -> bytes:
    with closing(database.engine.raw_connection()) as connection:
        content: bytes = connection.driver_connection.serialize()
        return content


@contextmanager
def _opened(url: str) -> Iterator[Database]:
    database = Database(url)
    try:
        yield database
    finally:
        database.dispose()


def _make(url: str) -> None:
    with _opened(url) as database:
        SQLModel.metadata.create_all(database.engine)


def _migrate(url: str) -> None:
    with _opened(url) as database:
        setup.migrate(database)


def _make_catalogue(url: str) -> None:
    _make(url)
    with _opened(url) as database, database.transaction() as session:
        seed_catalogue(session, load_catalogue())
