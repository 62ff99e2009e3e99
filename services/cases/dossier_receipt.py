"""Whether a transfer dossier (审核转报件) came whole: verified against the stored files when the city signs for it."""

from dataclasses import dataclass
from typing import Final

from sqlmodel import Session, col, select

from connectors.storage import BlobStore, StorageFailed
from models.canonical_json import digest_of
from models.case import Case
from models.dossier import TransferDossier
from models.group import AUDIT_ADMINISTRATOR
from models.notification import NotificationKind
from models.stored_file import StoredFile
from services.accounts.actors import Actor
from services.clock import product_now
from services.errors import Conflict, Unavailable
from services.files import reading
from services.journal import audit
from services.notifications import inbox
from services.notifications.inbox import Cause

SIGNAL: Final = "dossier.damaged"
"""The audit action and the notification's signal of a dossier that is not what the county sent."""


class DossierDamaged(Conflict):
    """What the city would sign for is not what the county sent."""

    code, title = "dossier_damaged", "审核转报件与转报时的摘要不符，不能签收，已通知安全审计员"
    title_en = "The transfer dossier is not the one that was sent"


@dataclass(frozen=True)
class Verification:
    """What became of a dossier on its way: its own list, and the ids of listed files that are not what was sent."""

    digest: str
    list_intact: bool = True
    files: int = 0
    damaged: tuple[str, ...] = ()

    @property
    def whole(self) -> bool:
        """Tell whether everything is as it was sent."""
        return self.list_intact and not self.damaged


def verify(session: Session, store: BlobStore, case_no: str) -> Verification:
    """Compare the case's latest dossier and every file it lists with their digests; the files are read whole.

    Raises:
        Unavailable: the file store does not answer, so nothing can be said.
    """
    latest = select(TransferDossier).where(TransferDossier.case_no == case_no)
    dossier = session.exec(latest.order_by(col(TransferDossier.round).desc())).first()
    if dossier is None:
        return Verification("")
    if digest_of(dossier.body) != dossier.digest:
        return Verification(dossier.digest, list_intact=False)
    listed = [file for material in dossier.body["materials"] for file in material.get("files", [])]
    damaged = tuple(one["id"] for one in listed if not _is_whole(session, store, one["id"], one["sha256"]))
    return Verification(dossier.digest, files=len(listed), damaged=damaged)


def note(session: Session, actor: Actor, case_no: str, found: Verification) -> None:
    """Record a verification in the audit trail; of a damaged dossier the auditors are told, once."""
    now = product_now(session)
    told = {"digest": found.digest, "files": found.files, "damaged": list(found.damaged)}
    if found.whole:
        audit.append(session, actor.username, "dossier.verify", case_no, told, now)
    else:
        audit.append(session, actor.username, SIGNAL, case_no, told, now)
        text = "审核转报件的清单或文件与转报时的摘要不符，可能被篡改，市级单位未签收"
        cause = Cause(SIGNAL, text, now, f"{SIGNAL}:{case_no}:{found.digest}")
        case = session.get_one(Case, case_no)
        inbox.notify(session, case, NotificationKind.SUPERVISION, [AUDIT_ADMINISTRATOR.name], cause)


def _is_whole(session: Session, store: BlobStore, file_id: str, digest: str) -> bool:
    file = session.get(StoredFile, file_id)
    if file is None or file.sha256 != digest:
        return False
    try:
        content = reading.open_content(store, file)
    except StorageFailed as exc:
        raise Unavailable("文件库暂不可用，无法核验转报件，请稍后再试", "The file store does not answer") from exc
    if content is None:
        return False
    content.close()
    return True
