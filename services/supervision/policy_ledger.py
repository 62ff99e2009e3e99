"""Policy notices as people see them: lists, one notice with its read receipts, and the notices about an item."""

from datetime import date, datetime
from typing import Any

from pydantic import BaseModel
from sqlmodel import Session, col, select

from models.policy import PolicyFile, PolicyItem, PolicyLevel, PolicyNotice, PolicyRecipient
from services.accounts.actors import Actor
from services.errors import NotFound
from services.paging import Order, Page, read

COUNTED = 100
"""Unread notices are counted up to here."""


class PolicyRecipientView(BaseModel):
    """A recipient and its read receipt; ``required`` tells whether the notice waits for it."""

    group: str
    notified_at: datetime | None
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    required: bool


class PolicyFileView(BaseModel):
    """The document, at ``/policy-notices/{id}/file``."""

    name: str
    sha256: str
    size: int


class PolicyNoticeRef(BaseModel):
    """A notice as the guide and the case of an item show it."""

    id: int
    title: str
    level: PolicyLevel
    published_on: date


class PolicyNoticeView(PolicyNoticeRef):
    """A notice with its dates and receipts."""

    items: list[str]
    issued_by: str
    issued_for: str
    issued_at: datetime
    due_at: datetime
    on_time: bool
    recipients: list[PolicyRecipientView]
    pending: list[str]
    reminded_at: datetime | None
    escalated_at: datetime | None
    completed_at: datetime | None
    file: PolicyFileView | None


def list_notices(
    session: Session,
    actor: Actor,
    *,
    item: str | None = None,
    level: PolicyLevel | None = None,
    pending: bool = False,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[PolicyNoticeView]:
    """Return a page of notices, newest first; ``pending`` keeps those the actor's groups have yet to acknowledge."""
    query = select(PolicyNotice)
    if item is not None:
        query = query.where(col(PolicyNotice.id).in_(select(PolicyItem.notice_id).where(PolicyItem.item == item)))
    if level is not None:
        query = query.where(PolicyNotice.level == level)
    if pending:
        query = query.where(col(PolicyNotice.id).in_(_unread(actor)))
    found = read(session, query, Order(PolicyNotice.id, descending=True), cursor, limit)
    return found.page(lambda row: view(session, row))


def count_unread(session: Session, actor: Actor) -> int:
    """Return how many notices wait for the actor's acknowledgement, up to ``COUNTED``."""
    return len(session.exec(_unread(actor).distinct().limit(COUNTED)).all())


def of_item(session: Session, item: str) -> list[PolicyNoticeRef]:
    """Return the notices about an item, newest first, for its guide and its cases."""
    rows = session.exec(
        select(PolicyNotice)
        .join(PolicyItem, col(PolicyItem.notice_id) == PolicyNotice.id)
        .where(PolicyItem.item == item)
        .order_by(col(PolicyNotice.id).desc())
    ).all()
    return [PolicyNoticeRef.model_validate(one, from_attributes=True) for one in rows]


def get_for_update(session: Session, notice_id: int) -> PolicyNotice:
    """Return a notice, locked for whoever acts on it; raise ``NotFound``."""
    notice = session.get(PolicyNotice, notice_id, with_for_update=True)
    if notice is None:
        raise NotFound("没有这份政策文件告知", "No such policy notice")
    return notice


def recipients_of(session: Session, notice_id: int) -> list[PolicyRecipient]:
    """Return a notice's recipients in the order of their names."""
    query = select(PolicyRecipient).where(PolicyRecipient.notice_id == notice_id)
    return list(session.exec(query.order_by(col(PolicyRecipient.group_name))).all())


def file_of(session: Session, notice_id: int) -> PolicyFile:
    """Return a notice's document; raise ``NotFound`` when it has none."""
    file = session.exec(select(PolicyFile).where(PolicyFile.notice_id == notice_id)).first()
    if file is None:
        raise NotFound("该告知没有附件", "The notice has no file")
    return file


def view(session: Session, notice: PolicyNotice) -> PolicyNoticeView:
    """Return a notice as the contract shows it."""
    receipts = recipients_of(session, notice_key(notice))
    stored = session.exec(
        select(PolicyFile.name, PolicyFile.sha256, PolicyFile.size).where(PolicyFile.notice_id == notice.id)
    ).first()
    return PolicyNoticeView(
        **notice.model_dump(exclude={"escalate_at"}),
        on_time=notice.issued_at <= notice.due_at,
        recipients=[
            PolicyRecipientView(
                group=one.group_name,
                notified_at=one.notified_at,
                acknowledged_at=one.acknowledged_at,
                acknowledged_by=one.acknowledged_by,
                required=one.required,
            )
            for one in receipts
        ],
        pending=[one.group_name for one in receipts if one.required and one.acknowledged_at is None],
        file=PolicyFileView(name=stored[0], sha256=stored[1], size=stored[2]) if stored is not None else None,
    )


def _unread(actor: Actor) -> Any:
    return select(PolicyRecipient.notice_id).where(
        col(PolicyRecipient.group_name).in_(sorted(actor.groups)), col(PolicyRecipient.acknowledged_at).is_(None)
    )


def notice_key(notice: PolicyNotice) -> int:
    """Return a stored notice's number."""
    if notice.id is None:
        raise ValueError("the notice is not in the database yet")
    return notice.id
