"""The product's Ed25519 key: it signs documents and certificates, so that anyone with the public key can check them.

The key is ``TONGQUAN_SIGNING_KEY`` (base64 of the 32-byte seed). In development alone a missing one is made and kept
in the state directory; several processes that start together agree on one.
"""

import base64
import binascii
import hashlib
import secrets
from functools import lru_cache
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from services.errors import SetupError
from services.kept_secrets import kept_secret
from settings import Settings, get_settings

SEED_BYTES = 32
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
    """Return the name of the public key: the head of its SHA-256."""
    return hashlib.sha256(_public_bytes()).hexdigest()[:KEY_ID_LENGTH]


def load_key(settings: Settings) -> Ed25519PrivateKey:
    """Return the configured key, in development a generated one.

    Raises ``SetupError`` for a malformed key, and for a missing one in production. Start-up calls this, so that a
    wrong key stops the product before a case needs it.
    """
    if settings.signing_key is not None and settings.signing_key.get_secret_value().strip():
        return Ed25519PrivateKey.from_private_bytes(_seed(settings.signing_key.get_secret_value()))
    if not settings.development:
        raise SetupError(
            "缺少签名密钥：请把32字节随机种子的 base64 设为 TONGQUAN_SIGNING_KEY 后再启动",
            "No signing key: set TONGQUAN_SIGNING_KEY to the base64 of a random 32-byte seed",
        )
    return Ed25519PrivateKey.from_private_bytes(_kept_seed(settings.state_dir / "keys" / "signing.key"))


def forget_key() -> None:
    """Drop the loaded key; the next use reads the settings again."""
    _key.cache_clear()


@lru_cache(maxsize=1)
def _key() -> Ed25519PrivateKey:
    return load_key(get_settings())


def _public_bytes() -> bytes:
    return _key().public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def _kept_seed(path: Path) -> bytes:
    """Return the kept seed, made first where there is none."""
    return _seed(kept_secret(path, lambda: base64.b64encode(secrets.token_bytes(SEED_BYTES)).decode()))


def _seed(text: str) -> bytes:
    try:
        seed = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError) as error:
        raise _malformed() from error
    if len(seed) != SEED_BYTES:
        raise _malformed()
    return seed


def _malformed() -> SetupError:
    return SetupError(
        "签名密钥格式不对：应为32字节种子的 base64", "Malformed signing key: base64 of a 32-byte seed is needed"
    )


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
