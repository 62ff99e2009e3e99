"""The feed: apply what the engine's exporters send, each record's effect once, and answer after the commit.

One transaction per request carries the effects and the new position of its exporter and partition. The exporter
repeats a request until it is answered with 200, so nothing is lost; a record at or below the stored position is
dropped, and so is a whole request that ends there, so nothing happens twice. Records that change no table move the
position in memory only: repeated, they would again change nothing.

The records of a request are applied together. Where one of them fails by its own content, the transaction is rolled
back and repeated record by record, and that one is set aside (``bridge/set_aside.py``): the feed goes on.
"""

import threading
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby

import structlog
from sqlalchemy import bindparam, update
from sqlmodel import Session

from bridge import set_aside
from bridge.faults import is_of_the_record
from bridge.projection.markers import Markers
from bridge.projection.projector import Projector, is_relevant
from bridge.projection.records import Bulk, Record, millis
from bridge.repeated import Last
from models.database import Database
from models.engine_state import FeedPosition
from models.upsert import upsert
from services.clock import machine_now

FOREIGN_TOLERANCE = timedelta(seconds=2)
RECENT_SECONDS = 10.0
"""An exporter that has more sends it at once: one silent for longer is idle, however old its last record."""
_POSITION = FeedPosition.__table__  # type: ignore[attr-defined]
_UNKNOWN = -1
_MOVE_ON = (
    update(_POSITION)
    .where(
        _POSITION.c.exporter == bindparam("of"),
        _POSITION.c.partition == bindparam("on"),
        _POSITION.c.position == bindparam("expected"),
    )
    .values(position=bindparam("new_position"), record_at=bindparam("new_record_at"))
)


log = structlog.get_logger(__name__)


class ForeignLog(Exception):
    """The records come from another engine's log: new by their time, old by their position.

    The engine's data was deleted or replaced while the database stayed. Going on would drop every record
    unseen.
    """


class PositionMoved(OSError):
    """Another process moved the position during this one's transaction; a retry reads the new one."""

    def __init__(self, exporter: str, partition: int) -> None:
        super().__init__(f"position of {exporter}:{partition} moved inside its own transaction")


@dataclass
class _Cursor:
    """How far one exporter's partition has come: ``stored`` in the database, ``seen`` with what changed
    nothing."""

    stored: int = _UNKNOWN
    seen: int = _UNKNOWN
    record_at: datetime | None = None
    held: set[set_aside.Subject] = field(default_factory=set)
    """The subjects with a record set aside; a retry may have settled some of them since."""
    lock: threading.Lock = field(default_factory=threading.Lock)


