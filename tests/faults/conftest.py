"""The instance the faults of the parts share: on the machine's clock, on a small disk of its own where one may be made.

Each test leaves it running and ready, as it found it.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import instance as instances
from tests import postgres
from tests.databases import Databases, Kind, PostgresDatabases
from tests.faults.parts import PATIENCE_SECONDS, until_ready
from tests.instance import Instance
from tests.postgres import Server

DISK_BYTES = 3 * 2**30
"""Of memory, and taken only as far as it is filled."""


@pytest.fixture(scope="session")
def small_disk() -> Iterator[Path | None]:
    """Yield a file system of a size of its own, or None where this account may not make one."""
    if os.geteuid() != 0:
        yield None
        return
    folder = tempfile.mkdtemp(prefix="tongquan-disk-")
    options = f"size={DISK_BYTES},mode=700"
    try:
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", options, "tongquan-faults", folder], capture_output=True
        )
        yield Path(folder) if mounted.returncode == 0 else None
        # Lazily: what a failed test left running must not keep the whole run from ending.
        subprocess.run(["umount", "--lazy", folder], capture_output=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def server(databases: Databases) -> Iterator[Server | None]:
    """Yield the PostgreSQL that only the shared instance uses, so that it may be restarted; None without one."""
    if databases.kind is not Kind.POSTGRESQL or not postgres.is_installed():
        yield None
        return
    with postgres.own(postgres.CRASHING) as started:
        yield started


@pytest.fixture(scope="session")
def faulty(
    databases: Databases, server: Server | None, small_disk: Path | None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Instance]:
    """Start the shared instance."""
    home = small_disk if small_disk is not None else tmp_path_factory.mktemp("faults")
    (home / "state").mkdir(mode=0o700)
    where = PostgresDatabases(server.url) if server is not None else databases
    with instances.running(where, home / "state") as instance:
        instance.patience = PATIENCE_SECONDS
        yield instance


@pytest.fixture
def running(faulty: Instance) -> Iterator[Instance]:
    """Hand the shared instance out ready, and see that it is ready again by itself afterwards."""
    until_ready(faulty, "the test before")
    yield faulty
    until_ready(faulty, "the test")
