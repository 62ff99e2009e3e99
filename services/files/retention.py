"""Delete files that belong to no case after a day, and with them content that no row names."""

from datetime import datetime

from sqlmodel import Session, col, select

from connectors.storage import BlobStore
from models.stored_file import UNBOUND_LIFE, StoredFile
from services import locks
from services.clock import product_now
from services.files.receiving import content_lock
from services.journal import audit

SYSTEM = "system"


def expired(session: Session, limit: int) -> list[str]:
    """Return the ids of expired files, oldest first."""
    query = select(StoredFile.id).where(col(StoredFile.case_no).is_(None), StoredFile.uploaded_at <= _before(session))
    return list(session.exec(query.order_by(col(StoredFile.uploaded_at)).limit(limit)).all())


def remove(session: Session, store: BlobStore, file_id: str) -> bool:
    """Delete an expired file and, where nothing else has the same, its content; tell whether it was there."""
    file = locks.find_for_update(session, StoredFile, file_id)
    now = product_now(session)
    if file is None or not file.is_gone(now):
        return False
    locks.acquire(session, content_lock(file.sha256))
    session.delete(file)
    session.flush()
    others = select(StoredFile.id).where(StoredFile.sha256 == file.sha256).limit(1)
    if session.exec(others).first() is None:
        store.delete(file.sha256)
    audit.append(session, SYSTEM, "file.expire", f"file-{file_id}", {"sha256": file.sha256}, now)
    return True


def _before(session: Session) -> datetime:
    return product_now(session) - UNBOUND_LIFE
