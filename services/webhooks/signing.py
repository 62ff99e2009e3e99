"""Signatures of webhooks, both ways, as Standard Webhooks 1.0 has them, and the secrets behind them.

``webhook-id`` names the message, ``webhook-timestamp`` is when it was sent (Unix seconds), ``webhook-signature`` is
``v1,`` and the base64 of HMAC-SHA256 over ``id.timestamp.body``. A receiver refuses what is five minutes older or newer
than the machine's clock and remembers ids, so that a message seen on its way cannot be used again. The standard's own
library signs and verifies; what it lets pass that the standard does not is refused here.
Source: https://www.standardwebhooks.com
"""

import base64
import binascii
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from standardwebhooks import Webhook, WebhookVerificationError

from services.documents.signing import load_key
from services.errors import TongquanError, Unauthenticated
from settings import get_settings

ID_HEADER: Final = "webhook-id"
TIMESTAMP_HEADER: Final = "webhook-timestamp"
SIGNATURE_HEADER: Final = "webhook-signature"
SECRET_PREFIX: Final = "whsec_"  # noqa: S105  # The prefix of secrets, not a secret.
SECRET_BYTES: Final = 32
NONCE_BYTES: Final = 12
MAX_ID_LENGTH: Final = 200


class BadSignature(Unauthenticated):
    """A message's headers are missing, too old, or do not fit its body."""

    code, title, title_en = "bad_signature", "签名无效或已过期", "The signature is invalid or expired"


class SecretUnreadable(TongquanError):
    """A stored secret was encrypted under another signing key."""

    code, title = "secret_unreadable", "签名密钥已更换，请重新登记该推送地址"
    title_en = "The signing key was changed: register the endpoint anew"


def new_secret() -> str:
    """Return a secret in the form both sides keep it: ``whsec_`` and base64."""
    return SECRET_PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def sign(secret: str, message_id: str, at: datetime, body: bytes) -> dict[str, str]:
    """Return the three headers of a message sent ``at``; the body is UTF-8."""
    # The library treats the wall-clock time of any zone as UTC.
    moment = at.astimezone(UTC)
    return {
        ID_HEADER: message_id,
        TIMESTAMP_HEADER: str(int(moment.timestamp())),
        SIGNATURE_HEADER: Webhook(secret).sign(message_id, moment, body.decode()),
    }


def verify(secret: str, headers: Mapping[str, str], body: bytes) -> str:
    """Return the id of a genuine message; raise ``BadSignature``. ``headers`` are looked up in lower case.

    One valid signature among several suffices, so that a secret can be changed without losing messages.
    """
    message_id, stamp = headers.get(ID_HEADER, ""), headers.get(TIMESTAMP_HEADER, "")
    # The library would round the seconds before it checks what was signed, and take "1e9" for a number.
    if len(message_id) > MAX_ID_LENGTH or not (stamp.isascii() and stamp.isdecimal()):
        raise BadSignature
    signed = {name: headers.get(name, "") for name in (ID_HEADER, TIMESTAMP_HEADER, SIGNATURE_HEADER)}
    try:
        Webhook(secret).verify(body, signed, json_parse=False)
    except (WebhookVerificationError, ValueError) as error:
        # A signature that is no pair or no base64, or a body that is no UTF-8, is a ValueError there.
        raise BadSignature from error
    return message_id


def seal(secret: str) -> str:
    """Return a secret encrypted for the database, under a key derived from the product's signing key."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    return base64.b64encode(nonce + AESGCM(_sealing_key()).encrypt(nonce, secret.encode(), None)).decode()


def unseal(sealed: str) -> str:
    """Return the secret; raise ``SecretUnreadable`` when the signing key has changed."""
    try:
        raw = base64.b64decode(sealed, validate=True)
        return AESGCM(_sealing_key()).decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], None).decode()
    except (InvalidTag, binascii.Error, ValueError) as error:
        raise SecretUnreadable from error


def _sealing_key() -> bytes:
    seed = load_key(get_settings()).private_bytes_raw()
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=b"tongquan webhook secrets").derive(seed)
