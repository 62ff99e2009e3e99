"""What the engine did, as the feed recorded it: positions, definitions, instances, elements, incidents, timers."""

from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import JSON, BigInteger, Index, text
from sqlmodel import Field, SQLModel

from models.database import Instant, choice

JOB_AT_WORK: Final = "state = 'active' AND element_type = 'SERVICE_TASK'"
"""The SQL condition for an element at which the engine waits for a worker, used by a partial index."""


class InstanceState(StrEnum):
    """The state of a process instance or element."""

    ACTIVE = "active"
    COMPLETED = "completed"
    TERMINATED = "terminated"


class FeedPosition(SQLModel, table=True):
    """The last record of one exporter and partition whose effects are committed."""

    __tablename__ = "feed_position"

    exporter: str = Field(primary_key=True, max_length=64)
    partition: int = Field(primary_key=True)
    position: int = Field(sa_type=BigInteger)
    record_at: datetime = Field(sa_type=Instant)


class ProcessDefinition(SQLModel, table=True):
    """One deployed version of a process, with its XML and the names of its elements."""

    __tablename__ = "process_definition"
    __table_args__ = (Index("ix_process_definition_process", "process_id", "version"),)

    key: int = Field(primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False})
    process_id: str = Field(max_length=128)
    version: int
    name: str
    resource_name: str
    checksum: str = Field(max_length=64)
    xml: str
    element_names: dict[str, str] = Field(default_factory=dict, sa_type=JSON)
    deployed_at: datetime = Field(sa_type=Instant)
    deleted_at: datetime | None = Field(default=None, sa_type=Instant)
    """When the engine deleted this version: no more instances of it start."""


class ProcessInstance(SQLModel, table=True):
    """One process instance; ``case_no`` is null until its case is known."""

    __tablename__ = "process_instance"
    __table_args__ = (
        Index("ix_process_instance_case", "case_no"),
        Index("ix_process_instance_process", "process_id", "state", "key"),
        Index("ix_process_instance_parent", "parent_key"),
    )

    key: int = Field(primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False})
    case_no: str | None = Field(default=None, max_length=32)
    process_id: str = Field(default="", max_length=128)
    version: int = 0
    parent_key: int | None = Field(default=None, sa_type=BigInteger)
    state: InstanceState = Field(default=InstanceState.ACTIVE, sa_type=choice(InstanceState))
    started_at: datetime | None = Field(default=None, sa_type=Instant)
    ended_at: datetime | None = Field(default=None, sa_type=Instant)


class ElementVisit(SQLModel, table=True):
    """One element instance: the history behind live diagrams and the coverage report."""

    __tablename__ = "element_visit"
    __table_args__ = (
        Index("ix_element_visit_instance", "process_instance_key", "element_id"),
        Index(
            "ix_element_visit_job",
            "started_at",
            sqlite_where=text(JOB_AT_WORK),
            postgresql_where=text(JOB_AT_WORK),
        ),
    )

    key: int = Field(primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False})
    process_instance_key: int = Field(sa_type=BigInteger)
    process_id: str = Field(max_length=128)
    element_id: str = Field(max_length=128)
    element_type: str = Field(max_length=64)
    state: InstanceState = Field(default=InstanceState.ACTIVE, sa_type=choice(InstanceState))
    started_at: datetime = Field(sa_type=Instant)
    ended_at: datetime | None = Field(default=None, sa_type=Instant)


class Incident(SQLModel, table=True):
    """A failure at which the engine stopped, until an administrator retries it."""

    __table_args__ = (Index("ix_incident_instance", "process_instance_key", "resolved_at"),)

    key: int = Field(primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False})
    process_instance_key: int = Field(sa_type=BigInteger)
    element_id: str = Field(max_length=128)
    element_instance_key: int = Field(sa_type=BigInteger)
    job_key: int | None = Field(default=None, sa_type=BigInteger)
    kind: str = Field(max_length=64)
    message: str
    created_at: datetime = Field(sa_type=Instant)
    resolved_at: datetime | None = Field(default=None, sa_type=Instant)


class EngineTimer(SQLModel, table=True):
    """An open timer, recorded under a controlled clock only, so that an advance can stop at each due instant."""

    __tablename__ = "engine_timer"

    key: int = Field(primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False})
    process_instance_key: int = Field(sa_type=BigInteger)
    element_id: str = Field(max_length=128)
    due_at: datetime = Field(sa_type=Instant, index=True)


class EngineJob(SQLModel, table=True):
    """An open job, recorded under a controlled clock only, so that an advance can wait for running work."""

    __tablename__ = "engine_job"

    key: int = Field(primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False})
    job_type: str = Field(max_length=128)
    process_instance_key: int = Field(sa_type=BigInteger)
    has_incident: bool = False


class Heartbeat(SQLModel, table=True):
    """The last heartbeat of a component (``relay``, ``feed``, ``worker:<job type>``), by the machine's clock."""

    component: str = Field(primary_key=True, max_length=128)
    at: datetime = Field(sa_type=Instant)
    detail: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
