"""Verify the whole: the chain by itself, the chain against its signed heads, and the rows against the chain."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlmodel import Session

from models.audit import AuditEntry
from services.journal import audit, seals
from services.witness import heads


@dataclass(frozen=True)
class Finding:
    """What does not fit: the table or file, the row's key or the line's number, and what differs."""

    place: str
    key: str
    reason: str

    def __str__(self) -> str:
        return f"{self.place} {self.key}：{self.reason}"


def verify(session: Session, heads_file: Path) -> Iterator[Finding]:
    """Yield everything that was changed outside the product; nothing when all is as it was written."""
    if not seals.is_anchored(session):
        yield Finding(str(AuditEntry.__tablename__), "-", "没有锚定记录：审计链被整体删除，或数据库尚未由本版本启动过")
    try:
        for link in audit.verify(session):
            yield Finding(str(AuditEntry.__tablename__), str(link.id), link.reason)
    except seals.UNREADABLE as error:
        session.rollback()
        yield Finding(str(AuditEntry.__tablename__), "-", f"有一条记录无法读出（{type(error).__name__}）")
        return
    for fault in heads.verify(session, heads_file):
        yield Finding(heads_file.name, str(fault.line), fault.reason)
    for difference in seals.verify(session):
        yield Finding(difference.table, difference.key, difference.reason)
