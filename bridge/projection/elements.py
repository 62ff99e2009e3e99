"""The element history: which instances there are, which called which, and where each has been.

A task whose element the engine ended is closed here: told to move an instance (by Operate or its API), Zeebe 8.5.8 ends
the element and says nothing of its user task, which it would even let be completed. Elsewhere the task's own record has
come before: exporters are handed each record of a log in turn, and the history's are sent on in batches.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import bindparam, update
from sqlmodel import Session, col, select

from bridge.projection.hooks import Hooks
from bridge.projection.instances import adopt, cases_of
from bridge.projection.records import Record, some_key
from models.engine_state import ElementVisit, InstanceState, ProcessInstance
from models.task import Task, TaskStatus
from models.upsert import upsert

PROCESS, USER_TASK = "PROCESS", "USER_TASK"
TERMINATED = "ELEMENT_TERMINATED"
ENDS = {"ELEMENT_COMPLETED": InstanceState.COMPLETED, TERMINATED: InstanceState.TERMINATED}
_INSTANCE = ProcessInstance.__table__  # type: ignore[attr-defined]
_VISIT = ElementVisit.__table__  # type: ignore[attr-defined]


class _Changes:
    """Rows begun and rows ended in one batch; what begins and ends in it is written once."""

    def __init__(self) -> None:
        self.begun: dict[int, dict[str, Any]] = {}
        self.ended: list[dict[str, Any]] = []

    def end(self, key: int, state: InstanceState, record: Record) -> None:
        row = self.begun.get(key)
        if row is not None:
            row.update(state=state, ended_at=record.at)
        else:
            self.ended.append({"ended_key": key, "new_state": state, "end": record.at})


def apply_elements(session: Session, records: Iterable[Record], hooks: Hooks) -> None:
    """Apply ``PROCESS_INSTANCE`` records: instances with their parents, and a visit for each flow node
    entered."""
    instances, visits = _Changes(), _Changes()
    left: dict[int, Record] = {}
    for record in records:
        changes = instances if record.value["bpmnElementType"] == PROCESS else visits
        if record.intent == "ELEMENT_ACTIVATING":
            changes.begun[record.key] = _instance(record) if changes is instances else _visit(record)
        elif record.intent in ENDS:
            changes.end(record.key, ENDS[record.intent], record)
            if record.value["bpmnElementType"] == USER_TASK and record.intent == TERMINATED:
                left[record.key] = record
        elif record.intent == "ELEMENT_MIGRATED":
            _migrate(session, record)
    _write_instances(session, instances, hooks)
    upsert(session, ElementVisit, list(visits.begun.values()))
    _write_ends(session, _VISIT, visits.ended)
    _close_tasks(session, left, hooks)


def _write_instances(session: Session, changes: _Changes, hooks: Hooks) -> None:
    rows = list(changes.begun.values())
    active = [row for row in rows if row["state"] is InstanceState.ACTIVE]
    over = [row for row in rows if row["state"] is not InstanceState.ACTIVE]
    known = ("process_id", "version", "parent_key", "started_at")
    upsert(session, ProcessInstance, active, update=known)
    upsert(session, ProcessInstance, over, update=(*known, "state", "ended_at"))
    _write_ends(session, _INSTANCE, changes.ended)
    parents = {row["key"]: row["parent_key"] for row in rows if row["parent_key"] is not None}
    if not parents:
        return
    owners = cases_of(session, set(parents.values()))
    # An instance that already has a case and one below it both come right: adopt() only fills what is empty.
    adopt(session, owners, hooks)


def _close_tasks(session: Session, left: Mapping[int, Record], hooks: Hooks) -> None:
    """Close the tasks of element instances that were ended, where nothing else has closed them."""
    if not left:
        return
    instances = {record.value["processInstanceKey"] for record in left.values()}
    tasks = session.exec(
        select(Task.key, Task.element_instance_key).where(
            col(Task.process_instance_key).in_(instances),
            col(Task.element_instance_key).in_(left),
            col(Task.status).not_in((TaskStatus.COMPLETED, TaskStatus.CANCELED)),
        )
    ).all()
    for key, element_instance in tasks:
        hooks.cancel(session, key, left[element_instance].at)


def _write_ends(session: Session, table: Any, ended: list[dict[str, Any]]) -> None:
    if ended:
        statement = (
            update(table)
            .where(table.c.key == bindparam("ended_key"))
            .values(state=bindparam("new_state"), ended_at=bindparam("end"))
        )
        session.connection().execute(statement, ended)


def _instance(record: Record) -> dict[str, Any]:
    value = record.value
    return {
        "key": record.key,
        "process_id": value["bpmnProcessId"],
        "version": value["version"],
        "parent_key": some_key(value.get("parentProcessInstanceKey")),
        "state": InstanceState.ACTIVE,
        "started_at": record.at,
        "ended_at": None,
    }


def _visit(record: Record) -> dict[str, Any]:
    value = record.value
    return {
        "key": record.key,
        "process_instance_key": value["processInstanceKey"],
        "process_id": value["bpmnProcessId"],
        "element_id": value["elementId"],
        "element_type": value["bpmnElementType"],
        "state": InstanceState.ACTIVE,
        "started_at": record.at,
        "ended_at": None,
    }


def _migrate(session: Session, record: Record) -> None:
    value = record.value
    if value["bpmnElementType"] == PROCESS:
        change = update(_INSTANCE).values(process_id=value["bpmnProcessId"], version=value["version"])
        session.connection().execute(change.where(_INSTANCE.c.key == record.key))
    else:
        change = update(_VISIT).values(process_id=value["bpmnProcessId"], element_id=value["elementId"])
        session.connection().execute(change.where(_VISIT.c.key == record.key))
