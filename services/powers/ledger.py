"""The ledger of delegated powers (权力运行台账): written in the act's own transaction, read by staff.

What happens to filings and questions is the affair of the county and the city unit concerned, and the coordinator's;
everything else is read by all who work with delegated powers.
"""

from datetime import datetime

from pydantic import BaseModel
from sqlmodel import Session, col, select

from models.power_event import PowerEvent, PowerSubject
from services.accounts import power_rights, rights
from services.accounts.actors import Actor
from services.journal import audit
from services.paging import Order, Page, read


class PowerEventView(BaseModel):
    """One line of the ledger."""

    id: int
    subject: PowerSubject
    subject_id: int
    event: str
    at: datetime
    actor: str
    area: str
    unit: str
    text: str


def append(
    session: Session,
    subject: PowerSubject,
    subject_id: int,
    event: str,
    text: str,
    *,
    actor: str,
    at: datetime,
    area: str = "",
    unit: str = "",
    key: str | None = None,
) -> bool:
    """Record an event with its audit entry unless its key (by default its name) exists; tell whether it was new."""
    natural_key = key or event
    known = session.exec(
        select(PowerEvent.id).where(
            PowerEvent.subject == subject,
            PowerEvent.subject_id == subject_id,
            PowerEvent.natural_key == natural_key,
        )
    ).first()
    if known is not None:
        return False
    session.add(
        PowerEvent(
            subject=subject,
            subject_id=subject_id,
            natural_key=natural_key,
            event=event,
            at=at,
            actor=actor,
            area=area,
            unit=unit,
            text=text,
        )
    )
    session.flush()
    audit.append(session, actor, event, f"{subject.value}:{subject_id}", {"key": natural_key}, at)
    return True


def of(session: Session, subject: PowerSubject, subject_id: int) -> list[PowerEventView]:
    """Return everything that happened to one agreement, filing, recall or list, oldest first."""
    rows = session.exec(
        select(PowerEvent)
        .where(PowerEvent.subject == subject, PowerEvent.subject_id == subject_id)
        .order_by(col(PowerEvent.at), col(PowerEvent.id))
    ).all()
    return [_view(row) for row in rows]


def page(
    session: Session,
    actor: Actor,
    *,
    subject: PowerSubject | None = None,
    area: str | None = None,
    unit: str | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[PowerEventView]:
    """Return a page of what the account may read of the ledger, newest first; ``Forbidden`` unless it is staff."""
    rights.require_work_on_cases(actor)
    query = select(PowerEvent).where(power_rights.visible_events(actor))
    for column, wanted in ((PowerEvent.subject, subject), (PowerEvent.area, area), (PowerEvent.unit, unit)):
        if wanted:
            query = query.where(col(column) == wanted)
    return read(session, query, Order(PowerEvent.id, descending=True), cursor, limit).page(_view)


def _view(row: PowerEvent) -> PowerEventView:
    return PowerEventView.model_validate(row.model_dump())
