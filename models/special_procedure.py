"""What stops or lengthens a case's clock: special procedures (特别程序) and the one extension (延期)."""

from datetime import date, datetime
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

    @property
    def longest_plan(self) -> int:
        """Return for how many working days such a procedure may be announced at most [decision].

        A hearing: five days to ask for it and twenty to hold it (行政许可法 art. 47), and some for its record; the law
        bounds none of the others. One that runs longer is reminded of, and its clock goes on standing still.
        """
        return _LONGEST_PLANS[self]


_LONGEST_PLANS = {
    SpecialKind.HEARING: 30,
    SpecialKind.TENDER: 120,
    SpecialKind.AUCTION: 120,
    SpecialKind.INSPECTION: 90,
    SpecialKind.TESTING: 90,
    SpecialKind.QUARANTINE: 90,
    SpecialKind.APPRAISAL: 90,
    SpecialKind.EXPERT_REVIEW: 60,
}


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
    presiding_officer: str | None = Field(default=None, max_length=64)
    """The account that presides over a hearing; nobody who reviewed the case (行政许可法 art. 48)."""
    told_on: date | None = None
    """The day notice of the right to a hearing was given (art. 46, 47)."""
    requested_on: date | None = None
    """The day a hearing was asked for, within five working days of being told (art. 47)."""
    held_on: date | None = None
    """The day the hearing is held: announced seven days ahead, within twenty of the request (art. 47, 48)."""

    @property
    def announced_reason(self) -> str:
        """Return the reason as the notice states it, with a hearing's day."""
        if self.held_on is None:
            return self.reason
        day = f"{self.held_on.year}年{self.held_on.month}月{self.held_on.day}日"
        presided = "，主持人为本案审查人员以外的工作人员" if self.presiding_officer is not None else ""
        return f"{self.reason}\n听证定于{day}举行{presided}。"


class Extension(SQLModel, table=True):
    """The one extension of a case's limit (行政许可法 art. 42)."""

    __table_args__ = (UniqueConstraint("case_no", name="uq_extension_case"),)

    id: int | None = Field(default=None, primary_key=True)
    case_no: str = Field(foreign_key="case.case_no", max_length=32)
    days: int
    reason: str
    approved_by: str = Field(max_length=64)
    approved_at: datetime = Field(sa_type=Instant)
