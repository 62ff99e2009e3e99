"""Records the feed could not project: the administrator's list, and asking the bridge to project a record again."""

from collections.abc import Sequence
from datetime import datetime

from pydantic import BaseModel
from sqlalchemy import ColumnElement, and_, func
from sqlmodel import Session, col, select

from models.set_aside import KIND_WORDS, SetAsideRecord
from services.accounts.actors import Actor
from services.accounts.system_rights import require_mend_feed
from services.clock import machine_now
from services.errors import Conflict, NotFound, Unavailable
from services.journal import audit
from services.paging import Order, Page, read

PAGE = "/admin/set-aside"
NAMED = 3
"""How many records a summary names before it says 等."""
_ORDER = Order(col(SetAsideRecord.id))


class StillUnreadable(Conflict):
    """The record could not be projected this time either; the detail says why."""

    code, title, title_en = "still_unreadable", "该记录仍然无法读取", "The record still cannot be read"


class RetryNotCarriedOut(Unavailable):
    """The bridge has not answered in time; it carries out the retry when it is back."""

    code, title, title_en = "unavailable", "引擎桥没有应答，恢复后会自动重试", "The bridge has not answered yet"


class SetAsideView(BaseModel):
    """A record of the engine that is set aside."""

    id: str
    kind: str
    """The engine's name of the record's type, such as ``FORM``, ``PROCESS``, ``USER_TASK``."""
    name: str
    """The form's or process's id, or the element's, where it could be read."""
    reason: str
    at: datetime
    waiting: int
    """Later records of the same thing that wait behind this one."""
    retried_at: datetime | None


def waiting_records(
    session: Session, actor: Actor, *, cursor: str | None = None, limit: int = 50
) -> Page[SetAsideView]:
    """Return a page of what is set aside, oldest first; raise ``Forbidden`` for all but the system administrator."""
    require_mend_feed(actor)
    found = read(session, select(SetAsideRecord).where(_is_listed()), _ORDER, cursor, limit)
    behind = _waiting_behind(session, found.rows)
    return found.page(lambda row: _view(row, behind.get(row.id or 0, 0)))


def count(session: Session) -> int:
    """Return how many records are set aside, without those that only wait behind another."""
    return session.exec(select(func.count()).select_from(SetAsideRecord).where(_is_listed())).one()


def summary(session: Session) -> str:
    """Return a sentence on what is set aside, naming the first few; empty when nothing is."""
    total = count(session)
    if not total:
        return ""
    rows = session.exec(
        select(SetAsideRecord.value_type, SetAsideRecord.name)
        .where(_is_listed())
        .order_by(col(SetAsideRecord.id))
        .limit(NAMED)
    ).all()
    named = "、".join(f"{KIND_WORDS.get(kind, kind)} {name}".strip() for kind, name in rows)
    return f"有 {total} 条引擎记录无法读取（{named}{' 等' if total > NAMED else ''}），请系统管理员查看 {PAGE}"


def get(session: Session, actor: Actor, key: int) -> SetAsideView:
    """Return one record, on the list or settled; raise ``Forbidden`` or ``NotFound``."""
    require_mend_feed(actor)
    row = session.get(SetAsideRecord, key)
    if row is None:
        raise NotFound("没有这条搁置的记录", "No such record is set aside")
    return _view(row, _waiting_behind(session, [row]).get(key, 0))


def request_retry(session: Session, actor: Actor, key: int) -> None:
    """Ask the bridge to project a record again, with those behind it; asking twice changes nothing.

    Raises ``Forbidden`` for everyone but the system administrator, and ``NotFound`` for what is not on the list.
    """
    require_mend_feed(actor)
    row = session.get(SetAsideRecord, key, with_for_update=True)
    if row is None or row.settled_at is not None or row.behind is not None:
        raise NotFound("没有这条搁置的记录", "No such record is set aside")
    if row.retry_asked_at is not None:
        return
    now = machine_now()
    row.retry_asked_at = now
    audit.append(session, actor.username, "set_aside.retry", str(key), {"kind": row.value_type, "name": row.name}, now)


def is_carried_out(session: Session, key: int) -> bool:
    """Tell whether the requested retry was carried out and succeeded; raise ``StillUnreadable`` when it failed."""
    row = session.get_one(SetAsideRecord, key)
    if row.retry_asked_at is not None:
        return False
    if row.settled_at is None:
        raise StillUnreadable(row.reason)
    return True


def _is_listed() -> ColumnElement[bool]:
    return and_(col(SetAsideRecord.settled_at).is_(None), col(SetAsideRecord.behind).is_(None))


def _waiting_behind(session: Session, rows: Sequence[SetAsideRecord]) -> dict[int, int]:
    counted = session.exec(
        select(SetAsideRecord.behind, func.count())
        .where(col(SetAsideRecord.behind).in_([row.id for row in rows]), col(SetAsideRecord.settled_at).is_(None))
        .group_by(col(SetAsideRecord.behind))
    ).all()
    return {first: number for first, number in counted if first is not None}


def _view(row: SetAsideRecord, waiting: int) -> SetAsideView:
    return SetAsideView(
        id=str(row.id),
        kind=row.value_type,
        name=row.name,
        reason=row.reason,
        at=row.at,
        waiting=waiting,
        retried_at=row.retried_at,
    )
