"""Open timers and jobs, exported under a controlled clock only: what an advance must stop at and wait for."""

from collections.abc import Iterable
from typing import Any

from sqlmodel import Session

from bridge.projection.incidents import NO_CATCHER
from bridge.projection.records import Record, instant
from models.engine_state import EngineJob, EngineTimer
from models.upsert import upsert

_TIMER = EngineTimer.__table__  # type: ignore[attr-defined]
_JOB = EngineJob.__table__  # type: ignore[attr-defined]


def apply_timers(session: Session, records: Iterable[Record]) -> None:
    """Apply ``TIMER`` records: a timer is open from its creation until it is triggered or cancelled."""
    opened: dict[int, dict[str, Any]] = {}
    closed: list[int] = []
    for record in records:
        if record.intent == "CREATED":
            opened[record.key] = {
                "key": record.key,
                "process_instance_key": record.value["processInstanceKey"],
                "element_id": record.value["targetElementId"],
                "due_at": instant(record.value["dueDate"]),
            }
        elif record.intent in ("TRIGGERED", "CANCELED") and opened.pop(record.key, None) is None:
            closed.append(record.key)
    upsert(session, EngineTimer, list(opened.values()))
    if closed:
        session.connection().execute(_TIMER.delete().where(_TIMER.c.key.in_(closed)))


def apply_jobs(session: Session, records: Iterable[Record]) -> None:
    """Apply ``JOB`` records: a job is open until it is completed, cancelled, or its error is caught."""
    opened: dict[int, dict[str, Any]] = {}
    closed: list[int] = []
    for record in records:
        if record.intent == "CREATED":
            opened[record.key] = {
                "key": record.key,
                "job_type": record.value["type"],
                "process_instance_key": record.value["processInstanceKey"],
                "has_incident": False,
            }
        elif _is_over(record) and opened.pop(record.key, None) is None:
            closed.append(record.key)
    upsert(session, EngineJob, list(opened.values()))
    if closed:
        session.connection().execute(_JOB.delete().where(_JOB.c.key.in_(closed)))


def _is_over(record: Record) -> bool:
    """Tell whether a job is done with; an error nobody catches leaves it open, with an incident."""
    if record.intent == "ERROR_THROWN":
        return bool(record.value["elementId"] != NO_CATCHER)
    return record.intent in ("COMPLETED", "CANCELED")
