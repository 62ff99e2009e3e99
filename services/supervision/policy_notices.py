"""Policy notices (政策文件告知函): supervisors tell the approvers of new policy within five working days.

Who must know follows from the items: the city unit that decides ``substantive`` and ``window`` items, the county
approver of each area a ``direct`` item is delegated to; these acknowledge it. Told with them, and free to acknowledge,
are the county units that review in substance (实质性审核权), where an agreement gives them the power, and the windows
of every area that has the item. A county's supervisor tells its own county, and of the city whoever decides.
Where the power is recalled from an area, the city unit decides there and is notified in the county's place.
"""

import base64
import binascii
import hashlib
from collections.abc import Sequence
from datetime import date, datetime
from typing import Final

from sqlmodel import Session

from models.calendar import CITY_WIDE
from models.catalogue import ItemVersion, Mode
from models.group import COORDINATOR, Group, Role
from models.notification import NotificationKind, NotificationSubject
from models.policy import PolicyFile, PolicyItem, PolicyLevel, PolicyNotice, PolicyRecipient
from models.protocol import START_TTL_MS, Message
from models.working_calendar import china_date
from services.accounts import supervision_rights
from services.accounts.actors import Actor
from services.catalogue import in_force
from services.clock import product_now
from services.deadlines.working_calendar import calendar_of
from services.errors import FieldProblem, InvalidInput
from services.journal import audit, seals
from services.notifications import inbox
from services.powers import agreements
from services.process_engine import outbox
from services.process_engine.timers import timer_text
from services.supervision.escalation import reminder_and_escalation
from services.supervision.policy_ledger import PolicyNoticeView, get_for_update, notice_key, recipients_of, view
from services.webhooks import subscriptions
from services.webhooks.event_types import Event

NOTICE_LIMIT_DAYS: Final = 5
"""Working days from publication within which the approvers must have the notice (plan, section 四.六)."""
MAX_FILE_BYTES: Final = 5 * 1024 * 1024
MAX_TITLE_LENGTH: Final = 300
MAX_ITEMS: Final = 200
OLDEST_YEAR: Final = 1949


def issue(
    session: Session,
    actor: Actor,
    *,
    title: str,
    level: PolicyLevel,
    published_on: date,
    items: Sequence[str],
    file_name: str | None = None,
    content: bytes | None = None,
) -> PolicyNoticeView:
    """Register a policy document and notify its recipients at once.

    Raises ``Forbidden`` for everybody but supervisors, and ``InvalidInput`` for a future day, an unknown item,
    an item the county has nothing to do with, or a file that is empty or too large.
    """
    voice = supervision_rights.get_issuing_group(actor)
    now = product_now(session)
    today = china_date(now)
    versions = [in_force.find_item_or_latest(session, code, today) for code in items]
    problems = [*_content_problems(title, published_on, today, content), *_item_problems(items, versions, voice)]
    if problems:
        raise InvalidInput(problems)
    known = [one for one in versions if one is not None]
    recipients = _recipients(session, known, voice, today)
    due, escalate = reminder_and_escalation(calendar_of(session, CITY_WIDE), published_on, NOTICE_LIMIT_DAYS)
    notice = PolicyNotice(
        title=title.strip(),
        level=level,
        published_on=published_on,
        items=list(dict.fromkeys(items)),
        issued_by=actor.username,
        issued_for=voice.name,
        issued_at=now,
        due_at=due,
        escalate_at=escalate,
    )
    session.add(notice)
    session.flush()
    key = notice_key(notice)
    session.add_all(PolicyItem(notice_id=key, item=code) for code in notice.items)
    session.add_all(
        PolicyRecipient(notice_id=key, group_name=group, required=required) for group, required in recipients.items()
    )
    if content is not None:
        digest = hashlib.sha256(content).hexdigest()
        name = _plain_name(file_name)
        file = PolicyFile(notice_id=key, name=name, sha256=digest, size=len(content), content=content)
        session.add(file)
        seals.seal(session, file)
    session.flush()
    outbox.publish_message(
        session,
        Message.POLICY_NOTICE_ISSUED,
        stream=f"notice-{key}",
        correlation_key=f"notice-{key}",
        message_id=f"notice-{key}",
        variables={
            "noticeId": f"notice-{key}",
            "dueAt": timer_text(notice.due_at, now),
            "escalateAt": timer_text(notice.escalate_at, now, position=2),
        },
        time_to_live_ms=START_TTL_MS,
    )
    audit.append(session, actor.username, "policy.issue", f"notice-{key}", {"items": notice.items}, now)
    return view(session, notice)


