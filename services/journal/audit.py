"""The audit trail: append-only, each entry chained to the one before by its digest.

The digest of an entry is SHA-256 over the canonical JSON of its number, instant, actor, action, subject, detail and
the digest before it. Changing, removing or inserting an entry breaks the chain from there on. Cutting off the newest
entries, or computing all digests anew, leaves a chain that is whole: ``services/witness`` keeps signed heads elsewhere
to notice that, and ``seals`` has the chain vouch for the content of other tables.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import insert
from sqlalchemy.orm import SessionTransaction
from sqlmodel import Session, col, select

from models.audit import AuditEntry
from services import locks

GENESIS: Final = "0" * 64
"""The digest "before" the first entry."""

_LOCK: Final = "audit"
"""The advisory lock under which PostgreSQL appends, one transaction after the other."""

_NEWEST_KNOWN: Final = "newest audit entry"
"""Under this name a session remembers what it appended last, and in which transaction or savepoint."""

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


def append(session: Session, actor: str, action: str, subject: str, detail: Mapping[str, Any], at: datetime) -> None:
    """Append one entry in the caller's transaction.

    ``detail`` is JSON and holds no personal data, only references. Writers queue: SQLite's ``IMMEDIATE`` transaction
    and PostgreSQL's advisory lock are held to the end of the transaction, so record late in it.
    """
    newest = _newest(session)
    plain: dict[str, Any] = json.loads(_canonical(detail))
    number = newest.id + 1
    digest = _digest(number, at, actor, action, subject, plain, newest.digest)
    session.connection().execute(
        _APPEND,
        {
            "id": number,
            "at": at,
            "actor": actor,
            "action": action,
            "subject": subject,
            "detail": plain,
            "previous": newest.digest,
            "digest": digest,
        },
    )
    session.info[_NEWEST_KNOWN] = (innermost(session), ChainHead(number, digest))


_APPEND = insert(AuditEntry)
_NEWEST = select(AuditEntry.id, AuditEntry.digest).order_by(col(AuditEntry.id).desc()).limit(1)


def innermost(session: Session) -> SessionTransaction | None:
    """Return the savepoint, else the transaction, in which the session writes now."""
    return session.get_nested_transaction() or session.get_transaction()


def _newest(session: Session) -> ChainHead:
    """Return the entry to append to; whoever has appended in this transaction still holds the lock and knows it."""
    within, newest = session.info.get(_NEWEST_KNOWN, (None, None))
    if newest is not None and within is innermost(session):
        known: ChainHead = newest
        return known
    locks.acquire(session, _LOCK)
    return head(session)


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
    return hashlib.sha256(_canonical(content).encode()).hexdigest()


def _canonical(content: Any) -> str:
    return json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
