"""A new list of items (事项清单): drafted, reviewed, and published as dated versions of items."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON
from sqlmodel import Field, SQLModel

from models.database import Instant, choice


class ListDraftState(StrEnum):
    """Drafted, submitted for review, then published by another person or sent back."""

    DRAFT = "draft"
    REVIEW = "review"
    PUBLISHED = "published"
    REJECTED = "rejected"

    @property
    def label(self) -> str:
        """Return the Chinese name."""
        return _LABELS[self]


_LABELS = {
    ListDraftState.DRAFT: "草稿",
    ListDraftState.REVIEW: "待审定",
    ListDraftState.PUBLISHED: "已发布",
    ListDraftState.REJECTED: "已退回",
}


class ListDraft(SQLModel, table=True):
    """An imported list; ``rows`` are the items as checked, ``complete`` ends every item it does not name."""

    __tablename__ = "list_draft"

    id: int | None = Field(default=None, primary_key=True)
    title: str = Field(max_length=200)
    source: str = Field(default="", max_length=200)
    in_force_from: date
    complete: bool = False
    state: ListDraftState = Field(default=ListDraftState.DRAFT, sa_type=choice(ListDraftState))
    rows: list[dict[str, Any]] = Field(default_factory=list, sa_type=JSON)
    digest: str = Field(max_length=64)
    drafted_by: str = Field(max_length=64)
    drafted_at: datetime = Field(sa_type=Instant)
    submitted_at: datetime | None = Field(default=None, sa_type=Instant)
    reviewed_by: str | None = Field(default=None, max_length=64)
    reviewed_at: datetime | None = Field(default=None, sa_type=Instant)
    review_note: str = ""
    published_changes: list[dict[str, Any]] = Field(default_factory=list, sa_type=JSON)
    """The differences it made when it was published."""
