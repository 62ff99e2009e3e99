"""Signs of life: components beat in memory, one transaction now and then writes them down."""

import threading
from datetime import datetime
from typing import Any

from sqlmodel import Session

from bridge.upsert import upsert
from models.engine_state import Heartbeat
from services.clock import machine_now

FLUSH_SECONDS = 2.0
"""How often a process writes its heartbeats; readers should allow for several of these."""


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

    def write(self, session: Session) -> None:
        """Write every beat since the last call in the caller's transaction."""
        with self._lock:
            beats = {name: self._beats[name] for name in self._unwritten}
            self._unwritten = set()
        rows = [{"component": name, "at": at, "detail": detail} for name, (at, detail) in beats.items()]
        if rows:
            upsert(session, Heartbeat, rows, update=("at", "detail"))
