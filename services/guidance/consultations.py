"""Guidance from the city (业务指导): questions and answers, model cases (典型案例), trainings (业务培训).

A question goes to the advisor (业务指导员) of the city unit that owns the item. Questions and model cases are about
handling, never about a person: whoever may not read a case sees its question without the case's number.
"""

from datetime import datetime, timedelta
from typing import Final

from pydantic import BaseModel
from sqlalchemy import or_
from sqlmodel import Session, col, select

from models.case import Case
from models.consultation import Precedent, Question, Training, TrainingAttendance
from models.group import COORDINATOR, Group, Role, parse_groups
from models.notification import NotificationKind
from models.power_event import PowerSubject
from models.working_calendar import china_date, end_of_day
from services import locks
from services.accounts import case_access, guidance_rights, rights
from services.accounts.actors import Actor, groups_of
from services.catalogue import in_force
from services.clock import product_now
from services.deadlines.working_calendar import calendar_of
from services.errors import Conflict, FieldProblem, InvalidInput, NotFound
from services.journal import timeline
from services.paging import Order, Page, read
from services.powers import recorder

ANSWER_DAYS: Final = 3
"""Working days after which an unanswered question shows red and a reminder is sent [decision]; the plan sets none."""


class TrainingNotBegun(Conflict):
    """Who attended is known only once the training has begun."""

    code, title = "training_not_begun", "培训尚未开始，不能登记参加"
    title_en = "The training has not begun"


class QuestionAnswered(Conflict):
    """The question has its answer."""

    code, title, title_en = "question_answered", "该咨询已经答复", "The question is answered already"


class QuestionView(BaseModel):
    """A question and its answer; the times are how long it took or has been waiting, in working days."""

    id: int
    item: str
    case_no: str | None
    area: str
    unit: str
    to: str
    text: str
    asked_by: str
    asked_at: datetime
    answer: str
    answered_by: str | None
    answered_at: datetime | None
    working_days: int
    late: bool


class PrecedentView(BaseModel):
    """A model case."""

    id: int
    item: str
    unit: str
    title: str
    text: str
    published_by: str
    published_at: datetime


class TrainingView(BaseModel):
    """A training and who attended."""

    id: int
    unit: str
    title: str
    begins_at: datetime
    place: str
    text: str
    announced_by: str
    announced_at: datetime
    attended: list[str]


def ask(session: Session, actor: Actor, *, item: str | None, case_no: str | None, text: str) -> QuestionView:
    """Ask the city unit's advisor about an item, or about a case of one's county."""
    area = guidance_rights.get_asking_area(actor)
    if case_no is not None:
        case: Case = case_access.get(session, actor, case_no)
        item, area = case.item_code, case.area
    version = in_force.find_item(session, item) if item is not None else None
    if version is None:
        raise InvalidInput([FieldProblem("item", "没有这个事项" if item else "请写明事项或办件")])
    now = product_now(session)
    question = Question(
        item=version.code,
        case_no=case_no,
        area=area,
        unit=version.unit,
        text=text,
        asked_by=actor.username,
        asked_at=now,
    )
    session.add(question)
    session.flush()
    notice = recorder.Notice([advisor_of(question)], text=f"咨询：{text}")
    _record_event(session, question, "question.asked", f"咨询{version.code}", actor.username, now, notice)
    return _question(session, actor, question)


def answer(session: Session, actor: Actor, question_id: int, text: str) -> QuestionView:
    """Answer a question, as the unit's advisor."""
    question = locks.find_for_update(session, Question, question_id)
    if question is None:
        raise NotFound("没有这条咨询", "No such question")
    guidance_rights.require_answer(actor, question.unit)
    if question.answered_at is not None:
        raise QuestionAnswered
    now = product_now(session)
    question.answer, question.answered_by, question.answered_at = text, actor.username, now
    session.add(question)
    asking = parse_groups(groups_of(session, question.asked_by))
    own = sorted(group.name for group in asking if group.area == question.area)
    notice = recorder.Notice(own, text=f"咨询已答复：{text}")
    _record_event(session, question, "question.answered", f"答复咨询{question.item}", actor.username, now, notice)
    return _question(session, actor, question)


def overdue(session: Session, limit: int = 100) -> list[int]:
    """Return overdue unanswered questions for which no reminder was sent."""
    now = product_now(session)
    waiting = select(Question).where(
        col(Question.answered_at).is_(None),
        col(Question.reminded_at).is_(None),
        col(Question.asked_at) < now - timedelta(days=ANSWER_DAYS),
    )
    found = session.exec(waiting.order_by(col(Question.id)).limit(limit)).all()
    return [one.id for one in found if one.id is not None and answer_due(session, one) < now]


def remind(session: Session, question_id: int) -> None:
    """Remind the advisor of an unanswered question and tell the coordinator, once, dated by the end of its days."""
    question = session.get_one(Question, question_id, with_for_update=True)
    due = answer_due(session, question)
    if question.answered_at is not None or question.reminded_at is not None or due > product_now(session):
        return
    question.reminded_at = due
    session.add(question)
    text = f"咨询{question.item}已满{ANSWER_DAYS}个工作日未答复"
    reminder = recorder.Notice([advisor_of(question)])
    report = recorder.Notice([COORDINATOR.name], kind=NotificationKind.SUPERVISION)
    _record_event(session, question, "question.overdue", text, timeline.SYSTEM, due, reminder, report)


