"""The product's own secrets: keys given as settings or kept in the state directory, and digests keyed by them.

The data key is ``TONGQUAN_DATA_KEY`` (base64 of 32 bytes), else the file ``keys/data.key`` of the state directory. In
development alone a missing one is made there; several processes that start together agree on one. What can be guessed,
an ID number above all, is compared by digests under this key: without it nobody can try numbers one by one.
``services.encryption`` encrypts under it.

While a key is being changed there are several, one per line in the file or separated by commas in the variable: the
first is the present one, under which everything is written, and the others are only read (ADR 22). One that begins with
``pkcs11:`` is wrapped by a hardware security module.
"""

import base64
import contextlib
import hashlib
import hmac
import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from services import hsm
from services.errors import SetupError
from settings import Settings, get_settings

KEY_BYTES: Final = 32
KEY_ID_LENGTH: Final = 8


@dataclass(frozen=True)
class DataKey:
    """A data key and the name it has in the database, which reveals nothing of it."""

    id: str
    secret: bytes

    @classmethod
    def of(cls, secret: bytes) -> "DataKey":
        """Return the key of 32 bytes."""
        return cls(hmac.digest(secret, b"key id", "sha256").hex()[:KEY_ID_LENGTH], secret)


def load_data_keys(settings: Settings) -> tuple[DataKey, ...]:
    """Return the present data key and, after it, those that are only read.

    Raises ``SetupError`` for a malformed key, for a missing one in production, and when the module that wraps one is
    not available.
    """
    source = (settings.state_dir, settings.development, configured_data_keys(settings))
    found = _loaded.get(source)
    if found is None:
        found = _loaded[source] = _read_data_keys(settings)
    return found


def configured_data_keys(settings: Settings) -> str:
    """Return ``TONGQUAN_DATA_KEY``, empty where the key is kept in the state directory."""
    return settings.data_key.get_secret_value().strip() if settings.data_key is not None else ""


def data_keys() -> tuple[DataKey, ...]:
    """Return the data keys of this process, the present one first."""
    return load_data_keys(get_settings())


def find_data_key(key_id: str) -> DataKey | None:
    """Return the data key of a name, or None for one this process was not given."""
    return next((key for key in data_keys() if key.id == key_id), None)


def kept_data_key(state_dir: Path) -> Path:
    """Return where a state directory keeps its data key."""
    return state_dir / "keys" / "data.key"


def make_data_key(settings: Settings) -> None:
    """Make the data key kept in the state directory, which need not be there yet; one that is there stays."""
    kept(kept_data_key(settings.state_dir), lambda: stored_form(settings, secrets.token_bytes(KEY_BYTES)))


def keep_data_keys(settings: Settings, secrets_in_order: Sequence[bytes]) -> None:
    """Replace the data keys kept in the state directory, all at once; the first is the present one."""
    lines = [stored_form(settings, secret) for secret in secrets_in_order]
    replace_kept(kept_data_key(settings.state_dir), "\n".join(lines))
    forget_data_keys()


def stored_form(settings: Settings, secret: bytes) -> str:
    """Return how a data key is kept: wrapped where a hardware security module is configured, else in base64."""
    return hsm.wrap(settings, secret) if hsm.is_configured(settings) else base64.b64encode(secret).decode()


def forget_data_keys() -> None:
    """Drop the loaded data keys; the next use reads them again."""
    _loaded.clear()


def data_key_id() -> str:
    """Return the name of the present data key."""
    return data_keys()[0].id


def keyed_digest(purpose: str, content: bytes, key: DataKey | None = None) -> str:
    """Return HMAC-SHA256 of a content under a data key, by default the present one, in hexadecimal.

    Another purpose gives another digest.
    """
    own = hmac.digest((key or data_keys()[0]).secret, purpose.encode(), hashlib.sha256)
    return hmac.digest(own, content, hashlib.sha256).hex()


def new_key() -> str:
    """Return the base64 of 32 random bytes."""
    return base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()


def kept(path: Path, make: Callable[[], str] = new_key) -> str:
    """Return the secret kept at ``path``, readable by its owner alone, and make it first where there is none.

    Of several processes that make one at a time, the first to link its own into place wins, and all return that.
    """
    if not path.exists():
        with _draft(path, make()) as draft, contextlib.suppress(FileExistsError):
            os.link(draft, path)
    return path.read_text(encoding="ascii").strip()


def replace_kept(path: Path, text: str) -> None:
    """Replace a kept secret: whoever reads, and whoever comes after a crash, finds the former or the new one whole."""
    with _draft(path, text) as draft:
        os.replace(draft, path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


@contextlib.contextmanager
def _draft(path: Path, text: str) -> Iterator[Path]:
    """Yield a temporary file next to ``path`` that only its owner can read; it is removed afterwards."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(f"{text}\n")
            file.flush()
            os.fsync(file.fileno())
        yield draft
    finally:
        draft.unlink(missing_ok=True)


def decoded(text: str) -> bytes:
    """Return the bytes of a key; raise ``ValueError`` unless it is the base64 of 32 bytes."""
    return _of_length(base64.b64decode(text.strip(), validate=True))


def _of_length(key: bytes) -> bytes:
    if len(key) != KEY_BYTES:
        raise ValueError(f"{len(key)} bytes")
    return key


def _read_data_keys(settings: Settings) -> tuple[DataKey, ...]:
    configured, path = configured_data_keys(settings), kept_data_key(settings.state_dir)
    if not configured and not path.exists():
        if not settings.development:
            raise SetupError(
                f"缺少数据密钥：请把32字节随机数的 base64 设为 TONGQUAN_DATA_KEY，或放在 {path} 后再启动",
                f"No data key: set TONGQUAN_DATA_KEY to the base64 of 32 random bytes, or keep it in {path}",
            )
        make_data_key(settings)
    try:
        text = configured or path.read_text(encoding="ascii")
        found = [
            _of_length(hsm.unwrap(settings, one)) if hsm.is_wrapped(one) else decoded(one)
            for one in text.replace(",", "\n").split()
        ]
    except ValueError as error:
        raise _malformed() from error
    if not found:
        raise _malformed()
    return tuple(DataKey.of(secret) for secret in found)


_loaded: dict[tuple[Path, bool, str], tuple[DataKey, ...]] = {}
"""The data keys by where they come from; read once a process."""


def _malformed() -> SetupError:
    return SetupError("数据密钥格式不对：应为32字节的 base64", "Malformed data key: base64 of 32 bytes is needed")