def deliver(session: Session, notice_id: int) -> None:
    """Deliver the notice to its recipients, each once, dated by its issue."""
    notice = get_for_update(session, notice_id)
    for recipient in recipients_of(session, notice_id):
        if recipient.notified_at is None:
            recipient.notified_at = notice.issued_at
            session.add(recipient)
    _emit(session, Event.POLICY_ISSUED, notice, notice.issued_at)


def acknowledge(session: Session, actor: Actor, notice_id: int) -> PolicyNoticeView:
    """Record that the actor's groups have read the notice; the last one ends the waiting. Safe to repeat."""
    notice = get_for_update(session, notice_id)
    everyone = recipients_of(session, notice_id)
    supervision_rights.require_acknowledge(actor, [one.group_name for one in everyone])
    own = [one for one in everyone if actor.acts_for((one.group_name,))]
    now = product_now(session)
    fresh = [one for one in own if one.acknowledged_at is None]
    for one in fresh:
        one.acknowledged_at, one.acknowledged_by = now, actor.username
        session.add(one)
    if fresh:
        groups = [one.group_name for one in fresh]
        audit.append(session, actor.username, "policy.acknowledge", f"notice-{notice_id}", {"groups": groups}, now)
        _emit(session, Event.POLICY_ACKNOWLEDGED, notice, now)
    if notice.completed_at is None and all(one.acknowledged_at is not None for one in everyone if one.required):
        notice.completed_at = now
        session.add(notice)
        outbox.publish_message(
            session,
            Message.POLICY_NOTICE_ACKNOWLEDGED,
            stream=f"notice-{notice_id}",
            correlation_key=f"notice-{notice_id}",
            message_id=f"notice-{notice_id}:acknowledged",
        )
    return view(session, notice)


def remind(session: Session, notice_id: int) -> None:
    """Record that some recipients have not acknowledged the notice when it is due, once."""
    notice = get_for_update(session, notice_id)
    if notice.completed_at is None and notice.reminded_at is None:
        notice.reminded_at = max(notice.due_at, notice.issued_at)
        session.add(notice)
        silent = _silent(session, notice_id)
        text = f"政策文件《{notice.title}》到期未签收，请签收"
        _notify(session, notice, NotificationKind.REMINDER, silent, "policy_due", text, notice.reminded_at)
        _emit(session, Event.POLICY_OVERDUE, notice, notice.reminded_at)


def escalate(session: Session, notice_id: int) -> None:
    """Report the silent recipients to the city's coordinator, once."""
    notice = get_for_update(session, notice_id)
    if notice.completed_at is None and notice.escalated_at is None:
        notice.escalated_at = max(notice.escalate_at, notice.issued_at)
        session.add(notice)
        silent = _silent(session, notice_id)
        text = f"政策文件《{notice.title}》仍有{len(silent)}个审批单位未签收"
        groups = [COORDINATOR.name, notice.issued_for, *silent]
        _notify(session, notice, NotificationKind.SUPERVISION, groups, "policy_escalated", text, notice.escalated_at)
        _emit(session, Event.POLICY_ESCALATED, notice, notice.escalated_at)


