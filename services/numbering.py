"""Serial numbers of cases, documents and certificates: one sequence per prefix, no number twice."""

from functools import lru_cache
from typing import Any

from sqlmodel import Session, col

from models.case import NumberSequence
from models.upsert import insert_on


def next_number(session: Session, prefix: str) -> int:
    """Return the next number under a prefix, from 1 on, in one atomic statement.

    The row stays locked until the transaction ends: a rolled-back number is drawn again, so there are no gaps. Keep
    prefixes narrow (an area, a unit, a day or year) where many transactions draw numbers at a time.
    """
    draw = _draw(session.get_bind().dialect.name)
    return int(session.connection().execute(draw, {"prefix": prefix, "last": 1}).scalar_one())


@lru_cache(maxsize=2)
def _draw(dialect: str) -> Any:
    return (
        insert_on(dialect, NumberSequence)
        .on_conflict_do_update(index_elements=["prefix"], set_={"last": col(NumberSequence.last) + 1})
        .returning(col(NumberSequence.last))
    )
