"""Writers of one SQLite database take turns, among threads and processes, and a turn never outlives its holder."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import TimeoutError as WaitTimedOut

from models.database import Database
from models.write_turn import WriteTurn

HOLD = """
import sys
from models.write_turn import WriteTurn
WriteTurn(sys.argv[1], 5).take()
print("taken", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def database(tmp_path: Path) -> Database:
    opened = Database(f"sqlite:///{tmp_path / 'turns.db'}")
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


def test_a_transaction_that_fails_hands_its_turn_on(database: Database) -> None:
    def fail() -> None:
        with database.transaction() as session:
            session.connection().execute(text("UPDATE counter SET n = 1"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with database.transaction() as session:
        session.connection().execute(text("UPDATE counter SET n = n + 5"))
    assert count(database) == 5


def test_a_reader_needs_no_turn(database: Database) -> None:
    with database.transaction() as session:
        session.connection().execute(text("UPDATE counter SET n = 1"))
        assert count(database) == 0


def test_who_waits_too_long_is_told(tmp_path: Path) -> None:
    turn = WriteTurn(str(tmp_path / "x.db"), 0.05)
    turn.take()
    with pytest.raises(WaitTimedOut):
        turn.take()
    turn.give_up()
    turn.take()
    turn.give_up()


def test_the_turn_of_a_killed_process_is_free(tmp_path: Path) -> None:
    path = str(tmp_path / "x.db")
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "taken\n"
    entered = threading.Event()
    turn = WriteTurn(path, 5)

    def wait() -> None:
        turn.take()
        entered.set()
        turn.give_up()

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
