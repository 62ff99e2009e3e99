"""Engine records the feed could not project, kept until an administrator has the cause repaired."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, Index, LargeBinary, UniqueConstraint
from sqlmodel import Field, SQLModel

from models.database import Instant, choice


class Settlement(StrEnum):
    """How a record left the list: ``projected`` after a retry, ``replaced`` by a newer version or a deletion."""

    PROJECTED = "projected"
    REPLACED = "replaced"


KIND_WORDS = {
    "FORM": "表单",
    "PROCESS": "流程",
    "DEPLOYMENT": "部署",
    "USER_TASK": "任务",
    "PROCESS_INSTANCE": "流程环节",
    "MESSAGE_START_EVENT_SUBSCRIPTION": "办件启动",
    "INCIDENT": "故障",
    "TIMER": "定时器",
    "JOB": "作业",
}
"""The names shown for the engine's types of records."""


class SetAsideRecord(SQLModel, table=True):
    """One record of the engine's log whose own content could not be projected.

    ``raw`` is the line as the exporter sent it. A later record of the same thing (a task's completion, say) waits with
    ``behind`` naming the first one, since projecting it alone would leave a history without its beginning.
    """

    __tablename__ = "set_aside_record"
    __table_args__ = (
        UniqueConstraint("exporter", "partition", "position", name="uq_set_aside_record_position"),
        Index("ix_set_aside_record_open", "settled_at", "behind", "id"),
        Index("ix_set_aside_record_subject", "value_type", "subject_key"),
    )

    id: int | None = Field(default=None, primary_key=True)
    exporter: str = Field(max_length=64)
    partition: int
    position: int = Field(sa_type=BigInteger)
    value_type: str = Field(max_length=64)
    intent: str = Field(default="", max_length=64)
    subject_key: int | None = Field(default=None, sa_type=BigInteger)
    """The engine's key of the task, form, definition … the record is about; null where records are independent."""
    name: str = Field(default="", max_length=128)
    reason: str
    """What is wrong with it and what to do, in a sentence; empty while it only waits behind another."""
    raw: bytes = Field(sa_type=LargeBinary)
    behind: int | None = None
    at: datetime = Field(sa_type=Instant)
    """The machine's time at which it was set aside."""
    retry_asked_at: datetime | None = Field(default=None, sa_type=Instant)
    """Since when a retry has waited for the bridge; null when none does."""
    retried_at: datetime | None = Field(default=None, sa_type=Instant)
    settled_at: datetime | None = Field(default=None, sa_type=Instant)
    settlement: Settlement | None = Field(default=None, sa_type=choice(Settlement))
