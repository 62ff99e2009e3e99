"""The work lists: a page of open tasks, their counts, one task with its form."""

from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from models.task import NO_DUE, Light, Task
from services import cursors
from services.accounts.actors import Actor
from services.clock import product_now
from services.paging import Page, cut
from services.tasks import queries
from services.tasks.access import get_readable
from services.tasks.views import TaskDetail, TaskView, deployed_forms, shown_form, view


def list_tasks(
    session: Session,
    actor: Actor,
    *,
    scope: str = "group",
    case_no: str | None = None,
    q: str | None = None,
    light: Light | None = None,
    sort: str = "due_at",
    cursor: str | None = None,
    limit: int = 50,
) -> Page[TaskView]:
    """Return a page of open tasks of the actor (``mine``) or of the actor's groups (``group``)."""
    now = product_now(session)
    position = cursors.decode(cursor, cursors.instant, cursors.big_integer)
    shape = queries.Shape(
        of_group=scope != "mine",
        of_case=case_no is not None,
        worded=bool(q),
        light=light,
        sort=sort,
        behind=position is not None,
    )
    sought: dict[str, Any] = {"case_no": case_no, "word": queries.containing(q or ""), "now": now}
    sought["most"] = limit + 1
    if position is not None:
        sought["at"], sought["key"] = position
    whose = [{"group": name} for name in sorted(actor.groups)] if shape.of_group else [{"username": actor.username}]
    query = queries.page_query(shape)
    tasks: dict[int, Task] = {
        task.key: task for one in whose for task in session.exec(query, params=sought | one).all()
    }
    place = _place_by_due if sort == "due_at" else _place_by_creation
    found = cut(sorted(tasks.values(), key=place, reverse=sort != "due_at"), limit, place)
    forms = deployed_forms(session, found.rows)
    return found.page(lambda task: view(task, forms, now))


def open_tasks(session: Session, case_no: str, now: datetime) -> list[TaskView]:
    """Return all open tasks of a case, whoever's."""
    rows = session.exec(
        select(Task).where(Task.case_no == case_no, col(Task.is_open)).order_by("created_at", "key")
    ).all()
    forms = deployed_forms(session, rows)
    return [view(task, forms, now) for task in rows]


def count_tasks(session: Session, actor: Actor) -> dict[str, int]:
    """Count the open tasks of the actor and of the actor's groups, up to 1,000 each, and the yellow and red ones."""
    now = product_now(session)
    counts = {"mine": 0, "group": 0, "yellow": 0, "red": 0}
    counts["mine"] = len(session.exec(_OWN_KEYS, params={"username": actor.username}).all())
    keys: dict[int, Light] = {}
    for group in sorted(actor.groups):
        for task in session.exec(_COUNTED, params={"group": group}).all():
            keys[task.key] = task.light(now)
    counts["group"] = len(keys)
    for colour in (Light.YELLOW, Light.RED):
        counts[colour.value] = sum(light is colour for light in keys.values())
    return counts


def get_task(session: Session, actor: Actor, key: int) -> TaskDetail:
    """Return a task with its form; candidates, its assignee, and whoever completed it may see it."""
    task = get_readable(session, actor, key)
    now = product_now(session)
    forms = deployed_forms(session, [task])
    schema = forms.get(task.form_key) if task.form_key is not None else None
    shown = shown_form(session, task, schema.definition) if schema else None
    return TaskDetail(**view(task, forms, now).model_dump(), form=shown, status=task.status.value)


_OWN_KEYS: Any = queries.OWN.with_only_columns(col(Task.key)).limit(1000)
_COUNTED = queries.OF_GROUP.limit(1000)


def _place_by_due(task: Task) -> tuple[datetime, int]:
    return task.due_at or NO_DUE, task.key


def _place_by_creation(task: Task) -> tuple[datetime, int]:
    return task.created_at, task.key
