"""What an applicant may know of a case, by its number and query code (查询码)."""

from sqlmodel import Session

from models.case import Case
from services.casefile import contents
from services.casefile.views import PublicCase, PublicDocument
from services.cases.submission_input import StateView
from services.deadlines import case_deadlines
from services.errors import NotFound


def get_public_case(session: Session, case_no: str, query_code: str) -> PublicCase:
    """Return what an applicant may see with the query code; raise ``NotFound`` alike for a wrong number or code."""
    case = session.get(Case, case_no)
    if case is None or case.query_code != query_code.strip().upper():
        raise NotFound("办件流水号或查询码不正确", "Unknown case number or query code")
    owed = case.deadlines
    return PublicCase(
        case_no=case.case_no,
        item=case.item_code,
        item_name=case.item_name,
        area=case.area,
        state=StateView(code=case.state, name=case.case_state.label),
        received_at=case.received_at,
        accepted_at=case.accepted_at,
        handling=case_deadlines.announced_handling(session, case),
        due_at=owed.due_at,
        promised_due_at=owed.promised_due_at,
        provisional=owed.provisional,
        provisional_dates=owed.provisional_dates,
        closed_at=case.closed_at,
        decision=case.decision,
        documents=[PublicDocument(kind=one.kind, number=one.number) for one in contents.documents(session, case_no)],
        certificates=[one.number for one in contents.certificates(session, case_no)],
    )
