"""What the rules of filings share: rows, whom a filing concerns, when a reminder is due, how an event is recorded."""

from datetime import datetime
from typing import Any, Final

from sqlmodel import Session, col, select

from models.calendar import CITY_WIDE
from models.case import Case
from models.filing import Filing, FilingQuestion
from models.group import Group, Role
from models.power_event import PowerSubject
from models.protocol import Message
from models.working_calendar import china_date, end_of_day
from services import locks
from services.accounts import power_rights
from services.accounts.actors import Actor
from services.deadlines.working_calendar import calendar_of
from services.errors import NotFound
from services.powers import recorder
from services.process_engine import outbox

ACKNOWLEDGE_DAYS: Final = 10
"""Working days after which the city unit is reminded of an unacknowledged filing, each time anew."""


def get_readable(session: Session, actor: Actor, filing_id: int, *, locked: bool = False) -> Filing:
    """Return a filing the actor may read.

    Raises:
        NotFound: there is none.
        Forbidden: it concerns neither the actor's unit nor the area.
    """
    filing = locks.find_for_update(session, Filing, filing_id) if locked else session.get(Filing, filing_id)
    if filing is None:
        raise NotFound("没有这件报备", "No such filing")
    power_rights.require_read_filing(actor, filing.area, filing.unit)
    return filing


def get_for_update(session: Session, case_no: str) -> Filing:
    """Return the filing a job is about to change."""
    query = select(Filing).where(Filing.case_no == case_no).with_for_update()
    return session.exec(query.execution_options(populate_existing=True)).one()


def questions_of(session: Session, filing: Filing) -> list[FilingQuestion]:
    """Return the questions put about a filing, in their order."""
    return list(
        session.exec(
            select(FilingQuestion).where(FilingQuestion.filing_id == filing.id).order_by(col(FilingQuestion.number))
        ).all()
    )


def reminder_due(session: Session, filing: Filing) -> datetime:
    """Return when the city unit is reminded next, for as long as the turn is its own."""
    days = ACKNOWLEDGE_DAYS * (filing.reminders + 1)
    city = calendar_of(session, CITY_WIDE)
    return end_of_day(city.add_working_days(china_date(filing.waiting_since), days))


def city_group(filing: Filing) -> str:
    """Return the group of the city unit that a filing is sent to."""
    return Group.of_city_unit(filing.unit, Role.REVIEWER).name


def county_groups(filing: Filing) -> list[str]:
    """Return the groups of the county that answer for a decision, the approver first."""
    return [Group.of_area(filing.area, role).name for role in (Role.APPROVER, Role.REVIEWER)]


def record_event(
    session: Session,
    filing: Filing,
    event: str,
    text: str,
    actor: str,
    at: datetime,
    key: str | None = None,
    *notices: recorder.Notice,
) -> None:
    """Record an event, notify whoever has to act on it, and tell outside systems."""
    title = session.get_one(Case, filing.case_no).item_name
    matter = recorder.Matter(
        PowerSubject.FILING, filing.id or 0, filing.area, filing.unit, title=title, case_no=filing.case_no
    )
    data = {
        "filing_id": filing.id,
        "case_no": filing.case_no,
        "item": filing.item,
        "area": filing.area,
        "to": city_group(filing),
        "kind": filing.kind.value,
        "state": filing.state.value,
        "decision": filing.decision,
    }
    recorder.record(session, matter, event, text, actor=actor, at=at, key=key, notices=notices, webhook=data)


def publish(
    session: Session, filing: Filing, message: Message, occasion: str, variables: dict[str, Any] | None = None
) -> None:
    """Tell the running ``county-filing`` what happened; each occasion is one message."""
    outbox.publish_message(
        session,
        message,
        stream=filing.case_no,
        correlation_key=filing.case_no,
        message_id=f"{filing.case_no}:filing:{occasion}",
        variables=variables,
    )
