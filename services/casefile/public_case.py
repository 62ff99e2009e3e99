"""What an applicant may know of a case, by its number and query code (查询码), and the papers addressed to them."""

from typing import Final

from sqlmodel import Session

from models.case import Case, CaseState
from models.document import Document, DocumentKind
from models.task_outcome import Outcome
from services.casefile import case_list, contents
from services.casefile.views import PublicCase, PublicDocument, PublicStep
from services.cases import corrections
from services.cases.submission_input import StateView
from services.clock import product_now
from services.deadlines import case_deadlines
from services.documents import issuance
from services.errors import NotFound
from services.journal import audit, task_outcomes, timeline
from services.witness import alarm, papers
from services.witness.papers import DocumentTampered

APPLICANT: Final = "applicant"
"""The actor of what somebody with the query code did."""

STEPS: Final = {
    "case.received": "窗口接收申请材料",
    "case.correction_requested": "告知需要补正的内容",
    "case.supplemented": "收到补正材料",
    "case.accepted": "受理",
    "case.refused": "不予受理或者无须受理",
    "case.forwarded": "转市级单位办理",
    "special_procedure.begun": "进入特别程序",
    "special_procedure.ended": "特别程序结束",
    "case.extended": "延长办理期限",
    "case.transferred": "移送承接的机关继续办理",
    "case.decided": "作出决定",
    "certificate.issued": "制发证照",
    "case.delivered": "送达",
    "case.withdrawn": "撤回申请",
    "case.lapsed": "逾期未补正，终止审查",
    "case.closed": "办结",
}
"""The events an applicant is told of, in words without anybody's opinion."""


def get_public_case(session: Session, case_no: str, query_code: str) -> PublicCase:
    """Return what an applicant may see with the query code; raise ``NotFound`` alike for a wrong number or code."""
    case = _get(session, case_no, query_code)
    owed = case.deadlines
    return PublicCase(
        case_no=case.case_no,
        item=case.item_code,
        item_name=case.item_name,
        area=case.area,
        area_name=case_list.area_names(session).get(case.area, case.area),
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
        asked=_asked(session, case),
        asked_until=owed.supplement_due_at if case.case_state is CaseState.CORRECTION_OPEN else None,
        steps=[
            PublicStep(at=one.at, text=STEPS[one.event])
            for one in contents.timeline(session, case_no)
            if one.event in STEPS
        ],
        documents=[
            PublicDocument(
                id=one.id if DocumentKind(one.kind).addresses_applicant else None,
                kind=one.kind,
                number=one.number,
                issued_at=one.issued_at,
            )
            for one in contents.documents(session, case_no)
        ],
        certificates=[one.number for one in contents.certificates(session, case_no)],
    )


def read_document(session: Session, case_no: str, query_code: str, document_id: int) -> Document:
    """Return a paper addressed to the applicant, and record that it was opened: once in the timeline, each time
    in the audit trail.

    Raises:
        NotFound: alike for a wrong number or code, another case's paper, and one that stays with the organs.
        DocumentTampered: it is not what was issued. The alarm is committed, for the error rolls the rest back.
    """
    case = _get(session, case_no, query_code)
    document = issuance.get_document(session, document_id)
    if document.case_no != case.case_no or not DocumentKind(document.kind).addresses_applicant:
        raise NotFound("没有这份文书", "No such document")
    if not papers.is_intact(session, document):
        alarm.report_document(session, document, APPLICANT)
        session.commit()
        raise DocumentTampered
    now = product_now(session)
    text, key = f"凭查询码打开{document.kind}（{document.number}）", f"document.opened:{document.id}"
    timeline.append(session, case.case_no, "document.opened", text, actor=APPLICANT, at=now, key=key)
    audit.append(session, APPLICANT, "document.read", case.case_no, {"document": document_id}, now)
    return document


def _get(session: Session, case_no: str, query_code: str) -> Case:
    case = session.get(Case, case_no)
    if case is None or case.query_code != query_code.strip().upper():
        raise NotFound("办件流水号或查询码不正确", "Unknown case number or query code")
    return case


def _asked(session: Session, case: Case) -> list[str]:
    if case.case_state is not CaseState.CORRECTION_OPEN:
        return []
    answer = task_outcomes.find(session, case.case_no, outcome=Outcome.CORRECT)
    return corrections.told(session, answer) if answer is not None else []
