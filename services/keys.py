"""The product's own secrets: keys given as settings or kept in the state directory, and digests keyed by them.

The data key is ``TONGQUAN_DATA_KEY`` (base64 of 32 bytes), else the file ``keys/data.key`` of the state directory. In
development alone a missing one is made there; several processes that start together agree on one. What can be guessed,
an ID number above all, is told apart by digests under this key: without it nobody can try numbers one by one.
"""

import base64
import contextlib
import hashlib
import hmac
import os
import secrets
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Final

from services.errors import SetupError
from settings import Settings, get_settings

KEY_BYTES: Final = 32
KEY_ID_LENGTH: Final = 8


def load_data_key(settings: Settings) -> bytes:
    """Return the key of keyed digests.

    Raises ``SetupError`` for a malformed key, and for a missing one in production.
    """
    configured = settings.data_key.get_secret_value().strip() if settings.data_key is not None else ""
    return _data_key(configured, settings.state_dir / "keys" / "data.key", settings.development)


def make_data_key(state_dir: Path) -> None:
    """Make the data key kept in a state directory, which need not be there yet; one that is there stays."""
    kept(state_dir / "keys" / "data.key")


def data_key_id() -> str:
    """Return the name of the data key, which tells nothing of it."""
    return hmac.digest(load_data_key(get_settings()), b"key id", "sha256").hex()[:KEY_ID_LENGTH]


def keyed_digest(purpose: str, content: bytes) -> str:
    """Return HMAC-SHA256 of a content under the data key, in hexadecimal; another purpose gives another digest."""
    own = hmac.digest(load_data_key(get_settings()), purpose.encode(), hashlib.sha256)
    return hmac.digest(own, content, hashlib.sha256).hex()


def new_key() -> str:
    """Return the base64 of 32 random bytes."""
    return base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()


def kept(path: Path, make: Callable[[], str] = new_key) -> str:
    """Return the secret kept at ``path``, readable by its owner alone, and make it first where there is none.

    Of several processes that make one at a time, the first to link its own into place wins, and all return that.
    """
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.write(f"{make()}\n")
                file.flush()
                os.fsync(file.fileno())
            with contextlib.suppress(FileExistsError):
                os.link(draft, path)
        finally:
            draft.unlink()
    return path.read_text(encoding="ascii").strip()


def decoded(text: str) -> bytes:
    """Return the bytes of a key; raise ``ValueError`` unless it is the base64 of 32 bytes."""
    key = base64.b64decode(text.strip(), validate=True)
    if len(key) != KEY_BYTES:
        raise ValueError(f"{len(key)} bytes")
    return key


@lru_cache(maxsize=4)
def _data_key(configured: str, path: Path, development: bool) -> bytes:
    if not configured and not development and not path.exists():
        raise SetupError(
            f"缺少数据密钥：请把32字节随机数的 base64 设为 TONGQUAN_DATA_KEY，或放在 {path} 后再启动",
            f"No data key: set TONGQUAN_DATA_KEY to the base64 of 32 random bytes, or keep it in {path}",
        )
    try:
        return decoded(configured or kept(path))
    except ValueError as error:
        raise SetupError(
            "数据密钥格式不对：应为32字节的 base64", "Malformed data key: base64 of 32 bytes is needed"
        ) from error
