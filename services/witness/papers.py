"""Papers that no longer match what was issued: detected when somebody asks for one, and reported to the auditors."""

import hashlib
from typing import Final

import structlog
from sqlmodel import Session

from models.case import Case
from models.document import Document
from models.group import AUDIT_ADMINISTRATOR
from models.notification import NotificationKind
from services.clock import product_now
from services.errors import TongquanError
from services.journal import audit, seals
from services.journal.sealed import PDF
from services.notifications import inbox
from services.notifications.inbox import Cause

SIGNAL: Final = "document.tampered"
"""The audit action, the notification's signal and the log event of a paper that was changed."""

log = structlog.get_logger(__name__)


class DocumentTampered(TongquanError):
    """The stored paper is not the one that was issued, so it is not given out (500)."""

    code, title = "document_tampered", "该文书与签发时的摘要不符，已停止提供并通知安全审计员"
    title_en = "The stored document is not the one that was issued; it is withheld and the auditors are told"


def is_intact(session: Session, document: Document) -> bool:
    """Tell whether a paper's bytes fit the digest of its row and, where it was sealed, that of the audit chain."""
    now = hashlib.sha256(document.pdf).hexdigest()
    sealed = seals.find_first_digest(session, document, PDF)
    return now == document.sha256 and sealed in (None, now)


def raise_alarm(session: Session, document: Document, found_by: str) -> None:
    """Tell the auditors of a changed paper: an audit entry each time, one notification, a log line."""
    now = product_now(session)
    case = session.get_one(Case, document.case_no)
    text = f"文书{document.number}（{document.kind}）与签发时的摘要不符，可能被篡改，已停止提供"
    cause = Cause(SIGNAL, text, now, f"{SIGNAL}:{document.id}")
    inbox.notify(session, case, NotificationKind.SUPERVISION, [AUDIT_ADMINISTRATOR.name], cause)
    audit.append(session, found_by, SIGNAL, document.case_no, {"document": document.id}, now)
    log.error(SIGNAL, document=document.id, case_no=document.case_no)
