"""The register of certificates as staff read it: the list, one certificate, and its history.

Who may read the case a certificate was issued in may read the certificate; the holder is masked for who does not handle
the case.
"""

from datetime import date, datetime

from pydantic import BaseModel
from sqlmodel import Session, and_, col, or_, select

from models.case import Applicant, Case
from models.certificate import CertificatePrint, CertificateState, LibraryStanding
from models.document import Certificate
from models.identity import masked_name
from models.working_calendar import china_date
from services.accounts import personal_data_rights, rights
from services.accounts.actors import Actor
from services.catalogue import in_force
from services.certificates import history, library
from services.clock import product_now
from services.documents import certificates
from services.errors import NotFound
from services.paging import Order, Page, read


class CertificateRow(BaseModel):
    """A certificate as lists show it."""

    number: str
    name: str
    item: str
    item_name: str
    area: str
    holder: str
    state: CertificateState
    state_name: str
    issued_on: date
    valid_until: date | None
    library: LibraryStanding


class CertificateStep(BaseModel):
    """One step of a certificate's history."""

    at: datetime
    event: str
    actor: str
    case_no: str
    text: str


class PaperRecord(BaseModel):
    """The paper certificate: when it was printed, and since when it is void."""

    printed_on: date
    void_since: date | None


class StatedField(BaseModel):
    """One field of the certificate's content, as it is printed."""

    label: str
    value: str


class CertificateDetail(CertificateRow):
    """A certificate with what came before and after it, its paper, the city library, and its history."""

    case_no: str
    holder_masked: bool
    project: str
    issuer: str
    fields: list[StatedField]
    deemed_renewed: bool
    replaces: str | None
    replaced_by: str | None
    ended_on: date | None
    signature_valid: bool
    paper: PaperRecord | None
    library_note: str
    history: list[CertificateStep]


def list_certificates(
    session: Session,
    actor: Actor,
    *,
    q: str | None = None,
    holder: str | None = None,
    state: CertificateState | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[CertificateRow]:
    """Return a page of the certificates whose cases the actor may read, newest first, holders masked.

    ``q`` is looked for in number, name and project; a holder's name matches where the actor handles the case alone: a
    search that matched a masked name would reveal it.
    """
    today = china_date(product_now(session))
    query = (
        select(Certificate, Case, Applicant)
        .join(Case, col(Case.case_no) == Certificate.case_no)
        .join(Applicant, col(Applicant.case_no) == Certificate.case_no)
        .where(rights.visible_cases(actor))
    )
    if state is not None:
        query = query.where(certificates.state_condition(state, today))
    named = personal_data_rights.searchable_cases(actor)
    if q:
        plain = (col(one).contains(q, autoescape=True) for one in (Certificate.number, Certificate.name, Case.project))
        query = query.where(or_(*plain, and_(named, col(Certificate.holder).contains(q, autoescape=True))))
    if holder:
        query = query.where(and_(named, col(Certificate.holder).contains(holder, autoescape=True)))
    order = Order(Certificate.issued_at, Certificate.number, descending=True)
    found = read(session, query, order, cursor, limit)
    return found.page(lambda one: _row(session, one[0], one[1], today, masked_name(one[0].holder)))


def get_certificate(session: Session, actor: Actor, number: str) -> CertificateDetail:
    """Return a certificate; raise ``NotFound``, or ``Forbidden`` where the actor may not read its case."""
    certificate = certificates.find(session, number)
    if certificate is None:
        raise NotFound("没有这份证照", "No such certificate")
    case = session.get_one(Case, certificate.case_no)
    rights.require_read_case(actor, case)
    return _detail(session, actor, certificate, case)


def _detail(session: Session, actor: Actor, certificate: Certificate, case: Case) -> CertificateDetail:
    today = china_date(product_now(session))
    open_view = personal_data_rights.may_see(actor, case)
    printed = session.get(CertificatePrint, certificate.number)
    entry = library.entry_of(session, certificate.number)
    holder = certificate.holder if open_view else masked_name(certificate.holder)
    row = _row(session, certificate, case, today, holder)
    return CertificateDetail(
        **row.model_dump(),
        case_no=certificate.case_no,
        holder_masked=not open_view,
        project=case.project,
        issuer=str(certificate.content.get("issuer", "")),
        fields=[StatedField(**one) for one in certificate.content.get("fields") or []],
        deemed_renewed=certificates.is_deemed_renewed(session, certificate, today),
        replaces=certificate.replaces,
        replaced_by=certificate.replaced_by,
        ended_on=china_date(certificate.ended_at) if certificate.ended_at is not None else None,
        signature_valid=certificates.signature_valid(certificate),
        paper=PaperRecord(
            printed_on=china_date(printed.printed_at),
            void_since=china_date(printed.voided_at) if printed.voided_at is not None else None,
        )
        if printed is not None
        else None,
        library_note=entry.difference if entry is not None else "",
        history=[
            CertificateStep(at=one.at, event=one.event, actor=one.actor, case_no=one.case_no, text=one.text)
            for one in history.of(session, certificate.number)
        ],
    )


def _row(session: Session, certificate: Certificate, case: Case, today: date, holder: str) -> CertificateRow:
    state = certificates.state_of(session, certificate, today)
    version = in_force.item_version(session, case.item_code, case.item_version)
    return CertificateRow(
        number=certificate.number,
        name=certificate.name,
        item=certificate.item_code,
        item_name=version.full_name if version is not None else case.item_name,
        area=case.area,
        holder=holder,
        state=state,
        state_name=state.label,
        issued_on=china_date(certificate.issued_at),
        valid_until=certificate.valid_until,
        library=library.standing_of(session, certificate.number),
    )
