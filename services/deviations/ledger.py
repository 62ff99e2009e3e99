"""The ledger of deviations: each recorded once, in the case's timeline too, and reported to the administrator."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from pydantic import BaseModel
from sqlalchemy import func
from sqlmodel import Session, col, select

from models.case import Case
from models.deviation import Deviation, DeviationKind
from models.group import SYSTEM_ADMINISTRATOR
from models.notification import NotificationKind, NotificationSubject
from models.outbox import OutboxCommand, OutboxStatus
from services.accounts import system_rights
from services.accounts.actors import Actor
from services.clock import product_now
from services.journal import audit, timeline
from services.notifications import inbox
from services.paging import Order, Page, read

ASK_AGAIN_AFTER = timedelta(minutes=2)
"""How long after the engine accepted a restoration the deviation may persist before it can be requested again."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Found:
    """What was found: of which instance, and in which task where it is about one."""

    kind: DeviationKind
    natural_key: str
    process_instance_key: int
    text: str
    task_key: int | None = None
    element_id: str = ""


class DeviationView(BaseModel):
    """A deviation as lists show it; ``asked`` is the state of its restoration: pending, sent or dead.

    ``refusal`` is the engine's answer to it, where it was refused or is being retried.
    """

    id: int
    kind: DeviationKind
    kind_name: str
    case_no: str
    process_instance_key: str
    element_id: str
    text: str
    found_at: datetime
    asked: OutboxStatus | None
    asked_by: str | None
    asked_at: datetime | None
    refusal: str | None
    settled_at: datetime | None
    restorable: bool


def record(session: Session, case: Case, found: Found, at: datetime) -> Deviation | None:
    """Record and report a deviation; None where it is recorded already."""
    known = select(Deviation.id).where(Deviation.natural_key == found.natural_key)
    if session.exec(known).first() is not None:
        return None
    row = Deviation(
        kind=found.kind,
        natural_key=found.natural_key,
        case_no=case.case_no,
        process_instance_key=found.process_instance_key,
        task_key=found.task_key,
        element_id=found.element_id,
        text=found.text,
        found_at=at,
    )
    session.add(row)
    session.flush()
    log.warning("engine.deviated", kind=found.kind.value, case_no=case.case_no, instance=found.process_instance_key)
    key = f"deviation:{found.natural_key}"
    timeline.append(session, case.case_no, "case.deviated", found.text, actor=timeline.SYSTEM, at=at, key=key)
    detail = {"kind": found.kind, "process_instance_key": str(found.process_instance_key), "task": found.task_key}
    audit.append(session, timeline.SYSTEM, "engine.deviated", case.case_no, detail, at)
    about = inbox.Subject(NotificationSubject.DEVIATION, row.id or 0, case.item_name, case.area)
    cause = inbox.Cause("deviation", f"{case.case_no}：{found.text}", at, "found")
    inbox.notify_about(session, about, NotificationKind.SUPERVISION, [SYSTEM_ADMINISTRATOR.name], cause)
    return row


def deviations(
    session: Session, actor: Actor, *, settled: bool = False, cursor: str | None = None, limit: int = 50
) -> Page[DeviationView]:
    """Return a page of the open deviations, or of those that are settled, newest first.

    Raises ``Forbidden`` for everyone but the system administrator.
    """
    system_rights.require_administrator(actor)
    since = col(Deviation.settled_at)
    query = select(Deviation).where(since.is_not(None) if settled else since.is_(None))
    found = read(session, query, Order(Deviation.id, descending=True), cursor, limit)
    shown = dict(zip((one.id for one in found.rows), views(session, found.rows), strict=True))
    return found.page(lambda row: shown[row.id])


def count_open(session: Session, most: int) -> int:
    """Return how many deviations are open, counting no further than one more than ``most``."""
    open_ones = select(Deviation.id).where(col(Deviation.settled_at).is_(None)).limit(most + 1)
    return session.exec(select(func.count()).select_from(open_ones.subquery())).one()


def of_instance(session: Session, instance_key: int) -> list[DeviationView]:
    """Return the deviations of one process instance, newest first."""
    query = select(Deviation).where(Deviation.process_instance_key == instance_key)
    return views(session, session.exec(query.order_by(col(Deviation.id).desc())).all())


def views(session: Session, rows: Sequence[Deviation]) -> list[DeviationView]:
    """Return deviations as lists show them."""
    keys = [row.command for row in rows if row.command is not None]
    query = select(OutboxCommand).where(col(OutboxCommand.natural_key).in_(keys))
    commands = {command.natural_key: command for command in session.exec(query).all()} if keys else {}
    now = product_now(session)
    return [_view(row, commands.get(row.command or ""), now) for row in rows]


def _view(row: Deviation, command: OutboxCommand | None, now: datetime) -> DeviationView:
    asked = command.status if command is not None else None
    return DeviationView(
        **row.model_dump(exclude={"process_instance_key", "natural_key", "task_key", "steps", "command"}),
        kind_name=row.kind.label,
        process_instance_key=str(row.process_instance_key),
        asked=asked,
        refusal=command.last_error if command is not None and command.status is not OutboxStatus.SENT else None,
        restorable=is_restorable(row, asked, now),
    )


def is_restorable(row: Deviation, asked: OutboxStatus | None, now: datetime) -> bool:
    """Tell whether restoring a deviation can be requested: not while it is under way, again where it failed."""
    if row.kind is DeviationKind.FOREIGN_GROUP or row.settled_at is not None:
        return False
    in_vain = asked is OutboxStatus.SENT and row.asked_at is not None and now - row.asked_at > ASK_AGAIN_AFTER
    return in_vain or asked in (None, OutboxStatus.DEAD)
