"""Encryption of a backup as a whole, with age: to a recipient's public key, or under a passphrase.

To a recipient the file is a plain age file, which ``age -d`` opens too. The library takes a passphrase only for data
held in memory; so the file is encrypted to a key made for it, which precedes it, encrypted under the passphrase: a
line, that key's length, and that key. Files are read and written in pieces, however large the archive is.
Source: https://age-encryption.org/v1
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyrage

from services.errors import SetupError

AGE: Final = b"age-encryption.org/v1\n"
UNDER_PASSPHRASE: Final = b"tongquan.backup/passphrase/1\n"
LENGTH_BYTES: Final = 4
LONGEST_HEAD: Final = 4096
WRONG_KEY: Final = "备份不能用所给的口令或私钥打开：请核对后重试"


@dataclass(frozen=True)
class ArchiveKey:
    """What encrypts or decrypts a backup: a passphrase, or an age key (a recipient or an identity, respectively)."""

    passphrase: str = ""
    recipient: str = ""
    identity: str = ""

    @classmethod
    def read(
        cls, *, passphrase_file: Path | None = None, recipient: str = "", identity: Path | None = None
    ) -> "ArchiveKey":
        """Return what was given on the command line and, without a file, the environment's passphrase.

        A file's passphrase is its first line.

        Raises:
            SetupError: a file cannot be read.
        """
        words = os.environ.get("TONGQUAN_BACKUP_PASSPHRASE", "")
        if passphrase_file is not None:
            words = _text(passphrase_file).partition("\n")[0].rstrip("\r")
        lines = [one.strip() for one in _text(identity).splitlines()] if identity is not None else []
        secret = next((one for one in lines if one.startswith("AGE-SECRET-KEY-")), "")
        if identity is not None and not secret:
            raise SetupError(f"{identity} 中没有 age 私钥（AGE-SECRET-KEY-…）：请用 --identity 指明私钥文件")
        return cls(words, recipient, secret)

    def require_closing(self) -> None:
        """Raise ``SetupError`` unless a backup can be encrypted by it."""
        if self.recipient:
            _recipient(self.recipient)
        elif not self.passphrase:
            raise SetupError(
                "加密备份需要口令或公钥：请用 --passphrase-file、TONGQUAN_BACKUP_PASSPHRASE 或 --recipient 给出"
            )


def encrypt(plain: Path, target: Path, key: ArchiveKey) -> None:
    """Write a file encrypted to ``target``.

    Raises:
        SetupError: see :meth:`ArchiveKey.require_closing`.
    """
    key.require_closing()
    with plain.open("rb") as source, target.open("wb") as sink:
        if key.recipient:
            pyrage.encrypt_io(source, sink, [_recipient(key.recipient)])
            return
        made = pyrage.x25519.Identity.generate()
        head: bytes = pyrage.passphrase.encrypt(str(made).encode(), key.passphrase)
        sink.write(UNDER_PASSPHRASE + len(head).to_bytes(LENGTH_BYTES, "big") + head)
        pyrage.encrypt_io(source, sink, [made.to_public()])


def is_encrypted(archive: Path) -> bool:
    """Tell whether a file is a backup that needs a key."""
    with archive.open("rb") as file:
        return file.read(len(UNDER_PASSPHRASE)).startswith((AGE, UNDER_PASSPHRASE))


def decrypt(archive: Path, target: Path, key: ArchiveKey) -> None:
    """Write an encrypted backup decrypted to ``target``.

    Raises:
        SetupError: it needs a key that was not given, or was not made for this key.
        ValueError, OSError: it is damaged.
    """
    with archive.open("rb") as source, target.open("wb") as sink:
        if source.read(len(UNDER_PASSPHRASE)) == UNDER_PASSPHRASE:
            if not key.passphrase:
                raise SetupError("备份由口令加密：请用 --passphrase-file 或 TONGQUAN_BACKUP_PASSPHRASE 给出口令")
            length = int.from_bytes(source.read(LENGTH_BYTES), "big")
            if length > LONGEST_HEAD:
                raise ValueError("head too long")
            head = source.read(length)
            opened = _opened(lambda: pyrage.passphrase.decrypt(head, key.passphrase))
            identity = pyrage.x25519.Identity.from_str(opened.decode())
        else:
            source.seek(0)
            if not key.identity:
                raise SetupError("备份由公钥加密：请用 --identity 指明私钥文件")
            identity = _identity(key.identity)
        _opened(lambda: pyrage.decrypt_io(source, sink, [identity]))


def _opened(attempt: Callable[[], bytes | None]) -> bytes:
    try:
        return attempt() or b""
    except pyrage.DecryptError as error:
        raise SetupError(WRONG_KEY) from error


def _recipient(text: str) -> "pyrage.x25519.Recipient":
    try:
        return pyrage.x25519.Recipient.from_str(text)
    except pyrage.RecipientError as error:
        raise SetupError("--recipient 不是 age 公钥（age1…）：请用 age-keygen 生成一对") from error


def _identity(text: str) -> "pyrage.x25519.Identity":
    try:
        return pyrage.x25519.Identity.from_str(text)
    except pyrage.IdentityError as error:
        raise SetupError("--identity 中的 age 私钥格式不对：请换用原来的私钥文件") from error


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise SetupError(f"不能读取 {path}：请检查路径和权限") from error
