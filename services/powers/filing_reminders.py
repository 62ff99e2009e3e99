"""Reminders of the process ``county-filing``: the city unit has not acknowledged, the county has not answered.

Both are dated by the instant that passed, however late the job runs, and each is recorded and notified once.
"""

from typing import Any

from sqlmodel import Session

from models.filing import FilingState
from models.group import COORDINATOR
from models.notification import NotificationKind
from services.clock import product_now
from services.journal import timeline
from services.powers import recorder
from services.powers.filing_records import (
    ACKNOWLEDGE_DAYS,
    city_group,
    county_groups,
    get_for_update,
    questions_of,
    record_event,
    reminder_due,
)
from services.process_engine.timers import timer_text


def plan(session: Session, case_no: str) -> dict[str, Any]:
    """Return when the process reminds the city unit next; strictly in the future, for any other timer would spin."""
    filing = get_for_update(session, case_no)
    return {"filingWakeAt": timer_text(reminder_due(session, filing), product_now(session))}


def remind(session: Session, case_no: str) -> None:
    """Record that the city unit has not acknowledged in time, dated by the due instant; from the second to the
    coordinator as well.
    """
    filing = get_for_update(session, case_no)
    due = reminder_due(session, filing)
    if filing.state not in (FilingState.FILED, FilingState.ANSWERED) or due > product_now(session):
        return
    number = filing.reminders + 1
    whom = "市级单位" if number == 1 else "市级单位，并报市行政审批局统筹"
    key = f"filing.reminded:{filing.waiting_since.isoformat()}:{number}"
    text = f"已满{ACKNOWLEDGE_DAYS * number}个工作日未签收，提醒{whom}"
    signal = "filing_unacknowledged"
    once = f"{signal}:{filing.waiting_since.isoformat()}:{number}"
    notices = [recorder.Notice([city_group(filing)], signal=signal, key=once)]
    if number > 1:
        notices.append(recorder.Notice([COORDINATOR.name], kind=NotificationKind.SUPERVISION, signal=signal, key=once))
    record_event(session, filing, "filing.reminded", text, timeline.SYSTEM, due, key, *notices)
    filing.reminders = number
    session.add(filing)


def remind_answer(session: Session, case_no: str) -> None:
    """Record that the county has not answered in time, dated by the due instant."""
    filing = get_for_update(session, case_no)
    open_questions = [one for one in questions_of(session, filing) if one.answered_at is None]
    if not open_questions or open_questions[-1].answer_due_at > product_now(session):
        return
    asked = open_questions[-1]
    asked.overdue = True
    session.add(asked)
    text, due = "县级逾期未答复，提醒县级并报市行政审批局统筹", asked.answer_due_at
    key, once = f"filing.answer_overdue:{asked.number}", f"filing_answer_overdue:{asked.number}"
    reminder = recorder.Notice(county_groups(filing), key=once)
    report = recorder.Notice([COORDINATOR.name], kind=NotificationKind.SUPERVISION, key=once)
    record_event(session, filing, "filing.answer_overdue", text, timeline.SYSTEM, due, key, reminder, report)
