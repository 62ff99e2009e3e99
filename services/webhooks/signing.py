"""Signatures of webhooks, both ways, as Standard Webhooks 1.0 has them, and the secrets behind them.

``webhook-id`` names the message, ``webhook-timestamp`` is when it was sent (Unix seconds), ``webhook-signature`` is
``v1,`` and the base64 of HMAC-SHA256 over ``id.timestamp.body``. A receiver refuses what is older or newer than
``TOLERANCE`` and remembers ids, so that a message seen on its way cannot be used again.
Source: https://www.standardwebhooks.com
"""

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from services.documents.signing import load_key
from services.errors import TongquanError, Unauthenticated
from settings import get_settings

ID_HEADER: Final = "webhook-id"
TIMESTAMP_HEADER: Final = "webhook-timestamp"
SIGNATURE_HEADER: Final = "webhook-signature"
SECRET_PREFIX: Final = "whsec_"  # noqa: S105  # What secrets begin with, no secret.
VERSION: Final = "v1"
TOLERANCE: Final = timedelta(minutes=5)
SECRET_BYTES: Final = 32
NONCE_BYTES: Final = 12
MAX_ID_LENGTH: Final = 200


class BadSignature(Unauthenticated):
    """A message's headers are missing, too old, or do not fit its body."""

    code, title, title_en = "bad_signature", "签名无效或已过期", "The signature is invalid or expired"


class SecretUnreadable(TongquanError):
    """A stored secret was sealed under another signing key."""

    code, title = "secret_unreadable", "签名密钥已更换，请重新登记该推送地址"
    title_en = "The signing key was changed: register the endpoint anew"


def new_secret() -> str:
    """Return a secret in the form both sides keep it: ``whsec_`` and base64."""
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def sign(secret: str, message_id: str, at: datetime, body: bytes) -> dict[str, str]:
    """Return the three headers of a message sent ``at``."""
    stamp = str(int(at.timestamp()))
    return {
        ID_HEADER: message_id,
        TIMESTAMP_HEADER: stamp,
        SIGNATURE_HEADER: f"{VERSION},{_mac(secret, message_id, stamp, body)}",
    }


def verify(secret: str, headers: Mapping[str, str], body: bytes, now: datetime) -> str:
    """Return the id of a genuine message; raise ``BadSignature``. ``headers`` are looked up in lower case."""
    message_id, stamp = headers.get(ID_HEADER, ""), headers.get(TIMESTAMP_HEADER, "")
    if not message_id or len(message_id) > MAX_ID_LENGTH or not (stamp.isascii() and stamp.isdecimal()):
        raise BadSignature
    if len(stamp) > len("9999999999") or abs(now.timestamp() - int(stamp)) > TOLERANCE.total_seconds():
        raise BadSignature
    expected = _mac(secret, message_id, stamp, body)
    for part in headers.get(SIGNATURE_HEADER, "").split():
        version, _, given = part.partition(",")
        if version == VERSION and hmac.compare_digest(given.encode(), expected.encode()):
            return message_id
    raise BadSignature


def seal(secret: str) -> str:
    """Return a secret encrypted for the database, under a key derived from the product's signing key."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    return base64.b64encode(nonce + AESGCM(_sealing_key()).encrypt(nonce, secret.encode(), None)).decode()


def unseal(sealed: str) -> str:
    """Return the secret; raise ``SecretUnreadable`` when the signing key is another one now."""
    try:
        raw = base64.b64decode(sealed, validate=True)
        return AESGCM(_sealing_key()).decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], None).decode()
    except (InvalidTag, binascii.Error, ValueError) as error:
        raise SecretUnreadable from error


def _mac(secret: str, message_id: str, stamp: str, body: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(SECRET_PREFIX))
    content = f"{message_id}.{stamp}.".encode() + body
    return base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()


def _sealing_key() -> bytes:
    seed = load_key(get_settings()).private_bytes_raw()
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"tongquan webhook secrets").derive(seed)
