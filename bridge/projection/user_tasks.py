"""Native user tasks: created, assigned, updated, completed and cancelled in the engine."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, update
from sqlalchemy.orm import contains_eager
from sqlmodel import Session, col, select

from bridge.projection.definitions import Definitions
from bridge.projection.hooks import Hooks
from bridge.projection.records import Record, instant, some_key
from engine.gateway import MIRROR_ACTION
from models.case import Case
from models.case_deadlines import CaseDeadlines
from models.engine_state import ProcessInstance
from models.outbox import OutboxCommand, OutboxKind, OutboxStatus
from models.task import ClockShare, Task, TaskCandidate, TaskStatus
from models.upsert import upsert
from services.clock import machine_now
from services.tasks.candidacies import candidacies

CLOCK_HEADER = "clock"
ECHO_WINDOW = timedelta(minutes=1)
"""How long after the relay's last try a release may still come back as our own echo."""
RELEVANT = frozenset({"CREATED", "ASSIGNED", "UPDATED", "MIGRATED", "COMPLETED", "CANCELED"})
_TASK = Task.__table__  # type: ignore[attr-defined]
_CANDIDATE = TaskCandidate.__table__  # type: ignore[attr-defined]


def apply_user_tasks(session: Session, records: Iterable[Record], definitions: Definitions, hooks: Hooks) -> None:
    """Apply ``USER_TASK`` records in order; those created together are inserted together."""
    created: list[Record] = []
    for record in records:
        if record.intent == "CREATED":
            created.append(record)
            continue
        if record.intent not in RELEVANT:
            continue
        _insert(session, created, definitions, hooks)
        created = []
        match record.intent:
            case "COMPLETED":
                hooks.confirm(session, record.key, record.at)
            case "CANCELED":
                hooks.cancel(session, record.key, record.at)
            case "ASSIGNED":
                _mirror_assignment(session, record)
            case _:
                _mirror_update(session, record, hooks)
    _insert(session, created, definitions, hooks)


def _insert(session: Session, records: list[Record], definitions: Definitions, hooks: Hooks) -> None:
    if not records:
        return
    owners, cases = _owners(session, {record.value["processInstanceKey"] for record in records})
    tasks = [_task(session, record, owners, definitions) for record in records]
    session.add_all(tasks)
    for task in tasks:
        if task.case_no in cases:
            hooks.receive_task(session, task, cases[task.case_no])
    session.flush()
    rows = [row for task in tasks for row in candidacies(task, cases.get(task.case_no or ""))]
    upsert(session, TaskCandidate, rows)


def _owners(session: Session, instances: set[int]) -> tuple[dict[int, str], dict[str, Case]]:
    """Return which instance is of which case, and those cases that exist."""
    rows = session.exec(_OWNERS, params={"instances": list(instances)}).all()
    owners = {key: case_no for key, case_no, _ in rows if case_no is not None}
    return owners, {case.case_no: case for _, _, case in rows if case is not None}


_OWNERS = (
    select(ProcessInstance.key, ProcessInstance.case_no, Case)
    .join(Case, col(Case.case_no) == col(ProcessInstance.case_no), isouter=True)
    .join(CaseDeadlines, col(CaseDeadlines.case_no) == col(Case.case_no), isouter=True)
    # An instance without a case stays in the answer: the deadlines may not be joined as a case's own always are.
    .options(contains_eager(Case.deadlines))  # type: ignore[arg-type]
    .where(
        col(ProcessInstance.key).in_(bindparam("instances", expanding=True)), col(ProcessInstance.case_no).is_not(None)
    )
)


def _task(session: Session, record: Record, owners: dict[int, str], definitions: Definitions) -> Task:
    value = record.value
    headers = {str(k): str(v) for k, v in (value.get("customHeaders") or {}).items()}
    created = value.get("creationTimestamp") or record.timestamp_ms
    return Task(
        key=record.key,
        case_no=owners.get(value["processInstanceKey"]),
        process_id=value["bpmnProcessId"],
        process_instance_key=value["processInstanceKey"],
        element_id=value["elementId"],
        element_instance_key=value["elementInstanceKey"],
        name=definitions.name_of(session, value["processDefinitionKey"], value["elementId"]),
        candidate_groups=list(value.get("candidateGroupsList") or ()),
        headers=headers,
        form_key=some_key(value.get("formKey")),
        assignee=value.get("assignee") or None,
        status=TaskStatus.OPEN,
        is_open=True,
        clock=_clock_share(headers),
        created_at=instant(created),
        due_at=_due_date(value),
    )


def _clock_share(headers: dict[str, str]) -> ClockShare | None:
    named = headers.get(CLOCK_HEADER)
    return ClockShare(named) if named in set(ClockShare) else None


def _due_date(value: dict[str, Any]) -> datetime | None:
    """Return the due date the model gives a task; the case's clock, where there is one, overrules it."""
    try:
        due = datetime.fromisoformat(value.get("dueDate") or "")
    except ValueError:
        return None
    return due if due.tzinfo is not None else None


def _mirror_assignment(session: Session, record: Record) -> None:
    """Take over an assignment made elsewhere; our own claims and releases are in the table already."""
    action = record.value.get("action")
    if action == MIRROR_ACTION or (action == "unassign" and _is_echo(session, record.key)):
        return
    assignee = record.value.get("assignee") or None
    session.connection().execute(update(_TASK).where(_TASK.c.key == record.key).values(assignee=assignee))


def _is_echo(session: Session, task_key: int) -> bool:
    """Tell whether a release may be our own: the engine names its action ``unassign`` whoever asked."""
    recent = session.exec(
        select(OutboxCommand.natural_key).where(
            col(OutboxCommand.status).in_([OutboxStatus.PENDING, OutboxStatus.SENT]),
            col(OutboxCommand.available_at) > machine_now() - ECHO_WINDOW,
            col(OutboxCommand.kind) == OutboxKind.ASSIGN_USER_TASK,
        )
    )
    return any(natural_key.startswith(f"assign:{task_key}:") for natural_key in recent)


def _mirror_update(session: Session, record: Record, hooks: Hooks) -> None:
    """Take over candidate groups and the form's key after an update or a migration."""
    value = record.value
    groups = list(value.get("candidateGroupsList") or ())
    task = session.get(Task, record.key)
    if task is None:
        return
    if groups != task.candidate_groups:
        task.candidate_groups = groups
        session.flush()
        session.connection().execute(_CANDIDATE.delete().where(_CANDIDATE.c.task_key == task.key))
        case = session.get(Case, task.case_no) if task.case_no is not None else None
        upsert(session, TaskCandidate, candidacies(task, case))
        if case is not None:
            hooks.offer_task(session, task, case)
    if record.intent == "MIGRATED":
        task.process_id, task.element_id = value["bpmnProcessId"], value["elementId"]
        session.flush()
