"""Acceptance (受理): the form check, the clerk's four answers, the one correction, and acceptance by silence.

Each function is the effect of one job. It is dated by the clerk's answer or by the instant a limit ended, not by
when the worker ran, and a second run changes nothing.
"""

from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from models.case import Case, CaseState
from models.catalogue import Mode
from models.task_outcome import Outcome, TaskOutcome
from papers.facts import Overruled
from services.cases import conditional_acceptance, corrections, form_check
from services.clock import product_now
from services.deadlines import case_deadlines, clock_views
from services.documents import issuance
from services.journal import seals, task_outcomes, timeline
from services.process_engine.timers import instant_text

ACCEPTED = {"accepted": True}
NOT_ACCEPTED = {"accepted": False}
AFTER_THE_PERIOD = timedelta(seconds=1)
"""A period runs to the end of its last day, so a paper that says it has ended is dated on the next."""


def check(session: Session, case_no: str) -> dict[str, Any]:
    """Check the submission and start the receipt limit."""
    case = session.get_one(Case, case_no)
    found = form_check.run(session, case, 0)
    first = case.deadlines.acceptance_due_at is None
    due = case_deadlines.set_receipt_deadline(session, case, case.received_at)
    if first:
        case_deadlines.start_receipt_monitor(session, case)
    failed = sum(not one.passed for one in found)
    timeline.append(
        session,
        case_no,
        "case.checked",
        f"形式审查：{len(found) - failed}项通过，{failed}项需关注",
        actor=timeline.SYSTEM,
        at=case.received_at,
    )
    return {"acceptanceDueAt": instant_text(due), "formComplete": failed == 0}


def recheck(session: Session, case_no: str) -> dict[str, Any]:
    """Check again after the supplement; the receipt limit starts anew on the day it came."""
    case = session.get_one(Case, case_no)
    supplied = case.supplemented_at or product_now(session)
    found = form_check.run(session, case, 1)
    due = case_deadlines.set_receipt_deadline(session, case, supplied)
    case_deadlines.announce_change(session, case)
    failed = sum(not one.passed for one in found)
    timeline.append(
        session,
        case_no,
        "case.rechecked",
        f"补正后审查：{failed}项仍需关注" if failed else "补正后审查：材料齐全",
        actor=timeline.SYSTEM,
        at=supplied,
    )
    return {"acceptanceDueAt": instant_text(due), "formComplete": failed == 0}


def accept(session: Session, case_no: str, limits: dict[str, Any]) -> dict[str, Any]:
    """Accept the case as the clerk answered."""
    case = session.get_one(Case, case_no)
    answer = task_outcomes.latest(session, case_no, outcome=Outcome.ACCEPT)
    if case.accepted_at is None:
        conditional_acceptance.take_promise(session, case, answer)
        overruled = conditional_acceptance.overruled(answer.form_values)
        unmet = tuple(one.message for one in form_check.unmet_now(session, case_no)) if overruled else ()
        _begin(
            session,
            case,
            limits,
            accepted_at=answer.decided_at,
            issued_at=answer.decided_at,
            overruled=Overruled(unmet, overruled) if unmet else None,
        )
        timeline.append(
            session,
            case_no,
            "case.accepted",
            "受理，出具受理通知书",
            actor=answer.account,
            at=answer.decided_at,
        )
    return ACCEPTED


def deem(session: Session, case_no: str, limits: dict[str, Any]) -> dict[str, Any]:
    """Accept by silence: nobody answered in time, so it takes effect from the day of receipt (art. 32)."""
    case = session.get_one(Case, case_no)
    if case.accepted_at is None:
        due = case.deadlines.acceptance_due_at or product_now(session)
        case.deemed_accepted = True
        _begin(
            session,
            case,
            limits,
            accepted_at=case.supplemented_at or case.received_at,
            issued_at=due + AFTER_THE_PERIOD,
        )
        timeline.append(
            session,
            case_no,
            "case.accepted",
            "逾期未告知，自收到申请材料之日起即为受理",
            actor=timeline.SYSTEM,
            at=due,
        )
    return ACCEPTED


