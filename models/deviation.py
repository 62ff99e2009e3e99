"""Deviations: actions of the engine that no use case requested, reported to the administrator and corrected."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import JSON, BigInteger, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from models.database import Instant, choice


class DeviationKind(StrEnum):
    """``foreign_group``: a task is offered to a group its case does not concern.

    ``task_completed``: a task was completed directly in the engine, so that no recorded answer belongs to it.
    ``instance_ended``: a case's process instance ended, usually cancelled, while the case is open.
    """

    FOREIGN_GROUP = "foreign_group"
    TASK_COMPLETED = "task_completed"
    INSTANCE_ENDED = "instance_ended"

    @property
    def label(self) -> str:
        """Return the Chinese name."""
        return _KINDS[self]


_KINDS = {
    DeviationKind.FOREIGN_GROUP: "候选组与办件不符",
    DeviationKind.TASK_COMPLETED: "任务在系统外被办结",
    DeviationKind.INSTANCE_ENDED: "流程实例在系统外被终止",
}


class Deviation(SQLModel, table=True):
    """One deviation, recorded once; ``natural_key`` identifies its cause.

    ``command`` is the natural key of the outbox command that corrects it, once an administrator has requested that;
    ``steps`` are the elements a new instance is to begin at. ``settled_at`` is when nothing remained to be done,
    through that command or because the case moved on otherwise.
    """

    __table_args__ = (
        UniqueConstraint("natural_key", name="uq_deviation_natural_key"),
        Index("ix_deviation_instance", "process_instance_key"),
        Index("ix_deviation_case", "case_no", "settled_at"),
        Index("ix_deviation_settled", "settled_at", "id"),
    )

    id: int | None = Field(default=None, primary_key=True)
    natural_key: str = Field(max_length=120)
    kind: DeviationKind = Field(sa_type=choice(DeviationKind))
    case_no: str = Field(foreign_key="case.case_no", max_length=32)
    process_instance_key: int = Field(sa_type=BigInteger)
    task_key: int | None = Field(default=None, sa_type=BigInteger)
    element_id: str = Field(default="", max_length=128)
    text: str
    found_at: datetime = Field(sa_type=Instant)
    steps: list[str] = Field(default_factory=list, sa_type=JSON)
    command: str | None = Field(default=None, max_length=200)
    asked_by: str | None = Field(default=None, max_length=64)
    asked_at: datetime | None = Field(default=None, sa_type=Instant)
    settled_at: datetime | None = Field(default=None, sa_type=Instant)
