"""Filing of county decisions with the city unit (县级报备, 报批): acknowledge, question, answer, sample.

Every decision of a county is filed when its case closes, in the same transaction; the case number is its natural
key. The process ``county-filing`` reminds. [decision] The plan leaves 报备(批) undefined: ten working days to
acknowledge, five to answer, and one in five sampled, all configurable.
"""

import hashlib
from datetime import datetime
from typing import Final

from sqlmodel import Session, select

from models.case import Case
from models.catalogue import Mode
from models.filing import Filing, FilingKind, FilingQuestion, FilingState, ReviewFinding
from models.protocol import CASE_ID, Message
from models.working_calendar import china_date, end_of_day
from services.accounts import power_rights
from services.accounts.actors import Actor
from services.catalogue import reference
from services.clock import product_now
from services.deadlines.working_calendar import calendar_of
from services.errors import Conflict, FieldProblem, InvalidInput
from services.journal import timeline
from services.powers import recorder
from services.powers.filing_records import (
    county_groups,
    get_readable,
    publish,
    questions_of,
    record_event,
)
from services.powers.filing_views import FilingView, view
from services.process_engine import outbox
from services.process_engine.timers import instant_text
from settings import get_settings

ANSWER_DAYS: Final = 5
"""Working days the county has to answer unless the question names another number."""

LONGEST_ANSWER_DAYS: Final = 60


class FilingClosed(Conflict):
    """The filing's state does not allow the step."""

    code, title, title_en = "filing_state", "报备件当前状态不允许此操作", "The filing's state does not allow this"


def file_decision(session: Session, case: Case, at: datetime) -> None:
    """File the county's decision with the city unit, once per case; a case the city decided is not filed."""
    if case.handled_as is not Mode.DIRECT or case.decision is None:
        return
    if session.exec(select(Filing.id).where(Filing.case_no == case.case_no)).first() is not None:
        return
    filing = Filing(
        case_no=case.case_no,
        item=case.item_code,
        area=case.area,
        unit=case.city_unit,
        kind=FilingKind.APPROVAL if case.approval_filing else FilingKind.REPORT,
        decision=case.decision.value,
        filed_at=at,
        waiting_since=at,
        sampled=is_sampled(case.case_no, get_settings().filing_sample_percent),
    )
    session.add(filing)
    session.flush()
    unit = reference.unit(session, case.city_unit)
    text = f"报{unit.name if unit is not None else case.city_unit}备案"
    timeline.append(session, case.case_no, "case.filed", text, actor=timeline.SYSTEM, at=at)
    record_event(
        session, filing, "filing.filed", f"县级决定{filing.kind.label}，办件{case.case_no}", timeline.SYSTEM, at
    )
    outbox.publish_message(
        session,
        Message.DECISION_FILED,
        stream=case.case_no,
        correlation_key=case.case_no,
        message_id=f"{case.case_no}:filed",
        variables={CASE_ID: case.case_no, "area": case.area, "cityUnit": case.city_unit},
    )


def is_sampled(case_no: str, percent: int) -> bool:
    """Tell whether a case is in the sample for review (抽查): the answer depends on the case alone."""
    return int(hashlib.sha256(f"filing:{case_no}".encode()).hexdigest()[:8], 16) % 100 < percent


def acknowledge(session: Session, actor: Actor, filing_id: int) -> FilingView:
    """Acknowledge a filing; a question still open has to be answered first."""
    filing = _of_unit(session, actor, filing_id)
    if filing.state not in (FilingState.FILED, FilingState.ANSWERED):
        raise FilingClosed(f"报备件{filing.state.label}，不能签收")
    now = product_now(session)
    filing.state = FilingState.ACKNOWLEDGED
    filing.acknowledged_by, filing.acknowledged_at = actor.username, now
    session.add(filing)
    record_event(session, filing, "filing.acknowledged", "市级单位签收", actor.username, now)
    timeline.append(session, filing.case_no, "filing.acknowledged", "市级单位签收报备", actor=actor.username, at=now)
    publish(session, filing, Message.FILING_ACKNOWLEDGED, "acknowledged")
    return view(session, filing)


