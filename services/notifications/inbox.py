"""Notifications to groups: reminders (催办) to who has the work in hand, supervision (督办) to who supervises.

They are about a case, or about a policy notice, a filing, a recall, an agreement, a question, a deviation of the
engine or sign-ins (``Subject``). Each is recorded once for its cause and group, dated by the instant the cause came
due.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic import BaseModel
from sqlalchemy import func
from sqlalchemy.orm import lazyload
from sqlmodel import Session, col, select

from models.case import Case
from models.group import COORDINATOR, Group, Role
from models.notification import Notification, NotificationKind, NotificationReading, NotificationSubject
from models.task import Task
from services.accounts import rights
from services.accounts.actors import Actor
from services.catalogue import in_force
from services.clock import product_now
from services.errors import NotFound
from services.paging import Order, Page, read

MAX_TITLE_LENGTH = 300
_ADDRESSES = {
    NotificationSubject.CASE: "/cases/{case_no}",
    NotificationSubject.POLICY_NOTICE: "/policy-notices/{id}",
    NotificationSubject.FILING: "/powers/filings?case_no={case_no}",
    NotificationSubject.RECALL: "/powers/recalls/{id}",
    NotificationSubject.AGREEMENT: "/powers/agreements/{id}",
    NotificationSubject.QUESTION: "/powers/guidance#question-{id}",
    NotificationSubject.DEVIATION: "/admin/deviations#deviation-{id}",
    NotificationSubject.SIGN_IN: "/admin/sign-ins",
}
"""The page of each subject."""
COUNTED = 100
"""Unread notifications are counted up to here."""


@dataclass(frozen=True)
class Cause:
    """Why people are notified: what came due, when, and the key that makes it unique."""

    signal: str
    text: str
    at: datetime
    natural_key: str


@dataclass(frozen=True)
class Subject:
    """What a notification is about where it is not a case's dates; ``case_no`` where it concerns a case."""

    kind: NotificationSubject
    id: int
    title: str
    area: str = ""
    case_no: str | None = None


class NotificationView(BaseModel):
    """A notification as lists show it; ``link`` is the page of its subject.

    ``item_name`` is what the subject is called, ``area`` empty where it concerns the whole city.
    """

    id: int
    case_no: str | None
    subject: NotificationSubject
    subject_id: int | None
    link: str
    item_name: str
    area: str
    kind: NotificationKind
    signal: str
    to: str
    text: str
    at: datetime
    read: bool


def notify(session: Session, case: Case, kind: NotificationKind, groups: Iterable[str], cause: Cause) -> int:
    """Notify ``groups`` of one cause in a case, each once, and return how many were new."""
    about = {"case_no": case.case_no, "title": case.item_name, "area": case.area}
    return _notify(session, f"{case.case_no}:{cause.natural_key}", about, kind, groups, cause)


def notify_about(
    session: Session, subject: Subject, kind: NotificationKind, groups: Iterable[str], cause: Cause
) -> int:
    """Notify ``groups`` of one cause in something other than a case, each once; return how many were new."""
    about = {
        "case_no": subject.case_no,
        "subject": subject.kind,
        "subject_id": subject.id,
        "title": subject.title[:MAX_TITLE_LENGTH],
        "area": subject.area,
    }
    return _notify(session, f"{subject.kind.value}:{subject.id}:{cause.natural_key}", about, kind, groups, cause)


def _notify(
    session: Session, key: str, about: dict[str, Any], kind: NotificationKind, groups: Iterable[str], cause: Cause
) -> int:
    notified = set(session.exec(select(Notification.to_group).where(Notification.natural_key == key)).all())
    fresh = [group for group in dict.fromkeys(groups) if group not in notified]
    for group in fresh:
        session.add(
            Notification(
                **about,
                natural_key=key,
                kind=kind,
                signal=cause.signal,
                to_group=group,
                text=cause.text,
                at=cause.at,
            )
        )
    session.flush()
    return len(fresh)


