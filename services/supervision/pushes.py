"""Supervision (审管双推送): the approval information that goes to the supervisor when a case is closed.

Closing a case makes its pushes in the same transaction, one for each supervisor; the engine only monitors that they are
claimed. That the information arrives within three working days of closing (plan, section 四.六) is therefore met by the
closing itself. What comes back is in ``services/supervision/push_feedback.py``.
"""

from datetime import datetime
from typing import Any, Final

from sqlalchemy import bindparam
from sqlmodel import Session, col, select

from models.case import Applicant, ApplicantKind, Case
from models.catalogue import Mode
from models.document import Certificate, Document
from models.group import COORDINATOR, Group, Role
from models.identity import masked_name
from models.notification import NotificationKind
from models.protocol import CASE_ID, START_TTL_MS, Message
from models.supervision import PushRole, SupervisionPush
from models.working_calendar import china_date
from services.catalogue import in_force, reference
from services.clock import product_now
from services.deadlines.working_calendar import calendar_of
from services.errors import NotFound
from services.journal import timeline
from services.notifications import inbox
from services.process_engine import outbox
from services.process_engine.timers import exact_text, timer_text
from services.supervision.escalation import reminder_and_escalation
from services.webhooks import subscriptions
from services.webhooks.event_types import Event

PUSH_LIMIT_DAYS: Final = 3
"""Working days from closing to the push (plan, section 四.六); a reminder follows then if it is unclaimed."""


def push(session: Session, case: Case) -> list[SupervisionPush]:
    """Push a closed case to its supervisors, once, and have the engine monitor the claims.

    The key made of case and recipient lets a repetition find the existing push.
    """
    known = of_case(session, case.case_no)
    if known or case.closed_at is None or case.decision is None:
        return known
    recipients, approver = _recipients(session, case)
    now, closed = product_now(session), china_date(case.closed_at)
    due, escalate = reminder_and_escalation(calendar_of(session, case.area), closed, PUSH_LIMIT_DAYS)
    sheet = _sheet(session, case)
    pushes = [
        SupervisionPush(
            case_no=case.case_no,
            recipient=recipient,
            role=role,
            approver_group=approver,
            sheet=sheet,
            pushed_at=now,
            due_at=due,
            escalate_at=escalate,
        )
        for recipient, role in recipients.items()
    ]
    session.add_all(pushes)
    session.flush()
    for one in pushes:
        append_event(
            session, one, "push.sent", f"审管信息推送至{group_label(session, one.recipient)}", timeline.SYSTEM, now
        )
        subscriptions.publish(session, Event.PUSH_SENT, f"push:{one.id}", push_data(session, one), now)
    outbox.publish_message(
        session,
        Message.APPROVAL_PUSHED,
        stream=case.case_no,
        correlation_key=case.case_no,
        message_id=f"{case.case_no}:pushed",
        variables={CASE_ID: case.case_no, "pushes": [_watched(one, now) for one in pushes]},
        time_to_live_ms=START_TTL_MS,
    )
    return pushes


_OF_CASE = (
    select(SupervisionPush).where(SupervisionPush.case_no == bindparam("case_no")).order_by(col(SupervisionPush.id))
)


def of_case(session: Session, case_no: str) -> list[SupervisionPush]:
    """Return a case's pushes, the responsible supervisor's first."""
    return list(session.exec(_OF_CASE, params={"case_no": case_no}).all())


def get_for_update(session: Session, push_id: int) -> SupervisionPush:
    """Return a push, locked for whoever acts on it; raise ``NotFound``."""
    found = session.get(SupervisionPush, push_id, with_for_update=True)
    if found is None:
        raise NotFound("没有这条审管推送", "No such push")
    return found


def remind(session: Session, push_id: int) -> None:
    """Record that a push is unclaimed at its due instant, once."""
    found = get_for_update(session, push_id)
    if found.claimed_at is None and found.reminded_at is None:
        found.reminded_at = max(found.due_at, found.pushed_at)
        session.add(found)
        text = f"提醒{group_label(session, found.recipient)}：审管推送到期未认领"
        append_event(session, found, "push.reminded", text, timeline.SYSTEM, found.reminded_at)
        _notify(session, found, NotificationKind.REMINDER, [found.recipient], "push_due", text, found.reminded_at)
        subscriptions.publish(
            session, Event.PUSH_OVERDUE, f"push:{found.id}", push_data(session, found), found.reminded_at
        )


