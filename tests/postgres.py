"""A real PostgreSQL for the tests: ``TONGQUAN_TEST_POSTGRES``, or a cluster of our own from the installed server."""

import glob
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlmodel import SQLModel

from models.database import Database
from tests.instance import free_port

SERVER = "/usr/lib/postgresql/*/bin"
UNPRIVILEGED = "postgres"
"""The system account the server runs as when the tests run as root, which PostgreSQL refuses."""


@contextmanager
def cluster() -> Iterator[str | None]:
    """Yield the URL of an empty database, or None where no server is installed."""
    given = os.environ.get("TONGQUAN_TEST_POSTGRES")
    binaries = sorted(glob.glob(SERVER))
    if given or not binaries:
        yield given
        return
    home = Path(tempfile.mkdtemp(prefix="tongquan-postgres-"))
    as_whom = ["runuser", "-u", UNPRIVILEGED, "--"] if os.geteuid() == 0 else []
    if as_whom:
        shutil.chown(home, UNPRIVILEGED)
    port = free_port()

    def server(*arguments: str) -> None:
        subprocess.run([*as_whom, *arguments], check=True, capture_output=True, timeout=60, cwd=home)

    control = [f"{binaries[-1]}/pg_ctl", "-D", f"{home}/data", "-w"]
    try:
        server(f"{binaries[-1]}/initdb", "-D", f"{home}/data", "-U", "tongquan", "-A", "trust", "-E", "UTF8", "-N")
        options = f"-p {port} -k {home} -c listen_addresses=127.0.0.1 -c fsync=off"
        server(*control, "-o", options, "-l", f"{home}/log", "start")
        try:
            server(f"{binaries[-1]}/createdb", "-h", "127.0.0.1", "-p", str(port), "-U", "tongquan", "tongquan")
            yield f"postgresql://tongquan@127.0.0.1:{port}/tongquan"
        finally:
            server(*control, "-m", "immediate", "stop")
    finally:
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def emptied(url: str) -> Iterator[Database]:
    """Yield the database of a URL with every table, all of them empty."""
    database = Database(url)
    SQLModel.metadata.drop_all(database.engine)
    SQLModel.metadata.create_all(database.engine)
    yield database
    database.dispose()