def question(
    session: Session, actor: Actor, filing_id: int, text: str, answer_due_days: int | None = None
) -> FilingView:
    """Question a decision on file; the county answers within the days named."""
    filing = _of_unit(session, actor, filing_id)
    if filing.state not in (FilingState.FILED, FilingState.ANSWERED):
        raise FilingClosed(f"报备件{filing.state.label}，不能质询")
    days = ANSWER_DAYS if answer_due_days is None else answer_due_days
    if not 1 <= days <= LONGEST_ANSWER_DAYS:
        raise InvalidInput([FieldProblem("answer_due_days", f"应为1至{LONGEST_ANSWER_DAYS}个工作日")])
    now = product_now(session)
    number = len(questions_of(session, filing)) + 1
    due = end_of_day(calendar_of(session, filing.area).add_working_days(china_date(now), days))
    session.add(
        FilingQuestion(
            filing_id=filing.id or 0,
            number=number,
            text=text,
            asked_by=actor.username,
            asked_at=now,
            answer_due_at=due,
        )
    )
    filing.state = FilingState.QUESTIONED
    session.add(filing)
    session.flush()
    told = f"市级单位质询，请于{china_date(due)}前答复：{text}"
    notice = recorder.Notice(county_groups(filing), text=told, key=f"filing_questioned:{number}")
    key = f"filing.questioned:{number}"
    record_event(session, filing, "filing.questioned", f"市级质询：{text}", actor.username, now, key, notice)
    timeline.append(
        session,
        filing.case_no,
        "filing.questioned",
        f"市级单位质询：{text}",
        actor=actor.username,
        at=now,
        key=key,
    )
    variables = {"answerDueAt": instant_text(due)}
    publish(session, filing, Message.FILING_QUESTIONED, f"questioned:{number}", variables)
    return view(session, filing)


def answer(session: Session, actor: Actor, filing_id: int, text: str) -> FilingView:
    """Answer the open question for the county; the city unit's turn begins anew."""
    filing = get_readable(session, actor, filing_id, locked=True)
    power_rights.require_answer_filing(actor, filing.area)
    if filing.state is not FilingState.QUESTIONED:
        raise FilingClosed("没有待答复的质询")
    now = product_now(session)
    asked = questions_of(session, filing)[-1]
    asked.answer, asked.answered_by, asked.answered_at = text, actor.username, now
    asked.overdue = asked.overdue or now > asked.answer_due_at
    filing.state, filing.waiting_since, filing.reminders = FilingState.ANSWERED, now, 0
    session.add(asked)
    session.add(filing)
    key = f"filing.answered:{asked.number}"
    record_event(session, filing, "filing.answered", f"县级答复：{text}", actor.username, now, key)
    timeline.append(
        session, filing.case_no, "filing.answered", f"县级答复：{text}", actor=actor.username, at=now, key=key
    )
    publish(session, filing, Message.FILING_ANSWERED, f"answered:{asked.number}")
    return view(session, filing)


def review(session: Session, actor: Actor, filing_id: int, finding: ReviewFinding, text: str) -> FilingView:
    """Record what the review of a sampled filing found, once."""
    filing = _of_unit(session, actor, filing_id)
    if not filing.sampled or filing.review_finding is not None:
        raise FilingClosed("该件未被抽中，或已经评查")
    if finding is ReviewFinding.NONCONFORMING and not text.strip():
        raise InvalidInput([FieldProblem("text", "评查不合格的，应写明理由")])
    now = product_now(session)
    filing.review_finding, filing.review_text = finding, text
    filing.reviewed_by, filing.reviewed_at = actor.username, now
    session.add(filing)
    told = "合格" if finding is ReviewFinding.CONFORMING else "不合格"
    record_event(session, filing, "filing.reviewed", f"抽查评查{told}：{text}", actor.username, now)
    return view(session, filing)


def _of_unit(session: Session, actor: Actor, filing_id: int) -> Filing:
    filing = get_readable(session, actor, filing_id, locked=True)
    power_rights.require_handle_filing(actor, filing.unit)
    return filing
