"""Load a case for its reader: found and permitted, the applicant masked unless the reader handles the case."""

from pydantic import BaseModel
from sqlmodel import Session

from models.case import Applicant, ApplicantKind, Case, IdentityType
from models.identity import masked, masked_name
from services.accounts import rights
from services.accounts.actors import Actor
from services.errors import NotFound


class ApplicantView(BaseModel):
    """The applicant, masked unless the reader handles the case."""

    kind: ApplicantKind
    name: str
    id_type: IdentityType
    id_number: str
    phone: str
    masked: bool


def get(session: Session, actor: Actor, case_no: str) -> Case:
    """Return a case the actor may read; raise ``NotFound`` or ``Forbidden``."""
    case = session.get(Case, case_no)
    if case is None:
        raise NotFound("没有这个办件", "No such case")
    rights.require_read_case(actor, case)
    return case


def applicant_view(applicant: Applicant, open_view: bool) -> ApplicantView:
    """Return the applicant, in the clear or masked."""
    return ApplicantView(
        kind=applicant.kind,
        name=applicant.name if open_view else masked_name(applicant.name),
        id_type=applicant.id_type,
        id_number=applicant.id_number if open_view else masked(applicant.id_number),
        phone=applicant.phone if open_view else masked(applicant.phone),
        masked=not open_view,
    )
