"""Tell a slow process from a stalled one, by what it does and not by how long it takes.

A busy machine is not a broken one: a start that takes a second on an idle machine takes minutes on a loaded one, and
ending it would only make it begin again.
"""

import time
from collections.abc import Callable, Hashable
from pathlib import Path

import psutil


class Progress:
    """Measures for how long nothing has moved; any change of the sign it is shown counts as movement."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._sign: Hashable = None
        self._since = now()

    def still_seconds(self, sign: Hashable) -> float:
        """Return the seconds for which ``sign`` has been the same; 0 when it has just changed."""
        now = self._now()
        if sign != self._sign:
            self._sign, self._since = sign, now
        return now - self._since


def signs_of(pid: int, *logs: Path) -> tuple[int, ...]:
    """Return what a process has done so far: seconds of processor time and bytes of log; -1 for what is not there."""
    return (_processor_seconds(pid), *(_size(log) for log in logs))


def _processor_seconds(pid: int) -> int:
    try:
        times = psutil.Process(pid).cpu_times()
    except psutil.Error:
        return -1
    return int(times.user + times.system)


def _size(log: Path) -> int:
    try:
        return log.stat().st_size
    except OSError:
        return -1
