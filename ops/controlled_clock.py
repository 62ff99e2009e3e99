"""Read ``--controlled-clock[=START]``: no value starts at the machine's time, a naive one is China time."""

from datetime import datetime

from models.database import CHINA
from services.errors import SetupError

BARE = "--controlled-clock"


def with_explicit_value(arguments: list[str]) -> list[str]:
    """Return the command line with a bare ``--controlled-clock`` given its empty value, which parsers need."""
    return [f"{BARE}=" if argument == BARE else argument for argument in arguments]


def parse_start(value: str | None) -> tuple[bool, datetime | None]:
    """Return whether the clock is controlled, and the instant it starts at, if one was given.

    Raises:
        SetupError: the value is not a date or an instant of ISO 8601.
    """
    if value is None:
        return False, None
    if not value:
        return True, None
    try:
        start = datetime.fromisoformat(value)
    except ValueError as exc:
        raise SetupError(
            f"--controlled-clock 的起始时刻“{value}”无法识别：请写成 2026-09-21T09:00:00+08:00 或 2026-09-21"
        ) from exc
    return True, start if start.tzinfo is not None else start.replace(tzinfo=CHINA)
