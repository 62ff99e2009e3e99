"""Writers of one SQLite database go one after the other, and the lock never outlives the process that holds it."""

import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as WaitTimedOut

from models.database import SQLITE_BUSY_TIMEOUT_MS, Database
from models.write_lock import WriteLock

pytestmark = pytest.mark.sqlite("PostgreSQL's writers lock rows, not the database")

HOLD = """
import sys
from models.write_lock import WriteLock
WriteLock(sys.argv[1], 5).acquire()
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def database(tmp_path: Path) -> Database:
    opened = Database(f"sqlite:///{tmp_path / 'writers.db'}")
    with opened.transaction() as session:
        session.connection().execute(text("CREATE TABLE counter (n INTEGER)"))
        session.connection().execute(text("INSERT INTO counter VALUES (0)"))
    return opened


def count(database: Database) -> int:
    with database.reading() as session:
        return int(session.connection().execute(text("SELECT n FROM counter")).scalar_one())


def test_threads_that_read_and_then_write_lose_no_update(database: Database) -> None:
    def add() -> None:
        for _ in range(20):
            with database.transaction() as session:
                n = session.connection().execute(text("SELECT n FROM counter")).scalar_one()
                session.connection().execute(text("UPDATE counter SET n = :n"), {"n": n + 1})

    threads = [threading.Thread(target=add) for _ in range(4)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert count(database) == 80


def test_a_transaction_that_fails_releases_the_lock(database: Database) -> None:
    def fail() -> None:
        with database.transaction() as session:
            session.connection().execute(text("UPDATE counter SET n = 1"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with database.transaction() as session:
        session.connection().execute(text("UPDATE counter SET n = n + 5"))
    assert count(database) == 5


def test_a_reader_needs_no_lock(database: Database) -> None:
    with database.transaction() as session:
        session.connection().execute(text("UPDATE counter SET n = 1"))
        assert count(database) == 0


def test_who_waits_too_long_is_told(tmp_path: Path) -> None:
    lock = WriteLock(str(tmp_path / "x.db"), 0.05)
    lock.acquire()
    with pytest.raises(WaitTimedOut):
        lock.acquire()
    lock.release()
    lock.acquire()
    lock.release()


def test_a_write_that_may_be_left_is_waited_for_no_longer_than_it_says(database: Database) -> None:
    with database.transaction() as first:
        first.connection()
        with pytest.raises(WaitTimedOut, match="within 0 s"), database.transaction(0.01) as second:
            second.connection()
    with database.transaction(0.01) as session:
        session.connection().execute(text("UPDATE counter SET n = n + 1"))
    assert count(database) == 1


def test_a_stranger_is_waited_for_as_long_by_the_next_writer_as_before_an_impatient_one(database: Database) -> None:
    with closing(sqlite3.connect(str(database.engine.url.database), isolation_level=None)) as stranger:
        stranger.execute("BEGIN IMMEDIATE")
        with pytest.raises(OperationalError), database.transaction(0.01) as session:
            session.connection()
        stranger.execute("ROLLBACK")
    with database.transaction(0.01) as session:
        assert session.connection().execute(text("PRAGMA busy_timeout")).scalar_one() == SQLITE_BUSY_TIMEOUT_MS


def test_a_process_that_keeps_the_lock_is_waited_for_no_longer_than_was_said(tmp_path: Path) -> None:
    path = str(tmp_path / "x.db")
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdin is not None
    assert holder.stdout.readline() == "held\n"
    impatient, patient = WriteLock(path, 0.1), WriteLock(path, 30)
    for _ in range(2):
        with pytest.raises(WaitTimedOut, match="another process"):
            impatient.acquire()
    holder.stdin.close()
    holder.wait()
    holder.stdout.close()
    for lock in (patient, impatient, patient):
        lock.acquire()
        lock.release()


def test_the_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    path = str(tmp_path / "x.db")
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    entered = threading.Event()
    lock = WriteLock(path, 5)

    def wait() -> None:
        lock.acquire()
        entered.set()
        lock.release()

    waiting = threading.Thread(target=wait, daemon=True)
    waiting.start()
    assert not entered.wait(0.2)
    holder.kill()
    holder.wait()
    assert entered.wait(5)
    waiting.join()
    holder.stdout.close()
    assert holder.stdin is not None
    holder.stdin.close()
