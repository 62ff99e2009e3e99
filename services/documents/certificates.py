"""Certificates (电子证照): reserve a number with the decision, issue, and let anyone check."""

import json
from datetime import date, datetime
from typing import Any

from pydantic import BaseModel
from sqlmodel import Session, select

from models.case import Applicant, ApplicantKind, Case, Verdict
from models.catalogue import PowerKind
from models.document import Certificate, CertificateStatus, DocumentKind
from models.identity import masked_name
from papers import decision as decision_papers
from services import numbering
from services.catalogue import reference
from services.documents import case_facts, signing, store
from services.errors import NotFound
from services.journal import seals

ISSUING_EFFECTS = frozenset({"issue", "change", "renew", "reissue"})
STATUS_LABELS = {
    CertificateStatus.VALID: "有效",
    CertificateStatus.CHANGED: "已变更",
    CertificateStatus.CANCELLED: "已注销",
}


class CertificateCheck(BaseModel):
    """What the public may learn of a certificate; a person's name is masked, an organisation's is not."""

    number: str
    name: str
    status: CertificateStatus
    status_name: str
    signature_valid: bool
    key_id: str
    holder: str
    item: str
    item_name: str
    issuer: str
    issued_at: datetime
    valid_until: date | None


def is_due(session: Session, case: Case, verdict: Verdict) -> bool:
    """Tell whether a decision yields a certificate: by the guide the case keeps, and never for a filing (备案)."""
    if verdict is not Verdict.APPROVE or PowerKind(case.power_kind) is PowerKind.FILING:
        return False
    result = case_facts.result_of(session, case)
    return bool(result.get("certificate")) and result.get("effect") in ISSUING_EFFECTS


def reserve_number(session: Session, case: Case, at: datetime) -> str:
    """Return a new certificate number: place, item, year, serial, as in ``GZ360732-S28-2026-00012``."""
    area = reference.area(session, case.area)
    place = area.division_code if area is not None else case.area
    head = f"GZ{place}-{case.item_code.replace('-', '')}-{at.year}-"
    return f"{head}{numbering.next_number(session, f'certificate:{head}'):05d}"


def issue(session: Session, case: Case, at: datetime) -> Certificate | None:
    """Issue the certificate of an approved case with its PDF; ``None`` where none is due.

    Idempotent: a second call returns the first one's certificate. The number is the one the decision names.
    """
    existing = session.exec(select(Certificate).where(Certificate.case_no == case.case_no)).first()
    if existing is not None:
        return existing
    if case.decision is None or not is_due(session, case, case.decision):
        return None
    facts = case_facts.gather(session, case)
    issuer = facts.issuers[DocumentKind.CERTIFICATE]
    number = _reserved(session, case) or reserve_number(session, case, at)
    content = {
        "number": number,
        "name": facts.result_name,
        "holder": facts.applicant.name,
        "holder_identity": facts.applicant.identity,
        "item": case.item_code,
        "item_name": case.item_name,
        "project": case.project,
        "case_no": case.case_no,
        "issuer": issuer.organ,
        "seal": issuer.seal,
        "issued_at": at.isoformat(),
        "valid_until": None,
        "key_id": signing.key_id(),
    }
    certificate = Certificate(
        number=number,
        case_no=case.case_no,
        item_code=case.item_code,
        name=facts.result_name[:200],
        holder=facts.applicant.name,
        content=content,
        issued_at=at,
        signature=signing.sign(canonical(content)),
    )
    session.add(certificate)
    seals.seal(session, certificate)
    store.store(
        session,
        case,
        DocumentKind.CERTIFICATE,
        store.natural_key(DocumentKind.CERTIFICATE),
        number,
        at,
        lambda drawn: decision_papers.certificate(
            facts, drawn, facts.result_name, at, certificate.valid_until, certificate.signature
        ),
    )
    return certificate


def verify(session: Session, number: str) -> CertificateCheck:
    """Return a certificate's state and whether its signature covers what the library holds; ``NotFound`` if unknown."""
    certificate = session.get(Certificate, number.strip())
    if certificate is None:
        raise NotFound("没有这份证照", "No such certificate")
    content = certificate.content
    person = _held_by_person(session, certificate)
    return CertificateCheck(
        number=certificate.number,
        name=certificate.name,
        status=certificate.status,
        status_name=STATUS_LABELS[certificate.status],
        signature_valid=signature_valid(certificate),
        key_id=str(content.get("key_id", "")),
        holder=masked_name(certificate.holder) if person else certificate.holder,
        item=certificate.item_code,
        item_name=str(content.get("item_name", "")),
        issuer=str(content.get("issuer", "")),
        issued_at=certificate.issued_at,
        valid_until=certificate.valid_until,
    )


def signature_valid(certificate: Certificate) -> bool:
    """Tell whether the signature fits the content and the content fits the row it is read from."""
    content = certificate.content
    until = certificate.valid_until.isoformat() if certificate.valid_until is not None else None
    agrees = (
        content.get("number") == certificate.number
        and content.get("holder") == certificate.holder
        and content.get("case_no") == certificate.case_no
        and content.get("item") == certificate.item_code
        and str(content.get("name", ""))[:200] == certificate.name
        and content.get("valid_until") == until
    )
    return agrees and signing.verify(canonical(content), certificate.signature)


def canonical(content: dict[str, Any]) -> bytes:
    """Return the bytes a certificate's signature covers: its content as JSON, keys sorted, no blanks, UTF-8."""
    return json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def _reserved(session: Session, case: Case) -> str | None:
    for document in reversed(store.of_case(session, case.case_no)):
        number = document.body.get("certificate_number")
        if number:
            return str(number)
    return None


def _held_by_person(session: Session, certificate: Certificate) -> bool:
    applicant = session.get(Applicant, certificate.case_no)
    return applicant is None or applicant.kind is ApplicantKind.PERSON
