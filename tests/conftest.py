"""Fixtures every test may use: one instance under a controlled clock, shared by the whole run of a worker."""

from collections.abc import Iterator
from datetime import UTC, datetime

import freezegun
import pytest
from cryptography.hazmat import asn1

from connectors.city_library import StandIn
from tests.databases import Databases
from tests.factories.city_library import served
from tests.instance import Instance, running

pytest_plugins = ["tests.database_choice", "tests.model_coverage", "tests.distribution", "tests.integration.stack"]

freezegun.configure(extend_ignore_list=["_pytest.timing"])
"""How long a test took is measured by the machine's clock, whatever time the test lives in."""

asn1.GeneralizedTime(datetime(2000, 1, 1, tzinfo=UTC))
"""``cryptography`` looks up the class of an instant once a process: done here, lest a test's frozen clock be first."""

CLOCK_START = "2026-09-21T09:00:00+08:00"
"""A Monday; the National Day holidays with their 调休 lie ahead."""


@pytest.fixture(scope="session")
def city_library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandIn]:
    """Serve the city library that the shared instance tells of its certificates; a test may stop and start it."""
    with served(tmp_path_factory.mktemp("city-library") / "library.db") as library:
        yield library


@pytest.fixture(scope="session")
def instance(
    databases: Databases,
    tmp_path_factory: pytest.TempPathFactory,
    pytestconfig: pytest.Config,
    city_library: StandIn,
) -> Iterator[Instance]:
    """Start one instance with a controlled clock; its time only moves forward."""
    folder, clock = tmp_path_factory.mktemp("instance"), f"--controlled-clock={CLOCK_START}"
    with running(databases, folder, clock, city_library_url=city_library.url) as started:
        yield started
        pytestconfig.pluginmanager.get_plugin("model-coverage").note(started)
