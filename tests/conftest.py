"""Fixtures every test may use: one instance under a controlled clock, shared by the whole run of a worker."""

from collections.abc import Iterator
from pathlib import Path

import freezegun
import pytest

from models.database import Database
from tests.instance import Instance, start
from tests.postgres import cluster, emptied

pytest_plugins = ["tests.model_coverage", "tests.distribution", "tests.integration.stack"]

freezegun.configure(extend_ignore_list=["_pytest.timing"])
"""How long a test took is measured by the machine's clock, whatever time the test lives in."""

CLOCK_START = "2026-09-21T09:00:00+08:00"
"""A Monday; the National Day holidays with their 调休 lie ahead."""


@pytest.fixture(scope="session")
def instance(tmp_path_factory: pytest.TempPathFactory, pytestconfig: pytest.Config) -> Iterator[Instance]:
    """Start one instance with a controlled clock; its time only moves forward."""
    state_dir: Path = tmp_path_factory.mktemp("instance")
    running = start(state_dir, f"--controlled-clock={CLOCK_START}")
    yield running
    pytestconfig.pluginmanager.get_plugin("model-coverage").note(running)
    running.stop()


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """Start one PostgreSQL for the whole run; without a server the tests that need it are skipped and counted."""
    with cluster() as url:
        if url is None:
            pytest.skip("no PostgreSQL server is installed and TONGQUAN_TEST_POSTGRES names no database")
        yield url


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def either_url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the URL of a database, once of SQLite and once of PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path_factory.mktemp('either') / 'unit.db'}"
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture
def either_database(either_url: str) -> Iterator[Database]:
    """Yield a database of either kind with every table, all of them empty."""
    with emptied(either_url) as database:
        yield database