def answer_due(session: Session, question: Question) -> datetime:
    """Return the end of the working days an advisor has."""
    days = calendar_of(session, question.area)
    return end_of_day(days.add_working_days(china_date(question.asked_at), ANSWER_DAYS))


def advisor_of(question: Question) -> str:
    """Return the group that answers a question."""
    return Group.of_city_unit(question.unit, Role.ADVISOR).name


def list_questions(
    session: Session,
    actor: Actor,
    *,
    item: str | None = None,
    case_no: str | None = None,
    open_only: bool = False,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[QuestionView]:
    """Return a page of one's county's or unit's questions, the newest first."""
    query = select(Question).where(guidance_rights.visible_questions(actor))
    if item:
        query = query.where(Question.item == item)
    if case_no:
        query = query.where(Question.case_no == case_no)
    if open_only:
        query = query.where(col(Question.answered_at).is_(None))
    found = read(session, query, Order(Question.id, descending=True), cursor, limit)
    return found.page(lambda row: _question(session, actor, row))


def publish_precedent(session: Session, actor: Actor, *, item: str, title: str, text: str) -> PrecedentView:
    """Add a model case to the library, as the unit's advisor."""
    version = in_force.find_item(session, item)
    if version is None:
        raise InvalidInput([FieldProblem("item", "没有这个事项")])
    guidance_rights.require_publish_precedent(actor, version.unit)
    precedent = Precedent(
        item=item,
        unit=version.unit,
        title=title,
        text=text,
        published_by=actor.username,
        published_at=product_now(session),
    )
    session.add(precedent)
    session.flush()
    return PrecedentView.model_validate(precedent.model_dump())


def list_precedents(
    session: Session, *, item: str | None = None, q: str | None = None, cursor: str | None = None, limit: int = 50
) -> Page[PrecedentView]:
    """Return a page of model cases by item and words, the newest first."""
    query = select(Precedent)
    if item:
        query = query.where(Precedent.item == item)
    for word in (q or "").split():
        query = query.where(
            or_(
                col(Precedent.title).contains(word, autoescape=True),
                col(Precedent.text).contains(word, autoescape=True),
            )
        )
    found = read(session, query, Order(Precedent.id, descending=True), cursor, limit)
    return found.page(lambda row: PrecedentView.model_validate(row.model_dump()))


def announce_training(
    session: Session, actor: Actor, *, unit: str, title: str, begins_at: datetime, place: str, text: str
) -> TrainingView:
    """Announce a training, as the unit's advisor or the coordinator."""
    guidance_rights.require_announce_training(actor, unit)
    if unit not in {one.code for one in in_force.units(session)}:
        raise InvalidInput([FieldProblem("unit", "没有这个市级单位")])
    if begins_at.tzinfo is None:
        raise InvalidInput([FieldProblem("begins_at", "应写明时区")])
    training = Training(
        unit=unit,
        title=title,
        begins_at=begins_at,
        place=place,
        text=text,
        announced_by=actor.username,
        announced_at=product_now(session),
    )
    session.add(training)
    session.flush()
    return _training(session, training)


def attend_training(session: Session, actor: Actor, training_id: int) -> TrainingView:
    """Record that the account attended; a second time changes nothing."""
    training = locks.find_for_update(session, Training, training_id)
    if training is None:
        raise NotFound("没有这次培训", "No such training")
    guidance_rights.require_attend(actor)
    now = product_now(session)
    if now < training.begins_at:
        raise TrainingNotBegun
    known = session.exec(
        select(TrainingAttendance.id).where(
            TrainingAttendance.training_id == training_id, TrainingAttendance.account == actor.username
        )
    ).first()
    if known is None:
        session.add(TrainingAttendance(training_id=training_id, account=actor.username, at=now))
        session.flush()
    return _training(session, training)


def list_trainings(session: Session, *, cursor: str | None = None, limit: int = 50) -> Page[TrainingView]:
    """Return a page of trainings, the newest first."""
    found = read(session, select(Training), Order(Training.id, descending=True), cursor, limit)
    return found.page(lambda row: _training(session, row))


def _question(session: Session, actor: Actor, question: Question) -> QuestionView:
    days = calendar_of(session, question.area)
    until = question.answered_at or product_now(session)
    taken = days.working_days_between(china_date(question.asked_at), china_date(until))
    case = session.get(Case, question.case_no) if question.case_no is not None else None
    named = question.case_no if case is not None and rights.may_read_case(actor, case) else None
    return QuestionView.model_validate(
        {
            **question.model_dump(),
            "case_no": named,
            "to": advisor_of(question),
            "working_days": taken,
            "late": taken > ANSWER_DAYS,
        }
    )


def _training(session: Session, training: Training) -> TrainingView:
    attended = session.exec(
        select(TrainingAttendance.account)
        .where(TrainingAttendance.training_id == training.id)
        .order_by(col(TrainingAttendance.id))
    ).all()
    return TrainingView.model_validate({**training.model_dump(), "attended": list(attended)})


def _record_event(
    session: Session, question: Question, event: str, text: str, actor: str, at: datetime, *notices: recorder.Notice
) -> None:
    matter = recorder.Matter(
        PowerSubject.CONSULTATION, question.id or 0, question.area, question.unit, title=question.text
    )
    recorder.record(session, matter, event, text, actor=actor, at=at, notices=notices)
