"""The write lock of an SQLite database: one writer at a time among all threads and processes (ADR 6).

SQLite makes a second writer sleep and try again, up to a tenth of a second each time, while the lock is already free;
with four processes writing, that waiting is most of the time a case takes. The operating system's lock on a file
wakes the next writer at once, and is released when its holder ends. SQLite's own lock still guards the data:
whoever does not take part here, a backup for instance, is only slower.
"""

import fcntl
import os
import threading
import time
from pathlib import Path

from sqlalchemy.exc import TimeoutError as WaitTimedOut

SUFFIX = ".write-lock"
IN_MEMORY = (None, "", ":memory:")


class WriteLock:
    """The lock of one database file, waited for by this process's threads and, through the file, by other processes."""

    def __init__(self, database: str | None, timeout_seconds: float) -> None:
        self._path = None if database in IN_MEMORY else Path(f"{database}{SUFFIX}")
        self._timeout = timeout_seconds
        self._threads = threading.Lock()
        self._file: int | None = None

    def acquire(self, seconds: float | None = None) -> None:
        """Wait for the lock, for at most ``seconds`` or the usual time-out.

        Raises:
            TimeoutError: (SQLAlchemy's) another thread or process holds it too long.
        """
        seconds = self._timeout if seconds is None else seconds
        latest = time.monotonic() + seconds
        if not self._threads.acquire(timeout=seconds):
            raise WaitTimedOut(f"the database's write lock was not free within {seconds:.0f} s")
        try:
            self._lock_file(latest, seconds)
        except BaseException:
            self._threads.release()
            raise

    def release(self) -> None:
        """Release the lock to the next writer."""
        if self._file is not None:
            fcntl.flock(self._file, fcntl.LOCK_UN)
        self._threads.release()

    def _lock_file(self, latest: float, seconds: float) -> None:
        if self._path is None:
            return
        if self._file is None:
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waiting = _Waiting(self._file)
            if not waiting.until(latest):
                # The file now belongs to the thread that still waits on it, which closes it.
                self._file = None
                raise WaitTimedOut(f"another process kept the database's write lock for {seconds:.0f} s") from None


class _Waiting:
    """A blocking wait for a file's lock in a thread of its own, as the system call has no time-out."""

    def __init__(self, file: int) -> None:
        self._file = file
        self._guard = threading.Lock()
        self._locked = threading.Event()
        self._abandoned = False
        threading.Thread(target=self._run, name="write-lock", daemon=True).start()

    def until(self, latest: float) -> bool:
        """Tell whether the lock was acquired by ``latest`` (monotonic clock); if not, it never will be."""
        if self._locked.wait(max(latest - time.monotonic(), 0)):
            return True
        with self._guard:
            self._abandoned = not self._locked.is_set()
        return not self._abandoned

    def _run(self) -> None:
        fcntl.flock(self._file, fcntl.LOCK_EX)
        with self._guard:
            if self._abandoned:
                os.close(self._file)
            else:
                self._locked.set()
