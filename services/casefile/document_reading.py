"""Read an issued document: whoever may read its case may, and each reading is audited."""

from sqlmodel import Session

from models.document import Document
from services.accounts import case_access
from services.accounts.actors import Actor
from services.clock import product_now
from services.documents import issuance
from services.journal import audit


def read(session: Session, actor: Actor, document_id: int) -> Document:
    """Return a document of a case the actor may read; raise ``NotFound`` or ``Forbidden``."""
    document = issuance.get_document(session, document_id)
    case_access.get(session, actor, document.case_no)
    audit.append(
        session,
        actor.username,
        "document.read",
        document.case_no,
        {"document": document_id},
        product_now(session),
    )
    return document