class Feed:
    """Apply requests of all exporters; safe to call from several threads."""

    def __init__(self, database: Database, projector: Projector, markers: Markers) -> None:
        self._database = database
        self._projector = projector
        self._markers = markers
        self._cursors: dict[tuple[str, int], _Cursor] = {}
        self._heard: dict[str, tuple[float, float]] = {}
        self._lock = threading.Lock()
        self.applied = 0

    def apply(self, bulk: Bulk) -> None:
        """Apply one request; on return its effects are committed.

        Raises:
            ForeignLog: see there.
        """
        for partition, run in groupby(bulk.records, key=lambda record: record.partition):
            records = list(run)
            cursor = self._cursor(bulk.exporter, partition)
            with cursor.lock:
                self._apply(bulk.exporter, partition, records, cursor)
        self._markers.note(bulk.exporter, bulk.records)

    def has_taken(self, last: Last) -> bool:
        """Tell whether this process knows that a request ending with ``last`` has been taken before, all of it.

        A record newer by its time than what has been taken is from another log: see :class:`ForeignLog`.
        """
        cursor = self._cursor(last.exporter, last.partition)
        with cursor.lock:
            if cursor.stored == _UNKNOWN or last.position > cursor.seen or cursor.record_at is None:
                return False
            return last.timestamp_ms <= millis(cursor.record_at + FOREIGN_TOLERANCE)

    def write_positions(self, session: Session) -> None:
        """Store positions that moved over records without effect, and the times of their last records."""
        with self._lock:
            cursors = list(self._cursors.items())
        for (exporter, partition), cursor in cursors:
            with cursor.lock:
                if cursor.seen > cursor.stored != _UNKNOWN and cursor.record_at is not None:
                    self._store(session, exporter, partition, cursor.stored, cursor.seen, cursor.record_at)
                    # Should this transaction fail, the next finds the position behind and reads it anew.
                    cursor.stored = cursor.seen

    def behind_seconds(self) -> float:
        """Return how old the newest record of the exporters now sending was on arrival, by the machine's clock."""
        now = time.monotonic()
        with self._lock:
            return max((age for at, age in self._heard.values() if now - at < RECENT_SECONDS), default=0.0)

    def positions(self) -> dict[str, int]:
        """Return how far each exporter and partition has come in this process."""
        with self._lock:
            return {f"{name}:{partition}": cursor.seen for (name, partition), cursor in self._cursors.items()}

    def _cursor(self, exporter: str, partition: int) -> _Cursor:
        with self._lock:
            return self._cursors.setdefault((exporter, partition), _Cursor())

    def _apply(self, exporter: str, partition: int, records: list[Record], cursor: _Cursor) -> None:
        if cursor.stored != _UNKNOWN:
            records = self._fresh(records, cursor)
            if not records:
                return
            if not any(map(is_relevant, records)):
                cursor.record_at = _newest_instant(records, cursor)
                cursor.seen = records[-1].position
                return
        try:
            self._commit(exporter, partition, records, cursor, together=True)
        except Exception as exc:
            if not is_of_the_record(exc) or isinstance(exc, ForeignLog):
                raise
            log.warning("feed.record_failed", exporter=exporter, partition=partition, error=type(exc).__name__)
            # The cursor may have been read anew meanwhile.
            self._commit(exporter, partition, self._fresh(records, cursor), cursor, together=False)

    def _commit(self, exporter: str, partition: int, records: list[Record], cursor: _Cursor, *, together: bool) -> None:
        """Apply records and move the position in one transaction."""
        with self._database.transaction() as session:
            expected = cursor.stored
            position, at = records[-1].position, _newest_instant(records, cursor)
            if expected == _UNKNOWN or not self._store(session, exporter, partition, expected, position, at):
                self._reload(session, exporter, partition, cursor)
                records, at = self._fresh(records, cursor), _newest_instant(records, cursor)
                if records and not self._store(session, exporter, partition, cursor.stored, position, at):
                    raise PositionMoved(exporter, partition)
            if together and not set_aside.needs_care(records, cursor.held):
                self._projector.apply(session, records)
            else:
                set_aside.apply_each(session, self._projector, exporter, records, cursor.held)
        if records:
            cursor.stored = cursor.seen = position
            cursor.record_at = at
            self.applied += len(records)
            self._hear(exporter, at)

    def _hear(self, exporter: str, record_at: datetime) -> None:
        age = (machine_now() - record_at).total_seconds()
        with self._lock:
            self._heard[exporter] = (time.monotonic(), age)

    @staticmethod
    def _fresh(records: list[Record], cursor: _Cursor) -> list[Record]:
        fresh = [record for record in records if record.position > cursor.seen]
        if len(fresh) < len(records) and cursor.record_at is not None:
            newest = max(record.timestamp_ms for record in records if record.position <= cursor.seen)
            if newest > millis(cursor.record_at + FOREIGN_TOLERANCE):
                raise ForeignLog("引擎的数据与数据库不是同一套：请恢复原来的引擎数据，或用备份一并恢复两者")
        return fresh

    @staticmethod
    def _store(
        session: Session, exporter: str, partition: int, expected: int, position: int, record_at: datetime
    ) -> bool:
        """Move the stored position on if it is where this process thinks it is."""
        moved = session.connection().execute(
            _MOVE_ON,
            {
                "of": exporter,
                "on": partition,
                "expected": expected,
                "new_position": position,
                "new_record_at": record_at,
            },
        )
        return moved.rowcount == 1

    @staticmethod
    def _reload(session: Session, exporter: str, partition: int, cursor: _Cursor) -> None:
        """Read the position under a lock held to the end of the transaction; the first time, begin it at
        zero."""
        key = {"exporter": exporter, "partition": partition}
        zero = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
        upsert(session, FeedPosition, [{**key, "position": 0, "record_at": zero}])
        row = session.get(FeedPosition, key, with_for_update=True, populate_existing=True)
        if row is None:
            raise RuntimeError(f"position of {exporter}:{partition} is missing")
        cursor.stored = cursor.seen = row.position
        cursor.record_at = row.record_at
        cursor.held = set_aside.held_subjects(session, exporter, partition)


def _newest_instant(records: list[Record], cursor: _Cursor) -> datetime:
    """Return when the last record happened; one whose line could not be read may not tell."""
    last = records[-1]
    return cursor.record_at if last.fault and cursor.record_at is not None else last.at
