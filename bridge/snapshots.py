"""Bound what the engine must repeat after a crash: ask for a snapshot as soon as too much has come since the last.

After a crash the engine reads its log from the last snapshot on, and its exporters send from there again, the feed
one record per request. The engine's own timer counts from each start, so that crashes within its period would each
begin at the same old snapshot, further away every time. What counts here is what would be repeated, whenever the
engine was started: soon after a recovery, and again when its exporters have caught up, it is put behind a snapshot.
"""

import time
from collections.abc import Callable, Mapping

import structlog

from engine.partitions import Positions

REPEATED_RECORDS = 20_000
"""How much may be repeated: some twenty cases' records, seconds of the engine's reading and its exporters' sending."""
PAUSE_SECONDS = 30.0
"""The least time between two requests, for a snapshot of a large state is read whole for its checksum."""

log = structlog.get_logger(__name__)


class Snapshots:
    """Asks through ``take``, which tells whether the engine will do it; ``look`` is called every few seconds."""

    def __init__(self, take: Callable[[], bool], clock: Callable[[], float] = time.monotonic) -> None:
        self._take = take
        self._clock = clock
        self._asked_at: float | None = None

    def look(self, partitions: Mapping[int, Positions]) -> bool:
        """Ask for a snapshot if one is due; tell whether it was asked for."""
        repeated = max((one.repeated_after_a_crash for one in partitions.values()), default=0)
        now = self._clock()
        if repeated <= REPEATED_RECORDS or (self._asked_at is not None and now - self._asked_at < PAUSE_SECONDS):
            return False
        if not self._take():
            return False
        self._asked_at = now
        log.info("engine.snapshot_asked", records=repeated)
        return True
