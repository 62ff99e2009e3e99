"""Encryption of columns under the data key: AES-256-GCM, the key named in each value and the column bound to it.

A value is ``v1.<key id>.<base64url of nonce, ciphertext and tag>``. The key of encryption is derived from the data key,
so that it differs from those that make digests. Importing this module makes it the models' cipher; no key is read
before a value is.
"""

import base64
import binascii
import secrets
from functools import lru_cache
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from models import encrypted
from services import keys

FORMAT: Final = "v1"
NONCE_BYTES: Final = 12


class Unreadable(ValueError):
    """A stored value that is not authentic, was written for another column, or is under an unknown key."""


class ColumnCipher:
    """The models' cipher over the data keys."""

    def encrypt(self, place: str, text: str) -> str:
        """Return a text under the present data key."""
        key = keys.data_keys()[0]
        nonce = secrets.token_bytes(NONCE_BYTES)
        sealed = nonce + _aes(key.secret).encrypt(nonce, text.encode(), place.encode())
        return f"{prefix()}{base64.urlsafe_b64encode(sealed).decode()}"

    def decrypt(self, place: str, stored: str) -> str:
        """Return the text of a stored value; raise ``Unreadable``."""
        key = keys.find_data_key(key_of(stored) or "")
        if key is None:
            raise Unreadable("no key for a stored value")
        try:
            sealed = base64.b64decode(stored.rpartition(".")[2], altchars=b"-_", validate=True)
            return _aes(key.secret).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], place.encode()).decode()
        except (InvalidTag, binascii.Error, ValueError) as error:
            raise Unreadable("a stored value is not genuine") from error


CIPHER: Final = ColumnCipher()


def prefix() -> str:
    """Return how values under the present key begin."""
    return f"{FORMAT}.{keys.data_key_id()}."


def key_of(stored: str) -> str | None:
    """Return the id of the key a stored value names, or None for one that was never encrypted."""
    head, _, rest = stored.partition(".")
    key_id, dot, _ = rest.partition(".")
    return key_id if head == FORMAT and dot else None


@lru_cache(maxsize=8)
def _aes(data_key: bytes) -> AESGCM:
    return AESGCM(HKDF(algorithm=SHA256(), length=32, salt=None, info=b"tongquan columns").derive(data_key))


encrypted.use_cipher(lambda: CIPHER)
