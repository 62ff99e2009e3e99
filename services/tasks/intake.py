"""Attach a newly created user task to its case: due dates and candidate groups."""

from sqlmodel import Session

from models.case import Case
from models.task import Task
from services.deadlines import case_deadlines
from services.tasks import reassignment


def receive(session: Session, task: Task, case: Case) -> None:
    """Write a task's item, area and dates, and give it to the reviewers of the case's present unit."""
    reassignment.reroute(session, task, case)
    case_deadlines.apply_task_clock(session, task, case)
