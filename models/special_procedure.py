"""What stops or lengthens a case's clock: special procedures (特别程序) and the one extension (延期)."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from models.database import Instant, choice


class SpecialKind(StrEnum):
    """The eight procedures whose time does not count (行政许可法 art. 45)."""

    HEARING = "听证"
    TENDER = "招标"
    AUCTION = "拍卖"
    INSPECTION = "检验"
    TESTING = "检测"
    QUARANTINE = "检疫"
    APPRAISAL = "鉴定"
    EXPERT_REVIEW = "专家评审"


class SpecialProcedure(SQLModel, table=True):
    """One special procedure of a case; the clock stands still on every day it covers."""

    __tablename__ = "special_procedure"
    __table_args__ = (Index("ix_special_procedure_case", "case_no", "begun_at"),)

    id: str = Field(primary_key=True, max_length=40)
    case_no: str = Field(foreign_key="case.case_no", max_length=32)
    kind: SpecialKind = Field(sa_type=choice(SpecialKind))
    planned_days: int
    """Working days announced to the applicant."""
    reason: str
    begun_by: str = Field(max_length=64)
    begun_at: datetime = Field(sa_type=Instant)
    planned_end_at: datetime = Field(sa_type=Instant)
    ended_at: datetime | None = Field(default=None, sa_type=Instant)
    ended_by: str | None = Field(default=None, max_length=64)


class Extension(SQLModel, table=True):
    """The one extension of a case's limit (行政许可法 art. 42)."""

    __table_args__ = (UniqueConstraint("case_no", name="uq_extension_case"),)

    id: int | None = Field(default=None, primary_key=True)
    case_no: str = Field(foreign_key="case.case_no", max_length=32)
    days: int
    reason: str
    approved_by: str = Field(max_length=64)
    approved_at: datetime = Field(sa_type=Instant)
