"""What the projection asks of the services; a test hands in its own."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from models.case import Case
from models.task import Task
from services.cases import open_tasks
from services.deviations import arrivals, noticing


@dataclass(frozen=True)
class Hooks:
    """The use cases a record can set off.

    ``receive_task`` gives a task of a known case its dates and its current unit; ``confirm`` and ``cancel`` close a
    task and settle the decision recorded on it; ``offer_task`` looks at a task's changed candidate groups.
    """

    receive_task: Callable[[Session, Task, Case], None]
    confirm: Callable[[Session, int, datetime], None]
    cancel: Callable[[Session, int, datetime], None]
    offer_task: Callable[[Session, Task, Case], None] = lambda _session, _task, _case: None


def service_hooks() -> Hooks:
    """Return the product's own."""
    return Hooks(arrivals.receive, noticing.confirm, open_tasks.cancel, arrivals.offer)
