"""Passwords: Argon2id with the parameters of RFC 9106's low-memory profile."""

import secrets
from functools import lru_cache
from threading import BoundedSemaphore
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.profiles import RFC_9106_LOW_MEMORY

DECOY_BYTES: Final = 32
PASSWORD_LENGTH: Final = 256

_hashing_slots = BoundedSemaphore(4)
"""Each Argon2 run takes 64 MiB: a flood of sign-ins waits here instead of exhausting the memory."""


def hash_password(password: str) -> str:
    """Return the Argon2id hash of a password with a fresh salt."""
    with _hashing_slots:
        return _hasher().hash(password)


def verify(stored: str | None, password: str) -> bool:
    """Tell whether a password is the stored one; without one the work is the same and the answer is False."""
    with _hashing_slots:
        try:
            _hasher().verify(stored or _decoy_hash(), password)
        except (VerificationError, InvalidHashError):
            return False
    return stored is not None


def needs_rehash(stored: str) -> bool:
    """Tell whether a stored hash was made with older parameters."""
    return _hasher().check_needs_rehash(stored)


@lru_cache(maxsize=1)
def _hasher() -> PasswordHasher:
    return PasswordHasher.from_parameters(RFC_9106_LOW_MEMORY)


@lru_cache(maxsize=1)
def _decoy_hash() -> str:
    return _hasher().hash(secrets.token_urlsafe(DECOY_BYTES))
