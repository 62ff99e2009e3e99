"""Read an issued document: whoever may read its case may, and each reading is audited.

A paper that is no longer what was issued is not given out, and the auditors are told.
"""

from sqlmodel import Session

from models.document import Document
from services.accounts import case_access
from services.accounts.actors import Actor
from services.clock import product_now
from services.documents import issuance
from services.journal import audit
from services.witness import papers
from services.witness.papers import DocumentTampered


def read(session: Session, actor: Actor, document_id: int) -> Document:
    """Return a document of a case the actor may read; raise ``NotFound``, ``Forbidden`` or ``DocumentTampered``.

    The alarm of a changed paper is committed here, for the error that follows rolls the caller's transaction back.
    """
    document = issuance.get_document(session, document_id)
    case_access.get(session, actor, document.case_no)
    if not papers.is_intact(session, document):
        papers.raise_alarm(session, document, actor.username)
        session.commit()
        raise DocumentTampered
    audit.append(
        session,
        actor.username,
        "document.read",
        document.case_no,
        {"document": document_id},
        product_now(session),
    )
    return document
