"""What supervision leads to (审管双回路): a push is claimed, its results go back to the approver, who answers them.

A restriction stays with the applicant until it is lifted: the form check of the next application shows it.
"""

import hashlib
import json
from datetime import datetime
from typing import Final

from sqlmodel import Session, col, select

from models.case import Case
from models.group import COORDINATOR
from models.notification import NotificationKind
from models.protocol import CASE_ID, START_TTL_MS, Message
from models.supervision import FeedbackKind, SupervisionFeedback, SupervisionPush
from models.working_calendar import china_date, end_of_day
from services.accounts import supervision_rights
from services.accounts.actors import Actor
from services.clock import product_now
from services.deadlines.working_calendar import calendar_of
from services.errors import Conflict, FieldProblem, IdempotencyConflict, InvalidInput, NotFound
from services.journal import audit, task_outcomes, timeline
from services.notifications import inbox
from services.process_engine import outbox
from services.process_engine.timers import instant_text
from services.supervision import pushes
from services.supervision.pushes import append_event, get_for_update
from services.webhooks import subscriptions
from services.webhooks.event_types import Event

MAX_TEXT_LENGTH: Final = 2000
MAX_KEY_LENGTH: Final = 200
ANSWER_DAYS: Final = 5
"""Working days the approver has to answer feedback (our decision; the plan is silent)."""


class PushClaimed(Conflict):
    """Somebody else has claimed the push."""

    code, title, title_en = "push_claimed", "该推送已被认领", "The push has been claimed"


class NoFeedback(Conflict):
    """There is nothing to read or answer."""

    code, title, title_en = "no_feedback", "没有待阅处的监管反馈", "There is no feedback to answer"


class NotRestricted(Conflict):
    """The feedback is no restriction in force."""

    code, title, title_en = "not_restricted", "没有生效中的限制措施", "There is no restriction in force"


def claim(session: Session, actor: Actor, push_id: int) -> SupervisionPush:
    """Take a push over as its supervisor (认领); claiming one's own again changes nothing."""
    found = get_for_update(session, push_id)
    _require_supervisor(session, actor, found)
    claim_for(session, found, actor.username)
    return found


def claim_for(session: Session, found: SupervisionPush, by: str) -> None:
    """Take a push over for an account or a supervisor's platform; raise ``PushClaimed`` when another has it."""
    if found.claimed_by is not None and found.claimed_by != by:
        raise PushClaimed(f"该推送已由{found.claimed_by}认领")
    _claim(session, found, by, product_now(session))


def give_feedback(
    session: Session, actor: Actor, push_id: int, kind: FeedbackKind, text: str, key: str | None = None
) -> tuple[SupervisionFeedback, bool]:
    """Return a result of supervision to the approver; giving it also claims the push.

    Sent again it is the same feedback, and the second value is false: with the same ``key``, or, without one, with the
    same words by the same account on the same day. Raises ``IdempotencyConflict`` for an old key with other words.
    """
    found = get_for_update(session, push_id)
    _require_supervisor(session, actor, found)
    return record_feedback(session, found, kind, text, actor.username, key)


def record_feedback(
    session: Session, found: SupervisionPush, kind: FeedbackKind, text: str, by: str, key: str | None = None
) -> tuple[SupervisionFeedback, bool]:
    """Record feedback given by an account or a supervisor's platform, and bring it to the approver's task list.

    Tell also whether it was new (see :func:`give_feedback`).
    """
    written = _written(text)
    now = product_now(session)
    natural_key = _natural_key(kind, written, by, now, key)
    known = session.exec(
        select(SupervisionFeedback).where(
            SupervisionFeedback.push_id == found.id, SupervisionFeedback.natural_key == natural_key
        )
    ).first()
    if known is not None:
        if (known.kind, known.text) != (kind, written):
            raise IdempotencyConflict()
        return known, False
    case = session.get_one(Case, found.case_no)
    _claim(session, found, by, now)
    feedback = SupervisionFeedback(
        push_id=_key(found.id),
        kind=kind,
        text=written,
        applicant_digest=case.applicant_digest,
        natural_key=natural_key,
        given_by=by,
        given_at=now,
        answer_due_at=end_of_day(calendar_of(session, case.area).add_working_days(china_date(now), ANSWER_DAYS)),
    )
    session.add(feedback)
    session.flush()
    append_event(session, found, "push.feedback", f"监管反馈（{kind.label}）：{written}", by, now, f"{feedback.id}")
    outbox.publish_message(
        session,
        Message.FEEDBACK_GIVEN,
        stream=found.case_no,
        correlation_key=f"feedback-{feedback.id}",
        message_id=f"feedback-{feedback.id}",
        variables={
            CASE_ID: found.case_no,
            "feedbackId": f"feedback-{feedback.id}",
            "approverGroup": found.approver_group,
            "answerDueAt": instant_text(feedback.answer_due_at),
        },
        time_to_live_ms=START_TTL_MS,
    )
    _emit_feedback(session, Event.PUSH_FEEDBACK, found, feedback, now)
    audit.append(session, by, "push.feedback", found.case_no, {"push": found.id, "kind": kind.value}, now)
    return feedback, True


