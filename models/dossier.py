"""The transfer dossier (审核转报件): what the county sends to the city for approval."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, UniqueConstraint
from sqlmodel import Field, SQLModel

from models.database import Instant


class TransferDossier(SQLModel, table=True):
    """One forwarding of a case to the city: review opinion, materials with digests, reviewers and signatures.

    ``round`` counts forwardings: a returned dossier is followed by a new one, never edited.
    """

    __tablename__ = "transfer_dossier"
    __table_args__ = (UniqueConstraint("case_no", "round", name="uq_transfer_dossier_round"),)

    id: int | None = Field(default=None, primary_key=True)
    case_no: str = Field(foreign_key="case.case_no", max_length=32)
    round: int
    body: dict[str, Any] = Field(sa_type=JSON)
    digest: str = Field(max_length=64)
    """SHA-256 of the canonical body."""
    forwarded_by: str = Field(max_length=64)
    forwarded_at: datetime = Field(sa_type=Instant)
    received_by: str | None = Field(default=None, max_length=64)
    received_at: datetime | None = Field(default=None, sa_type=Instant)
    returned_by: str | None = Field(default=None, max_length=64)
    returned_at: datetime | None = Field(default=None, sa_type=Instant)
    return_reason: str = ""
