"""The alarm for content that no longer fits its digest: a paper or a file changed outside the product, or lost.

Each finding is audited and logged; the auditors are notified of each paper and file once.
"""

from typing import Final

import structlog
from sqlmodel import Session

from models.case import Case
from models.document import Document
from models.group import AUDIT_ADMINISTRATOR
from models.notification import NotificationKind
from models.stored_file import StoredFile
from services.clock import product_now
from services.journal import audit
from services.notifications import inbox
from services.notifications.inbox import Cause

DOCUMENT_TAMPERED: Final = "document.tampered"
FILE_TAMPERED: Final = "file.tampered"
"""Both name the audit action, the notification's signal and the log event."""

log = structlog.get_logger(__name__)


def report_document(session: Session, document: Document, found_by: str) -> None:
    """Tell the auditors of a paper that is not the one that was issued."""
    text = f"文书{document.number}（{document.kind}）与签发时的摘要不符，可能被篡改，已停止提供"
    _raise(session, DOCUMENT_TAMPERED, document.case_no, document.case_no, text, {"document": document.id}, found_by)


def report_file(session: Session, file: StoredFile, found_by: str) -> None:
    """Tell the auditors of a file that is not the one that was handed in, or is missing."""
    text = f"文件“{file.name}”与提交时的摘要不符或已丢失，可能被篡改，已停止提供"
    _raise(session, FILE_TAMPERED, file.case_no, file.audit_subject, text, {"file": file.id}, found_by)


def _raise(
    session: Session,
    signal: str,
    case_no: str | None,
    subject: str,
    text: str,
    what: dict[str, object],
    found_by: str,
) -> None:
    """Raise the alarm over one thing; notifications belong to a case, so that what has none is only audited."""
    now = product_now(session)
    if case_no is not None:
        [key] = what.values()
        case, cause = session.get_one(Case, case_no), Cause(signal, text, now, f"{signal}:{key}")
        inbox.notify(session, case, NotificationKind.SUPERVISION, [AUDIT_ADMINISTRATOR.name], cause)
    audit.append(session, found_by, signal, subject, what, now)
    log.error(signal, **what, case_no=case_no)