def remind_answer(session: Session, feedback_id: int) -> None:
    """Remind the approver of feedback unanswered when its answer was due, and tell supervisor and coordinator, once."""
    one = session.get_one(SupervisionFeedback, feedback_id, with_for_update=True)
    due = one.answer_due_at
    if due is None or one.answered_at is not None or one.reminded_at is not None:
        return
    found = get_for_update(session, one.push_id)
    one.reminded_at = due
    session.add(one)
    text = f"监管反馈（{one.kind.label}）到期未答复"
    append_event(session, found, "push.answer_overdue", text, timeline.SYSTEM, due, f"{one.id}")
    case = session.get_one(Case, found.case_no)
    cause = inbox.Cause("feedback_overdue", text, due, f"feedback_overdue:{one.id}")
    inbox.notify(session, case, NotificationKind.REMINDER, [found.approver_group], cause)
    inbox.notify(session, case, NotificationKind.SUPERVISION, [found.recipient, COORDINATOR.name], cause)
    _emit_feedback(session, Event.PUSH_ANSWER_OVERDUE, found, one, due)


def read_feedback(session: Session, actor: Actor, push_id: int) -> SupervisionPush:
    """Record that the approver has read a push's feedback, once each; merely viewing it records nothing."""
    found = get_for_update(session, push_id)
    supervision_rights.require_answer_feedback(actor, found.approver_group)
    given = feedback_of(session, push_id)
    if not given:
        raise NoFeedback()
    unread = [one for one in given if one.read_at is None]
    now = product_now(session)
    for one in unread:
        one.read_by, one.read_at = actor.username, now
        session.add(one)
    if unread:
        audit.append(session, actor.username, "push.read_feedback", found.case_no, {"push": push_id}, now)
    return found


def answer(session: Session, actor: Actor, push_id: int, text: str, feedback_id: int | None = None) -> SupervisionPush:
    """Answer a push's feedback as the approver: one piece of it, or all that is unanswered."""
    found = get_for_update(session, push_id)
    supervision_rights.require_answer_feedback(actor, found.approver_group)
    written = _written(text)
    waiting = [
        one for one in feedback_of(session, push_id) if one.answered_at is None and feedback_id in (None, one.id)
    ]
    if not waiting:
        raise NoFeedback()
    now = product_now(session)
    for one in waiting:
        _answer(session, found, one, written, actor.username, now)
        outbox.publish_message(
            session,
            Message.FEEDBACK_ANSWERED,
            stream=found.case_no,
            correlation_key=f"feedback-{one.id}",
            message_id=f"feedback-{one.id}:answered",
        )
    return found


def lift(session: Session, actor: Actor, push_id: int, feedback_id: int) -> SupervisionPush:
    """End a restriction, as the supervisor who may impose it."""
    found = get_for_update(session, push_id)
    _require_supervisor(session, actor, found)
    one = session.get(SupervisionFeedback, feedback_id)
    if one is None or one.push_id != push_id:
        raise NotFound("没有这条监管反馈", "No such feedback")
    if one.kind is not FeedbackKind.RESTRICTION or one.lifted_at is not None:
        raise NotRestricted()
    now = product_now(session)
    one.lifted_by, one.lifted_at = actor.username, now
    session.add(one)
    append_event(session, found, "push.lifted", f"解除限制措施：{one.text}", actor.username, now, f"{one.id}")
    _emit_feedback(session, Event.PUSH_LIFTED, found, one, now)
    audit.append(session, actor.username, "push.lift", found.case_no, {"push": push_id, "feedback": one.id}, now)
    return found


