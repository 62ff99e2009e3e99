"""Number, render, seal and store a document: once for each natural key, unchanged ever after."""

import hashlib
from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam
from sqlalchemy.orm import defer
from sqlmodel import Session, col, select

from models.case import Case
from models.document import Document, DocumentKind
from papers import Paper
from services import numbering
from services.documents import signing
from services.errors import NotFound
from services.journal import seals
from services.signatures import sealing
from services.signatures.registry import Purpose

NUMBER_WORDS = {
    DocumentKind.RECEIPT: "收",
    DocumentKind.ACCEPTANCE: "受",
    DocumentKind.CORRECTION: "补",
    DocumentKind.REFUSAL_TO_ACCEPT: "不受",
    DocumentKind.NOT_NEEDED: "告",
    DocumentKind.GRANT: "准",
    DocumentKind.DENIAL: "不准",
    DocumentKind.CONFIRMATION: "确",
    DocumentKind.CONFIRMATION_DENIAL: "不确",
    DocumentKind.FILING: "备",
    DocumentKind.FILING_DENIAL: "不备",
    DocumentKind.CHANGE: "准变",
    DocumentKind.RENEWAL: "准延",
    DocumentKind.REPLACEMENT: "准补",
    DocumentKind.CANCELLATION: "注",
    DocumentKind.REVOCATION_NOTICE: "撤告",
    DocumentKind.REVOCATION: "撤",
    DocumentKind.OTHER_GRANT: "办",
    DocumentKind.OTHER_DENIAL: "不办",
    DocumentKind.DELIVERY: "送",
    DocumentKind.TERMINATION: "终",
    DocumentKind.DOSSIER: "转",
    DocumentKind.SPECIAL_PROCEDURE: "特",
    DocumentKind.EXTENSION: "延",
    DocumentKind.HEARING_RIGHTS: "听告",
    DocumentKind.HEARING_NOTICE: "听通",
    DocumentKind.HEARING_RECORD: "听录",
    DocumentKind.HANDOVER: "移",
}
Compose = Callable[[str], Paper]


_BY_KEY = select(Document).where(Document.case_no == bindparam("case_no"), Document.natural_key == bindparam("key"))
_OF_CASE = (
    select(Document)
    .where(Document.case_no == bindparam("case_no"))
    .order_by(col(Document.id))
    .options(defer(Document.pdf))  # type: ignore[arg-type]
)


def natural_key(kind: DocumentKind, occasion: str = "") -> str:
    """Return the key under which a case has a document once."""
    return f"{kind.value}:{occasion}" if occasion else kind.value


def find(session: Session, case_no: str, key: str) -> Document | None:
    """Return a case's document by natural key."""
    return session.exec(_BY_KEY, params={"case_no": case_no, "key": key}).first()


def of_case(session: Session, case_no: str) -> list[Document]:
    """Return a case's documents, oldest first; their PDFs are read when asked for."""
    return list(session.exec(_OF_CASE, params={"case_no": case_no}).all())


def get(session: Session, document_id: int) -> Document:
    """Return a document; raise ``NotFound`` when there is none."""
    document = session.get(Document, document_id)
    if document is None:
        raise NotFound("没有这份文书", "No such document")
    return document


def serial(session: Session, kind: DocumentKind, place: str, year: int) -> str:
    """Return the next number of a kind in an organ's series: ``赣市县同权（兴国县交通运输局）受〔2026〕00012号``."""
    head = f"赣市县同权（{place}）{NUMBER_WORDS[kind]}〔{year}〕"
    return f"{head}{numbering.next_number(session, head):05d}号"


def store(
    session: Session,
    case: Case,
    kind: DocumentKind,
    key: str,
    number: str,
    at: datetime,
    compose: Compose,
    extra: dict[str, Any] | None = None,
) -> Document:
    """Compose, seal and add one document; its id is known on return, nothing is committed.

    Raises ``SealRefused`` or ``TimestampUnavailable``; nothing of the document then remains, its number included.
    """
    paper = compose(number)
    sealed = sealing.seal_paper(session, paper, case.case_no, kind.value, Purpose(case.item_code, case.handled_as))
    pdf = sealed.pdf
    document = Document(
        case_no=case.case_no,
        natural_key=key,
        kind=kind.value,
        number=number,
        seal=paper.seal,
        issued_at=at,
        body={**paper.as_json(), **(extra or {})},
        sha256=hashlib.sha256(pdf).hexdigest(),
        signature=signing.sign(pdf),
        signed_digest=sealed.signed_digest,
        pdf=pdf,
    )
    session.add(document)
    session.flush()
    seals.seal(session, document)
    return document
