"""Read an issued document: by the rights on its case, with an entry in the audit trail."""

from sqlmodel import Session

from models.case import Case
from models.document import Document
from services import audit, rights
from services.accounts import Actor
from services.clock import product_now
from services.errors import Forbidden, NotFound


def read(session: Session, actor: Actor, document_id: int) -> Document:
    """Return a document of a case the actor handles or supervises; raise ``NotFound`` or ``Forbidden``.

    Documents name the applicant, so who may only read the case without personal data may not read them.
    """
    document = session.get(Document, document_id)
    if document is None:
        raise NotFound("没有这份文书", "No such document")
    case = session.get_one(Case, document.case_no)
    if not rights.may_see_personal_data(actor, case):
        raise Forbidden("该文书不在您的职责范围内", "The document is not yours to read")
    audit.record(
        session, actor.username, "document.read", case.case_no, {"document": document_id}, product_now(session)
    )
    return document
