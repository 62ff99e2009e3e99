"""The decision on the merits, what it issues, and the end of a case. Each function is the effect of one job."""

from typing import Any

from sqlmodel import Session

from models.case import Case, CaseState, Verdict
from models.catalogue import Mode
from models.protocol import REVIEW_UNIT, Element
from models.working_calendar import china_date
from papers.delivery import ServiceFact
from services.cases import dossiers
from services.cases.delivery import Manner, Service
from services.certificates import effects
from services.clock import product_now
from services.deadlines import case_deadlines, clock_views
from services.documents import certificate_rules, issuance
from services.journal import seals, task_outcomes, timeline
from services.powers import filings
from services.supervision import pushes

VERDICT_TEXT = {Verdict.APPROVE: "准予（通过）", Verdict.DENY: "不予（不通过）"}


def record(session: Session, case_no: str, verdict: Verdict) -> dict[str, Any]:
    """Record what was decided, dated by the approver's answer.

    Raises:
        DossierMissing: whichever way the answer came, the city has received no dossier of a ``substantive`` case.
    """
    case = session.get_one(Case, case_no)
    if case.decision is None:
        dossiers.require_received(session, case)
        answer = task_outcomes.latest(session, case_no, outcome=verdict.value)
        case.decision, case.decided_at = verdict, answer.decided_at
        session.add(case)
        seals.seal(session, case, "decision")
        case_deadlines.finalize(session, case)
        clock_views.keep(session, case, answer.decided_at)
        timeline.append(
            session,
            case_no,
            "case.decided",
            f"作出决定：{VERDICT_TEXT[verdict]}",
            actor=answer.account,
            at=answer.decided_at,
        )
    return {}


def issue(
    session: Session,
    case_no: str,
    wording: dict[str, Any],
) -> dict[str, Any]:
    """Issue the decision document and tell whether a certificate is issued or ended: the table and the guide say so."""
    case = session.get_one(Case, case_no)
    if case.decision is None or case.decided_at is None:
        raise ValueError(f"case {case_no} has no decision to issue")
    answer = task_outcomes.latest(session, case_no, outcome=case.decision.value)
    document = issuance.issue_decision(session, case, case.decision, wording, answer.opinion, case.decided_at)
    timeline.append(
        session,
        case_no,
        "document.issued",
        f"出具{document.kind}（{document.number}），加盖{document.seal}",
        actor=timeline.SYSTEM,
        at=case.decided_at,
        key="document.issued:decision",
    )
    touched = certificate_rules.find_action(session, case) if case.decision is Verdict.APPROVE else None
    return {"certificate": bool(wording.get("certificate")) and touched is not None}


def issue_certificate(session: Session, case_no: str) -> dict[str, Any]:
    """Issue the certificate of an approved case, and end the one it changes, renews, replaces or cancels."""
    case = session.get_one(Case, case_no)
    effects.carry_out(session, case, case.decided_at or product_now(session))
    return {}


def record_delivery(session: Session, case_no: str) -> dict[str, Any]:
    """Record how and when the documents reached the applicant (送达回证)."""
    case = session.get_one(Case, case_no)
    answer = task_outcomes.find(session, case_no, element=Element.DELIVERY)
    at = answer.decided_at if answer is not None else product_now(session)
    service = Service.from_values(answer.form_values if answer is not None else {}, china_date(at))
    issuance.record_delivery(session, case, _facts_of(service), at)
    timeline.append(
        session,
        case_no,
        "case.delivered",
        f"送达：{service.manner.label}（{service.served_on.isoformat()}）",
        actor=answer.account if answer is not None else timeline.SYSTEM,
        at=at,
    )
    return {}


def close(session: Session, case_no: str) -> dict[str, Any]:
    """End the case (办结), dated by the last thing a person did in it."""
    case = session.get_one(Case, case_no)
    if case.is_open and case.decision is not None:
        given = [one.decided_at for one in task_outcomes.everything(session, case_no)]
        at = max([*given, case.decided_at or product_now(session)])
        case.state = _closed_state(case)
        case.is_open, case.closed_at = False, at
        session.add(case)
        seals.seal(session, case, "closing")
        timeline.append(session, case_no, "case.closed", case.case_state.label, actor=timeline.SYSTEM, at=at)
        filings.file_decision(session, case, at)
        pushes.push(session, case)
    return {}


def _closed_state(case: Case) -> CaseState:
    if case.decision is Verdict.DENY:
        return CaseState.CLOSED_DENIED
    return CaseState.CLOSED_TOLERATED if case.tolerated_until is not None else CaseState.CLOSED_APPROVED


def claim_start(session: Session, case_no: str, instance_key: int) -> dict[str, Any]:
    """Assign the case to one process instance; a second one, started by a repeated message, ends at once."""
    case = session.get_one(Case, case_no, with_for_update=True, populate_existing=True)
    if case.process_instance_key is None:
        case.process_instance_key = instance_key
        session.add(case)
    claimed = case.process_instance_key == instance_key
    if claimed and case.mode is Mode.SUBSTANTIVE:
        # A second transfer may have moved the case since its start message was written.
        return {"claimed": True, REVIEW_UNIT: case.review_unit}
    return {"claimed": claimed}


def withdrawn(session: Session, case_no: str) -> dict[str, Any]:
    """Issue the notice that ends the examination of a case withdrawn before the withdrawal itself issued it."""
    case = session.get_one(Case, case_no)
    issuance.issue_termination(session, case, "申请人撤回申请", case.closed_at or product_now(session))
    return {}


def _facts_of(service: Service) -> ServiceFact:
    return ServiceFact(
        manner=service.manner.label,
        served_on=service.served_on,
        receiver=service.receiver,
        capacity=service.receiver_capacity,
        place=service.place,
        at_window=service.manner is Manner.WINDOW,
        tracking_number=service.tracking_number,
        refusal=service.refusal,
        witnesses=service.witnesses,
        notice_from=service.notice_from,
    )
