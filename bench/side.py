"""What every measured side can do, and the closed loop that keeps a fixed number of cases open on it."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol


class Side(Protocol):
    """A side under test: the whole stack or the bare engine."""

    name: str

    def submit(self) -> None:
        """Begin one case."""

    def begin(self, release: Callable[[], None]) -> None:
        """Let people work; ``release`` is called for each case whose last human task was completed."""

    def pause(self) -> None:
        """Stop working on human tasks; open cases stay open."""

    def finished(self) -> int:
        """Return how many cases have finished so far."""


@dataclass
class Round:
    """One measured span of one side."""

    seconds: float
    finished: int
    failures: list[str] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Return finished cases a second."""
        return self.finished / self.seconds


class Stalled(Exception):
    """A side finished nothing for so long that it must be stuck."""


class ClosedLoop:
    """Keep ``window`` cases open on one side while it runs: each finished one lets the next begin."""

    def __init__(self, side: Side, window: int, submitters: int) -> None:
        self.side = side
        self._room = threading.Semaphore(window)
        self._submitters = submitters
        self._stop = threading.Event()
        self._failures: list[str] = []

    def run(self, *, seconds: float, cases: int | None = None, stall: float = 240.0) -> Round:
        """Run for ``seconds``, or until ``cases`` have finished if that is earlier, and count what finished."""
        self._stop.clear()
        self._failures = []
        self.side.begin(self._room.release)
        threads = [threading.Thread(target=self._submit, daemon=True) for _ in range(self._submitters)]
        before, begun = self.side.finished(), time.perf_counter()
        for thread in threads:
            thread.start()
        done, progressed_at = 0, begun
        try:
            while True:
                time.sleep(0.05)
                now = time.perf_counter()
                latest = self.side.finished() - before
                if latest > done:
                    done, progressed_at = latest, now
                if now - progressed_at > stall:
                    raise Stalled(f"{self.side.name}: nothing finished for {stall:.0f} s; {self._failures[:3]}")
                if now - begun >= seconds or (cases is not None and done >= cases):
                    return Round(now - begun, done, list(self._failures))
        finally:
            self._stop.set()
            for thread in threads:
                thread.join()
            self.side.pause()

    def _submit(self) -> None:
        while not self._stop.is_set():
            if not self._room.acquire(timeout=0.1):
                continue
            try:
                self.side.submit()
            except Exception as exc:
                self._failures.append(f"submit: {type(exc).__name__} {exc}")
                self._room.release()
                time.sleep(0.2)
