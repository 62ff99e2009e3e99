"""Seal a paper: its seal checked, the PDF signed and timestamped, and the use, or the refusal, kept."""

from dataclasses import dataclass

from sqlmodel import Session

from connectors.timestamping import HttpTimestampAuthority, TimestampFailed
from models.database import keep_from_rollback
from models.signature import ElectronicSeal, SealUse, UseOutcome
from papers import Paper, render_pdf, render_to_sign
from papers.seal import split_seal
from papers.signable import SignatureGap
from services.clock import machine_now, product_now
from services.errors import Unavailable
from services.journal import audit
from services.journal.timeline import SYSTEM
from services.signatures import authority, cms, registry
from services.signatures.registry import Purpose, SealRefused
from settings import get_settings

AROUND_CERTIFICATES = 3072
"""Room for everything of a signature but certificates, and for the instance's own timestamp."""

FOREIGN_TIMESTAMP = 8192
"""Room for the token of another authority, which brings its certificates."""


class TimestampUnavailable(Unavailable):
    """The timestamp authority gives no timestamp, so no paper is issued; it is tried again (503)."""

    code, title = "timestamp_unavailable", "时间戳服务没有应答，文书暂不能签发"
    title_en = "The timestamp authority does not answer; no paper is issued"


@dataclass(frozen=True)
class SealedPaper:
    """A signed paper, and the SHA-256 of what its signature covers, empty for one that bears no seal."""

    pdf: bytes
    signed_digest: str


def seal_paper(session: Session, paper: Paper, case_no: str, kind: str, purpose: Purpose) -> SealedPaper:
    """Return a paper signed by the seal it bears, in the transaction that issues it; one without a seal is not signed.

    Raises:
        SealRefused: the seal may not be used; an entry of its own transaction records the attempt.
        TimestampUnavailable: no timestamp is to be had.
        FontMissing: the papers' font is not installed.
    """
    if not paper.seal:
        return SealedPaper(render_pdf(paper), "")
    owner = split_seal(paper.seal)[0]
    try:
        seal = registry.get_usable(session, paper.seal, owner, purpose)
    except SealRefused as refused:
        _keep_refusal(session, refused, case_no, kind, paper.number)
        raise
    certificates = authority.read_certificates(seal.certificates)
    now = machine_now()
    signable = render_to_sign(paper, SignatureGap(paper.seal, now, paper.title, _room(seal)))
    digest = signable.digest()
    try:
        signature = cms.sign_detached(
            digest, registry.key_of(seal), certificates, lambda over: _timestamp(session, over)
        )
    except TimestampFailed as exc:
        raise TimestampUnavailable(f"时间戳服务没有给出时间戳（{exc}），稍后自动重试") from exc
    session.add(
        SealUse(
            seal=paper.seal,
            case_no=case_no,
            kind=kind,
            number=paper.number,
            serial=f"{certificates[0].serial_number:x}",
            outcome=UseOutcome.SEALED,
            at=now,
        )
    )
    return SealedPaper(signable.with_signature(signature), digest.hex())


def _timestamp(session: Session, digest: bytes) -> bytes:
    url = get_settings().timestamp_url
    return HttpTimestampAuthority(url).stamp(digest) if url else authority.stamp(session, digest)


def _room(seal: ElectronicSeal) -> int:
    """Return how many bytes a seal's signature may take; PEM is a third longer than what it holds."""
    return AROUND_CERTIFICATES + len(seal.certificates) + (FOREIGN_TIMESTAMP if get_settings().timestamp_url else 0)


def _keep_refusal(session: Session, refused: SealRefused, case_no: str, kind: str, number: str) -> None:
    at = product_now(session)

    def write(another: Session) -> None:
        another.add(
            SealUse(
                seal=refused.text,
                case_no=case_no,
                kind=kind,
                number=number,
                outcome=UseOutcome.REFUSED,
                reason=refused.reason,
                at=machine_now(),
            )
        )
        detail = {"case_no": case_no, "kind": kind, "reason": refused.reason}
        audit.append(another, SYSTEM, "seal.refused", refused.text, detail, at)

    keep_from_rollback(session, write)
