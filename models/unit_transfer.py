"""Transfer of an item to another unit of the same county (二次划转), and the cases in flight when it took effect."""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from models.database import Instant, choice
from models.in_flight import Disposition, InFlight
from models.protocol import Process


class UnitTransferState(StrEnum):
    """Decided, then effective on its date; or revoked before."""

    DECIDED = "decided"
    EFFECTIVE = "effective"
    REVOKED = "revoked"

    @property
    def label(self) -> str:
        """Return the Chinese name."""
        return _LABELS[self]


_LABELS = {
    UnitTransferState.DECIDED: "已决定，待生效",
    UnitTransferState.EFFECTIVE: "已划转",
    UnitTransferState.REVOKED: "已撤销",
}


class UnitTransfer(SQLModel, table=True):
    """From a date on another county unit handles an item in an area (二次划转).

    The date, unless it is revoked, says who handles a new case; ``in_flight`` says what becomes of the running ones.
    """

    __tablename__ = "unit_transfer"
    __table_args__ = (Index("ix_unit_transfer_area_item", "area", "item", "effective_on"),)

    id: int | None = Field(default=None, primary_key=True)
    area: str = Field(max_length=32)
    item: str = Field(max_length=32)
    from_unit: str = Field(max_length=32)
    to_unit: str = Field(max_length=32)
    effective_on: date
    reason: str
    decided_by: str = Field(max_length=64)
    decided_at: datetime = Field(sa_type=Instant)
    state: UnitTransferState = Field(default=UnitTransferState.DECIDED, sa_type=choice(UnitTransferState))
    in_flight: InFlight = Field(default=InFlight.FINISH, sa_type=choice(InFlight))
    process_id: str = Field(default=Process.UNIT_TRANSFER, max_length=64)
    """The process that waits for its day; one decided by an earlier release stays with the recall's."""
    took_effect_at: datetime | None = Field(default=None, sa_type=Instant)
    revoked_by: str | None = Field(default=None, max_length=64)
    revoked_at: datetime | None = Field(default=None, sa_type=Instant)
    revoke_reason: str = ""


class UnitTransferCase(SQLModel, table=True):
    """A case in flight when a unit transfer took effect, and what became of it: recorded once each."""

    __tablename__ = "unit_transfer_case"
    __table_args__ = (UniqueConstraint("unit_transfer_id", "case_no", name="uq_unit_transfer_case"),)

    id: int | None = Field(default=None, primary_key=True)
    unit_transfer_id: int = Field(foreign_key="unit_transfer.id")
    case_no: str = Field(foreign_key="case.case_no", max_length=32)
    disposition: Disposition = Field(sa_type=choice(Disposition))
    state_code: int
    at: datetime = Field(sa_type=Instant)
    from_unit: str | None = Field(default=None, max_length=32)
    """The county unit that had the case before."""
