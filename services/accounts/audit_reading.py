"""The audit trail as the audit administrator reads it (审计查询): searched, paged and exported.

Every reading is itself an entry. It is written after the search and in a transaction of its own, so that no search
blocks writers; nothing is answered before it is committed.
"""

import csv
import io
import json
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from pydantic import BaseModel
from sqlalchemy import ColumnElement, Text, cast, or_
from sqlmodel import Session, col, select

from models.audit import AuditEntry
from models.database import CHINA, Database
from services.accounts import system_rights
from services.accounts.actors import Actor
from services.clock import machine_now
from services.cursors import FIRST_INSTANT
from services.journal import audit
from services.paging import Order, Page, read

EXPORT_BATCH: Final = 1000
COLUMNS: Final = ("id", "at", "actor", "action", "object", "detail", "previous", "digest")
LAST_DAY: Final = date.max - timedelta(days=2)
"""The last day whose end every time zone can represent."""
FORMULA_SIGNS: Final = ("=", "+", "-", "@", "\t", "\r")
"""A cell that begins with one of these is a formula to a spreadsheet (OWASP, CSV injection)."""

_ID: Final = col(AuditEntry.id)
_ORDER: Final = Order(AuditEntry.id, descending=True)
"""The chain's own order: the instants of cases follow the product's clock, those of accounts the machine's."""


@dataclass(frozen=True)
class AuditFilter:
    """The search: ``q`` in any text of an entry, its actor, its subject, and the days (China time) it falls on."""

    q: str | None = None
    actor: str | None = None
    subject: str | None = None
    since: date | None = None
    until: date | None = None

    def detail(self) -> dict[str, Any]:
        """Return the filter as the audit trail records it."""
        given = {"q": self.q, "actor": self.actor, "object": self.subject, "from": self.since, "to": self.until}
        return {name: str(value) for name, value in given.items() if value is not None}


class AuditRow(BaseModel):
    """One entry; ``previous`` and ``digest`` are its links in the chain."""

    id: int
    at: datetime
    actor: str
    action: str
    object: str
    detail: dict[str, Any]
    previous: str
    digest: str


def search(
    session: Session, actor: Actor, wanted: AuditFilter, *, cursor: str | None = None, limit: int = 50
) -> Page[AuditRow]:
    """Return a page of the matching entries, newest first; the caller records it with ``note_reading``."""
    system_rights.require_read_audit(actor)
    return read(session, select(AuditEntry).where(*_conditions(wanted)), _ORDER, cursor, limit).page(_row)


def note_reading(session: Session, actor: Actor, action: str, wanted: AuditFilter) -> None:
    """Record that the trail was read (``audit.read``) or exported (``audit.export``), with the search."""
    system_rights.require_read_audit(actor)
    audit.append(session, actor.username, action, "audit", wanted.detail(), machine_now())


def export(database: Database, actor: Actor, wanted: AuditFilter) -> Iterator[bytes]:
    """Yield the matching entries as CSV (UTF-8 with a BOM, for spreadsheets), newest first, in batches.

    The matching entries are determined once, at the beginning; no transaction is open while the client reads.
    """
    system_rights.require_read_audit(actor)
    fitting = select(AuditEntry.id).where(*_conditions(wanted)).order_by(_ID.desc())
    with database.reading() as session:
        numbers = array("q", session.exec(fitting).all())
    yield b"\xef\xbb\xbf" + _lines([COLUMNS])
    for start in range(0, len(numbers), EXPORT_BATCH):
        batch = select(AuditEntry).where(_ID.in_(numbers[start : start + EXPORT_BATCH].tolist()))
        with database.reading() as session:
            lines = _lines([_cells(one) for one in session.exec(batch.order_by(_ID.desc())).all()])
        yield lines


def _conditions(wanted: AuditFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.actor is not None:
        conditions.append(col(AuditEntry.actor) == wanted.actor)
    if wanted.subject is not None:
        conditions.append(col(AuditEntry.subject) == wanted.subject)
    if wanted.since is not None:
        conditions.append(col(AuditEntry.at) >= _midnight(wanted.since))
    if wanted.until is not None:
        conditions.append(col(AuditEntry.at) < _midnight(min(wanted.until, LAST_DAY) + timedelta(days=1)))
    if wanted.q is not None:
        texts = (AuditEntry.actor, AuditEntry.action, AuditEntry.subject)
        anywhere = [col(one).contains(wanted.q, autoescape=True) for one in texts]
        conditions.append(or_(*anywhere, cast(col(AuditEntry.detail), Text).contains(wanted.q, autoescape=True)))
    return conditions


def _midnight(day: date) -> datetime:
    return max(datetime.combine(day, time.min, CHINA), FIRST_INSTANT)


def _row(entry: AuditEntry) -> AuditRow:
    return AuditRow(object=entry.subject, **entry.model_dump(exclude={"subject"}))


def _cells(entry: AuditEntry) -> list[str]:
    detail = json.dumps(entry.detail, ensure_ascii=False, sort_keys=True)
    told = (entry.id, entry.at.isoformat(), entry.actor, entry.action, entry.subject, detail)
    return [_harmless(str(one)) for one in (*told, entry.previous, entry.digest)]


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell.startswith(FORMULA_SIGNS) else cell


def _lines(rows: Sequence[Sequence[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode()
