"""Whether the reader of a case sees the applicant in the clear: as handler, by a push, or for a stated purpose."""

from sqlmodel import Session

from models.case import Case
from services.accounts import personal_data_rights
from services.accounts.actors import Actor
from services.supervision import push_ledger


def is_open(session: Session, actor: Actor, case: Case, purpose: str | None) -> bool:
    """Tell whether the actor sees the applicant; a push makes supervising the case the recipient's own work."""
    return personal_data_rights.is_open(actor, case, purpose) or push_ledger.is_addressed(session, actor, case.case_no)


def require_open(session: Session, actor: Actor, case: Case, purpose: str | None) -> None:
    """Raise ``PurposeRequired`` or ``Forbidden`` unless the actor sees the applicant."""
    if not is_open(session, actor, case, purpose):
        personal_data_rights.require_open(actor, case, purpose)
