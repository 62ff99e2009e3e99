"""Keyset cursors: where a page ended, opaque to the client."""

import base64
import binascii
import json
from typing import Any, Generic, TypeVar

from pydantic import BaseModel

from services.errors import FieldProblem, InvalidInput

LARGEST_KEY = 2**63
Row = TypeVar("Row")


class Page(BaseModel, Generic[Row]):
    """One page of a list and the cursor of the next."""

    items: list[Row]
    next: str | None = None


def encode_cursor(*position: Any) -> str:
    """Return the cursor of a position (sort values of the last row)."""
    return base64.urlsafe_b64encode(json.dumps(position).encode()).decode().rstrip("=")


def decode_cursor(cursor: str | None, kinds: tuple[type, ...]) -> tuple[Any, ...] | None:
    """Return the position of a cursor, None without one; raise ``InvalidInput`` for a forged one."""
    if cursor is None:
        return None
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        position = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        if len(position) == len(kinds) and all(map(_fits, position, kinds)):
            return tuple(position)
    except (binascii.Error, ValueError, TypeError, RecursionError):
        pass
    raise InvalidInput([FieldProblem("cursor", "游标无效")])


def _fits(value: Any, kind: type) -> bool:
    """Tell whether a value of a cursor is of its kind and of a size the database can hold."""
    if type(value) is not kind:
        return False
    return abs(value) < LARGEST_KEY if isinstance(value, int) else str(value).isascii()
