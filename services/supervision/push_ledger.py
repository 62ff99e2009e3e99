"""The ledger of supervision (审管台账): what was pushed, claimed, answered and overdue, for those concerned.

A push is seen by its recipient, by the approvers who decided the case, and by the city's coordinator. The applicant is
shown only on the push's own page, and reading it leaves an audit entry.
"""

from datetime import datetime
from enum import StrEnum
from typing import Any

from pydantic import BaseModel
from sqlalchemy import ColumnElement, and_, func, or_
from sqlmodel import Session, col, select

from models.case import Applicant, Case
from models.supervision import FeedbackKind, PushRole, SupervisionFeedback, SupervisionPush
from services.accounts import personal_data_rights, supervision_rights
from services.accounts.actors import Actor
from services.accounts.case_access import ApplicantView, applicant_view
from services.clock import product_now
from services.errors import NotFound
from services.journal import audit
from services.paging import Order, Page, read
from services.supervision import push_feedback

COUNTED = 100
"""Waiting pushes are counted up to here."""


class PushState(StrEnum):
    """What the ledger is filtered by; a push can be in several of these."""

    WAITING = "waiting"
    CLAIMED = "claimed"
    FEEDBACK = "feedback"
    UNANSWERED = "unanswered"
    ANSWERED = "answered"
    OVERDUE = "overdue"
    ESCALATED = "escalated"
    LATE = "late"


class FeedbackView(BaseModel):
    """One result of supervision and the approver's answer."""

    id: int
    kind: FeedbackKind
    text: str
    given_by: str
    given_at: datetime
    answer_due_at: datetime | None
    reminded_at: datetime | None
    read_by: str | None
    read_at: datetime | None
    answer: str
    answered_by: str | None
    answered_at: datetime | None
    lifted_at: datetime | None


class RestrictionView(BaseModel):
    """A restriction on a case's applicant that holds now."""

    text: str
    given_by: str
    given_at: datetime


class PushView(BaseModel):
    """A push as the ledger shows it; ``feedback`` is the latest, ``feedbacks`` are all, oldest first."""

    id: int
    case_no: str
    to: str
    role: PushRole
    item: str
    item_name: str
    area: str
    decision: str
    pushed_at: datetime
    due_at: datetime
    on_time: bool
    claimed_at: datetime | None
    claimed_by: str | None
    reminded_at: datetime | None
    escalated_at: datetime | None
    feedback: FeedbackView | None
    feedbacks: list[FeedbackView]


class PushDetail(PushView):
    """A push with its sheet (审管信息推送单) and the applicant, masked unless the reader handles the case."""

    approver_group: str
    sheet: dict[str, Any]
    applicant: ApplicantView


class LedgerFigures(BaseModel):
    """The ledger's totals over all the reader sees."""

    pushed: int
    waiting: int
    claimed: int
    feedback: int
    answered: int
    overdue: int
    escalated: int
    late: int


