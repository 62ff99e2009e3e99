"""``tongquan clock advance``: move a running instance's controlled clock forward and wait until it has arrived."""

import re
import time
from datetime import datetime

from models.database import Database
from models.group import SYSTEM_ADMINISTRATOR
from services.accounts.actors import Actor
from services.clock import product_now
from services.errors import SetupError
from services.process_engine.clock_advance import LONGEST_ADVANCE_SECONDS, is_done, request_advance
from settings import get_settings

PATIENCE_SECONDS = 3600.0
POLL_SECONDS = 0.2
OPERATOR = Actor("cli", "命令行", frozenset({SYSTEM_ADMINISTRATOR.name}))
UNIT_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


def parse_duration(text: str) -> float:
    """Return the seconds of ``90``, ``45s``, ``30m``, ``12h``, ``3d``, ``2w`` or sums such as ``1d12h``.

    Raises:
        SetupError: it is none of these, not forward, or too far.
    """
    parts = re.findall(r"(\d+(?:\.\d+)?)([smhdw]?)", text.strip().lower())
    whole = "".join(number + unit for number, unit in parts)
    seconds = sum(float(number) * UNIT_SECONDS[unit or "s"] for number, unit in parts)
    if not parts or whole != text.strip().lower() or not 0 < seconds <= LONGEST_ADVANCE_SECONDS:
        raise SetupError(f"时长“{text}”无法识别：请写成秒数，或如 45s、30m、12h、3d、1d12h，且只能向前")
    return seconds


def advance(seconds: float) -> datetime:
    """Move the clock and return the product's new time; the instance must be running.

    Raises:
        TongquanError: the clock is not controlled, or the advance failed or did not end in time.
    """
    database = Database(get_settings().effective_database_url)
    try:
        with database.transaction() as session:
            number = request_advance(session, OPERATOR, seconds)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            with database.reading() as session:
                if is_done(session, number):
                    return product_now(session)
            if time.monotonic() > deadline:
                raise SetupError("等待时钟推进超时：请用 tongquan status 查看实例")
            time.sleep(POLL_SECONDS)
    finally:
        database.dispose()
