"""The contract of a timestamp authority."""

from typing import Protocol


class TimestampFailed(Exception):
    """The authority gave no timestamp, or none over what was asked."""


class TimestampAuthority(Protocol):
    """Something that certifies when a digest existed (RFC 3161)."""

    def stamp(self, digest: bytes) -> bytes:
        """Return a token over a SHA-256 digest, in DER.

        Raises:
            TimestampFailed: there is none.
        """
