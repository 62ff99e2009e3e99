"""Set aside what cannot be projected, in the transaction that moves the feed's position on, and retry it later.

A record is set aside for its own content only (``bridge/faults.py``). Its subject is held from then on: a later
record of the same task, instance, incident, form or definition waits behind it, so that a retry applies them in the
order the engine wrote them, and none is applied without its beginning. A record of a start message stands for itself:
the engine gives all of one process the same key. A newer version of a form or process, or its deletion in the engine,
settles the version that could not be read.
"""

from collections.abc import Iterable

import structlog
from sqlmodel import Session, col, select

from bridge.faults import is_of_the_record, reason_of
from bridge.projection.projector import Projector, is_relevant
from bridge.projection.records import Record, UnreadableRecord, read_record
from models.database import Database
from models.engine_state import FeedPosition
from models.set_aside import KIND_WORDS, SetAsideRecord, Settlement
from services.clock import machine_now
from services.journal import audit, timeline

SUBJECT_FIELDS = {"PROCESS": "processDefinitionKey", "FORM": "formKey"}
"""Where the key is that all records of one version have; the engine gives its deletion a record key of its own."""
STANDING_ALONE = frozenset({"MESSAGE_START_EVENT_SUBSCRIPTION", "DEPLOYMENT"})
NAME_FIELDS = ("formId", "elementId", "targetElementId", "bpmnProcessId", "type")
NAME_LENGTH = 128

Subject = tuple[str, int]
log = structlog.get_logger(__name__)


def subject_of(record: Record) -> Subject | None:
    """Return what a record is about, the same for all records of one thing; ``None`` where it stands for itself."""
    if record.value_type in STANDING_ALONE:
        return None
    named = SUBJECT_FIELDS.get(record.value_type)
    key = record.value.get(named) if named else record.key
    return (record.value_type, key) if type(key) is int and 0 < key < 2**63 else None


def held_subjects(session: Session, exporter: str, partition: int) -> set[Subject]:
    """Return the subjects held for one exporter's partition."""
    rows = session.exec(
        select(SetAsideRecord.value_type, SetAsideRecord.subject_key).where(
            SetAsideRecord.exporter == exporter,
            SetAsideRecord.partition == partition,
            col(SetAsideRecord.settled_at).is_(None),
            col(SetAsideRecord.subject_key).is_not(None),
        )
    )
    return {(value_type, key) for value_type, key in rows if key is not None}


def needs_care(records: Iterable[Record], held: set[Subject]) -> bool:
    """Tell whether the records cannot be applied together: one is unreadable, or about something held."""
    return any(record.fault or (held and subject_of(record) in held) for record in records)


def apply_each(
    session: Session, projector: Projector, exporter: str, records: Iterable[Record], held: set[Subject]
) -> None:
    """Apply the relevant ones of ``records`` one by one, each in a savepoint, and set aside those that fail.

    ``held`` is brought up to date; it may name too much, for another process may have carried out a retry.
    """
    for record in filter(is_relevant, records):
        subject = subject_of(record)
        first = _first_of(session, exporter, record.partition, subject) if subject in held else None
        if first is None and subject is not None:
            held.discard(subject)
        if first is not None and record.intent == "DELETED":
            _settle_replaced(session, first)
            held.discard((record.value_type, first.subject_key or 0))
        elif first is not None:
            _keep(session, exporter, record, "", behind=first.id)
            continue
        reason = record.fault or _projected(session, projector, record)
        if reason:
            _keep(session, exporter, record, reason)
            if subject is not None:
                held.add(subject)


def asked_for(database: Database) -> list[int]:
    """Return the set-aside records an administrator wants projected again, in the order of asking."""
    with database.reading() as session:
        query = select(SetAsideRecord.id).where(col(SetAsideRecord.retry_asked_at).is_not(None))
        rows = session.exec(query.order_by(col(SetAsideRecord.retry_asked_at), col(SetAsideRecord.id))).all()
        return [key for key in rows if key is not None]


