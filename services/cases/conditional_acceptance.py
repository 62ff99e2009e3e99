"""Conditional acceptance (容缺受理) and on the applicant's promise (告知承诺).

The window may accept although something is missing that the applicant promises by a day. Supplied by then, an
approval ends in 办结(容缺通过); not supplied, the examination ends (终止审查). Until then nobody can approve.
"""

from datetime import date, datetime
from typing import Any

from sqlmodel import Session

from catalog_data.guide import Guide
from models.case import Case, CaseState
from models.protocol import Message
from models.task_outcome import Outcome, TaskOutcome
from models.working_calendar import china_date, end_of_day
from services.cases import form_check, special_procedures
from services.catalogue import reference
from services.clock import product_now
from services.deadlines import case_deadlines, clock_views
from services.documents import issuance
from services.errors import Conflict, FieldProblem, InvalidInput
from services.journal import seals, task_outcomes, timeline
from services.process_engine import outbox

UNTIL, MATERIALS, COMMITMENT = "tolerated_until", "tolerated_materials", "by_commitment"
OVERRULE = "overrule"
"""Fields of the acceptance forms."""


class MaterialsOutstanding(Conflict):
    """What was missing at acceptance has not been supplied, so the case cannot be approved."""

    code, title, title_en = "materials_outstanding", "容缺材料尚未补齐，不能准予", "Tolerated materials are outstanding"


def require_valid_promise(session: Session, case: Case, outcome: str, values: dict[str, Any]) -> None:
    """Refuse a promise that makes no sense: raise ``InvalidInput`` for a day past, or beyond the case's limit.

    A promise (告知承诺) is accepted only where the item's guide allows it.
    """
    if outcome != Outcome.ACCEPT or not values.keys() & {UNTIL, MATERIALS, COMMITMENT}:
        return
    guide = _guide(session, case)
    problems = []
    until = _day(values.get(UNTIL))
    if until is not None:
        today = china_date(product_now(session))
        if until <= today:
            problems.append(FieldProblem(UNTIL, "应晚于今日"))
        elif until > case_deadlines.last_day_if_accepted(session, case, today):
            problems.append(FieldProblem(UNTIL, "应在办理期限以内"))
    elif str(values.get(MATERIALS) or "").strip():
        problems.append(FieldProblem(UNTIL, "容缺受理须约定补齐日期"))
    if values.get(COMMITMENT) and (guide is None or not guide.informed_commitment):
        problems.append(FieldProblem(COMMITMENT, "该事项的办事指南没有规定告知承诺"))
    if problems:
        raise InvalidInput(problems)


def require_met(session: Session, case: Case, outcome: str, values: dict[str, Any]) -> None:
    """Refuse to accept what the form check did not pass, unless the rest is promised by a day or the clerk overrules.

    Raises:
        FormCheckUnmet: a required material is missing or a condition is unmet, and neither was stated.
    """
    if outcome != Outcome.ACCEPT or _day(values.get(UNTIL)) is not None or overruled(values):
        return
    unmet = form_check.unmet_now(session, case.case_no)
    if unmet:
        raise form_check.FormCheckUnmet(unmet)


def overruled(values: dict[str, Any]) -> str:
    """Return why the clerk accepted although the form check was not passed, empty where no reason was given."""
    return str(values.get(OVERRULE) or "").strip()


def require_supplied(case: Case, outcome: str) -> None:
    """Raise ``MaterialsOutstanding`` when an approval is given before everything is there."""
    if outcome == Outcome.APPROVE and is_outstanding(case):
        raise MaterialsOutstanding()


def is_outstanding(case: Case) -> bool:
    """Tell whether something promised at acceptance is still missing."""
    return case.is_open and case.tolerated_until is not None and case.tolerated_supplied_at is None


def owes_what_the_check_found(session: Session, case: Case) -> bool:
    """Tell whether what is owed is what the form check found missing, not what the window wrote itself."""
    return case.tolerated_materials == "；".join(form_check.missing_now(session, case.case_no))


def take_promise(session: Session, case: Case, answer: TaskOutcome) -> None:
    """Record on an accepted case what the clerk agreed with the applicant."""
    values = answer.form_values
    case.by_commitment = bool(values.get(COMMITMENT))
    if case.by_commitment:
        _append_timeline(
            session, case, "case.committed", "适用告知承诺，凭申请人书面承诺受理", answer.account, answer.decided_at
        )
    until = _day(values.get(UNTIL))
    if until is None:
        return
    missing = "；".join(form_check.missing_now(session, case.case_no))
    case.tolerated_until = end_of_day(until)
    case.tolerated_materials = str(values.get(MATERIALS) or "").strip() or missing or "申请人承诺补交的材料"
    text = f"容缺受理：{case.tolerated_materials}，申请人承诺于{until}前补齐"
    _append_timeline(session, case, "case.tolerated", text, answer.account, answer.decided_at)


def lapse(session: Session, case: Case, at: datetime) -> bool:
    """End the examination because what was promised was not supplied; False when a decision came first."""
    if task_outcomes.final(session, case.case_no) is not None:
        return False
    case.state, case.is_open, case.closed_at = CaseState.WITHDRAWN, False, at
    session.add(case)
    seals.seal(session, case, "closing")
    special_procedures.end_with_case(session, case, timeline.SYSTEM, at)
    clock_views.keep(session, case, at)
    reason = f"容缺受理的材料（{case.tolerated_materials}）逾期未补齐，终止审查"
    issuance.issue_termination(session, case, reason, at)
    _append_timeline(session, case, "case.terminated", reason, timeline.SYSTEM, at)
    outbox.publish_message(
        session,
        Message.CASE_WITHDRAWN,
        stream=case.case_no,
        correlation_key=case.case_no,
        message_id=f"{case.case_no}:withdrawn",
    )
    return True


def _append_timeline(session: Session, case: Case, event: str, text: str, actor: str, at: datetime) -> None:
    timeline.append(session, case.case_no, event, text, actor=actor, at=at)


def _guide(session: Session, case: Case) -> Guide | None:
    return reference.guide(session, case.item_code, case.guide_version)


def _day(value: object) -> date | None:
    return date.fromisoformat(value[:10]) if isinstance(value, str) and value else None
