"""Repair hand-overs to the city, after a recall, that were missed or lost.

- An open case still with the county although the recall hands its cases over is handed over now.
- A case handed over whose ``city-takeover`` the engine never began gets the message again, under a new id: the first
  one was lost or refused. The pauses grow, and the figure tells the administrators that some are waiting.
"""

from datetime import datetime, timedelta

import structlog
from sqlmodel import Session, col, select

from models.case import Case
from models.engine_state import ProcessInstance
from models.in_flight import Disposition
from models.outbox import OutboxStatus
from models.protocol import Message, Process
from models.recall import RecallCase
from services.process_engine import outbox
from services.takeovers import handover

MAX_GRACE = timedelta(minutes=10)

log = structlog.get_logger(__name__)


def not_taken_over(session: Session, limit: int) -> list[Case]:
    """Return open cases handed over for which the engine shows no takeover."""
    begun = select(ProcessInstance.key).where(
        ProcessInstance.case_no == Case.case_no, ProcessInstance.process_id == Process.CITY_TAKEOVER
    )
    query = (
        select(Case)
        .join(RecallCase, col(RecallCase.case_no) == col(Case.case_no))
        .where(RecallCase.disposition == Disposition.TRANSFER, col(RecallCase.taken_over_at).is_(None))
        .where(col(Case.is_open), col(Case.taken_over_at).is_not(None), ~begun.exists())
    )
    return list(session.exec(query.order_by(col(Case.case_no)).limit(limit)).all())


def lost(session: Session, waiting: list[Case], now: datetime, grace: timedelta) -> list[tuple[str, int]]:
    """Return those whose message was sent a while ago, or given up, each with the number of the next attempt."""
    found = []
    for case in waiting:
        attempt, last = outbox.last_attempt(session, Message.CASE_RECALLED, handover.message_id(case.case_no))
        if case.process_instance_key is None or last is None or last.status is OutboxStatus.PENDING:
            continue
        if now - (last.sent_at or last.available_at) > min(grace * 2**attempt, MAX_GRACE):
            found.append((case.case_no, attempt + 1))
    return found


def hand_over(session: Session, left_behind: list[tuple[int, str]]) -> int:
    """Hand over the cases still with the county; return how many were."""
    handed = 0
    for recall_id, case_no in left_behind:
        if handover.hand_over_left_behind(session, recall_id, case_no):
            log.warning("case.left_behind", case_no=case_no, recall_id=recall_id)
            handed += 1
    return handed


def repeat(session: Session, messages: list[tuple[str, int]]) -> int:
    """Send the message again for each case; return how many."""
    for case_no, attempt in messages:
        if not outbox.is_queued(session, Message.CASE_RECALLED, handover.message_id(case_no, attempt)):
            log.warning("case.takeover_repeated", case_no=case_no, attempt=attempt)
            handover.hand_over_again(session, case_no, attempt)
    return len(messages)
