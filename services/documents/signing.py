"""The product's Ed25519 key: it signs documents and certificates, so that anyone with the public key can check them.

The key is ``TONGQUAN_SIGNING_KEY`` (base64 of the 32-byte seed), else the one kept in the state directory. There
``tongquan init --production`` makes it; in development a missing one is made, and several processes that start together
agree on one.
"""

import base64
import hashlib
from functools import lru_cache
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from services import keys
from services.errors import SetupError
from settings import Settings, get_settings

KEY_ID_LENGTH = 16


def sign(content: bytes) -> str:
    """Return the signature of a content, base64url without padding."""
    return _encode(_key().sign(content))


def verify(content: bytes, signature: str) -> bool:
    """Tell whether a signature is this product's over exactly this content; a malformed one is not."""
    try:
        _key().public_key().verify(_decode(signature), content)
    except (InvalidSignature, ValueError):
        return False
    return True


def public_key() -> str:
    """Return the public key, base64url of its 32 raw bytes."""
    return _encode(_public_bytes())


def key_id() -> str:
    """Return the name of the public key: the first digits of its SHA-256."""
    return hashlib.sha256(_public_bytes()).hexdigest()[:KEY_ID_LENGTH]


def load_key(settings: Settings) -> Ed25519PrivateKey:
    """Return the configured key, else the one kept in the state directory, in development made when it is missing.

    Raises ``SetupError`` for a malformed key, and for a missing one in production. Start-up calls this, so that a
    wrong key stops the product before a case needs it.
    """
    if settings.signing_key is not None and settings.signing_key.get_secret_value().strip():
        return Ed25519PrivateKey.from_private_bytes(_seed(settings.signing_key.get_secret_value()))
    if not settings.development and not kept_key(settings.state_dir).exists():
        raise SetupError(
            f"缺少签名密钥 {kept_key(settings.state_dir)}：请从备份找回，"
            "或把32字节随机种子的 base64 设为 TONGQUAN_SIGNING_KEY 后再启动",
            "No signing key: bring it back from a backup, or set TONGQUAN_SIGNING_KEY to the base64 of a 32-byte seed",
        )
    return Ed25519PrivateKey.from_private_bytes(_seed(keys.kept(kept_key(settings.state_dir))))


def make_key(state_dir: Path) -> None:
    """Make the key kept in a state directory, which need not be there yet; one that is there stays."""
    keys.kept(kept_key(state_dir))


def kept_key(state_dir: Path) -> Path:
    """Return where a state directory keeps its key."""
    return state_dir / "keys" / "signing.key"


def forget_key() -> None:
    """Drop the loaded key; the next use reads the settings again."""
    _key.cache_clear()


@lru_cache(maxsize=1)
def _key() -> Ed25519PrivateKey:
    return load_key(get_settings())


def _public_bytes() -> bytes:
    return _key().public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def _seed(text: str) -> bytes:
    try:
        return keys.decoded(text)
    except ValueError as error:
        raise _malformed() from error


def _malformed() -> SetupError:
    return SetupError(
        "签名密钥格式不对：应为32字节种子的 base64", "Malformed signing key: base64 of a 32-byte seed is needed"
    )


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
