"""A real PostgreSQL for a run: the server ``TONGQUAN_TEST_POSTGRES`` names, or one of our own while the run lasts."""

import glob
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

VARIABLE = "TONGQUAN_TEST_POSTGRES"
"""Names the URL of a database whose user may create others; the workers of a run find the run's server in it."""
SERVER = "/usr/lib/postgresql/*/bin"
UNPRIVILEGED = "postgres"
"""The system account the server runs as when the tests run as root, which PostgreSQL refuses."""
CARELESS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "4GB",
    "shared_buffers": "256MB",
    "autovacuum": "off",
    "max_connections": "300",
}
"""Nothing of a run is to outlive it, and each database of a test is gone before it would need a vacuum."""
CRASHING = {**CARELESS, "synchronous_commit": "on"}
"""What is committed outlives a crash of the server, though not one of the machine."""


@dataclass(frozen=True)
class Server:
    """A server of our own; ``url`` is that of a database whose user may create others."""

    url: str
    control: tuple[str, ...]
    """``pg_ctl`` and whose server it controls."""
    home: Path

    def restart(self) -> None:
        """Have it break off whatever it is doing, as in a crash, and start again; returns once it takes connections."""
        _run(self.home, *self.control, "-l", f"{self.home}/log", "-m", "immediate", "restart")


@contextmanager
def cluster() -> Iterator[str | None]:
    """Yield the URL of a database whose user may create others, or None where no server is installed."""
    given = os.environ.get("TONGQUAN_TEST_POSTGRES")
    if given or not is_installed():
        yield given
        return
    with own(CARELESS) as server:
        yield server.url


def is_installed() -> bool:
    """Tell whether the server's programs are here."""
    return bool(glob.glob(SERVER))


@contextmanager
def own(settings: Mapping[str, str]) -> Iterator[Server]:
    """Yield a server that lasts as long as the context."""
    binaries = sorted(glob.glob(SERVER))
    home = Path(tempfile.mkdtemp(prefix="tongquan-postgres-"))
    as_whom = ["runuser", "-u", UNPRIVILEGED, "--"] if os.geteuid() == 0 else []
    if as_whom:
        shutil.chown(home, UNPRIVILEGED)
    control = (*as_whom, f"{binaries[-1]}/pg_ctl", "-D", f"{home}/data", "-w", "-t", "100")
    initdb = (*as_whom, f"{binaries[-1]}/initdb", "-D", f"{home}/data")
    try:
        _run(home, *initdb, "-U", "tongquan", "-A", "trust", "-E", "UTF8", "-N")
        # On a socket in its own folder alone: no port can be taken, and nobody else on the machine is trusted.
        local = {**settings, "listen_addresses": "''", "unix_socket_directories": str(home)}
        options = " ".join(f"-c {name}={value}" for name, value in local.items())
        _run(home, *control, "-o", options, "-l", f"{home}/log", "start")
        try:
            yield Server(f"postgresql://tongquan@/postgres?host={home}", control, home)
        finally:
            _run(home, *control, "-m", "immediate", "stop")
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _run(home: Path, *command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, timeout=120, cwd=home)
