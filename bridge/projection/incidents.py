"""Incidents: where the engine was stuck, and when it could go on."""

from collections.abc import Iterable

from sqlalchemy import update
from sqlmodel import Session, col, select

from bridge.projection.records import Record, some_key
from models.engine_state import ElementVisit, EngineJob, Incident
from models.upsert import upsert

NO_CATCHER = "NO_CATCH_EVENT_FOUND"
"""The engine's stand-in for the element of an error nobody catches."""
_INCIDENT = Incident.__table__  # type: ignore[attr-defined]
_JOB = EngineJob.__table__  # type: ignore[attr-defined]


def apply_incidents(session: Session, records: Iterable[Record]) -> None:
    """Apply ``INCIDENT`` records; a job with an incident does not count as running until it is resolved."""
    for record in records:
        job_key = some_key(record.value.get("jobKey"))
        if record.intent == "CREATED":
            upsert(session, Incident, [_incident(record, job_key)])
        elif record.intent == "RESOLVED":
            session.connection().execute(
                update(_INCIDENT).where(_INCIDENT.c.key == record.key).values(resolved_at=record.at)
            )
        else:
            continue
        if job_key is not None:
            session.connection().execute(
                update(_JOB).where(_JOB.c.key == job_key).values(has_incident=record.intent == "CREATED")
            )


def name_uncaught_elements(session: Session) -> int:
    """Give open incidents of uncaught errors the element they belong to, once the history knows it."""
    nameless = session.exec(
        select(Incident).where(col(Incident.element_id) == NO_CATCHER, col(Incident.resolved_at).is_(None))
    ).all()
    named = 0
    for incident in nameless:
        visit = session.get(ElementVisit, incident.element_instance_key)
        if visit is not None:
            incident.element_id = visit.element_id
            named += 1
    session.flush()
    return named


def _incident(record: Record, job_key: int | None) -> dict[str, object]:
    value = record.value
    return {
        "key": record.key,
        "process_instance_key": value["processInstanceKey"],
        "element_id": value["elementId"],
        "element_instance_key": value["elementInstanceKey"],
        "job_key": job_key,
        "kind": value["errorType"],
        "message": value["errorMessage"],
        "created_at": record.at,
    }
