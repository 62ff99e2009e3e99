"""A person's task: the product's projection of one native user task of the engine."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, BigInteger, Index
from sqlmodel import Field, SQLModel

from models.database import Instant, choice

NO_DUE = datetime(9999, 12, 30, tzinfo=UTC)
"""Sorts a task without a due instant after every other."""


class TaskStatus(StrEnum):
    """How far a task has come; ``completing`` is decided here and not yet confirmed by the engine."""

    OPEN = "open"
    COMPLETING = "completing"
    COMPLETED = "completed"
    CANCELED = "canceled"


class ClockShare(StrEnum):
    """The share of the case's clock a task runs on, named by the model's task header ``clock``."""

    ACCEPTANCE = "acceptance"
    REVIEW = "review"
    DECISION = "decision"
    DELIVERY = "delivery"


class Light(StrEnum):
    """The warning light of a task (绿灯, 黄牌, 红牌, 暂停)."""

    GREEN = "green"
    YELLOW = "yellow"
    RED = "red"
    PAUSED = "paused"


class Task(SQLModel, table=True):
    """One user task; ``key`` is the engine's user task key."""

    __table_args__ = (
        Index("ix_task_case", "case_no", "status"),
        Index("ix_task_instance", "process_instance_key"),
        Index("ix_task_assignee_open", "assignee", "is_open", "due_at", "key"),
    )

    key: int = Field(primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False})
    case_no: str | None = Field(default=None, max_length=32)
    """Null until the feed knows the case of the task's process instance."""
    process_id: str = Field(max_length=128)
    process_instance_key: int = Field(sa_type=BigInteger)
    element_id: str = Field(max_length=128)
    element_instance_key: int = Field(sa_type=BigInteger)
    name: str
    item_name: str = ""
    area: str = Field(default="", max_length=32)
    candidate_groups: list[str] = Field(default_factory=list, sa_type=JSON)
    headers: dict[str, str] = Field(default_factory=dict, sa_type=JSON)
    form_key: int | None = Field(default=None, sa_type=BigInteger)
    assignee: str | None = Field(default=None, max_length=64)
    status: TaskStatus = Field(default=TaskStatus.OPEN, sa_type=choice(TaskStatus))
    is_open: bool = True
    clock: ClockShare | None = Field(default=None, sa_type=choice(ClockShare))
    paused: bool = False
    created_at: datetime = Field(sa_type=Instant)
    due_at: datetime | None = Field(default=None, sa_type=Instant)
    warn_at: datetime | None = Field(default=None, sa_type=Instant)
    provisional: bool = False
    """The due instant counts days whose schedule is not published yet (暂定)."""
    closed_at: datetime | None = Field(default=None, sa_type=Instant)

    def light(self, now: datetime) -> Light:
        """Return the light at ``now``: red past the due instant, else paused in a pause, yellow past the warning."""
        if self.due_at is not None and now > self.due_at:
            return Light.RED
        if self.paused:
            return Light.PAUSED
        if self.warn_at is not None and now >= self.warn_at:
            return Light.YELLOW
        return Light.GREEN


class TaskCandidate(SQLModel, table=True):
    """One candidate group of a task, with what the group's list sorts by, so that a page is one index range."""

    __tablename__ = "task_candidate"
    __table_args__ = (
        Index("ix_task_candidate_due", "group_name", "is_open", "due_at", "task_key"),
        Index("ix_task_candidate_created", "group_name", "is_open", "created_at", "task_key"),
    )

    task_key: int = Field(primary_key=True, sa_type=BigInteger, foreign_key="task.key")
    group_name: str = Field(primary_key=True, max_length=128)
    is_open: bool = True
    due_at: datetime = Field(sa_type=Instant)
    """The task's due instant, or the far future when it has none."""
    created_at: datetime = Field(sa_type=Instant)


class FormVersion(SQLModel, table=True):
    """One deployed form, as the engine exported it."""

    __tablename__ = "form_version"
    __table_args__ = (Index("ix_form_version_form", "form_id", "version"),)

    form_key: int = Field(primary_key=True, sa_type=BigInteger, sa_column_kwargs={"autoincrement": False})
    form_id: str = Field(max_length=128)
    version: int
    definition: dict[str, Any] = Field(sa_type=JSON)
