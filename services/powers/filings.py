"""Filing of county decisions with the city unit (县级报备, 报批): acknowledge, question, answer, sample.

Every decision of a county is filed when its case closes, in the same transaction; the case number is its natural
key. The process ``county-filing`` reminds. [decision] The plan leaves 报备(批) undefined: ten working days to
acknowledge, five to answer, and one in five sampled, all configurable.
"""

import hashlib
from datetime import datetime
from typing import Any, Final

from pydantic import BaseModel
from sqlmodel import Session, col, select

from models.calendar import CITY_WIDE
from models.case import Case
from models.catalogue import Mode
from models.filing import Filing, FilingKind, FilingQuestion, FilingState, ReviewFinding
from models.group import COORDINATOR, Group, Role
from models.notification import NotificationKind
from models.power_event import PowerSubject
from models.protocol import CASE_ID, Element, Message
from models.task_outcome import Outcome
from models.working_calendar import china_date, end_of_day
from services import locks
from services.accounts import power_rights
from services.accounts.actors import Actor
from services.catalogue import reference
from services.clock import product_now
from services.deadlines.working_calendar import calendar_of
from services.errors import Conflict, FieldProblem, InvalidInput, NotFound
from services.journal import task_outcomes, timeline
from services.paging import Order, Page, read
from services.powers import recorder
from services.process_engine import outbox
from services.process_engine.timers import instant_text, timer_text
from settings import get_settings

ACKNOWLEDGE_DAYS: Final = 10
"""Working days after which the city unit is reminded of an unacknowledged filing, each time anew."""

ANSWER_DAYS: Final = 5
"""Working days the county has to answer unless the question names another number."""

LONGEST_ANSWER_DAYS: Final = 60


class FilingClosed(Conflict):
    """The filing's state does not allow the step."""

    code, title, title_en = "filing_state", "报备件当前状态不允许此操作", "The filing's state does not allow this"


class FilingQuestionView(BaseModel):
    """A question of the city unit, with the county's answer."""

    text: str
    asked_by: str
    asked_at: datetime
    answer_due_at: datetime
    overdue: bool
    answer: str
    answered_by: str | None
    answered_at: datetime | None


