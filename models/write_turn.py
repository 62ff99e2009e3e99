"""The turn to write to an SQLite database: one writer at a time among all threads and processes.

SQLite makes a second writer sleep and try again, up to a tenth of a second each time, while the lock is already free;
with four processes writing, that waiting is most of the time a case takes. The operating system's lock on a file
wakes the next writer at once, and falls with the process that held it. SQLite's own lock still guards the data:
whoever does not take part here, a backup for instance, is only slower.
"""

import fcntl
import os
import threading
from pathlib import Path

from sqlalchemy.exc import TimeoutError as WaitTimedOut

SUFFIX = ".turn"
IN_MEMORY = (None, "", ":memory:")


class WriteTurn:
    """The turn of one database file, waited for by this process's threads and, through the file, by the others."""

    def __init__(self, database: str | None, timeout_seconds: float) -> None:
        self._path = None if database in IN_MEMORY else Path(f"{database}{SUFFIX}")
        self._timeout = timeout_seconds
        self._threads = threading.Lock()
        self._file: int | None = None

    def take(self) -> None:
        """Wait for the turn; raise SQLAlchemy's ``TimeoutError`` when this process's other threads keep it."""
        if not self._threads.acquire(timeout=self._timeout):
            raise WaitTimedOut(f"no turn to write within {self._timeout:.0f} s")
        try:
            self._lock_file()
        except BaseException:
            self._threads.release()
            raise

    def give_up(self) -> None:
        """Let the next writer have the turn."""
        if self._file is not None:
            fcntl.flock(self._file, fcntl.LOCK_UN)
        self._threads.release()

    def _lock_file(self) -> None:
        if self._path is None:
            return
        if self._file is None:
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._file, fcntl.LOCK_EX)
