"""What the applicant may do outside the tasks: supply materials, and withdraw."""

from typing import Any

from sqlmodel import Session

from models.case import Case, CaseState, Material
from models.protocol import Message
from services.accounts import case_access, rights
from services.accounts.actors import Actor
from services.cases import conditional_acceptance, form_check, material_files, open_tasks, special_procedures
from services.cases.submission import material_rows
from services.cases.submission_input import MaterialInput
from services.clock import product_now
from services.deadlines import case_deadlines, clock_views
from services.documents import issuance
from services.errors import Conflict, FieldProblem, InvalidInput
from services.journal import audit, seals, task_outcomes, timeline
from services.process_engine import outbox

TOLERATED_ROUND = 2
"""Materials supplied after a conditional acceptance; 0 came with the application, 1 after a correction."""


class NotAwaitingMaterials(Conflict):
    """No correction is open, so nothing can be supplied."""

    code, title, title_en = "not_awaiting_materials", "办件不在补正期间", "No correction is open"


class CaseClosed(Conflict):
    """The case is over."""

    code, title, title_en = "case_closed", "办件已经办结", "Case is closed"


class CaseDecided(Conflict):
    """The case is decided, so it can no longer be withdrawn."""

    code, title, title_en = "case_decided", "办件已作出决定，不能撤回", "Case is decided"


def supply_materials(session: Session, actor: Actor, case_no: str, materials: list[MaterialInput]) -> Case:
    """Take the supplement the applicant brought; it is checked again, and the receipt limit starts anew."""
    case = _of_window(session, actor, case_no)
    if not materials:
        raise InvalidInput([FieldProblem("materials", "至少补交一项材料")])
    material_files.require_usable(session, actor, materials)
    if conditional_acceptance.is_outstanding(case):
        return _supply_tolerated(session, actor, case, materials)
    if case.case_state is not CaseState.CORRECTION_OPEN:
        raise NotAwaitingMaterials()
    now = product_now(session)
    if case.deadlines.supplement_due_at is not None and now > case.deadlines.supplement_due_at:
        raise NotAwaitingMaterials("补正期限已过")
    session.add_all(Material(**row) for row in material_rows(case_no, materials, 1))
    case.supplemented_at, case.state = now, CaseState.CORRECTION_CLOSED
    session.add(case)
    timeline.append(session, case_no, "case.supplemented", f"补交材料{len(materials)}项", actor=actor.username, at=now)
    session.flush()
    material_files.bind(session, case_no, materials, 1)
    issuance.issue_receipt(session, case, now)
    audit.append(session, actor.username, "case.supply", case_no, {"materials": len(materials)}, now)
    outbox.publish_message(
        session,
        Message.MATERIALS_SUPPLIED,
        stream=case_no,
        correlation_key=case_no,
        message_id=f"{case_no}:supplement",
    )
    return case


def _supply_tolerated(session: Session, actor: Actor, case: Case, materials: list[MaterialInput]) -> Case:
    """Take what was missing at a conditional acceptance (容缺受理); the clock has run all the while.

    Where the window named nothing of its own, everything the form check found missing must be there now; a partial
    supply is refused, lest it count as complete.
    """
    now = product_now(session)
    if case.tolerated_until is not None and now > case.tolerated_until:
        raise NotAwaitingMaterials("容缺补交期限已过")
    if not any(one.present for one in materials):
        raise InvalidInput([FieldProblem("materials", "至少补交一项材料")])
    session.add_all(Material(**row) for row in material_rows(case.case_no, materials, TOLERATED_ROUND))
    session.flush()
    material_files.bind(session, case.case_no, materials, TOLERATED_ROUND)
    still = form_check.missing_materials(session, case)
    if still and conditional_acceptance.owes_what_the_check_found(session, case):
        raise InvalidInput([FieldProblem("materials", one) for one in still])
    case.tolerated_supplied_at = now
    session.add(case)
    text = f"补齐容缺材料{len(materials)}项"
    timeline.append(session, case.case_no, "case.tolerated_supplied", text, actor=actor.username, at=now)
    issuance.issue_receipt(session, case, now)
    audit.append(session, actor.username, "case.supply", case.case_no, {"materials": len(materials)}, now)
    case_deadlines.announce_change(session, case)
    return case


def withdraw(session: Session, actor: Actor, case_no: str, reason: str) -> Case:
    """Withdraw at the applicant's request: before acceptance 已撤件, after it 撤回; never once decided.

    The case's tasks are closed and 终止审查通知书 is issued at once, whatever the state of the process; where an
    earlier answer has decided the case, the withdrawal is refused.
    """
    case = _of_window(session, actor, case_no)
    # Completing a task locks the case too: the answer comes before the withdrawal, or after it and is refused.
    case = session.get_one(Case, case_no, with_for_update={"key_share": True}, populate_existing=True)
    if not case.is_open:
        raise CaseClosed()
    if task_outcomes.is_decided(session, case):
        raise CaseDecided()
    now = product_now(session)
    if case.accepted_at is None:
        case_deadlines.stop_receipt_monitor(session, case)
    case.state = CaseState.WITHDRAWN if case.accepted_at is not None else CaseState.RETRACTED
    case.is_open, case.closed_at = False, now
    session.add(case)
    seals.seal(session, case, "closing")
    open_tasks.cancel_all(session, case_no, now)
    special_procedures.end_with_case(session, case, actor.username, now)
    clock_views.keep(session, case, now)
    issuance.issue_termination(session, case, f"申请人撤回申请。撤回理由：{reason}", now)
    timeline.append(session, case_no, "case.withdrawn", f"申请人撤回：{reason}", actor=actor.username, at=now)
    audit.append(session, actor.username, "case.withdraw", case_no, {}, now)
    outbox.publish_message(
        session,
        Message.CASE_WITHDRAWN,
        stream=case_no,
        correlation_key=case_no,
        message_id=f"{case_no}:withdrawn",
    )
    return case


def _of_window(session: Session, actor: Actor, case_no: str) -> Case:
    case = case_access.get(session, actor, case_no)
    rights.require_act_for_applicant(actor, case)
    return case


def outcome_of(case: Case) -> dict[str, Any]:
    """Return the short answer to an action: the case and its state."""
    return {"case_no": case.case_no, "state": {"code": case.state, "name": case.case_state.label}}
