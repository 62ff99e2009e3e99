"""Receive a file: examine it before anything is stored, then store its content, then its row."""

import hashlib
import secrets
import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlmodel import Session, col, func, select

from connectors.scanning import Scanner, ScannerFailed
from models.stored_file import UNBOUND_LIFE, StoredFile
from services import locks
from services.accounts import file_rights
from services.accounts.actors import Actor
from services.clock import product_now
from services.errors import FieldProblem, InvalidInput, TongquanError, TooManyRequests, Unavailable
from services.files import media_types
from services.files.views import FileView, view
from services.journal import audit

LONGEST_NAME: Final = 200
MOST_WAITING: Final = 500
MOST_WAITING_BYTES_IN_LARGEST: Final = 40
"""How many files an account may have handed in for no case, and how much: so often the largest that is taken."""
RETRY_SECONDS: Final = 3600
_CHUNK_BYTES: Final = 1024 * 1024
_UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Unicode categories of invisible characters: controls, and marks that turn ``gpj.exe`` into ``exe.jpg``."""


class FileTypeNotAllowed(TongquanError):
    """The file's content is not of an accepted type (415)."""

    status, code = 415, "file_type_not_allowed"
    title = f"不支持该类文件，请提交{'、'.join(media_types.ALLOWED.values())}文件"
    title_en = f"Files of this type are not taken; send {', '.join(media_types.ALLOWED.values())}"


@dataclass(frozen=True)
class Examined:
    """A file that may be stored."""

    name: str
    media_type: str
    size: int
    sha256: str


def examine(file: Path, name: str, scanner: Scanner | None) -> Examined:
    """Return what a file is.

    Raises:
        InvalidInput: it is empty, it has no usable name, or the scanner found something.
        FileTypeNotAllowed: its content is of a type that is not accepted.
        Unavailable: a scanner is configured and does not answer; an unscanned file is never taken for a clean one.
    """
    plain = plain_name(name)
    size = file.stat().st_size
    problems = []
    if not plain:
        problems.append(FieldProblem("file", "文件没有名称"))
    if size == 0:
        problems.append(FieldProblem("file", "文件是空的"))
    if problems:
        raise InvalidInput(problems)
    media_type = media_types.find_media_type(file)
    if media_type is None:
        raise FileTypeNotAllowed
    if scanner is not None:
        try:
            threat = scanner.find_threat(file)
        except ScannerFailed as exc:
            raise Unavailable("病毒扫描暂不可用，文件没有收下，请稍后再试", "The scanner does not answer") from exc
        if threat is not None:
            raise InvalidInput([FieldProblem("file", f"扫描发现有害内容（{threat}），文件没有收下")])
    return Examined(plain, media_type, size, digest_of(file))


def require_room(session: Session, actor: Actor, size: int, largest: int) -> None:
    """Raise ``TooManyRequests`` where the actor's files without a case, with one of ``size``, would be too many.

    Each is gone after a day; ``largest`` is the size in bytes up to which one is taken.
    """
    now = product_now(session)
    waiting = select(func.count(), func.coalesce(func.sum(StoredFile.size), 0)).where(
        col(StoredFile.case_no).is_(None),
        StoredFile.uploaded_by == actor.username,
        StoredFile.uploaded_at > now - UNBOUND_LIFE,
    )
    files, taken = session.exec(waiting).one()
    if files >= MOST_WAITING or taken + size > MOST_WAITING_BYTES_IN_LARGEST * largest:
        raise TooManyRequests(RETRY_SECONDS, "未用于办件的上传文件过多，请先提交，或明日再传", "Too many unused files")


def register(session: Session, actor: Actor, examined: Examined) -> FileView:
    """Write the row of a file whose content is kept; it belongs to nobody's case yet.

    The lock is the one under which content without rows is deleted (``retention``): whoever stored content checks after
    this call that it is still there.
    """
    file_rights.require_hand_in(actor)
    locks.acquire(session, content_lock(examined.sha256))
    now = product_now(session)
    file = StoredFile(
        id=secrets.token_urlsafe(18),
        name=examined.name,
        media_type=examined.media_type,
        size=examined.size,
        sha256=examined.sha256,
        uploaded_by=actor.username,
        uploaded_at=now,
    )
    session.add(file)
    audit.append(session, actor.username, "file.receive", f"file-{file.id}", {"sha256": file.sha256}, now)
    return view(file)


def content_lock(sha256: str) -> str:
    """Return the name of the lock on a content."""
    return f"file-content:{sha256}"


def digest_of(file: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal digits."""
    digest = hashlib.sha256()
    with file.open("rb") as content:
        while chunk := content.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def plain_name(name: str) -> str:
    """Return a file's own name, without folders and invisible characters; one too long keeps its extension."""
    last = name.replace("\\", "/").rpartition("/")[2]
    seen = "".join(one for one in unicodedata.normalize("NFC", last) if unicodedata.category(one) not in _UNSEEN)
    plain = seen.strip().strip(".")
    if len(plain) <= LONGEST_NAME:
        return plain
    stem, dot, ending = plain.rpartition(".")
    return f"{stem[: LONGEST_NAME - len(ending) - 1]}.{ending}" if dot and len(ending) <= 10 else plain[:LONGEST_NAME]
