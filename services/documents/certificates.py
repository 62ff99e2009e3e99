"""Certificates (电子证照): reserve a number with the decision, issue, and let anyone check."""

import json
import secrets
from datetime import date, datetime
from typing import Any
from urllib.parse import quote

from pydantic import BaseModel
from sqlalchemy import ColumnElement, and_, exists, not_, or_
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from models.case import Applicant, ApplicantKind, Case, Verdict
from models.certificate import CertificateAction, CertificateState
from models.document import Certificate, CertificateStatus, DocumentKind
from models.identity import masked_name
from models.working_calendar import china_date
from papers import decision as decision_papers
from papers.facts import CertificateFact
from services import numbering
from services.catalogue import reference
from services.clock import product_now
from services.documents import case_facts, certificate_rules, signing, store
from services.errors import NotFound
from services.journal import seals
from settings import get_settings

NUMBER_ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
NUMBER_RANDOM_LENGTH = 8
"""Characters of a number that nobody can guess: about 40 bits, behind the limit on wrong numbers."""
PUBLIC_PAGE = "/public/certificates"


class CertificateCheck(BaseModel):
    """What the public may learn of a certificate; a person's name is masked, an organisation's is not."""

    number: str
    name: str
    state: CertificateState
    state_name: str
    status: CertificateState
    """The same as ``state``, under the name it had first."""
    status_name: str
    signature_valid: bool
    key_id: str
    holder: str
    item: str
    item_name: str
    issuer: str
    issued_at: datetime
    valid_until: date | None
    deemed_renewed: bool
    """Valid past its last day, for a renewal asked for in time was not decided by then (行政许可法 art. 50)."""
    ended_on: date | None


def is_due(session: Session, case: Case, verdict: Verdict) -> bool:
    """Tell whether a decision yields a certificate: by the guide the case keeps, and never for a filing (备案)."""
    action = certificate_rules.find_action(session, case)
    return verdict is Verdict.APPROVE and action is not None and action.makes_certificate


def reserve_number(session: Session, case: Case, at: datetime) -> str:
    """Return a new certificate number: place, item, year, serial, random, as in ``GZ360732-S28-2026-00012-7KQM2XWA``.

    The random part keeps whoever knows one number from guessing others. Numbers from before have none and stay.
    """
    area = reference.area(session, case.area)
    place = area.division_code if area is not None else case.area
    head = f"GZ{place}-{case.item_code.replace('-', '')}-{at.year}-"
    drawn = "".join(secrets.choice(NUMBER_ALPHABET) for _ in range(NUMBER_RANDOM_LENGTH))
    return f"{head}{numbering.next_number(session, f'certificate:{head}'):05d}-{drawn}"


def find(session: Session, number: str) -> Certificate | None:
    """Return a certificate by its number, or None."""
    return session.get(Certificate, number.strip())


def state_of(session: Session, certificate: Certificate, today: date) -> CertificateState:
    """Return what a certificate is on a day; it expires by its last day alone, no job runs for it."""
    if certificate.status is not CertificateStatus.VALID:
        return CertificateState(certificate.status.value)
    if certificate.valid_until is None or today <= certificate.valid_until:
        return CertificateState.VALID
    return CertificateState.VALID if _renewal_open(session, certificate) else CertificateState.EXPIRED


def is_deemed_renewed(session: Session, certificate: Certificate, today: date) -> bool:
    """Tell whether it is valid past its last day because a renewal asked for in time is undecided (art. 50)."""
    past = certificate.valid_until is not None and today > certificate.valid_until
    return past and state_of(session, certificate, today) is CertificateState.VALID


def state_condition(state: CertificateState, today: date) -> ColumnElement[bool]:
    """Return the condition on ``Certificate`` equivalent to ``state_of``."""
    if state not in (CertificateState.VALID, CertificateState.EXPIRED):
        return col(Certificate.status) == CertificateStatus(state.value)
    renewal = aliased(Case)
    renewed = exists().where(col(renewal.case_no) == col(Certificate.renewal_case_no), _renewing(renewal))
    in_time = or_(col(Certificate.valid_until).is_(None), col(Certificate.valid_until) >= today, renewed)
    running = in_time if state is CertificateState.VALID else not_(in_time)
    return and_(col(Certificate.status) == CertificateStatus.VALID, running)


