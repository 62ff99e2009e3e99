"""Request that the controlled clock be moved forward, and see whether it was; the bridge moves it."""

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session

from models.clock_state import AdvanceStatus, ClockAdvance
from services.accounts import system_rights
from services.accounts.actors import Actor
from services.clock import machine_now
from services.errors import Conflict, Unavailable
from services.journal import audit
from settings import get_settings

LONGEST_ADVANCE_SECONDS = 20 * 366 * 24 * 3600
"""Twenty years."""


class ClockNotControlled(Conflict):
    """The product runs by the machine's clock."""

    code, title, title_en = "clock_not_controlled", "时钟未受控，不能拨动", "The clock is not controlled"


class AdvanceFailed(Unavailable):
    """The bridge could not carry the advance out."""

    code, title, title_en = "clock_advance_failed", "时钟未能拨到指定时刻", "The clock could not be advanced"


class AdvanceInput(BaseModel):
    """How far to move the clock."""

    model_config = ConfigDict(extra="forbid")

    seconds: float = Field(gt=0, le=LONGEST_ADVANCE_SECONDS, strict=True)


def request_advance(session: Session, actor: Actor, seconds: float) -> int:
    """Record a request to move the clock and return its number; raise ``Forbidden`` or ``ClockNotControlled``."""
    system_rights.require_administrator(actor)
    if not get_settings().controlled_clock:
        raise ClockNotControlled
    now = machine_now()
    advance = ClockAdvance(seconds=seconds, requested_by=actor.username, requested_at=now)
    session.add(advance)
    session.flush()
    assert advance.id is not None  # noqa: S101  # The flush has just given it one.
    audit.append(session, actor.username, "clock.advance", str(advance.id), {"seconds": seconds}, now)
    return advance.id


def is_done(session: Session, number: int) -> bool:
    """Tell whether the bridge has moved the clock; raise ``AdvanceFailed`` when it gave up."""
    advance = session.get_one(ClockAdvance, number)
    if advance.status == AdvanceStatus.FAILED:
        raise AdvanceFailed(advance.error or "")
    return advance.status == AdvanceStatus.DONE
