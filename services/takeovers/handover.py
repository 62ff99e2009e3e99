"""What a recall does to the cases in flight: finished by the county, or taken over by the city unit.

A case that is taken over keeps its number, clock and history: its mode process is interrupted by ``case-recalled`` and
goes on in ``city-takeover``. A case already decided, or already with the city, stays where it is. An answer the county
gave before the recall took effect counts, carried out by then or not: a decision or a refusal is the county's to
finish, a signed dossier is on its way to the city, and an acceptance or a correction is carried out by the city's
process. An answer that comes later is refused, for the county's tasks are closed in the recall's own transaction.
"""

from datetime import datetime
from typing import Any, Final

from sqlmodel import Session, col, select

from models.case import Case, CaseState
from models.in_flight import Disposition, InFlight
from models.protocol import START_TTL_MS, Element, Message
from models.recall import Recall, RecallCase, RecallState
from models.task_outcome import Outcome
from services.cases import open_tasks, special_procedures
from services.clock import product_now
from services.documents import case_facts, issuance
from services.journal import audit, task_outcomes, timeline
from services.process_engine import outbox
from services.process_engine.timers import instant_text

ACCEPTANCE_TASKS: Final = (Element.ACCEPTANCE, Element.ACCEPTANCE_AFTER_CORRECTION)


def disposition_of(session: Session, case: Case, choice: InFlight) -> Disposition:
    """Return what a recall does to a case in flight."""
    if case.level == 1 or _is_forwarded(session, case):
        return Disposition.WITH_CITY
    if choice is InFlight.FINISH or task_outcomes.is_ending(session, case):
        return Disposition.FINISH
    return Disposition.TRANSFER


def hand_over(session: Session, recall: Recall, case: Case, at: datetime) -> None:
    """Hand one running case to the city unit: level, history, its open county tasks, and a message to the engine."""
    case.level, case.taken_over_at = 1, at
    session.add(case)
    timeline.append(
        session,
        case.case_no,
        "case.transferred",
        "权限收回，移交市级单位接续办理",
        actor=timeline.SYSTEM,
        at=at,
    )
    audit.append(
        session, recall.decided_by or timeline.SYSTEM, "case.transfer", case.case_no, {"recall": recall.id}, at
    )
    open_tasks.cancel_all(session, case.case_no, at)
    outbox.publish_message(
        session,
        Message.CASE_RECALLED,
        stream=case.case_no,
        correlation_key=case.case_no,
        message_id=message_id(case.case_no),
    )


def keep_with_city(session: Session, case_no: str) -> None:
    """Hand a dossier's case over when the city has returned it to a county that lost the power meanwhile.

    Only where the recall hands the cases in flight over; else the county finishes it.
    """
    case = session.get_one(Case, case_no)
    query = select(Recall).where(
        Recall.item == case.item_code, Recall.area == case.area, Recall.state == RecallState.EFFECTIVE
    )
    recall = session.exec(query.order_by(col(Recall.id).desc())).first()
    if recall is None or recall.in_flight is not InFlight.TRANSFER or case.taken_over_at is not None:
        return
    now = product_now(session)
    row = session.exec(
        select(RecallCase).where(RecallCase.recall_id == recall.id, RecallCase.case_no == case_no)
    ).first()
    if row is None:
        return
    row.disposition, row.state_code, row.at = Disposition.TRANSFER, case.state, now
    session.add(row)
    hand_over(session, recall, case, now)


def take_over(session: Session, case_no: str) -> dict[str, Any]:
    """Tell the city's process how far the case has come; the effect of its first job."""
    case = session.get_one(Case, case_no)
    for row in session.exec(select(RecallCase).where(RecallCase.case_no == case_no)).all():
        if row.disposition is Disposition.TRANSFER and row.taken_over_at is None:
            row.taken_over_at = product_now(session)
            session.add(row)
            _tell_applicant(session, case, row)
    if case.case_state is CaseState.ACCEPTED:
        case.state = CaseState.IN_DEPARTMENT
        session.add(case)
    special_procedures.restart_monitor(session, case)
    return acceptance_variables(session, case)


def _tell_applicant(session: Session, case: Case, row: RecallCase) -> None:
    """Issue the notice of who goes on with the case, once for each recall; dated by the hand-over."""
    at = case.taken_over_at or row.at
    document = issuance.issue_handover_notice(
        session,
        case,
        case_facts.former_organ(session, case),
        "权限收回",
        at,
        f"recall-{row.recall_id}",
    )
    timeline.append(
        session,
        case.case_no,
        "document.issued",
        f"出具{document.kind}（{document.number}），告知接续办理机关和救济途径",
        actor=timeline.SYSTEM,
        at=at,
        key=f"document.issued:{document.natural_key}",
    )


