"""What the task list is filtered by, as conditions on ``Task``."""

from datetime import datetime
from typing import Any

from sqlalchemy import or_
from sqlmodel import col

from models.task import Light, Task


def search(case_no: str | None, q: str | None) -> list[Any]:
    """Return the conditions for a case's tasks, and for a word in case number, item or task."""
    conditions: list[Any] = []
    if case_no is not None:
        conditions.append(Task.case_no == case_no)
    if q:
        conditions.append(
            or_(
                col(Task.case_no).contains(q, autoescape=True),
                col(Task.item_name).contains(q, autoescape=True),
                col(Task.name).contains(q, autoescape=True),
            )
        )
    return conditions


def by_light(light: Light | None, now: datetime) -> list[Any]:
    """Return the conditions for one light, as it shows at ``now``."""
    due, warn, paused = col(Task.due_at), col(Task.warn_at), col(Task.paused)
    not_red = or_(due.is_(None), due >= now)
    match light:
        case None:
            return []
        case Light.PAUSED:
            return [paused, not_red]
        case Light.RED:
            return [due < now]
        case Light.YELLOW:
            return [~paused, not_red, warn <= now]
        case Light.GREEN:
            return [~paused, not_red, or_(warn.is_(None), warn > now)]
