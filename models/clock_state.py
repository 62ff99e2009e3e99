"""The product's clock when it is controlled: its offset from the machine's, and the advances asked for."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger
from sqlmodel import Field, SQLModel

from models.database import Instant, choice


class AdvanceStatus(StrEnum):
    """How far an advance has come."""

    PENDING = "pending"
    DONE = "done"
    FAILED = "failed"


class ClockState(SQLModel, table=True):
    """The single row with the offset of the product's time from the machine's."""

    __tablename__ = "clock_state"

    id: int = Field(default=1, primary_key=True)
    controlled: bool = False
    offset_ms: int = Field(default=0, sa_type=BigInteger)


class ClockAdvance(SQLModel, table=True):
    """One request to move the clock forward, carried out by the bridge."""

    __tablename__ = "clock_advance"

    id: int | None = Field(default=None, primary_key=True)
    seconds: float
    requested_by: str = Field(max_length=64)
    requested_at: datetime = Field(sa_type=Instant)
    target_at: datetime | None = Field(default=None, sa_type=Instant)
    """Product time to reach, fixed when the bridge picks up the request."""
    status: AdvanceStatus = Field(default=AdvanceStatus.PENDING, sa_type=choice(AdvanceStatus))
    error: str | None = None
    finished_at: datetime | None = Field(default=None, sa_type=Instant)
