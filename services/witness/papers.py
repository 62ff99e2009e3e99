"""Papers that no longer match what was issued: detected when somebody asks for one."""

import hashlib

from sqlmodel import Session

from models.document import Document
from services.errors import TongquanError
from services.journal import seals
from services.journal.sealed import PDF


class DocumentTampered(TongquanError):
    """The stored paper is not the one that was issued, so it is not given out (500)."""

    code, title = "document_tampered", "该文书与签发时的摘要不符，已停止提供并通知安全审计员"
    title_en = "The stored document is not the one that was issued; it is withheld and the auditors are told"


def is_intact(session: Session, document: Document) -> bool:
    """Tell whether a paper's bytes fit the digest of its row and, where it was sealed, that of the audit chain."""
    now = hashlib.sha256(document.pdf).hexdigest()
    sealed = seals.find_first_digest(session, document, PDF)
    return now == document.sha256 and sealed in (None, now)
