"""Fixtures every test may use: one instance under a controlled clock, shared by the whole run."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.instance import Instance, start

CLOCK_START = "2026-09-21T09:00:00+08:00"
"""A Monday; the National Day holidays with their 调休 lie ahead."""


@pytest.fixture(scope="session")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """Start one instance with a controlled clock; its time only moves forward."""
    state_dir: Path = tmp_path_factory.mktemp("instance")
    running = start(state_dir, f"--controlled-clock={CLOCK_START}")
    yield running
    running.stop()