def request_correction(session: Session, case_no: str) -> dict[str, Any]:
    """Tell the applicant once everything that is missing; the clock stops until it is supplied."""
    case = session.get_one(Case, case_no)
    answer = task_outcomes.latest(session, case_no, outcome=Outcome.CORRECT)
    if case.correction_requested_at is None:
        at = answer.decided_at
        case.correction_requested_at, case.state = at, CaseState.CORRECTION_OPEN
        case_deadlines.refresh(session, case)
        case_deadlines.announce_change(session, case)
        told, due = corrections.told(session, answer), case.deadlines.supplement_due_at
        issuance.issue_correction_notice(session, case, told, answer.opinion, due, at)
        timeline.append(
            session, case_no, "case.correction_requested", "出具一次性补正告知书", actor=answer.account, at=at
        )
    return {"supplementDueAt": instant_text(case.deadlines.supplement_due_at)}


def refuse(session: Session, case_no: str) -> dict[str, Any]:
    """Refuse to accept, in writing, with the reason."""
    case = session.get_one(Case, case_no)
    answer = task_outcomes.latest(session, case_no, outcome=Outcome.REFUSE)
    if case.is_open:
        issuance.issue_refusal_to_accept(session, case, answer.opinion, answer.decided_at)
        _close(session, case, CaseState.REFUSED, answer, "不予受理，出具决定书")
    return NOT_ACCEPTED


def not_needed(session: Session, case_no: str) -> dict[str, Any]:
    """Tell the applicant that the matter needs no approval."""
    case = session.get_one(Case, case_no)
    answer = task_outcomes.latest(session, case_no, outcome=Outcome.NOT_NEEDED)
    if case.is_open:
        issuance.issue_not_needed(session, case, answer.opinion, answer.decided_at)
        _close(session, case, CaseState.NOT_NEEDED, answer, "依法不需要办理，即时告知申请人")
    return NOT_ACCEPTED


def lapse(session: Session, case_no: str) -> dict[str, Any]:
    """End a case whose applicant did not supply what was missing in time."""
    case = session.get_one(Case, case_no)
    if case.is_open:
        at = case.deadlines.supplement_due_at or product_now(session)
        case.state, case.is_open, case.closed_at = CaseState.RETRACTED, False, at
        session.add(case)
        seals.seal(session, case, "closing")
        case_deadlines.stop_receipt_monitor(session, case)
        clock_views.keep(session, case, at)
        reason = "申请人逾期未补正，按照本市“市县同权”办理规则作撤回申请处理"
        issuance.issue_termination(session, case, reason, at)
        timeline.append(session, case_no, "case.lapsed", reason, actor=timeline.SYSTEM, at=at)
    return NOT_ACCEPTED


def _begin(
    session: Session,
    case: Case,
    limits: dict[str, Any],
    *,
    accepted_at: datetime,
    issued_at: datetime,
    overruled: Overruled | None = None,
) -> None:
    case.accepted_at = accepted_at
    case.state = CaseState.ACCEPTED
    case_deadlines.stop_receipt_monitor(session, case)
    case_deadlines.fix_limits(session, case, limits)
    if case.mode is Mode.DIRECT:
        case.state = CaseState.IN_DEPARTMENT
    session.add(case)
    issuance.issue_acceptance_notice(session, case, issued_at, overruled)


def _close(session: Session, case: Case, state: CaseState, answer: TaskOutcome, text: str) -> None:
    case.state, case.is_open, case.closed_at = state, False, answer.decided_at
    session.add(case)
    seals.seal(session, case, "closing")
    case_deadlines.stop_receipt_monitor(session, case)
    clock_views.keep(session, case, answer.decided_at)
    timeline.append(session, case.case_no, "case.refused", text, actor=answer.account, at=answer.decided_at)
