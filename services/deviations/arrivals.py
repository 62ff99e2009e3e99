"""Receive tasks the engine has opened or offered anew: attach each to its case, and hide it from unrelated groups."""

from sqlmodel import Session

from models.case import Case
from models.deviation import DeviationKind
from models.task import Task
from services.clock import product_now
from services.deviations import ledger
from services.tasks import candidacies, intake


def receive(session: Session, task: Task, case: Case) -> None:
    """Give a task its dates and its present unit, and report candidate groups its case does not concern."""
    intake.receive(session, task, case)
    offer(session, task, case)


def adopt(session: Session, task: Task, case: Case) -> None:
    """Receive a task that was in the lists before its case was known."""
    receive(session, task, case)
    session.flush()
    candidacies.reconsider(session, task, case)


def offer(session: Session, task: Task, case: Case) -> None:
    """Report candidate groups that the task's case does not concern to the administrator; they cannot see the task."""
    strangers = candidacies.strangers(task, case)
    if not strangers:
        return
    groups = "、".join(strangers)
    found = ledger.Found(
        DeviationKind.FOREIGN_GROUP,
        f"foreign_group:{task.key}:{','.join(strangers)}"[:120],
        task.process_instance_key,
        f"“{task.name}”的候选组{groups}与本办件的县区、单位不符，未向其开放",
        task.key,
        task.element_id,
    )
    ledger.record(session, case, found, product_now(session))
