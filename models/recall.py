"""Recall of a delegated power (按程序收回权限), and the cases in flight when it took effect."""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from models.database import Instant, choice
from models.in_flight import Disposition, InFlight


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
    """One recall of one item from one area; its dates, not its state, say whether the power is recalled on a day."""

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
    """When the city's process began; empty until the engine confirms it."""
