"""Threads that complete human tasks: a pool fed by a queue, the same for both sides."""

import queue
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

Work = TypeVar("Work")


class Pool(Generic[Work]):
    """``threads`` that call ``work`` with what is put; what fails is counted and reported, not raised."""

    def __init__(self, threads: int, work: Callable[[Work], None]) -> None:
        self._queue: queue.SimpleQueue[Work | None] = queue.SimpleQueue()
        self._work = work
        self._running = threading.Event()
        self.failures: list[str] = []
        self._threads = [threading.Thread(target=self._serve, daemon=True) for _ in range(threads)]
        for thread in self._threads:
            thread.start()

    def put(self, one: Work) -> None:
        """Add one piece of work."""
        self._queue.put(one)

    def resume(self) -> None:
        """Let the threads work."""
        self._running.set()

    def pause(self) -> None:
        """Stop after the pieces under way; what is queued waits."""
        self._running.clear()

    def close(self) -> None:
        """End the threads."""
        self._running.set()
        for _ in self._threads:
            self._queue.put(None)

    def _serve(self) -> None:
        while True:
            one = self._queue.get()
            if one is None:
                return
            self._running.wait()
            try:
                self._work(one)
            except Exception as exc:
                self.failures.append(f"{type(exc).__name__} {exc}")
