"""Commands for the engine and other systems, written in the transaction that decided them."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from models.database import Instant, choice


class OutboxKind(StrEnum):
    """What the relay is to do; the payload's fields are listed at each kind.

    ``publish_message``: name, correlation_key, variables, time_to_live_ms, message_id.
    ``complete_user_task``: key, variables. ``assign_user_task``: key, assignee (null = release).
    ``update_user_task``: key, candidate_groups. ``set_variables``: key (of the instance), variables.
    ``cancel_instance``: key. ``move_instance``: key, activate (elements, each with its local variables), variables,
    terminate (element instance keys). ``retry_incident``: key, job_key (null when the incident has no job).
    """

    PUBLISH_MESSAGE = "publish_message"
    COMPLETE_USER_TASK = "complete_user_task"
    ASSIGN_USER_TASK = "assign_user_task"
    UPDATE_USER_TASK = "update_user_task"
    SET_VARIABLES = "set_variables"
    CANCEL_INSTANCE = "cancel_instance"
    RETRY_INCIDENT = "retry_incident"
    MOVE_INSTANCE = "move_instance"


class OutboxStatus(StrEnum):
    """``pending`` waits or is being tried, ``sent`` is done, ``dead`` was given up and is shown to administrators."""

    PENDING = "pending"
    SENT = "sent"
    DEAD = "dead"


class OutboxCommand(SQLModel, table=True):
    """One command; commands with the same ``stream`` are sent in the order of their ids."""

    __tablename__ = "outbox_command"
    __table_args__ = (
        UniqueConstraint("natural_key", name="uq_outbox_command_natural_key"),
        Index("ix_outbox_command_due", "status", "available_at", "id"),
    )

    id: int | None = Field(default=None, primary_key=True)
    kind: OutboxKind = Field(sa_type=choice(OutboxKind))
    stream: str = Field(max_length=64)
    """The case number, or another key within which order matters."""
    natural_key: str = Field(max_length=200)
    payload: dict[str, Any] = Field(sa_type=JSON)
    status: OutboxStatus = Field(default=OutboxStatus.PENDING, sa_type=choice(OutboxStatus))
    attempts: int = 0
    last_error: str | None = None
    created_at: datetime = Field(sa_type=Instant)
    available_at: datetime = Field(sa_type=Instant)
    """Machine time before which the relay leaves it alone (back-off)."""
    sent_at: datetime | None = Field(default=None, sa_type=Instant)
