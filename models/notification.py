"""Notifications to groups of accounts: reminders (催办) and supervision (督办) of a case's dates and of powers."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from models.database import Instant, choice


class NotificationKind(StrEnum):
    """催办 goes to who has the work in hand, 督办 to who supervises."""

    REMINDER = "reminder"
    SUPERVISION = "supervision"

    @property
    def label(self) -> str:
        """Return the Chinese name."""
        return "催办" if self is NotificationKind.REMINDER else "督办"


class NotificationSubject(StrEnum):
    """What a notification is about."""

    CASE = "case"
    POLICY_NOTICE = "policy_notice"
    FILING = "filing"
    RECALL = "recall"
    AGREEMENT = "agreement"
    QUESTION = "question"
    DEVIATION = "deviation"
    SIGN_IN = "sign_in"

    @property
    def label(self) -> str:
        """Return the Chinese name."""
        return _SUBJECTS[self]


_SUBJECTS = {
    NotificationSubject.CASE: "办件",
    NotificationSubject.POLICY_NOTICE: "政策文件告知",
    NotificationSubject.FILING: "县级报备",
    NotificationSubject.RECALL: "收回权限",
    NotificationSubject.AGREEMENT: "承接协议",
    NotificationSubject.QUESTION: "业务指导",
    NotificationSubject.DEVIATION: "流程偏离",
    NotificationSubject.SIGN_IN: "登录安全",
}


class Notification(SQLModel, table=True):
    """One notification to one group, dated by the instant its cause came due.

    It is about a case, or about the row ``subject_id`` of ``subject``, called ``title`` in ``area``; a filing has both.
    """

    __tablename__ = "notification"
    __table_args__ = (
        UniqueConstraint("natural_key", "to_group", name="uq_notification_cause"),
        Index("ix_notification_group", "to_group", "id"),
        Index("ix_notification_case", "case_no", "id"),
    )

    id: int | None = Field(default=None, primary_key=True)
    natural_key: str = Field(max_length=120)
    case_no: str | None = Field(default=None, foreign_key="case.case_no", max_length=32)
    subject: NotificationSubject = Field(default=NotificationSubject.CASE, sa_type=choice(NotificationSubject))
    subject_id: int | None = None
    title: str = Field(default="", max_length=300)
    area: str = Field(default="", max_length=32)
    kind: NotificationKind = Field(sa_type=choice(NotificationKind))
    signal: str = Field(max_length=32)
    to_group: str = Field(max_length=128)
    text: str
    at: datetime = Field(sa_type=Instant)


class NotificationReading(SQLModel, table=True):
    """The record that one account has read a notification."""

    __tablename__ = "notification_reading"

    notification_id: int = Field(primary_key=True, foreign_key="notification.id")
    username: str = Field(primary_key=True, max_length=64)
    read_at: datetime = Field(sa_type=Instant)