def groups_at_work(session: Session, case: Case) -> list[str]:
    """Return the groups of the case's open tasks, its window where none is open."""
    rows = session.exec(select(Task).where(Task.case_no == case.case_no, col(Task.is_open)).order_by("created_at"))
    groups = [group for task in rows for group in task.candidate_groups]
    return list(dict.fromkeys(groups)) or [Group.of_area(case.area, Role.WINDOW).name]


def supervising_groups(session: Session, case: Case) -> list[str]:
    """Return who supervises the case by the responsibility matrix, and the city's coordinator."""
    supervises, follows_up = in_force.supervisors(session, case)
    return list(dict.fromkeys(one for one in (supervises, follows_up, COORDINATOR.name) if one is not None))


def list_notifications(
    session: Session,
    actor: Actor,
    *,
    unread: bool = False,
    case_no: str | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[NotificationView]:
    """Return the notifications to the actor's groups, newest first."""
    query = (
        select(Notification, Case, NotificationReading.read_at)
        .join(Case, col(Case.case_no) == col(Notification.case_no), isouter=True)
        # A notification without a case stays in the list, which the usual inner join of a case's deadlines would drop.
        .options(lazyload(Case.deadlines))  # type: ignore[arg-type]
        .join(
            NotificationReading,
            (col(NotificationReading.notification_id) == col(Notification.id))
            & (col(NotificationReading.username) == actor.username),
            isouter=True,
        )
        .where(col(Notification.to_group).in_(sorted(actor.groups)))
    )
    if unread:
        query = query.where(col(NotificationReading.read_at).is_(None))
    if case_no:
        query = query.where(Notification.case_no == case_no)
    found = read(session, query, Order(Notification.id, descending=True), cursor, limit)
    items = [_view(notification, case, read_at is not None) for notification, case, read_at in found.rows]
    return Page[NotificationView](items=items, next=found.next)


def mark_read(session: Session, actor: Actor, notification_id: int) -> NotificationView:
    """Record that the actor has read a notification; a second time changes nothing."""
    notification = session.get(Notification, notification_id)
    if notification is None:
        raise NotFound("没有这条提醒", "No such notice")
    rights.require_read_notification(actor, notification.to_group)
    _read(session, actor, notification_id)
    return _view(
        notification, session.get(Case, notification.case_no) if notification.case_no is not None else None, True
    )


def mark_all_read(session: Session, actor: Actor) -> None:
    """Record that the actor has read everything there is."""
    for notification_id in session.exec(_unread(actor)).all():
        if notification_id is not None:
            _read(session, actor, notification_id)


def count_unread(session: Session, actor: Actor) -> int:
    """Return how many notifications the actor has not read, up to ``COUNTED``."""
    unread = _unread(actor).limit(COUNTED).subquery()
    return session.exec(select(func.count()).select_from(unread)).one()


def _unread(actor: Actor) -> Any:
    read = select(NotificationReading.notification_id).where(NotificationReading.username == actor.username)
    return select(Notification.id).where(
        col(Notification.to_group).in_(sorted(actor.groups)), col(Notification.id).not_in(read)
    )


def _read(session: Session, actor: Actor, notification_id: int) -> None:
    if session.get(NotificationReading, (notification_id, actor.username)) is None:
        session.add(
            NotificationReading(notification_id=notification_id, username=actor.username, read_at=product_now(session))
        )
        session.flush()


def _view(notification: Notification, case: Case | None, read: bool) -> NotificationView:
    return NotificationView(
        id=notification.id or 0,
        case_no=notification.case_no,
        subject=notification.subject,
        subject_id=notification.subject_id,
        link=_ADDRESSES[notification.subject].format(id=notification.subject_id, case_no=notification.case_no),
        item_name=notification.title or (case.item_name if case is not None else ""),
        area=notification.area or (case.area if case is not None else ""),
        kind=notification.kind,
        signal=notification.signal,
        to=notification.to_group,
        text=notification.text,
        at=notification.at,
        read=read,
    )
