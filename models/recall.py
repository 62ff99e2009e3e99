"""Recall of a delegated power (按程序收回权限), and the second transfer of a county unit (二次划转)."""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from models.database import Instant, choice


class InFlight(StrEnum):
    """What becomes of the cases in flight when a power is recalled."""

    FINISH = "finish"
    TRANSFER = "transfer"

    @property
    def label(self) -> str:
        """Return the Chinese name."""
        return "由县级办结" if self is InFlight.FINISH else "移交市级办理"


class RecallState(StrEnum):
    """Proposed, then the county is heard, then decided, effective on its date, perhaps restored; or dropped."""

    PROPOSED = "proposed"
    HEARD = "heard"
    DECIDED = "decided"
    EFFECTIVE = "effective"
    RESTORED = "restored"
    DROPPED = "dropped"

    @property
    def label(self) -> str:
        """Return the Chinese name."""
        return _LABELS[self]


_LABELS = {
    RecallState.PROPOSED: "拟收回，听取县级意见",
    RecallState.HEARD: "已听取意见，待决定",
    RecallState.DECIDED: "已决定，待生效",
    RecallState.EFFECTIVE: "已收回",
    RecallState.RESTORED: "已恢复",
    RecallState.DROPPED: "不予收回",
}


class Recall(SQLModel, table=True):
    """One recall of one item from one area; its dates, not its state, say whether the power is gone on a day."""

    __table_args__ = (Index("ix_recall_item_area", "item", "area", "effective_on"),)

    id: int | None = Field(default=None, primary_key=True)
    item: str = Field(max_length=32)
    area: str = Field(max_length=32)
    unit: str = Field(max_length=32)
    state: RecallState = Field(sa_type=choice(RecallState))
    reason: str
    proposed_by: str | None = Field(default=None, max_length=64)
    proposed_at: datetime | None = Field(default=None, sa_type=Instant)
    statement_due_at: datetime | None = Field(default=None, sa_type=Instant)
    statement: str = ""
    stated_by: str | None = Field(default=None, max_length=64)
    stated_at: datetime | None = Field(default=None, sa_type=Instant)
    decided_by: str | None = Field(default=None, max_length=64)
    decided_at: datetime | None = Field(default=None, sa_type=Instant)
    effective_on: date | None = None
    in_flight: InFlight | None = Field(default=None, sa_type=choice(InFlight))
    took_effect_at: datetime | None = Field(default=None, sa_type=Instant)
    restored_on: date | None = None
    restored_by: str | None = Field(default=None, max_length=64)
    restore_reason: str = ""

    def withholds(self, on: date) -> bool:
        """Tell whether the area lacks the power on ``on``."""
        begun = self.effective_on is not None and self.effective_on <= on
        return begun and (self.restored_on is None or on < self.restored_on)


class Disposition(StrEnum):
    """What a recall does, or did, to one case in flight."""

    TRANSFER = "transfer"
    FINISH = "finish"
    WITH_CITY = "with_city"

    @property
    def label(self) -> str:
        """Return the Chinese name."""
        return _DISPOSITIONS[self]


_DISPOSITIONS = {
    Disposition.TRANSFER: "移交市级单位继续办理",
    Disposition.FINISH: "由县级办结",
    Disposition.WITH_CITY: "已在市级，由市级继续办理",
}


class RecallCase(SQLModel, table=True):
    """A case in flight when a recall took effect, and what became of it: recorded once each."""

    __tablename__ = "recall_case"
    __table_args__ = (UniqueConstraint("recall_id", "case_no", name="uq_recall_case"),)

    id: int | None = Field(default=None, primary_key=True)
    recall_id: int = Field(foreign_key="recall.id")
    case_no: str = Field(foreign_key="case.case_no", max_length=32)
    disposition: Disposition = Field(sa_type=choice(Disposition))
    state_code: int
    at: datetime = Field(sa_type=Instant)
    taken_over_at: datetime | None = Field(default=None, sa_type=Instant)
    """When the city's process began; empty while the engine has not said so."""


class UnitTransfer(SQLModel, table=True):
    """From a date on another county unit handles an item in an area (二次划转); running cases keep theirs."""

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
