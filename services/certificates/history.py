"""The history of a certificate (证照经过): one line a step, told once, sealed in the audit chain."""

from datetime import datetime

from sqlmodel import Session, col, select

from models.certificate import CertificateEvent
from models.document import Certificate
from services.journal import seals


def append(
    session: Session,
    certificate: Certificate,
    event: str,
    text: str,
    *,
    key: str,
    case_no: str,
    actor: str,
    at: datetime,
) -> bool:
    """Append a step unless one with its key is there; tell whether it was appended."""
    known = select(CertificateEvent.id).where(
        CertificateEvent.number == certificate.number, CertificateEvent.key == key
    )
    if session.exec(known).first() is not None:
        return False
    row = CertificateEvent(
        number=certificate.number, key=key, case_no=case_no, at=at, actor=actor, event=event, text=text
    )
    session.add(row)
    session.flush()
    seals.seal(session, row)
    return True


def of(session: Session, number: str) -> list[CertificateEvent]:
    """Return a certificate's steps, oldest first."""
    query = select(CertificateEvent).where(CertificateEvent.number == number)
    return list(session.exec(query.order_by(col(CertificateEvent.at), col(CertificateEvent.id))).all())