def acceptance_variables(session: Session, case: Case) -> dict[str, Any]:
    """Return how far acceptance has come, for a process that goes on with a case another process began."""
    stage = "received"
    if case.case_state is CaseState.CORRECTION_OPEN:
        stage = "correction"
    elif case.supplemented_at is not None:
        stage = "supplemented"
    if (answered := _answered(session, case)) is not None:
        stage = f"answered-{answered}"
    return {
        "accepted": case.accepted_at is not None,
        "acceptanceStage": stage,
        "supplementDueAt": instant_text(case.deadlines.supplement_due_at),
    }


def left_behind(session: Session, limit: int) -> list[tuple[int, str]]:
    """Return open cases that a recall hands over and that are still with the county, each with the recall's number.

    Such a case was submitted while the recall took effect, or came back to the county since.
    """
    finished = select(RecallCase.id).where(
        RecallCase.recall_id == Recall.id,
        RecallCase.case_no == Case.case_no,
        RecallCase.disposition == Disposition.FINISH,
    )
    query = (
        select(Recall, Case)
        .join(Case, (col(Case.item_code) == col(Recall.item)) & (col(Case.area) == col(Recall.area)))
        .where(Recall.state == RecallState.EFFECTIVE, Recall.in_flight == InFlight.TRANSFER)
        .where(col(Case.is_open), Case.level == 0, col(Case.taken_over_at).is_(None), ~finished.exists())
    )
    rows = session.exec(query.order_by(col(Case.received_at)).limit(limit)).all()
    return [
        (recall.id or 0, case.case_no)
        for recall, case in rows
        if disposition_of(session, case, InFlight.TRANSFER) is Disposition.TRANSFER
    ]


def hand_over_left_behind(session: Session, recall_id: int, case_no: str) -> bool:
    """Hand over a case that is still with the county, if a recall still requires it; tell whether it did."""
    recall = session.get_one(Recall, recall_id, with_for_update=True, populate_existing=True)
    case = session.get_one(Case, case_no, with_for_update={"key_share": True}, populate_existing=True)
    settled = not case.is_open or case.taken_over_at is not None or recall.state is not RecallState.EFFECTIVE
    if settled or disposition_of(session, case, InFlight.TRANSFER) is not Disposition.TRANSFER:
        return False
    now = product_now(session)
    known = select(RecallCase).where(RecallCase.recall_id == recall_id, RecallCase.case_no == case_no)
    row = session.exec(known).first() or RecallCase(
        recall_id=recall_id, case_no=case_no, disposition=Disposition.TRANSFER, state_code=case.state, at=now
    )
    row.disposition, row.state_code, row.at = Disposition.TRANSFER, case.state, now
    session.add(row)
    hand_over(session, recall, case, now)
    return True


def hand_over_again(session: Session, case_no: str, attempt: int) -> None:
    """Ask the engine again to hand a case over, whose first message it has lost or refused."""
    outbox.publish_message(
        session,
        Message.CASE_RECALLED,
        stream=case_no,
        correlation_key=case_no,
        message_id=message_id(case_no, attempt),
        time_to_live_ms=START_TTL_MS,
    )


def message_id(case_no: str, attempt: int = 0) -> str:
    """Return the id of the message that hands a case over; a repeated attempt has one of its own."""
    return outbox.attempt_id(f"{case_no}:recalled", attempt)


def _is_forwarded(session: Session, case: Case) -> bool:
    """Tell whether the county's last answer was to send the dossier, which the engine has yet to carry out."""
    last = task_outcomes.find(session, case.case_no)
    return last is not None and last.element_id == Element.SIGN_DOSSIER and last.outcome == Outcome.FORWARD


def _answered(session: Session, case: Case) -> Outcome | None:
    """Return the county's answer to the application that is not carried out yet: accept or correct."""
    given = [task_outcomes.find(session, case.case_no, element=element) for element in ACCEPTANCE_TASKS]
    last = max((one for one in given if one is not None), key=lambda one: one.id or 0, default=None)
    if last is None or case.accepted_at is not None:
        return None
    if last.outcome == Outcome.ACCEPT:
        return Outcome.ACCEPT
    return Outcome.CORRECT if last.outcome == Outcome.CORRECT and case.correction_requested_at is None else None
