"""Pages of lists by keyset: a page begins after the last row of the one before, whatever was added or removed since."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, TypeVarTuple, overload

from pydantic import BaseModel
from sqlalchemy import BigInteger, ColumnElement, Integer, and_, or_
from sqlalchemy import Select as AnySelect
from sqlmodel import Session, SQLModel
from sqlmodel.sql.expression import Select, SelectOfScalar

from models.database import Instant
from services import cursors

Row = TypeVar("Row")
View = TypeVar("View")
Columns = TypeVarTuple("Columns")
Query = TypeVar("Query", bound=AnySelect[Any])


class Page(BaseModel, Generic[Row]):
    """One page of a list and the cursor of the next."""

    items: list[Row]
    next: str | None = None


@dataclass(frozen=True)
class Slice(Generic[Row]):
    """The rows of one page, before they are shown, and the cursor of the next."""

    rows: list[Row]
    next: str | None

    def page(self, view: Callable[[Row], View]) -> Page[View]:
        """Return the page, each row as ``view`` shows it."""
        return Page(items=[view(row) for row in self.rows], next=self.next)


class Order:
    """The order of a list: columns that together are unique, all ascending or all descending."""

    def __init__(self, *columns: Any, descending: bool = False) -> None:
        self._columns = columns
        self._descending = descending

    def clauses(self) -> list[Any]:
        """Return what to order by."""
        return [column.desc() if self._descending else column.asc() for column in self._columns]

    def behind(self, *position: Any) -> ColumnElement[bool]:
        """Return the condition for the rows after a position, given as values or as bound parameters.

        The first condition on a column bounds the index range: given only the alternatives for ties, a database reads
        the list from its start.
        """
        (*leading, (last, end)) = zip(self._columns, position, strict=True)
        condition: ColumnElement[bool] = self._beyond(last, end)
        for column, value in reversed(leading):
            reached = column <= value if self._descending else column >= value
            condition = and_(reached, or_(self._beyond(column, value), condition))
        return condition

    def decode(self, cursor: str | None) -> tuple[Any, ...] | None:
        """Return the position a cursor names, None for none; raise ``InvalidCursor`` for a forged one."""
        return cursors.decode(cursor, *(_reader(column.type) for column in self._columns))

    def position(self, row: Any) -> tuple[Any, ...]:
        """Return the position of a row, or of the first of several entities in one row."""
        entity = row if isinstance(row, SQLModel) else row[0]
        return tuple(getattr(entity, column.key) for column in self._columns)

    def _beyond(self, column: Any, value: Any) -> Any:
        return column < value if self._descending else column > value


def behind_cursor(query: Query, order: Order, cursor: str | None) -> Query:
    """Return the query for the rows after a cursor, all of them without one, in the list's order."""
    position = order.decode(cursor)
    return (query if position is None else query.where(order.behind(*position))).order_by(*order.clauses())


@overload
def read(session: Session, query: SelectOfScalar[Row], order: Order, cursor: str | None, limit: int) -> Slice[Row]: ...


@overload
def read(
    session: Session, query: Select[*Columns], order: Order, cursor: str | None, limit: int
) -> Slice[tuple[*Columns]]: ...


def read(session: Session, query: Any, order: Order, cursor: str | None, limit: int) -> Slice[Any]:
    """Return up to ``limit`` rows of a query after a cursor; raise ``InvalidCursor`` for a forged one."""
    rows = session.exec(behind_cursor(query, order, cursor).limit(limit + 1)).all()
    return cut(rows, limit, order.position)


def cut(rows: Sequence[Row], limit: int, position: Callable[[Row], tuple[Any, ...]]) -> Slice[Row]:
    """Return the first ``limit`` of the rows; one row more means that another page follows."""
    shown = list(rows[:limit])
    return Slice(shown, cursors.encode(*position(shown[-1])) if len(rows) > limit else None)


def page_of(rows: Sequence[Row], name: Callable[[Row], str], cursor: str | None, limit: int) -> Page[Row]:
    """Return a page of a list short enough to be read whole, after the row the cursor names.

    Raises:
        InvalidCursor: the cursor is forged or names no row of the list.
    """
    start = 0
    if (position := cursors.decode(cursor, cursors.text)) is not None:
        names = [name(row) for row in rows]
        if position[0] not in names:
            raise cursors.InvalidCursor
        start = names.index(position[0]) + 1
    found = cut(rows[start : start + limit + 1], limit, lambda row: (name(row),))
    return Page(items=found.rows, next=found.next)


def _reader(kind: Any) -> cursors.Reader:
    """Return what reads a column's values from a cursor."""
    match kind:
        case Instant():
            return cursors.instant
        case BigInteger():
            return cursors.big_integer
        case Integer():
            return cursors.integer
    return cursors.text
