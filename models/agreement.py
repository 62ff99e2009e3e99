"""The takeover agreement (承接协议) between a city unit and a county."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, Index
from sqlmodel import Field, SQLModel

from models.canonical_json import digest_of
from models.database import Instant, choice


class AgreementState(StrEnum):
    """A draft becomes signed when both sides signed, in force on its date, then suspended or ended.

    ``IN_FORCE`` is never stored: ``state_on`` derives it for a signed agreement, from its date on.
    """

    DRAFT = "draft"
    SIGNED = "signed"
    IN_FORCE = "in_force"
    SUSPENDED = "suspended"
    ENDED = "ended"

    @property
    def label(self) -> str:
        """Return the name shown on pages."""
        return _LABELS[self]


_LABELS = {
    AgreementState.DRAFT: "待签署",
    AgreementState.SIGNED: "已签署，待生效",
    AgreementState.IN_FORCE: "生效",
    AgreementState.SUSPENDED: "中止",
    AgreementState.ENDED: "终止",
}


class Side(StrEnum):
    """The two sides of an agreement."""

    CITY = "city"
    COUNTY = "county"

    @property
    def label(self) -> str:
        """Return the name shown on pages."""
        return "市级单位" if self is Side.CITY else "县（市、区）"


class Agreement(SQLModel, table=True):
    """One agreement: which of a unit's ``substantive`` items an area takes over, by what procedure, from when."""

    __table_args__ = (Index("ix_agreement_area", "area", "unit", "state"),)

    id: int | None = Field(default=None, primary_key=True)
    area: str = Field(max_length=32)
    unit: str = Field(max_length=32)
    items: list[str] = Field(default_factory=list, sa_type=JSON)
    procedure: str
    in_force_from: date
    state: AgreementState = Field(default=AgreementState.DRAFT, sa_type=choice(AgreementState))
    city_signature: dict[str, Any] | None = Field(default=None, sa_type=JSON)
    county_signature: dict[str, Any] | None = Field(default=None, sa_type=JSON)
    created_by: str = Field(max_length=64)
    created_at: datetime = Field(sa_type=Instant)
    reason: str = ""
    """Why it was last suspended, resumed or ended."""

    def signature_of(self, side: Side) -> dict[str, Any] | None:
        """Return a side's signature, None while it has not signed."""
        return self.city_signature if side is Side.CITY else self.county_signature

    def in_force(self, on: date) -> bool:
        """Tell whether the agreement is in force on ``on``."""
        return self.state is AgreementState.SIGNED and self.in_force_from <= on

    def state_on(self, on: date) -> AgreementState:
        """Return the state on ``on``, ``IN_FORCE`` included."""
        return AgreementState.IN_FORCE if self.in_force(on) else self.state

    def digest(self) -> str:
        """Return SHA-256 over the agreed terms: each signature names it, so that a changed text is detected."""
        content = {
            "area": self.area,
            "unit": self.unit,
            "items": sorted(self.items),
            "procedure": self.procedure,
            "in_force_from": self.in_force_from.isoformat(),
        }
        return digest_of(content)
