"""Issue the papers (文书) of a case.

Every function takes the session first, never commits, and is idempotent: a second call for the same occasion returns
the document of the first, unchanged, even if the case has moved on. The PDF is stored with its SHA-256 and signature.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlmodel import Session, func, select

from models.case import Case, Material, Verdict
from models.case_deadlines import DueDate
from models.catalogue import PowerKind
from models.certificate import CertificateRevocation
from models.document import Certificate, Document, DocumentKind
from models.special_procedure import Extension, SpecialProcedure
from models.working_calendar import china_date
from papers import Paper, acceptance, delivery, hearing, procedure
from papers import decision as decision_papers
from papers import revocation as papers_of_revocation
from papers.facts import CaseFacts, Overruled
from papers.revocation import RevocationContent
from papers.wording import ACTION_DECISIONS, DECISIONS, Redress, decision_words
from services.documents import case_facts, certificate_rules, certificates, dossier_facts
from services.documents.certificates import CertificateCheck
from services.documents.store import find, get, natural_key, of_case, serial, store

DECISION_KINDS = frozenset(words.kind for words in (*DECISIONS.values(), *ACTION_DECISIONS.values()))
"""Every kind of document that settles a case on its merits."""

SERVED_KINDS = DECISION_KINDS | {DocumentKind.CERTIFICATE}
NOT_SET = ("未配置", "未定")
"""What the table of wording says where it says nothing."""


def issue_receipt(session: Session, case: Case, at: datetime) -> Document:
    """Issue the receipt for the materials of the latest round (材料接收凭证)."""
    latest = session.exec(select(func.max(Material.round)).where(Material.case_no == case.case_no)).one() or 0
    return _issue(
        session,
        case,
        DocumentKind.RECEIPT,
        at,
        lambda facts, number: acceptance.receipt(facts, number, at, supplement=latest > 0),
        occasion=str(latest) if latest else "",
    )


def issue_acceptance_notice(session: Session, case: Case, at: datetime, overruled: Overruled | None = None) -> Document:
    """Issue the notice of acceptance (受理通知书); the case's clock is set before.

    ``overruled`` is what failed the form check and why the window accepted nevertheless; the notice states it.
    """
    return _issue(
        session,
        case,
        DocumentKind.ACCEPTANCE,
        at,
        lambda facts, number: acceptance.acceptance_notice(facts, number, at, overruled),
    )


def issue_correction_notice(
    session: Session,
    case: Case,
    missing: list[str],
    opinion: str,
    supplement_due_at: datetime | None,
    at: datetime,
) -> Document:
    """Issue the one notice of everything that is missing (一次性补正告知书)."""
    due = supplement_due_at.date() if supplement_due_at is not None else None
    return _issue(
        session,
        case,
        DocumentKind.CORRECTION,
        at,
        lambda facts, number: acceptance.correction_notice(
            facts, number, at, missing, opinion, due, case.deadlines.is_provisional(DueDate.SUPPLEMENT)
        ),
    )


def issue_refusal_to_accept(session: Session, case: Case, reason: str, at: datetime) -> Document:
    """Issue the refusal to accept (不予受理决定书)."""
    kind = DocumentKind.REFUSAL_TO_ACCEPT
    return _issue(
        session,
        case,
        DocumentKind.REFUSAL_TO_ACCEPT,
        at,
        lambda facts, number: acceptance.refusal_to_accept(facts, number, at, reason, redress_of(facts, kind)),
    )


def issue_not_needed(session: Session, case: Case, reason: str, at: datetime) -> Document:
    """Issue the notice that the matter needs no approval (不受理告知书)."""
    return _issue(
        session,
        case,
        DocumentKind.NOT_NEEDED,
        at,
        lambda facts, number: acceptance.not_needed_notice(facts, number, at, reason),
    )


def issue_decision(
    session: Session,
    case: Case,
    decision: Verdict,
    wording: dict[str, Any],
    opinion: str,
    at: datetime,
) -> Document:
    """Issue the decision (准予/不予…决定书, 备案通知书 …), worded as the model's table says.

    A licence's change, renewal, replacement or cancellation is named as one, whatever the tables say. The body's
    ``certificate_number`` is the number reserved for the certificate, ``None`` where none is due.
    """
    stated = certificate_rules.stated(session, case)
    words = decision_words(PowerKind(case.power_kind), decision, stated.action if stated is not None else None)
    own_words = words is DECISIONS[PowerKind(case.power_kind), decision]
    key = natural_key(words.kind)
    existing = find(session, case.case_no, key)
    if existing is not None:
        return existing
    facts = case_facts.gather(session, case)
    due = certificates.is_due(session, case, decision)
    reserved = certificates.reserve_number(session, case, at) if due else None
    content = decision_papers.DecisionContent(
        verdict=decision,
        title=_worded(facts, wording.get("decisionTitle"), words.kind.value) if own_words else words.kind.value,
        resolution=_worded(facts, wording.get("resultPhrase"), words.resolution) if own_words else words.resolution,
        opinion=opinion,
        certificate_number=reserved,
        redress=redress_of(facts, words.kind),
        certificate=stated,
    )
    return store(
        session,
        case,
        words.kind,
        key,
        serial(session, words.kind, facts.issuers[words.kind].series, at.year),
        at,
        lambda number: decision_papers.decision(facts, number, at, content),
        {"certificate_number": reserved},
    )


def issue_certificate(session: Session, case: Case, at: datetime) -> Certificate | None:
    """Issue the certificate of an approved case, with its PDF as a document of kind 证照; ``None`` if none is due."""
    return certificates.issue(session, case, at)


def record_delivery(session: Session, case: Case, service: delivery.ServiceFact, at: datetime) -> Document:
    """Issue the return of service (送达回证) for the decision and the certificate, else for all papers so far."""
    papers = of_case(session, case.case_no)
    served = [one for one in papers if one.kind in SERVED_KINDS]
    served = served or [one for one in papers if one.kind not in (DocumentKind.RECEIPT, DocumentKind.DOSSIER)]
    listed = tuple(delivery.Delivered(one.kind, one.number) for one in served)
    return _issue(
        session,
        case,
        DocumentKind.DELIVERY,
        at,
        lambda facts, number: delivery.return_of_service(facts, number, at, service, listed),
    )


def issue_termination(session: Session, case: Case, reason: str, at: datetime) -> Document:
    """Issue the notice that the examination ends without a decision (终止审查通知书)."""
    return _issue(
        session,
        case,
        DocumentKind.TERMINATION,
        at,
        lambda facts, number: procedure.termination_notice(facts, number, at, reason),
    )


def issue_handover_notice(
    session: Session, case: Case, former: str, cause: str, at: datetime, occasion: str
) -> Document:
    """Issue the notice that another organ goes on with the case (移送告知书), one for each time it changes hands."""
    content = procedure.HandoverContent(former, cause)
    return _issue(
        session,
        case,
        DocumentKind.HANDOVER,
        at,
        lambda facts, number: procedure.handover_notice(
            facts, number, at, content, redress_of(facts, DocumentKind.GRANT)
        ),
        occasion=occasion,
    )


def issue_dossier(session: Session, case: Case, dossier: dict[str, Any], at: datetime) -> Document:
    """Issue the transfer dossier (审核转报件) of one round; a returned one is followed by another."""
    content = dossier_facts.content_of(session, dossier)
    return _issue(
        session,
        case,
        DocumentKind.DOSSIER,
        at,
        lambda facts, number: procedure.dossier_paper(facts, number, at, content),
        occasion=str(content.round) if content.round > 1 else "",
    )


def issue_special_procedure_notice(
    session: Session, case: Case, special: SpecialProcedure, at: datetime, *, provisional: bool
) -> Document:
    """Issue the notice of a special procedure (特别程序告知书), one for each; its planned end may be provisional."""
    return _issue(
        session,
        case,
        DocumentKind.SPECIAL_PROCEDURE,
        at,
        lambda facts, number: procedure.special_procedure_notice(
            facts,
            number,
            special.begun_at,
            special.kind.value,
            special.planned_days,
            special.planned_end_at.date(),
            special.announced_reason,
            provisional,
        ),
        occasion=special.id,
    )


def issue_hearing_papers(session: Session, case: Case, special: SpecialProcedure, at: datetime) -> list[Document]:
    """Issue what is due of a hearing, as far as its days are known.

    The notice of the right to one (听证告知书), unless that was given before today; with the day it is held the notice
    (听证通知书) and the form of its record (听证笔录), for another day others.
    """
    known = hearing.HearingFact(
        reason=special.reason,
        told_on=special.told_on,
        requested_on=special.requested_on,
        held_on=special.held_on,
        presiding=case_facts.display_name(session, special.presiding_officer) if special.presiding_officer else "",
    )

    def rights(facts: CaseFacts, number: str) -> Paper:
        return hearing.hearing_rights(facts, number, at.date(), known)

    def notice(facts: CaseFacts, number: str) -> Paper:
        return hearing.hearing_notice(facts, number, at.date(), known)

    def record(facts: CaseFacts, number: str) -> Paper:
        return hearing.hearing_record(facts, number, at.date(), known)

    held = f"{special.id}:{special.held_on:%m%d}" if special.held_on is not None else ""
    due: list[tuple[DocumentKind, Composer, str]] = []
    if special.told_on is not None and special.told_on >= china_date(at):
        due.append((DocumentKind.HEARING_RIGHTS, rights, special.id))
    if held:
        due += [(DocumentKind.HEARING_NOTICE, notice, held), (DocumentKind.HEARING_RECORD, record, held)]
    return [_issue(session, case, kind, at, compose, occasion=occasion) for kind, compose, occasion in due]


def issue_extension_notice(session: Session, case: Case, extension: Extension, at: datetime) -> Document:
    """Issue the notice of the extension (延期通知书); the case's clock is set before."""
    approver = case_facts.display_name(session, extension.approved_by)
    return _issue(
        session,
        case,
        DocumentKind.EXTENSION,
        at,
        lambda facts, number: procedure.extension_notice(facts, number, at, extension.days, extension.reason, approver),
    )


