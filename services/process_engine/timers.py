"""Instants as texts: to the second and strictly in the future for the engine's timers, exact for other systems."""

from datetime import datetime, timedelta
from typing import Final, overload

SHORTEST_TIMER: Final = timedelta(seconds=1)
"""A timer at or before the engine's now would spin or become an incident (DESIGN §3)."""


@overload
def instant_text(moment: datetime) -> str: ...
@overload
def instant_text(moment: None) -> None: ...
@overload
def instant_text(moment: datetime | None) -> str | None: ...
def instant_text(moment: datetime | None) -> str | None:
    """Return an instant as a process variable holds it; None for a limit that does not run."""
    return moment.isoformat(timespec="seconds") if moment is not None else None


def exact_text(moment: datetime | None) -> str | None:
    """Return an instant in full precision, as messages to other systems give it; None for what did not happen."""
    return moment.isoformat() if moment is not None else None


def timer_text(due: datetime, now: datetime, *, position: int = 1) -> str:
    """Return when a timer fires: at ``due``, or at once where that has passed, the ``position``-th of its sequence."""
    return instant_text(max(due, now + position * SHORTEST_TIMER))