def retry(database: Database, projector: Projector, key: int) -> bool:
    """Project a set-aside record and those that wait behind it, in their order; tell whether all of them were.

    Where one fails (again), its reason is the newest, and those after it wait behind it.
    """
    with database.transaction() as session:
        first = session.get_one(SetAsideRecord, key)
        # The feed holds this row while it applies: nothing of the same partition is projected meanwhile.
        position = {"exporter": first.exporter, "partition": first.partition}
        session.get(FeedPosition, position, with_for_update=True)
        session.refresh(first)
        if first.settled_at is not None:
            first.retry_asked_at = None
            return True
        waiting = session.exec(
            select(SetAsideRecord)
            .where(SetAsideRecord.behind == key, col(SetAsideRecord.settled_at).is_(None))
            .order_by(col(SetAsideRecord.position))
        ).all()
        return _take_up(session, projector, [first, *waiting])


def _take_up(session: Session, projector: Projector, rows: list[SetAsideRecord]) -> bool:
    now = machine_now()
    rows[0].retry_asked_at = None
    for index, row in enumerate(rows):
        row.retried_at = now
        reason = _read_and_project(session, projector, row.raw)
        if reason:
            row.reason, row.behind = f"{_subject_words(row.value_type, row.name)}{reason}", None
            for later in rows[index + 1 :]:
                later.behind = row.id
            log.warning("feed.retry_failed", set_aside_id=row.id, value_type=row.value_type)
            return False
        row.settled_at, row.settlement = now, Settlement.PROJECTED
    session.flush()
    log.info("feed.retried", set_aside_id=rows[0].id, records=len(rows))
    return True


def _read_and_project(session: Session, projector: Projector, raw: bytes) -> str:
    try:
        record = read_record(raw)
    except UnreadableRecord as exc:
        return str(exc)
    return _projected(session, projector, record)


def _projected(session: Session, projector: Projector, record: Record) -> str:
    """Project one record in a savepoint; return why it could not be, empty when it was."""
    try:
        with session.begin_nested():
            projector.apply(session, [record])
            session.flush()
    except Exception as exc:
        if not is_of_the_record(exc):
            raise
        return reason_of(exc)
    return ""


def _first_of(session: Session, exporter: str, partition: int, subject: Subject | None) -> SetAsideRecord | None:
    """Return the record that holds what ``subject`` names, if it still does."""
    if subject is None:
        return None
    return session.exec(
        select(SetAsideRecord)
        .where(
            SetAsideRecord.exporter == exporter,
            SetAsideRecord.partition == partition,
            SetAsideRecord.value_type == subject[0],
            SetAsideRecord.subject_key == subject[1],
            col(SetAsideRecord.settled_at).is_(None),
            col(SetAsideRecord.behind).is_(None),
        )
        .order_by(col(SetAsideRecord.position))
    ).first()


def _keep(session: Session, exporter: str, record: Record, reason: str, *, behind: int | None = None) -> None:
    subject, name, now = subject_of(record), _name_of(record), machine_now()
    row = SetAsideRecord(
        exporter=exporter,
        partition=record.partition,
        position=record.position,
        value_type=record.value_type[:64],
        intent=record.intent[:64],
        subject_key=subject[1] if subject is not None else None,
        name=name,
        reason=f"{_subject_words(record.value_type, name)}{reason}" if reason else "",
        raw=record.raw,
        behind=behind,
        at=now,
    )
    session.add(row)
    session.flush()
    log.warning("feed.set_aside", set_aside_id=row.id, value_type=row.value_type, intent=row.intent, behind=behind)
    if behind is None:
        detail = {"kind": row.value_type, "name": row.name, "reason": row.reason}
        audit.append(session, timeline.SYSTEM, "feed.set_aside", str(row.id), detail, now)


def _settle_replaced(session: Session, first: SetAsideRecord) -> None:
    rows = session.exec(
        select(SetAsideRecord).where(SetAsideRecord.behind == first.id, col(SetAsideRecord.settled_at).is_(None))
    ).all()
    for row in (first, *rows):
        row.settled_at, row.settlement = machine_now(), Settlement.REPLACED
    session.flush()


def _name_of(record: Record) -> str:
    """Return the id a person knows the record's subject by, in characters every database takes."""
    named = next((str(record.value[field]) for field in NAME_FIELDS if record.value.get(field)), "")
    return named.encode(errors="replace").decode().replace("\0", "")[:NAME_LENGTH]


def _subject_words(value_type: str, name: str) -> str:
    kind = KIND_WORDS.get(value_type, value_type)
    return f"{kind} {name} " if name else f"{kind}："