class FilingView(BaseModel):
    """A filing as the API and the pages show it; ``due_at`` is when the city unit is reminded next."""

    id: int
    case_no: str
    item: str
    item_name: str
    area: str
    unit: str
    to: str
    kind: FilingKind
    state: FilingState
    decision: str
    filed_at: datetime
    due_at: datetime | None
    reminders: int
    acknowledged_by: str | None
    acknowledged_at: datetime | None
    consented_by: str | None
    sampled: bool
    review_finding: ReviewFinding | None
    review_text: str
    reviewed_by: str | None
    reviewed_at: datetime | None
    questions: list[FilingQuestionView]


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
    _record_event(
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
    _record_event(session, filing, "filing.acknowledged", "市级单位签收", actor.username, now)
    timeline.append(session, filing.case_no, "filing.acknowledged", "市级单位签收报备", actor=actor.username, at=now)
    _publish(session, filing, Message.FILING_ACKNOWLEDGED, "acknowledged")
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
    number = len(_questions(session, filing)) + 1
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
    notice = recorder.Notice(_county(filing), text=told, key=f"filing_questioned:{number}")
    key = f"filing.questioned:{number}"
    _record_event(session, filing, "filing.questioned", f"市级质询：{text}", actor.username, now, key, notice)
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
    _publish(session, filing, Message.FILING_QUESTIONED, f"questioned:{number}", variables)
    return view(session, filing)


def answer(session: Session, actor: Actor, filing_id: int, text: str) -> FilingView:
    """Answer the open question for the county; the city unit's turn begins anew."""
    filing = _readable(session, actor, filing_id, locked=True)
    power_rights.require_answer_filing(actor, filing.area)
    if filing.state is not FilingState.QUESTIONED:
        raise FilingClosed("没有待答复的质询")
    now = product_now(session)
    asked = _questions(session, filing)[-1]
    asked.answer, asked.answered_by, asked.answered_at = text, actor.username, now
    asked.overdue = asked.overdue or now > asked.answer_due_at
    filing.state, filing.waiting_since, filing.reminders = FilingState.ANSWERED, now, 0
    session.add(asked)
    session.add(filing)
    key = f"filing.answered:{asked.number}"
    _record_event(session, filing, "filing.answered", f"县级答复：{text}", actor.username, now, key)
    timeline.append(
        session, filing.case_no, "filing.answered", f"县级答复：{text}", actor=actor.username, at=now, key=key
    )
    _publish(session, filing, Message.FILING_ANSWERED, f"answered:{asked.number}")
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
    _record_event(session, filing, "filing.reviewed", f"抽查评查{told}：{text}", actor.username, now)
    return view(session, filing)


def plan(session: Session, case_no: str) -> dict[str, Any]:
    """Return when the process reminds the city unit next; strictly in the future, for any other timer would spin."""
    filing = _of_case(session, case_no)
    return {"filingWakeAt": timer_text(_reminder_due(session, filing), product_now(session))}


def remind(session: Session, case_no: str) -> None:
    """Record that the city unit has not acknowledged in time, dated by the due instant; from the second to the
    coordinator as well.
    """
    filing = _of_case(session, case_no)
    due = _reminder_due(session, filing)
    if filing.state not in (FilingState.FILED, FilingState.ANSWERED) or due > product_now(session):
        return
    number = filing.reminders + 1
    whom = "市级单位" if number == 1 else "市级单位，并报市行政审批局统筹"
    key = f"filing.reminded:{filing.waiting_since.isoformat()}:{number}"
    text = f"已满{ACKNOWLEDGE_DAYS * number}个工作日未签收，提醒{whom}"
    signal = "filing_unacknowledged"
    once = f"{signal}:{filing.waiting_since.isoformat()}:{number}"
    notices = [recorder.Notice([_city(filing)], signal=signal, key=once)]
    if number > 1:
        notices.append(recorder.Notice([COORDINATOR.name], kind=NotificationKind.SUPERVISION, signal=signal, key=once))
    _record_event(session, filing, "filing.reminded", text, timeline.SYSTEM, due, key, *notices)
    filing.reminders = number
    session.add(filing)


def remind_answer(session: Session, case_no: str) -> None:
    """Record that the county has not answered in time, dated by the due instant."""
    filing = _of_case(session, case_no)
    open_questions = [one for one in _questions(session, filing) if one.answered_at is None]
    if not open_questions or open_questions[-1].answer_due_at > product_now(session):
        return
    asked = open_questions[-1]
    asked.overdue = True
    session.add(asked)
    text, due = "县级逾期未答复，提醒县级并报市行政审批局统筹", asked.answer_due_at
    key, once = f"filing.answer_overdue:{asked.number}", f"filing_answer_overdue:{asked.number}"
    reminder = recorder.Notice(_county(filing), key=once)
    report = recorder.Notice([COORDINATOR.name], kind=NotificationKind.SUPERVISION, key=once)
    _record_event(session, filing, "filing.answer_overdue", text, timeline.SYSTEM, due, key, reminder, report)


def get(session: Session, actor: Actor, filing_id: int) -> FilingView:
    """Return one filing."""
    return view(session, _readable(session, actor, filing_id))


def list_filings(
    session: Session,
    actor: Actor,
    *,
    state: FilingState | None = None,
    area: str | None = None,
    unit: str | None = None,
    case_no: str | None = None,
    sampled: bool | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[FilingView]:
    """Return a page of the filings of the actor's unit or area, the newest first."""
    query = select(Filing).where(power_rights.visible_filings(actor))
    for column, wanted in (
        (Filing.state, state),
        (Filing.area, area),
        (Filing.unit, unit),
        (Filing.case_no, case_no),
        (Filing.sampled, sampled),
    ):
        if wanted is not None and wanted != "":
            query = query.where(col(column) == wanted)
    found = read(session, query, Order(Filing.id, descending=True), cursor, limit)
    return found.page(lambda row: view(session, row))


def of_case(session: Session, case_no: str) -> list[FilingView]:
    """Return the filings of a case, one or none, for the case's own view."""
    row = session.exec(select(Filing).where(Filing.case_no == case_no)).first()
    return [view(session, row)] if row is not None else []


def view(session: Session, filing: Filing) -> FilingView:
    """Return a filing as the contract shows it."""
    case = session.get_one(Case, filing.case_no)
    waiting = filing.state in (FilingState.FILED, FilingState.ANSWERED)
    consent = task_outcomes.find(session, filing.case_no, outcome=Outcome.AGREE, element=Element.CITY_CONSENT)
    return FilingView.model_validate(
        {
            **filing.model_dump(),
            "item_name": case.item_name,
            "to": _city(filing),
            "due_at": _reminder_due(session, filing) if waiting else None,
            "consented_by": consent.account if consent is not None else None,
            "questions": [one.model_dump() for one in _questions(session, filing)],
        }
    )


def _readable(session: Session, actor: Actor, filing_id: int, *, locked: bool = False) -> Filing:
    filing = locks.find_for_update(session, Filing, filing_id) if locked else session.get(Filing, filing_id)
    if filing is None:
        raise NotFound("没有这件报备", "No such filing")
    power_rights.require_read_filing(actor, filing.area, filing.unit)
    return filing


def _of_unit(session: Session, actor: Actor, filing_id: int) -> Filing:
    filing = _readable(session, actor, filing_id, locked=True)
    power_rights.require_handle_filing(actor, filing.unit)
    return filing


def _of_case(session: Session, case_no: str) -> Filing:
    """Return the filing a job is about to change."""
    query = select(Filing).where(Filing.case_no == case_no).with_for_update()
    return session.exec(query.execution_options(populate_existing=True)).one()


def _questions(session: Session, filing: Filing) -> list[FilingQuestion]:
    return list(
        session.exec(
            select(FilingQuestion).where(FilingQuestion.filing_id == filing.id).order_by(col(FilingQuestion.number))
        ).all()
    )


def _reminder_due(session: Session, filing: Filing) -> datetime:
    days = ACKNOWLEDGE_DAYS * (filing.reminders + 1)
    city = calendar_of(session, CITY_WIDE)
    return end_of_day(city.add_working_days(china_date(filing.waiting_since), days))


def _city(filing: Filing) -> str:
    return Group.of_city_unit(filing.unit, Role.REVIEWER).name


def _county(filing: Filing) -> list[str]:
    return [Group.of_area(filing.area, role).name for role in (Role.APPROVER, Role.REVIEWER)]


def _record_event(
    session: Session,
    filing: Filing,
    event: str,
    text: str,
    actor: str,
    at: datetime,
    key: str | None = None,
    *notices: recorder.Notice,
) -> None:
    """Record an event, notify whoever has to act on it, and tell outside systems."""
    title = session.get_one(Case, filing.case_no).item_name
    matter = recorder.Matter(
        PowerSubject.FILING, filing.id or 0, filing.area, filing.unit, title=title, case_no=filing.case_no
    )
    data = {
        "filing_id": filing.id,
        "case_no": filing.case_no,
        "item": filing.item,
        "area": filing.area,
        "to": _city(filing),
        "kind": filing.kind.value,
        "state": filing.state.value,
        "decision": filing.decision,
    }
    recorder.record(session, matter, event, text, actor=actor, at=at, key=key, notices=notices, webhook=data)


def _publish(
    session: Session, filing: Filing, message: Message, occasion: str, variables: dict[str, Any] | None = None
) -> None:
    outbox.publish_message(
        session,
        message,
        stream=filing.case_no,
        correlation_key=filing.case_no,
        message_id=f"{filing.case_no}:filing:{occasion}",
        variables=variables,
    )
