"""A real PostgreSQL for a run: the server ``TONGQUAN_TEST_POSTGRES`` names, or one of our own while the run lasts."""

import glob
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
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


@contextmanager
def cluster() -> Iterator[str | None]:
    """Yield the URL of a database whose user may create others, or None where no server is installed."""
    given = os.environ.get("TONGQUAN_TEST_POSTGRES")
    binaries = sorted(glob.glob(SERVER))
    if given or not binaries:
        yield given
        return
    home = Path(tempfile.mkdtemp(prefix="tongquan-postgres-"))
    as_whom = ["runuser", "-u", UNPRIVILEGED, "--"] if os.geteuid() == 0 else []
    if as_whom:
        shutil.chown(home, UNPRIVILEGED)

    def server(*arguments: str) -> None:
        subprocess.run([*as_whom, *arguments], check=True, capture_output=True, timeout=120, cwd=home)

    control = [f"{binaries[-1]}/pg_ctl", "-D", f"{home}/data", "-w", "-t", "100"]
    try:
        server(f"{binaries[-1]}/initdb", "-D", f"{home}/data", "-U", "tongquan", "-A", "trust", "-E", "UTF8", "-N")
        # On a socket in its own folder alone: no port can be taken, and nobody else on the machine is trusted.
        settings = {**CARELESS, "listen_addresses": "''", "unix_socket_directories": str(home)}
        options = " ".join(f"-c {name}={value}" for name, value in settings.items())
        server(*control, "-o", options, "-l", f"{home}/log", "start")
        try:
            yield f"postgresql://tongquan@/postgres?host={home}"
        finally:
            server(*control, "-m", "immediate", "stop")
    finally:
        shutil.rmtree(home, ignore_errors=True)
