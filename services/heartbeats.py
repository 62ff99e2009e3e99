"""Heartbeats: components beat in memory, and one transaction now and then stores all beats."""

import threading
from datetime import datetime
from typing import Any, Final

from sqlmodel import Session

from models.engine_state import Heartbeat
from models.upsert import upsert
from services.clock import machine_now

FEED: Final = "feed"
RELAY: Final = "relay"
RECONCILER: Final = "reconciler"
WORKER_PREFIX: Final = "worker:"
"""The prefix of the job type in the name of a worker's component."""


class Heartbeats:
    """The latest beat of each component of this process; safe to call from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._beats: dict[str, tuple[datetime, dict[str, Any]]] = {}
        self._unwritten: set[str] = set()

    def beat(self, component: str, **detail: Any) -> None:
        """Note that ``component`` is alive now; ``detail``, if given, replaces what it said before."""
        now = machine_now()
        with self._lock:
            _, before = self._beats.get(component, (now, {}))
            self._beats[component] = (now, detail or before)
            self._unwritten.add(component)

    @property
    def waiting(self) -> bool:
        """Tell whether a beat waits to be written."""
        return bool(self._unwritten)

    def write(self, session: Session) -> None:
        """Write every beat since the last call in the caller's transaction."""
        with self._lock:
            # In a fixed order, so that two processes that beat for the same component never wait for each other.
            beats = [(name, *self._beats[name]) for name in sorted(self._unwritten)]
            self._unwritten = set()
        rows = [{"component": name, "at": at, "detail": detail} for name, at, detail in beats]
        upsert(session, Heartbeat, rows, update=("at", "detail"))