def _renewal_open(session: Session, certificate: Certificate) -> bool:
    if certificate.renewal_case_no is None:
        return False
    found = select(Case.case_no).where(col(Case.case_no) == certificate.renewal_case_no, _renewing(Case))
    return session.exec(found).first() is not None


def _renewing(case: type[Case]) -> ColumnElement[bool]:
    """Return the condition on a case for a renewal that is not refused: undecided, or granted."""
    undecided = and_(col(case.is_open), col(case.decision).is_(None))
    return or_(undecided, col(case.decision) == Verdict.APPROVE)


def public_address(number: str) -> str:
    """Return the address of a certificate's public page, empty where the site has none that others could open."""
    settings = get_settings()
    site = settings.public_url.rstrip("/")
    if not site and settings.development:
        site = f"http://{settings.web_host}:{settings.web_port}"
    return f"{site}{PUBLIC_PAGE}/{quote(number, safe='')}" if site else ""


def issue(session: Session, case: Case, at: datetime) -> Certificate | None:
    """Issue the certificate of an approved case with its PDF; ``None`` where none is due.

    Idempotent: a second call returns the first one's certificate. The number is the one the decision names.
    """
    existing = session.exec(select(Certificate).where(Certificate.case_no == case.case_no)).first()
    if existing is not None:
        return existing
    if case.decision is None or not is_due(session, case, case.decision):
        return None
    stated = certificate_rules.stated(session, case) or CertificateFact(CertificateAction.ISSUE)
    until = stated.valid_until
    facts = case_facts.gather(session, case)
    issuer = facts.issuers[DocumentKind.CERTIFICATE]
    number = _reserved(session, case) or reserve_number(session, case, at)
    content: dict[str, Any] = {
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
        "valid_until": until.isoformat() if until is not None else None,
        "key_id": signing.key_id(),
    }
    if stated.fields:
        content["fields"] = [{"label": one.label, "value": one.value} for one in stated.fields]
    if stated.former:
        content["replaces"] = stated.former
    certificate = Certificate(
        number=number,
        case_no=case.case_no,
        item_code=case.item_code,
        name=facts.result_name[:200],
        holder=facts.applicant.name,
        content=content,
        issued_at=at,
        valid_until=until,
        signature=signing.sign(canonical(content)),
        replaces=stated.former or None,
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
            facts,
            drawn,
            facts.result_name,
            at,
            stated,
            certificate.signature,
            public_address(number),
        ),
    )
    return certificate


def verify(session: Session, number: str) -> CertificateCheck:
    """Return a certificate's state and whether its signature covers what the library holds; ``NotFound`` if unknown."""
    certificate = find(session, number)
    if certificate is None:
        raise NotFound("没有这份证照", "No such certificate")
    content = certificate.content
    today = china_date(product_now(session))
    state = state_of(session, certificate, today)
    person = held_by_person(session, certificate)
    return CertificateCheck(
        number=certificate.number,
        name=certificate.name,
        state=state,
        state_name=state.label,
        status=state,
        status_name=state.label,
        signature_valid=signature_valid(certificate),
        key_id=str(content.get("key_id", "")),
        holder=masked_name(certificate.holder) if person else certificate.holder,
        item=certificate.item_code,
        item_name=str(content.get("item_name", "")),
        issuer=str(content.get("issuer", "")),
        issued_at=certificate.issued_at,
        valid_until=certificate.valid_until,
        deemed_renewed=is_deemed_renewed(session, certificate, today),
        ended_on=china_date(certificate.ended_at) if certificate.ended_at is not None else None,
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
        and content.get("replaces") == certificate.replaces
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


def held_by_person(session: Session, certificate: Certificate) -> bool:
    """Tell whether the holder is a person, whose name the public is shown masked."""
    applicant = session.get(Applicant, certificate.case_no)
    return applicant is None or applicant.kind is ApplicantKind.PERSON
