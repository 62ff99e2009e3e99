"""Recall of a delegated power (按程序收回权限), and the second transfer of a county unit (二次划转)."""

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
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
    """What a recall or a second transfer does, or did, to one case in flight."""

    TRANSFER = "transfer"
    FINISH = "finish"
    WITH_CITY = "with_city"
    MOVE_UNIT = "move_unit"
    KEEP_UNIT = "keep_unit"

    @property
    def label(self) -> str:
        """Return the Chinese name."""
        return _DISPOSITIONS[self]


_DISPOSITIONS = {
    Disposition.TRANSFER: "移交市级单位继续办理",
    Disposition.FINISH: "由县级办结",
    Disposition.WITH_CITY: "已在市级，由市级继续办理",
    Disposition.MOVE_UNIT: "移交新承办部门继续办理",
    Disposition.KEEP_UNIT: "由原承办部门办结",
}


class RecallCase(SQLModel, table=True):
    """A case in flight when a recall or a second transfer took effect, and what became of it: recorded once each."""

    __tablename__ = "recall_case"
    __table_args__ = (
        UniqueConstraint("recall_id", "case_no", name="uq_recall_case"),
        UniqueConstraint("unit_transfer_id", "case_no", name="uq_recall_case_unit_transfer"),
        CheckConstraint("(recall_id IS NULL) <> (unit_transfer_id IS NULL)", name="one_cause"),
    )

    id: int | None = Field(default=None, primary_key=True)
    recall_id: int | None = Field(default=None, foreign_key="recall.id")
    unit_transfer_id: int | None = Field(default=None, foreign_key="unit_transfer.id")
    case_no: str = Field(foreign_key="case.case_no", max_length=32)
    disposition: Disposition = Field(sa_type=choice(Disposition))
    state_code: int
    at: datetime = Field(sa_type=Instant)
    taken_over_at: datetime | None = Field(default=None, sa_type=Instant)
    """When the city's process began; empty while the engine has not said so."""
    from_unit: str | None = Field(default=None, max_length=32)
    """The county unit that had the case before a second transfer moved it."""


class UnitTransferState(StrEnum):
    """Decided, then effective on its date; or revoked before."""

    DECIDED = "decided"
    EFFECTIVE = "effective"
    REVOKED = "revoked"

    @property
    def label(self) -> str:
        """Return the Chinese name."""
        return _TRANSFER_LABELS[self]


_TRANSFER_LABELS = {
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
    took_effect_at: datetime | None = Field(default=None, sa_type=Instant)
    revoked_by: str | None = Field(default=None, max_length=64)
    revoked_at: datetime | None = Field(default=None, sa_type=Instant)
    revoke_reason: str = ""
