"""How far the engine's exporters are behind the engine: measured by positions, whatever clock it runs by.

An engine at rest exports nothing, and that is well; one that has processed what its exporters have not handed over for
a while is not, though every process be alive.
"""

import time
from collections import deque
from collections.abc import Callable, Mapping

from engine.partitions import Positions

SAMPLES = 2000
"""At a sample every five seconds more than two hours; what comes later is noted when the first have gone."""


class ExportLag:
    """Since when what the engine had processed waits to be exported; a sample is noted every few seconds."""

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
        """Return how long the oldest of what waits has been waiting."""
        now = self._clock()
        return max((now - waiting[0][0] for waiting in self._waiting.values() if waiting), default=0.0)
