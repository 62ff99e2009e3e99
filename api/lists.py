"""One page of a list that is short enough to be read whole."""

from collections.abc import Callable, Sequence
from typing import TypeVar

from services.errors import FieldProblem, InvalidInput
from services.paging import Page, decode_cursor, encode_cursor

Row = TypeVar("Row")


def page_of(rows: Sequence[Row], name: Callable[[Row], str], cursor: str | None, limit: int) -> Page[Row]:
    """Return up to ``limit`` rows behind the one the cursor names; raise ``InvalidInput`` for a forged cursor."""
    start = 0
    if (position := decode_cursor(cursor or None, (str,))) is not None:
        start = next((place + 1 for place, row in enumerate(rows) if name(row) == position[0]), 0)
        if start == 0:
            raise InvalidInput([FieldProblem("cursor", "游标无效")])
    shown = list(rows[start : start + limit])
    more = start + limit < len(rows)
    return Page(items=shown, next=encode_cursor(name(shown[-1])) if more else None)