def escalate(session: Session, push_id: int) -> None:
    """Report an unclaimed push to the city's coordinator, once."""
    found = get_for_update(session, push_id)
    if found.claimed_at is None and found.escalated_at is None:
        found.escalated_at = max(found.escalate_at, found.pushed_at)
        session.add(found)
        text = f"{group_label(session, found.recipient)}逾期未认领审管推送，已报市级统筹协调员"
        append_event(session, found, "push.escalated", text, timeline.SYSTEM, found.escalated_at)
        groups = [COORDINATOR.name, found.recipient]
        _notify(session, found, NotificationKind.SUPERVISION, groups, "push_escalated", text, found.escalated_at)
        subscriptions.publish(
            session, Event.PUSH_ESCALATED, f"push:{found.id}", push_data(session, found), found.escalated_at
        )


def push_data(session: Session, one: SupervisionPush) -> dict[str, Any]:
    """Return a push as webhooks report it; a person's name is masked."""
    applicant = session.get(Applicant, one.case_no)
    name = applicant.name if applicant is not None else ""
    masked = applicant is not None and applicant.kind is ApplicantKind.PERSON
    return {
        **one.sheet,
        "push_id": one.id,
        "case_no": one.case_no,
        "to": one.recipient,
        "role": one.role.value,
        "applicant_name": masked_name(name) if masked else name,
        "pushed_at": one.pushed_at,
        "due_at": one.due_at,
        "claimed_at": one.claimed_at,
    }


def group_label(session: Session, group: str) -> str:
    """Return a supervisor's group in words: 市水利局监管人员, 兴国县监管人员."""
    try:
        parsed = Group.parse(group)
    except ValueError:
        return group
    unit = reference.unit(session, parsed.unit) if parsed.unit is not None else None
    area = reference.area(session, parsed.area) if parsed.area is not None else None
    return f"{area.name if area else ''}{unit.name if unit else ''}监管人员"


def _recipients(session: Session, case: Case) -> tuple[dict[str, PushRole], str]:
    """Return whom a case is pushed to, and who decided it."""
    by_city = case.handled_as in Mode.decided_by_city()
    decides = Group.of_city_unit(case.city_unit, Role.APPROVER) if by_city else Group.of_area(case.area, Role.APPROVER)
    named, follower = in_force.supervisors(session, case)
    recipients = {named: PushRole.RESPONSIBLE}
    if by_city or follower is not None:
        recipients.setdefault(follower or Group.of_area(case.area, Role.SUPERVISOR).name, PushRole.FOLLOW_UP)
    return recipients, decides.name


def _sheet(session: Session, case: Case) -> dict[str, Any]:
    documents = session.exec(
        select(Document.id, Document.kind, Document.number, Document.sha256)
        .where(Document.case_no == case.case_no)
        .order_by(col(Document.id))
    ).all()
    number = session.exec(select(Certificate.number).where(Certificate.case_no == case.case_no)).first()
    return {
        "item": case.item_code,
        "item_name": case.item_name,
        "power_type": case.power_type,
        "area": case.area,
        "mode": case.mode.value,
        "city_unit": case.city_unit,
        "project": case.project,
        "decision": case.decision.value if case.decision is not None else "",
        "decided_at": exact_text(case.decided_at),
        "closed_at": exact_text(case.closed_at),
        "documents": [
            {"id": key, "kind": kind, "number": drawn, "sha256": digest} for key, kind, drawn, digest in documents
        ],
        "certificate": number,
    }


def _watched(one: SupervisionPush, now: datetime) -> dict[str, str]:
    return {
        "id": f"push-{one.id}",
        "remindAt": timer_text(one.due_at, now),
        "escalateAt": timer_text(one.escalate_at, now, position=2),
    }


def append_event(
    session: Session, one: SupervisionPush, event: str, text: str, actor: str, at: datetime, occasion: str = ""
) -> None:
    """Write an event of a push into its case's history, once."""
    key = f"{event}:{one.id}:{occasion}" if occasion else f"{event}:{one.id}"
    timeline.append(session, one.case_no, event, text, actor=actor, at=at, key=key)


def _notify(
    session: Session,
    one: SupervisionPush,
    kind: NotificationKind,
    groups: list[str],
    signal: str,
    text: str,
    at: datetime,
) -> None:
    case = session.get_one(Case, one.case_no)
    inbox.notify(session, case, kind, groups, inbox.Cause(signal, text, at, f"{signal}:{one.id}"))
