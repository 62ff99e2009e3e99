"""Read an issued document: who handles its case may, who supervises it for a purpose, and each reading is audited.

A paper that no longer matches what was issued is not given out, and the auditors are notified.
"""

from sqlmodel import Session

from models.document import Document
from services.accounts import case_access, personal_data_rights
from services.accounts.actors import Actor
from services.casefile import personal_data
from services.clock import product_now
from services.documents import issuance
from services.journal import audit
from services.witness import alarm, papers
from services.witness.papers import DocumentTampered


def read(session: Session, actor: Actor, document_id: int, purpose: str | None = None) -> Document:
    """Return a document of a case the actor handles, or supervises and reads for a ``purpose`` (查阅事由).

    Raises ``NotFound``, ``Forbidden``, ``PurposeRequired`` or ``DocumentTampered``.
    The alarm of a changed paper is committed here, for the error that follows rolls the caller's transaction back.
    """
    document = issuance.get_document(session, document_id)
    case, named = case_access.get(session, actor, document.case_no), personal_data_rights.stated(purpose)
    personal_data.require_open(session, actor, case, named)
    if not papers.is_intact(session, document):
        alarm.report_document(session, document, actor.username)
        session.commit()
        raise DocumentTampered
    audit.append(
        session,
        actor.username,
        "document.read",
        document.case_no,
        {"document": document_id} | ({"purpose": named} if named else {}),
        product_now(session),
    )
    return document
