"""Recent failures and the known addresses of accounts, from which limits on guessing are computed (ADR 18)."""

from datetime import datetime

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from models.database import Instant


class RateHit(SQLModel, table=True):
    """One entry of a moving window; ``key`` names the window, ``expires_at`` is when the entry leaves it."""

    __tablename__ = "rate_hit"
    __table_args__ = (Index("ix_rate_hit_key", "key", "at"),)

    id: int | None = Field(default=None, primary_key=True)
    key: str = Field(max_length=400)
    at: datetime = Field(sa_type=Instant)
    expires_at: datetime = Field(sa_type=Instant, index=True)


class KnownAddress(SQLModel, table=True):
    """An address from which an account has signed in."""

    __tablename__ = "known_address"

    username: str = Field(primary_key=True, foreign_key="account.username", max_length=64)
    address: str = Field(primary_key=True, max_length=64)
    last_used_at: datetime = Field(sa_type=Instant)
