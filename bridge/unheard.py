"""Drop process instances that a worker has noted and of which the engine never tells.

The engine hands jobs to workers before its records are durable. One that is killed in between has never heard of the
instance afterwards: it carries out the same step in another, under another key, and the noted one would stay active for
ever. A case that it had claimed could never start, for the one that is there would lose the claim.

Such an instance is dropped once the feed is past it: everything the engine had done when it was first seen has been
projected, and it was not among it. The engine's positions tell that, or else a record so much newer. Should a record
arrive nevertheless, the projection writes the instance anew.
"""

import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

import structlog
from sqlalchemy import ColumnElement, exists
from sqlmodel import Session, col, func, select

from engine.exporters import EXPORTERS
from engine.partitions import Positions
from models.case import Case
from models.database import Database
from models.engine_state import ElementVisit, FeedPosition, InstanceState, ProcessDefinition, ProcessInstance
from models.set_aside import SetAsideRecord
from models.task import Task
from services.clock import machine_now, stored_offset_ms

LOOK_SECONDS = 10.0
SETTLED_SECONDS = 20.0
"""How long after an instance was seen the exporters must have handed over everything: they send within a second."""
NEWER = timedelta(minutes=2)
"""How much newer a record must be where the engine does not tell its positions: its clock is another machine's."""
KEY_BITS = 51
"""A key's lower bits are a number, those above the partition (Zeebe's ``Protocol``)."""
BATCH = 1000

log = structlog.get_logger(__name__)


class Unheard:
    """The instances that the engine has not told of, with when each was first seen; one thread calls ``look``."""

    def __init__(self, database: Database, clock: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._clock = clock
        self._seen: dict[int, tuple[float, datetime]] = {}
        self._handed_over: dict[int, float] = {}
        self._looked_at: float | None = None

    def note(self, partitions: Mapping[int, Positions], asked_at: float) -> None:
        """Note which partitions had handed over all of their log when they were asked.

        One that still reads its log after a start is left out: how far it processed is not told before the end of it.
        """
        for partition, positions in partitions.items():
            if positions.processing and positions.exported >= positions.processed:
                self._handed_over[partition] = asked_at

    def look(self) -> int:
        """Drop what the feed is past, every few seconds; return how many instances."""
        now = self._clock()
        if self._looked_at is not None and now - self._looked_at < LOOK_SECONDS:
            return 0
        self._looked_at = now
        with self._database.reading() as session:
            keys = _unheard(session)
            told = _told_until(session)
            usurped = _usurped(session)
        seen_now = now, machine_now()
        self._seen = {key: self._seen.get(key, seen_now) for key in keys}
        past = [key for key, seen in self._seen.items() if self._is_past(key >> KEY_BITS, seen, told)]
        if not past and not usurped:
            return 0
        with self._database.transaction() as session:
            for case_no in usurped:
                _give_up_claim(session, case_no)
            return sum(_drop(session, key) for key in past)

    def _is_past(self, partition: int, seen: tuple[float, datetime], told: Mapping[int, datetime]) -> bool:
        handed_over, until = self._handed_over.get(partition), told.get(partition)
        if handed_over is not None and handed_over - seen[0] > SETTLED_SECONDS:
            return True
        return until is not None and until - seen[1] > NEWER


def _unheard(session: Session) -> list[int]:
    """Return active instances of which no record has come, unless one that was set aside may tell of them."""
    if session.exec(select(SetAsideRecord.id).where(col(SetAsideRecord.settled_at).is_(None)).limit(1)).first():
        return []
    query = (
        select(ProcessInstance.key)
        # By process and state there is an index.
        .where(col(ProcessInstance.process_id).in_(select(ProcessDefinition.process_id)))
        .where(ProcessInstance.state == InstanceState.ACTIVE, _nothing_told())
    )
    return list(session.exec(query.order_by(col(ProcessInstance.key)).limit(BATCH)).all())


def _nothing_told() -> ColumnElement[bool]:
    visit = exists().where(col(ElementVisit.process_instance_key) == col(ProcessInstance.key))
    task = exists().where(col(Task.process_instance_key) == col(ProcessInstance.key))
    return col(ProcessInstance.started_at).is_(None) & ~visit & ~task


def _told_until(session: Session) -> dict[int, datetime]:
    """Return up to when, by the machine's clock, both exporters have told of each partition."""
    offset = timedelta(milliseconds=stored_offset_ms(session))
    rows = session.exec(
        select(FeedPosition.partition, func.min(FeedPosition.record_at))
        .where(col(FeedPosition.exporter).in_(EXPORTERS))
        .group_by(col(FeedPosition.partition))
        .having(func.count() == len(EXPORTERS))
    ).all()
    return {partition: until - offset for partition, until in rows}


def _usurped(session: Session) -> list[str]:
    """Return open cases whose instance is another case's: the engine gave the key of an undone instance again."""
    query = (
        select(Case.case_no)
        .join(ProcessInstance, col(ProcessInstance.key) == col(Case.process_instance_key))
        .where(col(Case.is_open), col(ProcessInstance.case_no) != col(Case.case_no))
    )
    return list(session.exec(query.limit(BATCH)).all())


def _drop(session: Session, key: int) -> int:
    query = select(ProcessInstance).where(ProcessInstance.key == key, ProcessInstance.state == InstanceState.ACTIVE)
    row = session.exec(query.where(_nothing_told()).with_for_update()).first()
    if row is None:
        return 0
    case = session.get(Case, row.case_no, with_for_update=True, populate_existing=True) if row.case_no else None
    if case is not None and case.process_instance_key == key:
        case.process_instance_key = None
    session.delete(row)
    log.warning("instance.undone", process_instance_key=key, process_id=row.process_id, case_no=row.case_no)
    return 1


def _give_up_claim(session: Session, case_no: str) -> None:
    case = session.get_one(Case, case_no, with_for_update=True, populate_existing=True)
    other = session.get(ProcessInstance, case.process_instance_key) if case.process_instance_key else None
    if other is None or other.case_no in (None, case_no):
        return
    log.warning("instance.undone", process_instance_key=other.key, process_id=other.process_id, case_no=case_no)
    case.process_instance_key = None
