"""The takeover agreement (承接协议) between a city unit and a county."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, Index
from sqlmodel import Field, SQLModel

from models.database import Instant, choice


class AgreementState(StrEnum):
    """A draft becomes signed when both sides signed, in force on its date, then suspended or ended."""

    DRAFT = "draft"
    SIGNED = "signed"
    SUSPENDED = "suspended"
    ENDED = "ended"


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

    def in_force(self, on: date) -> bool:
        """Tell whether the agreement counts on ``on``."""
        return self.state is AgreementState.SIGNED and self.in_force_from <= on
