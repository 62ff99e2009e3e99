"""Task-list pages at size: a database filled by SQL, read through the service and through HTTP.

The tasks stand in the lists of every county's window and of the city's units; a page is one group's, as a clerk
reads it, from the start and from anywhere in the list by its cursor.
"""

import os
import random
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import text
from sqlmodel import select

from bench.loopback import Connection, UnexpectedAnswer
from models.database import Database
from models.task import FormVersion
from services.accounts.actors import Actor
from services.accounts.demo_accounts import DEMO_PASSWORD
from services.cursors import encode as encode_cursor
from services.tasks import worklist
from settings import PROJECT_ROOT

GROUPS = (
    *(f"{area}.window" for area in ("xingguo", "yudu", "ruijin", "nankang", "ganxian", "xinfeng", "dayu", "longnan")),
    *(f"city.{unit}.{role}" for unit in ("xzsp", "zrzy") for role in ("reviewer", "approver")),
)
FIRST_KEY = 1_000_000_000
FIRST_DUE = datetime(2026, 1, 1, tzinfo=UTC)
STEP_SECONDS = 7
PAGE = 50
WARM_UP = 20
START_SECONDS = 60.0

TASKS = """
INSERT INTO task (key, case_no, process_id, process_instance_key, element_id, element_instance_key, name, item_name,
  area, candidate_groups, headers, form_key, status, is_open, paused, provisional, created_at, due_at)
SELECT {first} + n, 'bench' || n, 'front-window', n, 'Task_CityReview', n, '初审办件', '基准测试事项', 'xingguo',
  CAST('["' || {group} || '"]' AS {json}), '{{}}', {form}, 'open', {true}, {false}, {false}, {due}, {due}
FROM {series} WHERE n > {low} AND n <= {high}
"""
CANDIDATES = """
INSERT INTO task_candidate (task_key, group_name, is_open, due_at, created_at)
SELECT {first} + n, {group}, {true}, {due}, {due} FROM {series} WHERE n > {low} AND n <= {high}
"""
SERIES_SQLITE = (
    "(WITH RECURSIVE s(n) AS (SELECT {low} + 1 UNION ALL SELECT n + 1 FROM s WHERE n < {high}) SELECT n FROM s)"
)
SERIES_POSTGRESQL = "generate_series({low} + 1, {high}) AS s(n)"
CHUNK = 100_000

Page = tuple[str, str | None]
"""Whose list, and the cursor."""
Reader = Callable[[str, str | None], None]


def fill(database: Database, size: int) -> None:
    """Add ``size`` open tasks, spread over :data:`GROUPS`, in a few statements."""
    sqlite = database.engine.dialect.name == "sqlite"
    groups = " ".join(f"WHEN {place} THEN '{name}'" for place, name in enumerate(GROUPS))
    seconds = f"n * {STEP_SECONDS}"
    words = {
        "first": FIRST_KEY,
        "group": f"CASE n % {len(GROUPS)} {groups} END",
        "json": "TEXT" if sqlite else "json",
        "true": "1" if sqlite else "true",
        "false": "0" if sqlite else "false",
        "due": f"datetime('{FIRST_DUE:%Y-%m-%d}', ({seconds}) || ' seconds') || '.000000'"
        if sqlite
        else f"timestamptz '{FIRST_DUE.isoformat()}' + ({seconds}) * interval '1 second'",
    }
    with database.transaction() as session:
        form = session.exec(select(FormVersion.form_key).limit(1)).first()
    for low in range(0, size, CHUNK):
        high = min(low + CHUNK, size)
        series = (SERIES_SQLITE if sqlite else SERIES_POSTGRESQL).format(low=low, high=high)
        with database.transaction() as session:
            for statement in (TASKS, CANDIDATES):
                whole = statement.format(**words, form=form or "NULL", series=series, low=low, high=high)
                session.connection().execute(text(whole.replace(":", "\\:")))
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE")


def cursors(size: int, count: int, seed: int) -> list[Page]:
    """Return ``count`` groups with a cursor each: every fourth the start, the others anywhere in the list."""
    chance = random.Random(seed)
    found: list[Page] = []
    for place in range(count):
        group = chance.randrange(len(GROUPS))
        if place % 4 == 0:
            found.append((GROUPS[group], None))
            continue
        number = max(1, chance.randrange(size) // len(GROUPS) * len(GROUPS) + group)
        due = FIRST_DUE + timedelta(seconds=number * STEP_SECONDS)
        found.append((GROUPS[group], encode_cursor(due, FIRST_KEY + number)))
    return found


def through_service(database: Database) -> Reader:
    """Return a reader of pages through :func:`services.tasks.worklist.list_tasks`."""

    def read(group: str, cursor: str | None) -> None:
        with database.reading() as session:
            page = worklist.list_tasks(session, Actor(group, group, frozenset({group})), cursor=cursor, limit=PAGE)
            if not page.items:
                raise UnexpectedAnswer(f"an empty page of {group} at {cursor}")

    return read


def through_http(base: str) -> Reader:
    """Return a reader of pages through ``GET /tasks``, everybody signed in."""
    signed_in: dict[str, Connection] = {}
    for group in GROUPS:
        status, answer = Connection(base).send("POST", "/login", {"username": group, "password": DEMO_PASSWORD})
        if status != 200:
            raise UnexpectedAnswer(f"login {group}: {status} {answer}")
        signed_in[group] = Connection(base, answer["access_token"])

    def read(group: str, cursor: str | None) -> None:
        if not signed_in[group].get(f"/tasks?limit={PAGE}" + (f"&cursor={cursor}" if cursor else ""))["items"]:
            raise UnexpectedAnswer(f"an empty page of {group} at {cursor}")

    return read


def by_turns(lists: Sequence[tuple[Reader, Sequence[Page]]]) -> list[list[float]]:
    """Return the seconds of each list's pages, read in turn so that all meet the same machine load."""
    found: list[list[float]] = [[] for _ in lists]
    for turn in range(min(len(pages) for _, pages in lists)):
        for durations, (read, pages) in zip(found, lists, strict=True):
            begun = time.perf_counter()
            read(*pages[turn])
            if turn >= WARM_UP:
                durations.append(time.perf_counter() - begun)
    return found


def copy_of(source: Path, target: Path) -> str:
    """Copy an SQLite database, in use or not, without its tasks; return the copy's URL."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with sqlite3.connect(source) as old, sqlite3.connect(target) as new:
        old.backup(new)
        new.execute("DELETE FROM task_candidate")
        new.execute("DELETE FROM task")
    return f"sqlite:///{target}"


@contextmanager
def web_over(database_url: str, state_dir: Path) -> Iterator[str]:
    """Run the web alone over a database and yield the base of its API."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    environment = {
        **os.environ,
        "DATABASE_URL": database_url,
        "TONGQUAN_STATE_DIR": str(state_dir),
        "TONGQUAN_WEB_PORT": str(port),
        "TONGQUAN_CONTROLLED_CLOCK": "false",
    }
    log = (state_dir / "web.log").open("ab")
    web = subprocess.Popen([sys.executable, "-m", "api"], cwd=PROJECT_ROOT, env=environment, stdout=log, stderr=log)
    try:
        base = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                Connection(base, timeout=2).get("/healthz")
                break
            except (OSError, UnexpectedAnswer):
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.2)
        yield f"{base}/api/v1"
    finally:
        web.terminate()
        web.wait(20)
        log.close()