def decode_file(text: str) -> bytes:
    """Return the content of a base64 text; raise ``InvalidInput`` for anything else."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidInput([FieldProblem("file.content_base64", "不是有效的 base64")]) from error


def _content_problems(title: str, published_on: date, today: date, content: bytes | None) -> list[FieldProblem]:
    problems = []
    if not 1 <= len(title.strip()) <= MAX_TITLE_LENGTH:
        problems.append(FieldProblem("title", f"应为1至{MAX_TITLE_LENGTH}个字符"))
    if published_on > today:
        problems.append(FieldProblem("published_on", "不能晚于今天"))
    if published_on.year < OLDEST_YEAR:
        problems.append(FieldProblem("published_on", "日期过早"))
    if content is not None and not 1 <= len(content) <= MAX_FILE_BYTES:
        problems.append(FieldProblem("file", f"附件应为1字节至{MAX_FILE_BYTES // 1024 // 1024} MB"))
    return problems


def _item_problems(codes: Sequence[str], versions: Sequence[ItemVersion | None], voice: Group) -> list[FieldProblem]:
    if not 1 <= len(codes) <= MAX_ITEMS:
        return [FieldProblem("items", f"应为1至{MAX_ITEMS}个事项")]
    unknown = [code for code, version in zip(codes, versions, strict=True) if version is None]
    if unknown:
        return [FieldProblem("items", f"没有这些事项：{'、'.join(one[:20] for one in unknown[:10])}")]
    foreign = [one.code for one in versions if one is not None and voice.area and voice.area not in one.areas]
    if foreign:
        return [FieldProblem("items", f"以下事项未下放至本县（市、区）：{'、'.join(foreign[:10])}")]
    return []


def _recipients(session: Session, items: Sequence[ItemVersion], voice: Group, today: date) -> dict[str, bool]:
    """Return who is told of the items, by name, and whether the notice waits for them: for those who decide."""
    recalled, agreed = in_force.recalled(session, today), agreements.pairs_in_force(session, today)
    told: set[str] = set()
    deciding: set[str] = set()
    for item in items:
        in_city = Group.of_city_unit(item.unit, Role.APPROVER).name
        if item.mode in Mode.decided_by_city():
            deciding.add(in_city)
        for area in item.areas:
            if voice.area not in (None, area):
                continue
            if (area, item.code) in recalled:
                deciding.add(in_city)
                continue
            if item.mode is Mode.DIRECT:
                deciding.add(Group.of_area(area, Role.APPROVER).name)
            elif item.mode is Mode.SUBSTANTIVE:
                if (area, item.code) not in agreed:
                    continue
                unit = in_force.county_unit(session, item, area, today)
                told.add(unit.reviewer_group if unit is not None else Group.of_area(area, Role.REVIEWER).name)
            told.add(Group.of_area(area, Role.WINDOW).name)
    return {group: group in deciding for group in sorted(deciding | told)}


def _silent(session: Session, notice_id: int) -> list[str]:
    return [one.group_name for one in recipients_of(session, notice_id) if one.required and one.acknowledged_at is None]


def _notify(
    session: Session,
    notice: PolicyNotice,
    kind: NotificationKind,
    groups: Sequence[str],
    signal: str,
    text: str,
    at: datetime,
) -> None:
    subject = inbox.Subject(NotificationSubject.POLICY_NOTICE, notice_key(notice), notice.title)
    inbox.notify_about(session, subject, kind, groups, inbox.Cause(signal, text, at, signal))


def _emit(session: Session, event: Event, notice: PolicyNotice, at: datetime) -> None:
    shown = view(session, notice)
    data = {
        **shown.model_dump(include={"title", "level", "published_on", "items", "issued_at", "due_at"}),
        "notice_id": shown.id,
        "recipients": [one.group for one in shown.recipients],
        "acknowledged": [one.group for one in shown.recipients if one.acknowledged_at is not None],
        "file_sha256": shown.file.sha256 if shown.file is not None else None,
    }
    subscriptions.publish(session, event, f"notice:{notice.id}", data, at)


def _plain_name(name: str | None) -> str:
    """Return a file's name without folders and control characters."""
    last = (name or "").replace("\\", "/").rsplit("/", 1)[-1]
    return "".join(sign for sign in last if sign.isprintable()).strip()[:200] or "附件"
