"""Carry a favourable decision out on certificates: our register, the paper one and the city library in one step.

The register, the record of the paper and what the library is to be told are written in one transaction; the library
itself is told afterwards, by number and version, until it confirms (``bridge/library.py``).
"""

from datetime import datetime

from sqlmodel import Session

from models.case import Case, Verdict
from models.certificate import CertificateAction, CertificatePrint
from models.document import Certificate, CertificateStatus
from services.certificates import history, library
from services.documents import certificate_rules, issuance
from services.journal import seals, timeline
from services.webhooks import subscriptions
from services.webhooks.event_types import Event

ENDED_EVENTS = {
    CertificateStatus.CHANGED: Event.CERTIFICATE_CHANGED,
    CertificateStatus.CANCELLED: Event.CERTIFICATE_CANCELLED,
    CertificateStatus.REVOKED: Event.CERTIFICATE_REVOKED,
}


def carry_out(session: Session, case: Case, at: datetime) -> Certificate | None:
    """Issue the certificate an approved case yields, and end the one it is about; return the new one, if any.

    Idempotent: a second call finds the new certificate, and the former one ended, and changes nothing.
    """
    action = certificate_rules.find_action(session, case)
    if action is None or case.decision is not Verdict.APPROVE:
        return None
    former = None
    if case.certificate_number is not None:
        former = session.get_one(Certificate, case.certificate_number, with_for_update=True, populate_existing=True)
    new = issuance.issue_certificate(session, case, at) if action.makes_certificate else None
    if new is not None:
        _record_issued(session, case, new, action, at)
    if former is not None and former.status is CertificateStatus.VALID:
        former.replaced_by = new.number if new is not None else None
        status = CertificateStatus.CHANGED if new is not None else CertificateStatus.CANCELLED
        text = f"由{new.number}替代（{action.label}）" if new is not None else "注销"
        end(session, former, status, f"{text}，办件{case.case_no}", case_no=case.case_no, actor=timeline.SYSTEM, at=at)
    return new


def end(
    session: Session,
    certificate: Certificate,
    status: CertificateStatus,
    text: str,
    *,
    case_no: str,
    actor: str,
    at: datetime,
) -> None:
    """End a valid certificate, which the caller has locked: here, on paper and, once told, in the city library."""
    certificate.status, certificate.ended_at = status, at
    session.add(certificate)
    session.flush()
    seals.seal(session, certificate, "status", "links")
    printed = session.get(CertificatePrint, certificate.number)
    if printed is not None:
        printed.voided_at = at
        session.add(printed)
    history.append(
        session,
        certificate,
        f"certificate.{status.value}",
        text,
        key=status.value,
        case_no=case_no,
        actor=actor,
        at=at,
    )
    timeline.append(
        session,
        case_no,
        f"certificate.{status.value}",
        f"证照{certificate.number}：{text}",
        actor=actor,
        at=at,
        key=f"certificate.{status.value}:{certificate.number}",
    )
    library.advance(session, certificate.number)
    subscriptions.publish_certificate(session, ENDED_EVENTS[status], certificate, at)


def _record_issued(
    session: Session, case: Case, certificate: Certificate, action: CertificateAction, at: datetime
) -> None:
    source = f"，替代{certificate.replaces}" if certificate.replaces else ""
    told = history.append(
        session,
        certificate,
        "certificate.issued",
        f"{action.label}{source}，办件{case.case_no}",
        key="issued",
        case_no=case.case_no,
        actor=timeline.SYSTEM,
        at=at,
    )
    if not told:
        return
    session.add(CertificatePrint(number=certificate.number, printed_at=at))
    library.advance(session, certificate.number)
    timeline.append(
        session,
        case.case_no,
        "certificate.issued",
        f"制发电子证照{certificate.number}",
        actor=timeline.SYSTEM,
        at=at,
    )
    subscriptions.publish_certificate(session, Event.CERTIFICATE_ISSUED, certificate, at)
