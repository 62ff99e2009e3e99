"""Markers: messages nobody catches, published to see how far each exporter has come."""

import threading
import time
import uuid
from collections.abc import Iterable

from bridge.projection.records import Record

MARKER_MESSAGE = "feed-marker"


class Markers:
    """Which exporters have brought which marker; a record counts once its transaction is committed."""

    def __init__(self) -> None:
        self._seen: dict[str, set[str]] = {}
        self._changed = threading.Condition()

    def new(self) -> str:
        """Return the message id of a new marker."""
        marker = uuid.uuid4().hex
        with self._changed:
            self._seen[marker] = set()
        return marker

    def note(self, exporter: str, records: Iterable[Record]) -> None:
        """Note the markers among committed records."""
        for record in records:
            if record.value_type == "MESSAGE" and record.value.get("name") == MARKER_MESSAGE:
                with self._changed:
                    if record.value.get("messageId") in self._seen:
                        self._seen[record.value["messageId"]].add(exporter)
                        self._changed.notify_all()

    def wait(self, marker: str, exporters: set[str], timeout: float) -> bool:
        """Wait until every exporter has brought the marker; tell whether they did."""
        deadline = time.monotonic() + timeout
        with self._changed:
            while not exporters <= self._seen.get(marker, set()):
                left = deadline - time.monotonic()
                if left <= 0:
                    return False
                self._changed.wait(left)
            return True

    def forget(self, marker: str) -> None:
        """Drop a marker nobody waits for any more."""
        with self._changed:
            self._seen.pop(marker, None)
