"""How far the exporters are behind the engine: measured by log positions, whatever clock the engine runs by.

An idle engine exports nothing, and that is healthy; one whose exporters have not for a while handed over what it has
processed is not, even if every process is alive.
"""

import time
from collections import deque
from collections.abc import Callable, Mapping

from engine.partitions import Positions

SAMPLES = 2000
"""More than two hours at a sample every five seconds; later samples are noted once the first have gone."""


class ExportLag:
    """Measures since when processed records have been waiting to be exported; a sample is noted every few seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._waiting: dict[int, deque[tuple[float, int]]] = {}

    def note(self, partitions: Mapping[int, Positions]) -> None:
        """Note how far each partition is in processing and in exporting."""
        now = self._clock()
        for partition, positions in partitions.items():
            waiting = self._waiting.setdefault(partition, deque())
            while waiting and waiting[0][1] <= positions.exported:
                waiting.popleft()
            newest = waiting[-1][1] if waiting else positions.exported
            if positions.processed > newest and len(waiting) < SAMPLES:
                waiting.append((now, positions.processed))

    def seconds(self) -> float:
        """Return how long the oldest record still to be exported has been waiting."""
        now = self._clock()
        return max((now - waiting[0][0] for waiting in self._waiting.values() if waiting), default=0.0)
