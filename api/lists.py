"""One page of a list that is short enough to be read whole."""

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import TypeVar

from services.errors import FieldProblem, InvalidInput
from services.views import Page

Row = TypeVar("Row")


def page_of(rows: Sequence[Row], name: Callable[[Row], str], cursor: str | None, limit: int) -> Page[Row]:
    """Return up to ``limit`` rows behind the one the cursor names; raise ``InvalidInput`` for a forged cursor."""
    start = 0
    if cursor:
        wanted = _decoded(cursor)
        start = next((place + 1 for place, row in enumerate(rows) if name(row) == wanted), 0)
        if start == 0:
            raise InvalidInput([FieldProblem("cursor", "游标无效")])
    shown = list(rows[start : start + limit])
    more = start + limit < len(rows)
    return Page(items=shown, next=base64.urlsafe_b64encode(name(shown[-1]).encode()).decode() if more else None)


def _decoded(cursor: str) -> str | None:
    try:
        return base64.b64decode(cursor, altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        return None
