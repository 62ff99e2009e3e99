"""Where every test's database comes from: SQLite, or with ``--database postgresql`` one PostgreSQL for the whole run.

A test that uses a database asks for the fixture ``databases``, itself or through a fixture of its own, and makes one
there. So the choice is made in one place, and a run on PostgreSQL takes up those tests alone: the others would only
repeat what the run on SQLite has told. What is about one kind of database bears the mark ``sqlite`` or ``postgresql``
with its reason, and is counted as skipped on the other.
"""

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from models.database import Database
from tests import postgres
from tests.databases import Databases, Kind, PostgresDatabases, SqliteDatabases, new

FIXTURE = "databases"
SERVER = pytest.StashKey[ExitStack]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let a run choose its database."""
    parser.addoption("--database", choices=[*Kind], default=Kind.SQLITE, help="what the tests' databases are kept in")


def pytest_configure(config: pytest.Config) -> None:
    """Start the run's server; the workers of xdist are given its address by their environment."""
    if _kind(config) is not Kind.POSTGRESQL or hasattr(config, "workerinput") or config.option.collectonly:
        return
    stack = config.stash.setdefault(SERVER, ExitStack())
    url = stack.enter_context(postgres.cluster())
    if url is None:
        raise pytest.UsageError(
            f"--database postgresql needs PostgreSQL's server programs ({postgres.SERVER}) or {postgres.VARIABLE}"
        )
    stack.enter_context(pytest.MonkeyPatch.context()).setenv(postgres.VARIABLE, url)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the server that :func:`pytest_configure` started."""
    config.stash.get(SERVER, ExitStack()).close()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip what is about the other database; on PostgreSQL leave out what uses none."""
    kind = _kind(config)
    chosen: list[pytest.Item] = []
    left_out: list[pytest.Item] = []
    for item in items:
        marks = {other: item.get_closest_marker(other) for other in Kind}
        for other, mark in marks.items():
            if mark is not None and other is not kind:
                item.add_marker(pytest.mark.skip(reason=f"{other} alone: {mark.args[0]}"))
        uses_one = any(marks.values()) or FIXTURE in getattr(item, "fixturenames", ())
        (chosen if uses_one or kind is Kind.SQLITE else left_out).append(item)
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = chosen


@pytest.fixture(scope="session")
def databases(pytestconfig: pytest.Config) -> Iterator[Databases]:
    """Make databases of the kind this run was asked for."""
    if _kind(pytestconfig) is Kind.SQLITE:
        yield SqliteDatabases()
        return
    server = PostgresDatabases(os.environ[postgres.VARIABLE])
    yield server
    server.drop_templates()


@pytest.fixture
def database(databases: Databases, tmp_path: Path) -> Iterator[Database]:
    """Yield a database with every table, all of them empty."""
    with new(databases, tmp_path) as opened:
        yield opened


def _kind(config: pytest.Config) -> Kind:
    return Kind(config.getoption("--database"))
