"""Count how often a worker has begun a job, and keep it from beginning one it is at work on.

A time-out does not lower the engine's own count of retries. A worker that stood still for minutes (a paused machine, a
full disk) finds the same job several times in its queue: run at once they would count as so many failures.
"""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

MAX_STARTS = 5
"""How often one job may begin without an outcome."""
KNOWN_JOBS = 50_000


@dataclass(eq=False)
class Run:
    """One run of a job: the ``number`` of its start, and when it began."""

    key: int
    number: int
    at: float


class Starts:
    """The jobs of this worker that have begun and have no outcome the engine took; used on one event loop."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._counts: OrderedDict[int, int] = OrderedDict()
        self._under_way: dict[int, list[Run]] = {}

    def begin(self, key: int, timeout_seconds: float) -> Run | None:
        """Note that the job begins; None, and it does not count, while a run within its time-out is under way."""
        now = self._clock()
        others = self._under_way.setdefault(key, [])
        if any(now - one.at < timeout_seconds for one in others):
            return None
        self._counts[key] = self._counts.get(key, 0) + 1
        if len(self._counts) > KNOWN_JOBS:
            self._counts.popitem(last=False)
        run = Run(key, self._counts[key], now)
        others.append(run)
        return run

    def end(self, run: Run, *, has_outcome: bool) -> None:
        """Note that a run is over; after an outcome that the engine took, the job's starts count anew."""
        others = self._under_way[run.key]
        others.remove(run)
        if not others:
            del self._under_way[run.key]
        if has_outcome:
            self._counts.pop(run.key, None)
