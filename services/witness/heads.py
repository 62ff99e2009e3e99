"""Signed heads of the audit chain, kept outside the database: what the chain was, even if it is cut off or rebuilt.

``audit-head.log`` in the state directory has one JSON object per line: the newest entry's number and digest, when that
was, and an Ed25519 signature by the product's key over ``tongquan-audit-head``, number, digest and instant, a line
each. Lines are only ever appended; the newest is offered to outside witnesses as the webhook event ``audit.head``.
"""

import fcntl
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from sqlmodel import Session, col, select

from models.audit import AuditEntry
from services.clock import machine_now
from services.documents import signing
from services.journal import audit
from services.journal.audit import ChainHead
from services.webhooks import subscriptions
from services.webhooks.event_types import Event
from settings import Settings

FILE_NAME: Final = "audit-head.log"
_TAIL_BYTES: Final = 4096
_BATCH: Final = 500


@dataclass(frozen=True)
class SignedHead:
    """The chain's newest entry at one moment, with the product's signature."""

    id: int
    digest: str
    at: str
    key_id: str
    signature: str

    @property
    def genuine(self) -> bool:
        """Tell whether the signature is this product's over exactly this."""
        return signing.verify(_signed_content(self.id, self.digest, self.at), self.signature)


@dataclass(frozen=True)
class HeadFault:
    """A line of the file that is not authentic, or that the chain contradicts."""

    line: int
    reason: str


def file_of(settings: Settings) -> Path:
    """Return where an instance keeps the heads of its chain."""
    return settings.state_dir / FILE_NAME


def record(session: Session, file: Path) -> SignedHead | None:
    """Sign the chain's head and append it to the file; None when the file has it already, or the chain is empty.

    Raises ``OSError`` when the file cannot be written.
    """
    newest = audit.head(session)
    if newest.id == 0:
        return None
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "w", encoding="ascii") as log:
        # Another bridge may keep the same file.
        fcntl.flock(log, fcntl.LOCK_EX)
        last = _last(file)
        if last is not None and (last.id, last.digest) == (newest.id, newest.digest):
            return None
        head = sign(newest, machine_now())
        log.write(json.dumps(asdict(head)) + "\n")
        log.flush()
        os.fsync(log.fileno())
    return head


def sign(newest: ChainHead, at: datetime) -> SignedHead:
    """Return the head of a chain with the product's signature."""
    told = at.isoformat(timespec="seconds")
    signature = signing.sign(_signed_content(newest.id, newest.digest, told))
    return SignedHead(newest.id, newest.digest, told, signing.key_id(), signature)


def offer(session: Session, head: SignedHead) -> None:
    """Queue a head for outside witnesses."""
    subscriptions.publish(session, Event.AUDIT_HEAD, f"audit:{head.id}", asdict(head), datetime.fromisoformat(head.at))


def verify(session: Session, file: Path) -> Iterator[HeadFault]:
    """Yield every line that is no head signed by this product, or whose entry the chain no longer has as it was."""
    try:
        lines = file.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        lines = []
    if not lines:
        yield HeadFault(0, f"没有链头记录（{file}），整体删除或重算审计链不能由它发现")
        return
    for start in range(0, len(lines), _BATCH):
        heads = {}
        for number, line in enumerate(lines[start : start + _BATCH], start + 1):
            head = _parsed(line)
            if head is None:
                yield HeadFault(number, "不是链头记录")
            elif not head.genuine:
                yield HeadFault(number, f"链头 {head.id} 的签名无效，或由另一密钥（{head.key_id}）签署")
            else:
                heads[number] = head
        query = select(AuditEntry.id, AuditEntry.digest).where(col(AuditEntry.id).in_({h.id for h in heads.values()}))
        digests = dict(session.exec(query).all())
        for number, head in heads.items():
            if head.id not in digests:
                yield HeadFault(number, f"{head.at} 时审计链已有第 {head.id} 条，现已不存在")
            elif digests[head.id] != head.digest:
                yield HeadFault(number, f"{head.at} 时第 {head.id} 条的摘要与现在不同，审计链被重写")


def _last(file: Path) -> SignedHead | None:
    """Return the newest head of the file, or None."""
    try:
        with file.open("rb") as log:
            log.seek(max(0, file.stat().st_size - _TAIL_BYTES))
            lines = log.read().decode("ascii", "replace").splitlines()
    except FileNotFoundError:
        return None
    return _parsed(lines[-1]) if lines else None


def _parsed(line: str) -> SignedHead | None:
    try:
        told = json.loads(line)
        return SignedHead(
            int(told["id"]), str(told["digest"]), str(told["at"]), str(told["key_id"]), str(told["signature"])
        )
    except (ValueError, TypeError, KeyError):
        return None


def _signed_content(number: int, digest: str, at: str) -> bytes:
    return f"tongquan-audit-head\n{number}\n{digest}\n{at}".encode()