def list_pushes(
    session: Session,
    actor: Actor,
    *,
    state: PushState | None = None,
    case_no: str | None = None,
    to: str | None = None,
    item: str | None = None,
    area: str | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[PushView]:
    """Return a page of the pushes the actor may see, newest first."""
    query = select(SupervisionPush).where(supervision_rights.visible_pushes(actor))
    if state is not None:
        query = query.where(_in_state(state, product_now(session)))
    if case_no is not None:
        query = query.where(SupervisionPush.case_no == case_no)
    if to is not None:
        query = query.where(SupervisionPush.recipient == to)
    if item is not None or area is not None:
        query = query.join(Case, col(Case.case_no) == SupervisionPush.case_no)
        query = query.where(Case.item_code == item) if item is not None else query
        query = query.where(Case.area == area) if area is not None else query
    found = read(session, query, Order(SupervisionPush.id, descending=True), cursor, limit)
    return Page[PushView](items=_views(session, found.rows), next=found.next)


def figures(session: Session, actor: Actor) -> LedgerFigures:
    """Count what the actor sees, by state."""
    now, seen = product_now(session), supervision_rights.visible_pushes(actor)

    def count(*conditions: ColumnElement[bool]) -> int:
        return session.exec(select(func.count()).select_from(SupervisionPush).where(seen, *conditions)).one()

    states = {state.value: count(_in_state(state, now)) for state in PushState if state is not PushState.UNANSWERED}
    return LedgerFigures(pushed=count(), **states)


def count_waiting(session: Session, actor: Actor) -> int:
    """Return how many pushes wait for the actor's claim or answer, up to ``COUNTED``."""
    groups, now = sorted(actor.groups), product_now(session)
    to_claim = and_(col(SupervisionPush.recipient).in_(groups), _in_state(PushState.WAITING, now))
    to_answer = and_(col(SupervisionPush.approver_group).in_(groups), _in_state(PushState.UNANSWERED, now))
    query = select(SupervisionPush.id).where(or_(to_claim, to_answer))
    return len(session.exec(query.limit(COUNTED)).all())


def get_push(session: Session, actor: Actor, push_id: int) -> PushDetail:
    """Return one push with its sheet; raise ``NotFound`` or ``Forbidden``."""
    found = session.get(SupervisionPush, push_id)
    if found is None:
        raise NotFound("没有这条审管推送", "No such push")
    supervision_rights.require_read_push(actor, found.recipient, found.approver_group)
    case = session.get_one(Case, found.case_no)
    applicant = session.get_one(Applicant, found.case_no)
    open_view = supervision_rights.supervises(actor, found.recipient) or personal_data_rights.may_see(actor, case)
    detail = PushDetail(
        **_views(session, [found])[0].model_dump(),
        approver_group=found.approver_group,
        sheet=dict(found.sheet),
        applicant=applicant_view(applicant, open_view),
    )
    if open_view:
        audit.append(session, actor.username, "push.read", case.case_no, {"push": push_id}, product_now(session))
    return detail


def is_addressed(session: Session, actor: Actor, case_no: str) -> bool:
    """Tell whether a push of the case is addressed to the actor, who thereby handles the case's supervision."""
    addressed = select(SupervisionPush.recipient).where(SupervisionPush.case_no == case_no)
    return any(supervision_rights.supervises(actor, recipient) for recipient in session.exec(addressed).all())


def of_case(session: Session, case_no: str) -> list[PushView]:
    """Return a case's pushes for whoever may read the case, the responsible supervisor's first."""
    query = select(SupervisionPush).where(SupervisionPush.case_no == case_no)
    return _views(session, list(session.exec(query.order_by(col(SupervisionPush.id))).all()))


def restrictions_of(session: Session, case: Case, now: datetime) -> list[RestrictionView]:
    """Return the restrictions now on a case's applicant, for whoever may read the case."""
    return [
        RestrictionView(text=one.text, given_by=one.given_by, given_at=one.given_at)
        for one in push_feedback.restrictions(session, case.applicant_digest, now)
    ]


def push_view(session: Session, found: SupervisionPush) -> PushView:
    """Return one push as the ledger shows it."""
    return _views(session, [found])[0]


def _in_state(state: PushState, now: datetime) -> ColumnElement[bool]:
    push, given = SupervisionPush, SupervisionFeedback
    unclaimed = col(push.claimed_at).is_(None)
    has_feedback = col(push.id).in_(select(given.push_id))
    unanswered = col(push.id).in_(select(given.push_id).where(col(given.answered_at).is_(None)))
    match state:
        case PushState.WAITING:
            return unclaimed
        case PushState.CLAIMED:
            return ~unclaimed
        case PushState.FEEDBACK:
            return has_feedback
        case PushState.UNANSWERED:
            return unanswered
        case PushState.ANSWERED:
            return and_(has_feedback, ~unanswered)
        case PushState.OVERDUE:
            return and_(unclaimed, col(push.due_at) < now)
        case PushState.ESCALATED:
            return and_(unclaimed, col(push.escalated_at).is_not(None))
        case PushState.LATE:
            return col(push.pushed_at) > col(push.due_at)


def _views(session: Session, rows: list[SupervisionPush]) -> list[PushView]:
    given: dict[int, list[FeedbackView]] = {}
    keys = [one.id for one in rows]
    query = select(SupervisionFeedback).where(col(SupervisionFeedback.push_id).in_(keys))
    for one in session.exec(query.order_by(col(SupervisionFeedback.id))).all():
        given.setdefault(one.push_id, []).append(FeedbackView.model_validate(one, from_attributes=True))
    return [_view(one, given.get(one.id or 0, [])) for one in rows]


def _view(one: SupervisionPush, feedbacks: list[FeedbackView]) -> PushView:
    own = {"pushed_at", "due_at", "claimed_at", "claimed_by", "reminded_at", "escalated_at", "id", "case_no", "role"}
    return PushView(
        **one.model_dump(include=own),
        to=one.recipient,
        item=str(one.sheet.get("item", "")),
        item_name=str(one.sheet.get("item_name", "")),
        area=str(one.sheet.get("area", "")),
        decision=str(one.sheet.get("decision", "")),
        on_time=one.on_time,
        feedback=feedbacks[-1] if feedbacks else None,
        feedbacks=feedbacks,
    )
