"""Keyset cursors: where a page ended, opaque to the client."""

import base64
import binascii
import json
from typing import Any

from services.errors import FieldProblem, InvalidInput


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
        if len(position) == len(kinds) and all(type(v) is k for v, k in zip(position, kinds, strict=True)):
            return tuple(position)
    except (binascii.Error, ValueError, TypeError, RecursionError):
        pass
    raise InvalidInput([FieldProblem("cursor", "游标无效")])
