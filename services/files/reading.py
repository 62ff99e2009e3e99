"""Read a file's content, and record who did; who may is decided in ``services/casefile/file_reading.py``.

Content that no longer matches what was handed in is not given out.
"""

import hashlib
from typing import BinaryIO, Final

from sqlmodel import Session

from connectors.storage import BlobMissing, BlobStore
from models.stored_file import StoredFile
from services.accounts.actors import Actor
from services.clock import product_now
from services.errors import NotFound, TongquanError
from services.journal import audit

_CHUNK_BYTES: Final = 1024 * 1024


class FileTampered(TongquanError):
    """The stored content is not what was handed in, so it is not given out (500)."""

    code, title = "file_tampered", "该文件与提交时的摘要不符或已丢失，已停止提供并通知安全审计员"
    title_en = "The stored file is not the one that was handed in; it is withheld and the auditors are told"


def get_file(session: Session, file_id: str) -> StoredFile:
    """Return the row of a file that is there; raise ``NotFound``."""
    file = session.get(StoredFile, file_id)
    if file is None or file.is_gone(product_now(session)):
        raise NotFound("没有这个文件", "No such file")
    return file


def open_content(store: BlobStore, file: StoredFile) -> BinaryIO | None:
    """Return the content of a file from its beginning, None when it is not what was handed in, or missing."""
    try:
        content = store.open(file.sha256)
    except BlobMissing:
        return None
    digest = hashlib.sha256()
    while chunk := content.read(_CHUNK_BYTES):
        digest.update(chunk)
    if digest.hexdigest() != file.sha256:
        content.close()
        return None
    content.seek(0)
    return content


def note_reading(session: Session, actor: Actor, file: StoredFile, purpose: str | None = None) -> None:
    """Record that somebody read a file, and the purpose if one was stated."""
    detail = {"file": file.id} | ({"purpose": purpose} if purpose else {})
    audit.append(session, actor.username, "file.read", file.audit_subject, detail, product_now(session))
