"""Guidance from the city (业务指导): questions to a unit's advisor, model cases (典型案例) and trainings (业务培训)."""

from datetime import datetime

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from models.database import Instant


class Question(SQLModel, table=True):
    """A county's question on an item or a case, and the advisor's (业务指导员) answer."""

    __table_args__ = (Index("ix_question_unit", "unit", "answered_at", "id"), Index("ix_question_area", "area", "id"))

    id: int | None = Field(default=None, primary_key=True)
    item: str = Field(max_length=32)
    case_no: str | None = Field(default=None, foreign_key="case.case_no", max_length=32)
    area: str = Field(max_length=32)
    unit: str = Field(max_length=32)
    text: str
    asked_by: str = Field(max_length=64)
    asked_at: datetime = Field(sa_type=Instant)
    answer: str = ""
    answered_by: str | None = Field(default=None, max_length=64)
    answered_at: datetime | None = Field(default=None, sa_type=Instant)
    reminded_at: datetime | None = Field(default=None, sa_type=Instant)
    """When the advisor was reminded that it is unanswered."""


class Precedent(SQLModel, table=True):
    """A model case: how a kind of application is to be handled, without anybody's personal data."""

    id: int | None = Field(default=None, primary_key=True)
    item: str = Field(index=True, max_length=32)
    unit: str = Field(max_length=32)
    title: str = Field(max_length=200)
    text: str
    published_by: str = Field(max_length=64)
    published_at: datetime = Field(sa_type=Instant)


class Training(SQLModel, table=True):
    """A training a city unit announces."""

    id: int | None = Field(default=None, primary_key=True)
    unit: str = Field(max_length=32)
    title: str = Field(max_length=200)
    begins_at: datetime = Field(sa_type=Instant)
    place: str = Field(default="", max_length=200)
    text: str = ""
    announced_by: str = Field(max_length=64)
    announced_at: datetime = Field(sa_type=Instant)


class TrainingAttendance(SQLModel, table=True):
    """One account's attendance of a training, recorded once."""

    __tablename__ = "training_attendance"
    __table_args__ = (UniqueConstraint("training_id", "account", name="uq_training_attendance"),)

    id: int | None = Field(default=None, primary_key=True)
    training_id: int = Field(foreign_key="training.id")
    account: str = Field(max_length=64)
    at: datetime = Field(sa_type=Instant)
