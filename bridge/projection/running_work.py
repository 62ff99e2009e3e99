"""Open timers and jobs, exported under a controlled clock only: what an advance must stop at and wait for."""

from collections.abc import Callable, Iterable
from typing import Any

from sqlalchemy import delete
from sqlmodel import Session, col

from bridge.projection.incidents import NO_CATCHER
from bridge.projection.records import Record, instant
from models.engine_state import EngineJob, EngineTimer
from models.upsert import upsert


def apply_timers(session: Session, records: Iterable[Record]) -> None:
    """Apply ``TIMER`` records: a timer is open from its creation until it is triggered or cancelled."""
    _apply(session, EngineTimer, records, _timer, _timer_is_over)


def apply_jobs(session: Session, records: Iterable[Record]) -> None:
    """Apply ``JOB`` records: a job is open until it is completed, cancelled, or its error is caught."""
    _apply(session, EngineJob, records, _job, _job_is_over)


def _apply(
    session: Session,
    model: type[EngineTimer | EngineJob],
    records: Iterable[Record],
    row: Callable[[Record], dict[str, Any]],
    is_over: Callable[[Record], bool],
) -> None:
    """Keep the rows of what is open; what begins and ends in the same records is never written."""
    opened: dict[int, dict[str, Any]] = {}
    closed: list[int] = []
    for record in records:
        if record.intent == "CREATED":
            opened[record.key] = {"key": record.key, **row(record)}
        elif is_over(record) and opened.pop(record.key, None) is None:
            closed.append(record.key)
    upsert(session, model, list(opened.values()))
    if closed:
        session.connection().execute(delete(model).where(col(model.key).in_(closed)))


def _timer(record: Record) -> dict[str, Any]:
    return {
        "process_instance_key": record.value["processInstanceKey"],
        "element_id": record.value["targetElementId"],
        "due_at": instant(record.value["dueDate"]),
    }


def _job(record: Record) -> dict[str, Any]:
    return {
        "job_type": record.value["type"],
        "process_instance_key": record.value["processInstanceKey"],
        "has_incident": False,
    }


def _timer_is_over(record: Record) -> bool:
    return record.intent in ("TRIGGERED", "CANCELED")


def _job_is_over(record: Record) -> bool:
    """Tell whether a job is done with; an error nobody catches leaves it open, with an incident."""
    if record.intent == "ERROR_THROWN":
        return bool(record.value["elementId"] != NO_CATCHER)
    return record.intent in ("COMPLETED", "CANCELED")