def issue_revocation_notice(
    session: Session, case: Case, revocation: CertificateRevocation, days: int, at: datetime
) -> Document:
    """Issue the notice that a certificate is to be revoked (拟撤销告知书), one for each procedure."""
    content = _revocation_content(session, revocation)
    return _issue(
        session,
        case,
        DocumentKind.REVOCATION_NOTICE,
        at,
        lambda facts, number: papers_of_revocation.notice(facts, number, at, content, days),
        occasion=str(revocation.id),
    )


def issue_revocation(session: Session, case: Case, revocation: CertificateRevocation, at: datetime) -> Document:
    """Issue the decision that revokes a certificate (撤销行政许可决定书)."""
    content = _revocation_content(session, revocation)
    heard = (revocation.statement or "", revocation.hearing)
    return _issue(
        session,
        case,
        DocumentKind.REVOCATION,
        at,
        lambda facts, number: papers_of_revocation.decision(
            facts, number, at, content, heard, revocation.reason, redress_of(facts, DocumentKind.REVOCATION)
        ),
        occasion=str(revocation.id),
    )


def get_document(session: Session, document_id: int) -> Document:
    """Return a document; raise ``NotFound`` when there is none."""
    return get(session, document_id)


def verify_certificate(session: Session, number: str) -> CertificateCheck:
    """Return a certificate's state and the check of its signature; raise ``NotFound`` when there is none."""
    return certificates.verify(session, number)


