"""What administrators and case pages see of the engine: definitions, instances, their elements and incidents.

All of it is the feed's projection. A retry is a command in the outbox; the relay gives it to the engine.
"""

from datetime import datetime
from typing import Any

from pydantic import BaseModel
from sqlalchemy import ColumnElement, and_, func, true
from sqlmodel import Session, col, select

from models.case import Case
from models.engine_state import ElementVisit, Incident, InstanceState, ProcessDefinition, ProcessInstance
from models.outbox import OutboxCommand, OutboxStatus
from services.accounts import rights, system_rights
from services.accounts.actors import Actor
from services.clock import machine_now
from services.errors import Conflict, NotFound
from services.journal import audit
from services.paging import Order, Page, read
from services.process_engine import outbox

PROCESS_ELEMENT = "PROCESS"
"""The element type of an instance's own record; it is no element of the diagram."""


class IncidentResolved(Conflict):
    """The incident is over."""

    code, title, title_en = "incident_resolved", "该故障已经解除", "The incident is already resolved"


class DefinitionView(BaseModel):
    """The newest version of a deployed process."""

    id: str
    version: int
    name: str
    deployed_at: datetime


class InstanceRow(BaseModel):
    """A process instance as lists show it."""

    key: str
    process_id: str
    version: int
    case_no: str | None
    state: InstanceState
    started_at: datetime | None
    ended_at: datetime | None
    incidents: int


class IncidentView(BaseModel):
    """A failure at which the instance has stopped."""

    key: str
    element_id: str
    kind: str
    message: str
    created_at: datetime


class InstanceDetail(BaseModel):
    """A process instance and the elements it is at and has passed, for the live diagram."""

    key: str
    process_id: str
    version: int
    case_no: str | None
    parent_key: str | None
    state: InstanceState
    started_at: datetime | None
    ended_at: datetime | None
    active_elements: list[str]
    completed_elements: list[str]
    incidents: list[IncidentView]


def definitions(session: Session) -> list[DefinitionView]:
    """Return the newest version of every deployed process, by id; what the engine has deleted is not deployed."""
    newest = (
        select(ProcessDefinition.process_id, func.max(ProcessDefinition.version).label("version"))
        .where(col(ProcessDefinition.deleted_at).is_(None))
        .group_by(ProcessDefinition.process_id)
        .subquery()
    )
    same = and_(
        col(ProcessDefinition.process_id) == newest.c.process_id,
        col(ProcessDefinition.version) == newest.c.version,
    )
    rows = session.exec(select(ProcessDefinition).join(newest, same).order_by(col(ProcessDefinition.process_id))).all()
    return [
        DefinitionView(id=row.process_id, version=row.version, name=row.name, deployed_at=row.deployed_at)
        for row in rows
    ]


def definition_xml(session: Session, process_id: str, version: int | None = None) -> str:
    """Return the XML of one version of a process, the newest by default; raise ``NotFound`` without it."""
    query = select(ProcessDefinition.xml).where(ProcessDefinition.process_id == process_id)
    if version is not None:
        query = query.where(ProcessDefinition.version == version)
    xml = session.exec(query.order_by(col(ProcessDefinition.version).desc()).limit(1)).first()
    if xml is None:
        raise NotFound("没有这个流程", "No such process")
    return xml


def instances(
    session: Session,
    actor: Actor,
    process_id: str,
    *,
    state: InstanceState | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[InstanceRow]:
    """Return a page of a process's instances, newest first: every one for administrators, else of visible cases."""
    definition_xml(session, process_id)
    query = select(ProcessInstance).where(ProcessInstance.process_id == process_id, _visible_instances(actor))
    if state is not None:
        query = query.where(ProcessInstance.state == state)
    found = read(session, query, Order(ProcessInstance.key, descending=True), cursor, limit)
    open_incidents = _open_incidents(session, [row.key for row in found.rows])
    return found.page(
        lambda row: InstanceRow(
            key=str(row.key),
            process_id=row.process_id,
            version=row.version,
            case_no=row.case_no,
            state=row.state,
            started_at=row.started_at,
            ended_at=row.ended_at,
            incidents=open_incidents.get(row.key, 0),
        )
    )


def instance(session: Session, actor: Actor, key: int) -> InstanceDetail:
    """Return one instance with its elements and open incidents; raise ``NotFound`` or ``Forbidden``."""
    found = _readable(session, actor, key)
    visits = session.exec(
        select(ElementVisit)
        .where(ElementVisit.process_instance_key == key, ElementVisit.element_type != PROCESS_ELEMENT)
        .order_by(col(ElementVisit.started_at), col(ElementVisit.key))
    ).all()
    incidents = session.exec(
        select(Incident)
        .where(Incident.process_instance_key == key, col(Incident.resolved_at).is_(None))
        .order_by(col(Incident.key))
    ).all()
    return InstanceDetail(
        key=str(found.key),
        process_id=found.process_id,
        version=found.version,
        case_no=found.case_no,
        parent_key=str(found.parent_key) if found.parent_key is not None else None,
        state=found.state,
        started_at=found.started_at,
        ended_at=found.ended_at,
        active_elements=_elements(visits, InstanceState.ACTIVE),
        completed_elements=_elements(visits, InstanceState.COMPLETED),
        incidents=[
            IncidentView(
                key=str(one.key),
                element_id=one.element_id,
                kind=one.kind,
                message=one.message,
                created_at=one.created_at,
            )
            for one in incidents
        ],
    )


def retry_incident(session: Session, actor: Actor, key: int, incident_key: int) -> None:
    """Ask the engine to retry an incident; asking again while the first request is pending changes nothing.

    Raises ``Forbidden`` for everyone but the system administrator, ``NotFound``, and ``IncidentResolved``.
    """
    system_rights.require_retry_incidents(actor)
    found = _readable(session, actor, key)
    incident = session.get(Incident, incident_key)
    if incident is None or incident.process_instance_key != key:
        raise NotFound("没有这个故障", "No such incident")
    if incident.resolved_at is not None:
        raise IncidentResolved
    asked = session.exec(
        select(OutboxCommand.status).where(col(OutboxCommand.natural_key).startswith(f"retry:{incident_key}:"))
    ).all()
    if OutboxStatus.PENDING in asked:
        return
    stream = found.case_no or str(key)
    outbox.retry_incident(session, stream=stream, key=incident_key, job_key=incident.job_key, version=str(len(asked)))
    detail = {"process_instance_key": str(key), "incident_key": str(incident_key), "element": incident.element_id}
    audit.append(session, actor.username, "incident.retry", stream, detail, machine_now())


def _readable(session: Session, actor: Actor, key: int) -> ProcessInstance:
    found = session.get(ProcessInstance, key)
    if found is None:
        raise NotFound("没有这个流程实例", "No such process instance")
    case = session.get(Case, found.case_no) if found.case_no is not None else None
    system_rights.require_read_instance(actor, case)
    return found


def _visible_instances(actor: Actor) -> ColumnElement[bool]:
    if system_rights.may_administer(actor):
        return true()
    visible = select(Case.case_no).where(rights.visible_cases(actor))
    return col(ProcessInstance.case_no).in_(visible)


def _open_incidents(session: Session, keys: list[int]) -> dict[int, int]:
    rows = session.exec(
        select(Incident.process_instance_key, func.count())
        .where(col(Incident.process_instance_key).in_(keys), col(Incident.resolved_at).is_(None))
        .group_by(col(Incident.process_instance_key))
    ).all()
    return dict(rows)


def _elements(visits: Any, state: InstanceState) -> list[str]:
    return list(dict.fromkeys(visit.element_id for visit in visits if visit.state == state))
