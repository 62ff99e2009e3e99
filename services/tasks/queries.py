"""Prebuilt SQL of the task list: one statement for each combination of filters, order and page."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import BindParameter, Integer, bindparam, func, or_
from sqlmodel import col, select

from models.database import Instant
from models.task import NO_DUE, Light, Task, TaskCandidate
from services.paging import Order

ESCAPE = "\\"
_NOW: BindParameter[Any] = bindparam("now", type_=Instant())
_AT: BindParameter[Any] = bindparam("at", type_=Instant())
_KEY: BindParameter[Any] = bindparam("key")


OWN = select(Task).where(Task.assignee == bindparam("username"), col(Task.is_open), col(Task.case_no).is_not(None))
"""The open tasks of one account."""

OF_GROUP = (
    select(Task)
    .join(TaskCandidate, col(TaskCandidate.task_key) == col(Task.key))
    .where(TaskCandidate.group_name == bindparam("group"), col(TaskCandidate.is_open), col(Task.case_no).is_not(None))
)
"""The open tasks of one group."""


@dataclass(frozen=True)
class Shape:
    """What a page of the task list asks for, without the values: whose tasks, filters, order, first page or later."""

    of_group: bool
    of_case: bool
    worded: bool
    light: Light | None
    sort: str
    behind: bool


@lru_cache(maxsize=256)
def page_query(shape: Shape) -> Any:
    """Return the query for up to ``most`` tasks, from one index range of a group or an account.

    Parameters: ``group`` or ``username``, ``case_no``, ``word`` (see :func:`containing`), ``now``, ``at`` and ``key``
    of the last task before, ``most``.
    """
    query: Any = (OF_GROUP if shape.of_group else OWN).where(*_search(shape), *_by_light(shape.light))
    columns: tuple[Any, Any, Any] = (func.coalesce(Task.due_at, NO_DUE), col(Task.created_at), col(Task.key))
    if shape.of_group:
        columns = (col(TaskCandidate.due_at), col(TaskCandidate.created_at), col(TaskCandidate.task_key))
    due, created, key = columns
    order = Order(due, key) if shape.sort == "due_at" else Order(created, key, descending=True)
    if shape.behind:
        query = query.where(order.behind(_AT, _KEY))
    return query.order_by(*order.clauses()).limit(bindparam("most", type_=Integer))


def containing(word: str) -> str:
    """Return the pattern of what contains ``word``, its own wildcards taken literally."""
    for char in (ESCAPE, "%", "_"):
        word = word.replace(char, ESCAPE + char)
    return f"%{word}%"


def _search(shape: Shape) -> list[Any]:
    conditions: list[Any] = []
    if shape.of_case:
        conditions.append(Task.case_no == bindparam("case_no"))
    if shape.worded:
        columns = (col(Task.case_no), col(Task.item_name), col(Task.name))
        conditions.append(or_(*(one.like(bindparam("word"), escape=ESCAPE) for one in columns)))
    return conditions


def _by_light(light: Light | None) -> list[Any]:
    """Return the conditions for one light, as it shows at ``now``."""
    due, warn, paused = col(Task.due_at), col(Task.warn_at), col(Task.paused)
    not_red = or_(due.is_(None), due >= _NOW)
    match light:
        case None:
            return []
        case Light.PAUSED:
            return [paused, not_red]
        case Light.RED:
            return [due < _NOW]
        case Light.YELLOW:
            return [~paused, not_red, warn <= _NOW]
        case Light.GREEN:
            return [~paused, not_red, or_(warn.is_(None), warn > _NOW)]
