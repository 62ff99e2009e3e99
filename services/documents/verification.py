"""Check a file somebody has in hand: whether we issued it, and whether it is as we issued it.

What a paper's signature covers is kept with it, so that a changed copy is still known as ours: by what its signature
states, or by what it would have to state.
"""

import hashlib
import re
from enum import StrEnum
from typing import Final

from pydantic import BaseModel
from sqlalchemy.orm import defer
from sqlmodel import Session, col, select

from models.document import Certificate, Document, DocumentKind
from models.working_calendar import china_date
from services.clock import product_now
from services.documents import certificates

LARGEST_FILE: Final = 7 * 1024 * 1024
"""Bytes of a file that is checked, within what the web takes of a body; a paper of fifty pages is far smaller."""

_RANGE: Final = re.compile(rb"/ByteRange \[0 (\d{1,10}) (\d{1,10}) (\d{1,10})\]")
_STATED_DIGEST: Final = re.compile(rb"06092a864886f70d010904" rb"31220420([0-9a-f]{64})")
"""The attribute of a signature that states the digest it covers, in the hexadecimal of the file."""


class PaperState(StrEnum):
    """What a paper is worth now."""

    SIGNED = "signed"
    UNSIGNED = "unsigned"
    VALID = "valid"
    CHANGED = "changed"
    CANCELLED = "cancelled"
    REVOKED = "revoked"
    EXPIRED = "expired"
    ALTERED = "altered"
    UNKNOWN = "unknown"


STATE_WORDS: Final = {
    PaperState.SIGNED: "已签名",
    PaperState.UNSIGNED: "未签名：不加盖印章，或在签名启用前签发",
    PaperState.VALID: "已签名，证照有效",
    PaperState.CHANGED: "已签名，证照已变更",
    PaperState.CANCELLED: "已签名，证照已注销",
    PaperState.REVOKED: "已签名，证照已撤销",
    PaperState.EXPIRED: "已签名，证照已过期",
    PaperState.ALTERED: "签发后被改动",
    PaperState.UNKNOWN: "不是本平台签发的文件",
}


class PaperCheck(BaseModel):
    """What may be told of a file to whoever has it."""

    ours: bool
    untouched: bool
    number: str | None
    kind: str | None
    state: PaperState
    state_name: str


def check(session: Session, content: bytes) -> PaperCheck:
    """Tell whether a file is a paper of ours, whole and unchanged, and what state it is in.

    A copy with a byte changed, or with something appended, is ours and not untouched; its signature tells which paper
    it was. An unsigned one can only be known whole.
    """
    same = _find(session, col(Document.sha256) == hashlib.sha256(content).hexdigest())
    if same is not None:
        return _told(same, state_of(session, same), untouched=True)
    digests = _signed_digests(content)
    altered = _find(session, col(Document.signed_digest).in_(digests)) if digests else None
    if altered is not None:
        return _told(altered, PaperState.ALTERED, untouched=False)
    return PaperCheck(
        ours=False,
        untouched=False,
        number=None,
        kind=None,
        state=PaperState.UNKNOWN,
        state_name=STATE_WORDS[PaperState.UNKNOWN],
    )


def state_of(session: Session, document: Document) -> PaperState:
    """Return the state of a paper as it was issued; a certificate's paper has its certificate's."""
    if not document.signed_digest:
        return PaperState.UNSIGNED
    if document.kind != DocumentKind.CERTIFICATE:
        return PaperState.SIGNED
    certificate = session.get(Certificate, document.number)
    if certificate is None:
        return PaperState.SIGNED
    return PaperState(certificates.state_of(session, certificate, china_date(product_now(session))).value)


def _find(session: Session, condition: object) -> Document | None:
    query = select(Document).where(condition).options(defer(Document.pdf))  # type: ignore[arg-type]
    return session.exec(query.limit(1)).first()


def _told(document: Document, state: PaperState, *, untouched: bool) -> PaperCheck:
    return PaperCheck(
        ours=True,
        untouched=untouched,
        number=document.number,
        kind=document.kind,
        state=state,
        state_name=STATE_WORDS[state],
    )


def _signed_digests(content: bytes) -> set[str]:
    """Return the digests a PDF's first signature states, and that of what its byte range covers."""
    found = {one.decode() for one in _STATED_DIGEST.findall(content)}
    stated = _RANGE.search(content)
    if stated is not None:
        start, end, rest = (int(one) for one in stated.groups())
        if start <= end <= end + rest <= len(content):
            covered = hashlib.sha256(memoryview(content)[:start])
            covered.update(memoryview(content)[end : end + rest])
            found.add(covered.hexdigest())
    return found
