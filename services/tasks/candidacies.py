"""To whom a task is offered: its candidate groups, each open in the lists where the task's case concerns it."""

from typing import Any

from sqlmodel import Session

from models.case import Case
from models.task import NO_DUE, Task, TaskCandidate
from models.upsert import upsert
from services.accounts import task_rights


def candidacies(task: Task, case: Case | None) -> list[dict[str, Any]]:
    """Return the rows of a task's candidate groups; nobody sees a task before its case is known."""
    return [
        {
            "task_key": task.key,
            "group_name": group,
            "is_open": task.is_open and (case is None or task_rights.concerns(group, case)),
            "due_at": task.due_at or NO_DUE,
            "created_at": task.created_at,
        }
        for group in dict.fromkeys(task.candidate_groups)
    ]


def strangers(task: Task, case: Case) -> list[str]:
    """Return the candidate groups that the task's case does not concern."""
    return [group for group in dict.fromkeys(task.candidate_groups) if not task_rights.concerns(group, case)]


def reconsider(session: Session, task: Task, case: Case) -> None:
    """Open or close a task's candidacies now that its case is known."""
    upsert(session, TaskCandidate, candidacies(task, case), update=("is_open",))
