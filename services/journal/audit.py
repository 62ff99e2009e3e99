"""The audit trail: append-only, each entry chained to the one before by its digest.

The digest of an entry is SHA-256 over the canonical JSON of its number, instant, actor, action, subject, detail and
the digest before it. Changing, removing or inserting an entry breaks the chain from there on. Cutting off the newest
entries, or computing all digests anew, leaves a valid chain: ``services/witness`` keeps signed heads elsewhere
to notice that, and ``seals`` has the chain vouch for the content of other tables.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import insert
from sqlmodel import Session, col, select

from models.audit import AuditEntry
from models.canonical_json import canonical, digest_of
from services import locks
from services.journal.at_commit import AtCommit

GENESIS: Final = "0" * 64
"""The digest "before" the first entry."""

_LOCK: Final = "audit"
"""The advisory lock under which PostgreSQL appends, one transaction after the other."""

_BATCH: Final = 1000


@dataclass(frozen=True)
class BrokenLink:
    """An entry at which the chain does not hold, and why."""

    id: int
    reason: str


@dataclass(frozen=True)
class ChainHead:
    """The newest entry: how many there are and the digest that vouches for all of them."""

    id: int
    digest: str


@dataclass(frozen=True)
class _Entry:
    """An entry that waits for its transaction's end."""

    actor: str
    action: str
    subject: str
    detail: dict[str, Any]
    at: datetime


def append(session: Session, actor: str, action: str, subject: str, detail: Mapping[str, Any], at: datetime) -> None:
    """Append one entry in the caller's transaction; it is numbered and written when that commits.

    ``detail`` is JSON and holds no personal data, only references. Writers queue at their commit, under SQLite's
    ``IMMEDIATE`` transaction or PostgreSQL's advisory lock.
    """
    plain: dict[str, Any] = json.loads(canonical(detail))
    _entries.add(session, _Entry(actor, action, subject, plain, at))


def write_now(session: Session) -> None:
    """Write the entries that wait for the transaction's end; until then no other writer appends."""
    _entries.write_now(session)


def _write(session: Session, entries: Sequence[_Entry]) -> None:
    locks.acquire(session, _LOCK)
    newest = head(session)
    number, previous = newest.id, newest.digest
    rows: list[dict[str, Any]] = []
    for one in entries:
        number += 1
        digest = _digest(number, one.at, one.actor, one.action, one.subject, one.detail, previous)
        rows.append({"id": number, **vars(one), "previous": previous, "digest": digest})
        previous = digest
    session.connection().execute(_APPEND, rows)


_entries = AtCommit("audit entries", _write)
_APPEND = insert(AuditEntry)
_NEWEST = select(AuditEntry.id, AuditEntry.digest).order_by(col(AuditEntry.id).desc()).limit(1)


def head(session: Session) -> ChainHead:
    """Return the newest entry's number and digest; number 0 and ``GENESIS`` for an empty trail."""
    newest = session.exec(_NEWEST).first()
    return ChainHead(*newest) if newest is not None else ChainHead(0, GENESIS)


def verify(session: Session) -> list[BrokenLink]:
    """Check the whole chain and return every entry at which it is broken; an empty list means it holds."""
    broken: list[BrokenLink] = []
    expected_id, previous = 1, GENESIS
    statement = select(AuditEntry).order_by(col(AuditEntry.id)).execution_options(yield_per=_BATCH)
    for entry in session.exec(statement):
        if entry.id != expected_id:
            broken.append(BrokenLink(entry.id, f"编号不连续：应为 {expected_id}"))
        elif entry.previous != previous:
            broken.append(BrokenLink(entry.id, "与上一条记录的摘要不符"))
        if entry.digest != _digest(
            entry.id, entry.at, entry.actor, entry.action, entry.subject, entry.detail, entry.previous
        ):
            broken.append(BrokenLink(entry.id, "内容与摘要不符"))
        expected_id, previous = entry.id + 1, entry.digest
        session.expunge(entry)
    return broken


def _digest(
    number: int, at: datetime, actor: str, action: str, subject: str, detail: Mapping[str, Any], previous: str
) -> str:
    content = [number, at.astimezone(UTC).isoformat(), actor, action, subject, detail, previous]
    return digest_of(content)
