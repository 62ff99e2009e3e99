"""Cursors: where the next page of a list begins, opaque to the client and not trusted when they come back.

A cursor is the base64 of a JSON array, the sort values of the last row shown. Only what :func:`encode` writes is
accepted, character for character, for positions every database can compare: kinds and sizes are the columns' own.
"""

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from services.errors import FieldProblem, InvalidInput

Reader = Callable[[Any], Any]
"""Turn a value of a cursor into a sort value; raise ``ValueError`` for one the list cannot hold."""

INTEGER_END: Final = 2**31
BIG_INTEGER_END: Final = 2**63
FIRST_INSTANT: Final = datetime.min.replace(tzinfo=UTC) + timedelta(days=1)
LAST_INSTANT: Final = datetime.max.replace(tzinfo=UTC) - timedelta(days=1)
"""Every time zone can represent the instants between these two."""


class InvalidCursor(InvalidInput):
    """The cursor does not belong to this list (422, field ``cursor``)."""

    def __init__(self) -> None:
        super().__init__([FieldProblem("cursor", "游标无效")])


def encode(*position: Any) -> str:
    """Return the cursor of a position: numbers, printable ASCII texts and aware instants."""
    written = [one.astimezone(UTC).isoformat() if isinstance(one, datetime) else one for one in position]
    return base64.urlsafe_b64encode(json.dumps(written).encode()).decode().rstrip("=")


def decode(cursor: str | None, *readers: Reader) -> tuple[Any, ...] | None:
    """Return the position of a cursor, None for none or an empty one; raise ``InvalidCursor`` for a forged one."""
    if not cursor:
        return None
    try:
        written = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
        if isinstance(written, list):
            position = tuple(read(value) for read, value in zip(readers, written, strict=True))
            if encode(*position) == cursor:
                return position
    except (ValueError, OverflowError, RecursionError):
        pass
    raise InvalidCursor


def integer(value: Any) -> int:
    """Read a row's number, as an ``INTEGER`` column holds it."""
    return _number(value, INTEGER_END)


def big_integer(value: Any) -> int:
    """Read a key of the engine, as a ``BIGINT`` column holds it."""
    return _number(value, BIG_INTEGER_END)


def text(value: Any) -> str:
    """Read a code or a number written as text: ASCII without control characters."""
    if isinstance(value, str) and value.isascii() and value.isprintable():
        return value
    raise ValueError("no code")


def instant(value: Any) -> datetime:
    """Read an instant."""
    if not isinstance(value, str):
        raise ValueError("no instant")
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None or not FIRST_INSTANT <= moment <= LAST_INSTANT:
        raise ValueError("an instant that some time zone cannot write")
    return moment


def _number(value: Any, end: int) -> int:
    if type(value) is int and 0 <= value < end:
        return value
    raise ValueError("no number of a row")
