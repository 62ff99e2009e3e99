"""Files people handed in: one row each; the content is stored once, under its SHA-256, outside the database."""

from datetime import datetime, timedelta

from sqlalchemy import BigInteger, Index
from sqlmodel import Field, SQLModel

from models.database import Instant

UNBOUND_LIFE = timedelta(days=1)
"""How long a file that belongs to no case is kept."""


class StoredFile(SQLModel, table=True):
    """One file as it was handed in; ``media_type`` is that of its content, whatever its name says.

    It belongs to a case as soon as a material or an answer names it; it then belongs to that one permanently.
    """

    __tablename__ = "stored_file"
    __table_args__ = (Index("ix_stored_file_case", "case_no", "bound_at"), Index("ix_stored_file_sha256", "sha256"))

    id: str = Field(primary_key=True, max_length=32)
    name: str = Field(max_length=200)
    media_type: str = Field(max_length=100)
    size: int = Field(sa_type=BigInteger)
    sha256: str = Field(max_length=64)
    uploaded_by: str = Field(max_length=64)
    uploaded_at: datetime = Field(sa_type=Instant)
    case_no: str | None = Field(default=None, foreign_key="case.case_no", max_length=32)
    material_id: int | None = Field(default=None, foreign_key="material.id")
    task_key: int | None = Field(default=None, sa_type=BigInteger)
    """The answered task, for what was handed in with an opinion."""
    bound_at: datetime | None = Field(default=None, sa_type=Instant)

    @property
    def audit_subject(self) -> str:
        """Return what the audit trail names: the file's case, and before it has one the file itself."""
        return self.case_no or f"file-{self.id}"

    def is_gone(self, now: datetime) -> bool:
        """Tell whether the file belongs to no case and has expired."""
        return self.case_no is None and now >= self.uploaded_at + UNBOUND_LIFE
