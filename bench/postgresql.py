"""A PostgreSQL of the benchmark's own, where one is installed."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from settings import PROJECT_ROOT

START_SECONDS = 30.0


@contextmanager
def running(state_dir: Path, sizes: tuple[int, ...]) -> Iterator[dict[int, str]]:
    """Run a PostgreSQL of our own and yield the URL of a migrated, seeded database per size; none if not installed.

    It refuses to run as the machine's superuser, who therefore runs it as ``nobody``.
    """
    programs = _programs()
    if programs is None:
        yield {}
        return
    with tempfile.TemporaryDirectory(prefix="tongquan-bench-pg-", ignore_cleanup_errors=True) as folder:
        data = Path(folder) / "data"
        owner = pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
        os.chown(folder, owner.pw_uid, owner.pw_gid)
        run_as: dict[str, Any] = (
            {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []} if os.geteuid() == 0 else {}
        )
        initdb = [
            str(programs / "initdb"),
            "-D",
            str(data),
            "-U",
            "tongquan",
            "--auth=trust",
            "-E",
            "UTF8",
            "--locale=C",
        ]
        subprocess.run(initdb, check=True, capture_output=True, cwd=folder, **run_as)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        options = ["-D", str(data), "-p", str(port), "-h", "127.0.0.1", "-k", folder, "-c", "shared_buffers=256MB"]
        with (state_dir / "postgresql.log").open("ab") as log:
            server = subprocess.Popen(
                [str(programs / "postgres"), *options], stdout=log, stderr=log, cwd=folder, **run_as
            )
        try:
            urls = {}
            for size in sizes:
                urls[size] = f"postgresql://tongquan@127.0.0.1:{port}/list{size}"
                _create(f"postgresql://tongquan@127.0.0.1:{port}/postgres", f"list{size}")
                _prepare(urls[size], state_dir)
            yield urls
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(30)


def _create(server: str, name: str) -> None:
    """Create a database, waiting for a server that has just been started."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            with psycopg.connect(server, autocommit=True) as connection:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        except psycopg.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)
        else:
            return


def _prepare(url: str, state_dir: Path) -> None:
    code = "from services import setup; from settings import get_settings; setup.prepare(get_settings())"
    environment = {**os.environ, "DATABASE_URL": url, "TONGQUAN_STATE_DIR": str(state_dir)}
    subprocess.run([sys.executable, "-c", code], cwd=PROJECT_ROOT, env=environment, check=True, capture_output=True)


def _programs() -> Path | None:
    found = shutil.which("initdb")
    if found is not None and shutil.which("postgres") is not None:
        return Path(found).resolve().parent
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return versions[-1].parent if versions else None
