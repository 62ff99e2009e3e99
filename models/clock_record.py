"""What a case's clock said when the case was decided or ended: kept, not recomputed (ADR 8)."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON
from sqlmodel import Field, SQLModel

from models.database import Instant


class ClockRecord(SQLModel, table=True):
    """The clock of one case as it stood at its decision, or at its end without one; written once, never changed."""

    __tablename__ = "clock_record"

    case_no: str = Field(primary_key=True, foreign_key="case.case_no", max_length=32)
    kept_at: datetime = Field(sa_type=Instant)
    """The instant of the decision or the end."""
    body: dict[str, Any] = Field(sa_type=JSON)
    """The answer of the API (``ClockView``): every day with its reason. Fields it gains later need a default."""
