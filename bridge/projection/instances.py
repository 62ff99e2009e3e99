"""Which case a process instance belongs to: from the start message, the calling instance, or a worker's
registration.

A user task's record names its own instance only. As soon as that instance's case is known, whichever way
comes first, the instance, those it called and their waiting tasks get the case, and the tasks their dates.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from sqlalchemy import bindparam, sql, update
from sqlmodel import Session, col, select

from bridge.projection.hooks import Hooks
from bridge.projection.records import Record
from models.case import Case
from models.engine_state import InstanceState, ProcessInstance
from models.protocol import CASE_ID
from models.task import Task
from models.upsert import upsert
from services.tasks.candidacies import reconsider

START_MESSAGE_PREFIX = "case-submitted-"
_INSTANCE = ProcessInstance.__table__  # type: ignore[attr-defined]
_TASK = Task.__table__  # type: ignore[attr-defined]
_OWN_CHILD = (
    update(_INSTANCE)
    .where(_INSTANCE.c.key == bindparam("child"), _INSTANCE.c.case_no.is_(None))
    .values(case_no=bindparam("owner"))
)
_CASES_OF = sql.select(_INSTANCE.c.key, _INSTANCE.c.case_no).where(
    _INSTANCE.c.key.in_(bindparam("instances", expanding=True)), _INSTANCE.c.case_no.is_not(None)
)
_WAITING = sql.union_all(
    sql.select(_INSTANCE.c.key).where(
        _INSTANCE.c.parent_key.in_(bindparam("instances", expanding=True)), _INSTANCE.c.case_no.is_(None)
    ),
    sql.select(_TASK.c.key).where(
        _TASK.c.process_instance_key.in_(bindparam("instances", expanding=True)), _TASK.c.case_no.is_(None)
    ),
)


def apply_started(session: Session, records: Iterable[Record], hooks: Hooks) -> None:
    """Apply ``MESSAGE_START_EVENT_SUBSCRIPTION``: a correlated start message made an instance of a case."""
    rows: list[dict[str, Any]] = []
    for record in records:
        if record.intent != "CORRELATED":
            continue
        value = record.value
        rows.append(
            {
                "key": value["processInstanceKey"],
                "case_no": _case_of(value),
                "process_id": value["bpmnProcessId"],
                "version": 0,
                "state": InstanceState.ACTIVE,
                "started_at": record.at,
            }
        )
    if not rows:
        return
    upsert(session, ProcessInstance, rows, update=("process_id",), fill=("case_no", "started_at"))
    adopt(session, {row["key"]: row["case_no"] for row in rows if row["case_no"]}, hooks)


def adopt(session: Session, owners: Mapping[int, str], hooks: Hooks) -> int:
    """Give called instances and waiting tasks of the instances in ``owners`` (key → case) their case.

    Returns how many tasks got one. Safe to repeat; an instance that has a case keeps it.
    """
    if not owners or not _anyone_waits(session, owners):
        return 0
    everything = dict(owners)
    found = dict(owners)
    while found := _children(session, found):
        everything |= found
        session.connection().execute(_OWN_CHILD, [{"child": child, "owner": owner} for child, owner in found.items()])
    return _adopt_tasks(session, everything, hooks)


def cases_of(session: Session, keys: Collection[int]) -> dict[int, str]:
    """Return the cases of those instances whose case is known."""
    rows = session.connection().execute(_CASES_OF, {"instances": list(keys)})
    return {row.key: row.case_no for row in rows}


def _anyone_waits(session: Session, owners: Mapping[int, str]) -> bool:
    """Tell in one query whether anything came before its case was known; nearly always nothing has."""
    return session.connection().execute(_WAITING, {"instances": list(owners)}).first() is not None


def _children(session: Session, owners: Mapping[int, str]) -> dict[int, str]:
    rows = session.exec(
        select(ProcessInstance.key, ProcessInstance.parent_key).where(
            col(ProcessInstance.parent_key).in_(owners), col(ProcessInstance.case_no).is_(None)
        )
    )
    return {key: owners[parent] for key, parent in rows if parent is not None}


def _adopt_tasks(session: Session, owners: Mapping[int, str], hooks: Hooks) -> int:
    waiting = session.exec(
        select(Task).where(col(Task.process_instance_key).in_(owners), col(Task.case_no).is_(None))
    ).all()
    for task in waiting:
        task.case_no = owners[task.process_instance_key]
        case = session.get(Case, task.case_no)
        if case is not None:
            hooks.receive_task(session, task, case)
            session.flush()
            reconsider(session, task, case)
    session.flush()
    return len(waiting)


def _case_of(value: Mapping[str, Any]) -> str | None:
    """Return the case a start message names: its ``caseId``, or the correlation key of the mode processes."""
    named = (value.get("variables") or {}).get(CASE_ID)
    if named:
        return str(named)
    if str(value["messageName"]).startswith(START_MESSAGE_PREFIX):
        return str(value["correlationKey"]) or None
    return None
