"""The product's clock: the machine's, or under a controlled clock the machine's plus a stored offset.

This is the one place that asks the machine for the time. Credentials, heartbeats and back-off use ``machine_now``;
everything about a case uses ``product_now``.
"""

from datetime import datetime, timedelta

from sqlmodel import Session

from models.clock_state import ClockState
from models.database import CHINA
from settings import get_settings

CLOCK_ROW = 1


def machine_now() -> datetime:
    """Return the machine's time in China's zone."""
    return datetime.now(CHINA)


def product_now(session: Session) -> datetime:
    """Return the product's time, read afresh in every transaction under a controlled clock."""
    if not get_settings().controlled_clock:
        return machine_now()
    return machine_now() + timedelta(milliseconds=stored_offset_ms(session))


def stored_offset_ms(session: Session) -> int:
    """Return the product's lead over the machine in milliseconds; 0 when it was never controlled."""
    state = session.get(ClockState, CLOCK_ROW)
    return state.offset_ms if state is not None and state.controlled else 0


def control(session: Session, start: datetime | None) -> int:
    """Switch the controlled clock on and return the offset in milliseconds.

    ``start`` counts on an empty instance only: a clock that already runs is never set back.
    """
    state = session.get(ClockState, CLOCK_ROW)
    if state is None:
        offset = (start - machine_now()) / timedelta(milliseconds=1) if start is not None else 0
        state = ClockState(id=CLOCK_ROW, controlled=True, offset_ms=int(offset))
        session.add(state)
    return state.offset_ms