Composer = Callable[[CaseFacts, str], Paper]


def redress_of(facts: CaseFacts, kind: DocumentKind) -> Redress:
    """Return the way of redress against a paper: to whoever reconsiders the acts of the organ whose name it bears."""
    return Redress("或者".join(facts.issuers[kind].reconsidered_by))


def _issue(
    session: Session, case: Case, kind: DocumentKind, at: datetime, compose: Composer, *, occasion: str = ""
) -> Document:
    """Issue a paper in the name, under the seal and in the number series of the organ that the table names."""
    key = natural_key(kind, occasion)
    existing = find(session, case.case_no, key)
    if existing is not None:
        return existing
    facts = case_facts.gather(session, case)
    number = serial(session, kind, facts.issuers[kind].series, at.year)
    return store(session, case, kind, key, number, at, lambda drawn: compose(facts, drawn))


def _revocation_content(session: Session, revocation: CertificateRevocation) -> RevocationContent:
    return RevocationContent(
        certificate=revocation.number,
        certificate_name=session.get_one(Certificate, revocation.number).name,
        ground=revocation.ground.label,
        paragraph=revocation.ground.paragraph,
        facts=revocation.facts,
    )


def _worded(facts: CaseFacts, named: Any, default: str) -> str:
    """Return the model's word, unless it is missing or would call another power a licence."""
    if not isinstance(named, str) or not named.strip() or named.strip() in NOT_SET:
        return default
    return default if "许可" in named and not facts.licence else named.strip()
