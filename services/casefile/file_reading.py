"""Open a file for its reader: as the papers of its case (ADR 20), and before it has one for whoever handed it in."""

from sqlmodel import Session

from models.stored_file import StoredFile
from services.accounts import case_access, file_rights, personal_data_rights
from services.accounts.actors import Actor
from services.casefile import personal_data
from services.files import reading


def get(session: Session, actor: Actor, file_id: str, purpose: str | None = None) -> StoredFile:
    """Return the row of a file of a case the actor handles, or supervises and reads for a ``purpose`` (查阅事由).

    Raises ``NotFound``, ``Forbidden`` or ``PurposeRequired``.
    """
    file = reading.get_file(session, file_id)
    if file.case_no is None:
        file_rights.require_handed_in(actor, file)
    else:
        case, named = case_access.get(session, actor, file.case_no), personal_data_rights.stated(purpose)
        personal_data.require_open(session, actor, case, named)
    return file