def answer_from_task(session: Session, feedback_id: int, instance_key: int) -> None:
    """Take over what the approver wrote in the task; an answer given in the ledger meanwhile stands."""
    one = session.get_one(SupervisionFeedback, feedback_id)
    if one.answered_at is not None:
        return
    found = get_for_update(session, one.push_id)
    given = task_outcomes.of_instance(session, instance_key)
    if given is None:
        raise NotFound(f"监管反馈{feedback_id}没有可记录的阅处意见")
    _answer(session, found, one, given.opinion or "已阅", given.account, given.decided_at)


def feedback_of(session: Session, push_id: int) -> list[SupervisionFeedback]:
    """Return a push's feedback, oldest first."""
    query = select(SupervisionFeedback).where(SupervisionFeedback.push_id == push_id)
    return list(session.exec(query.order_by(col(SupervisionFeedback.id))).all())


def restrictions(session: Session, applicant_digest: str, at: datetime) -> list[SupervisionFeedback]:
    """Return the restrictions on an applicant that held at an instant, oldest first."""
    query = select(SupervisionFeedback).where(
        SupervisionFeedback.applicant_digest == applicant_digest,
        SupervisionFeedback.kind == FeedbackKind.RESTRICTION,
        col(SupervisionFeedback.given_at) <= at,
    )
    found = session.exec(query.order_by(col(SupervisionFeedback.id))).all()
    return [one for one in found if one.lifted_at is None or one.lifted_at > at]


def _claim(session: Session, found: SupervisionPush, by: str, now: datetime) -> None:
    if found.claimed_at is not None:
        return
    found.claimed_by, found.claimed_at = by, now
    session.add(found)
    append_event(session, found, "push.claimed", f"{pushes.group_label(session, found.recipient)}认领审管推送", by, now)
    outbox.publish_message(
        session,
        Message.PUSH_CLAIMED,
        stream=found.case_no,
        correlation_key=f"push-{found.id}",
        message_id=f"push-{found.id}:claimed",
    )
    subscriptions.publish(session, Event.PUSH_CLAIMED, f"push:{found.id}", pushes.push_data(session, found), now)
    audit.append(session, by, "push.claim", found.case_no, {"push": found.id}, now)


def _answer(
    session: Session, found: SupervisionPush, one: SupervisionFeedback, text: str, by: str, at: datetime
) -> None:
    one.answer, one.answered_by, one.answered_at = text, by, at
    if one.read_at is None:
        one.read_by, one.read_at = by, at
    session.add(one)
    append_event(session, found, "push.answered", f"答复监管反馈：{text}", by, at, f"{one.id}")
    _emit_feedback(session, Event.PUSH_ANSWERED, found, one, at)
    audit.append(session, by, "push.answer", found.case_no, {"push": found.id, "feedback": one.id}, at)


def _emit_feedback(
    session: Session, event: Event, found: SupervisionPush, one: SupervisionFeedback, at: datetime
) -> None:
    data = {
        "push_id": found.id,
        "feedback_id": one.id,
        "case_no": found.case_no,
        "to": found.recipient,
        **one.model_dump(include={"text", "given_at", "answer_due_at", "answer", "answered_at", "lifted_at"}),
        "kind": one.kind.value,
    }
    subscriptions.publish(session, event, f"feedback:{one.id}", data, at)


def _require_supervisor(session: Session, actor: Actor, one: SupervisionPush) -> None:
    """Refuse everybody but the recipient's members, and of these whoever decided the case."""
    case = session.get_one(Case, one.case_no)
    decided = task_outcomes.find(session, case.case_no, outcome=case.decision.value) if case.decision else None
    supervision_rights.require_supervise(actor, one.recipient, decided.account if decided is not None else None)


def _written(text: str) -> str:
    written = text.strip()
    if not written:
        raise InvalidInput([FieldProblem("text", "必填")])
    if len(written) > MAX_TEXT_LENGTH:
        raise InvalidInput([FieldProblem("text", f"长度不能超过 {MAX_TEXT_LENGTH} 个字符")])
    return written


def _natural_key(kind: FeedbackKind, text: str, by: str, at: datetime, key: str | None) -> str:
    """Return the key that makes feedback unique: the sender's, or who said what on which day."""
    parts = ["key", by, key] if key is not None else ["said", by, kind.value, text, china_date(at).isoformat()]
    return hashlib.sha256(json.dumps(parts, ensure_ascii=False).encode()).hexdigest()


def _key(key: int | None) -> int:
    if key is None:
        raise ValueError("the row is not in the database yet")
    return key
