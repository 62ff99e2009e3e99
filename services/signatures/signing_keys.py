"""Keys that sign: kept encrypted in the database, or in a hardware security module that they never leave.

ECDSA on P-256 is what the product makes: readers know it, and it is quick. RSA comes with imported certificates.
"""

from functools import lru_cache
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from services import hsm
from services.signatures import messages
from services.signatures.messages import AlgorithmIdentifier
from settings import get_settings

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey
SMALLEST_RSA = 2048


class SigningKey(Protocol):
    """Something that signs, and the algorithm it signs with."""

    @property
    def algorithm(self) -> AlgorithmIdentifier:
        """Return the signature's algorithm."""
        ...

    def sign(self, content: bytes) -> bytes:
        """Return the signature over the SHA-256 of a content."""
        ...


class KeptKey:
    """A private key that this process holds."""

    def __init__(self, private: PrivateKey) -> None:
        self._private = private

    @property
    def algorithm(self) -> AlgorithmIdentifier:
        """See :class:`SigningKey`."""
        if isinstance(self._private, ec.EllipticCurvePrivateKey):
            return messages.ECDSA_SHA256
        return messages.RSA_SHA256

    def sign(self, content: bytes) -> bytes:
        """See :class:`SigningKey`."""
        if isinstance(self._private, ec.EllipticCurvePrivateKey):
            return self._private.sign(content, ec.ECDSA(SHA256()))
        return self._private.sign(content, padding.PKCS1v15(), SHA256())


class ModuleKey:
    """A key in the hardware security module, by its label."""

    algorithm = messages.ECDSA_SHA256

    def __init__(self, label: str) -> None:
        self._label = label

    def sign(self, content: bytes) -> bytes:
        """See :class:`SigningKey`; raises ``SetupError`` when the module cannot be used."""
        return hsm.sign(get_settings(), self._label, content)


def make_private_key() -> ec.EllipticCurvePrivateKey:
    """Return a new key on P-256."""
    return ec.generate_private_key(ec.SECP256R1())


def written(private: PrivateKey) -> str:
    """Return a private key as PEM, which is only ever stored encrypted."""
    return private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@lru_cache(maxsize=256)
def read(pem: str) -> PrivateKey:
    """Return the private key of a PEM; raise ``ValueError`` for one the product does not sign with."""
    private = find_usable(load_pem_private_key(pem.encode(), None))
    if private is None:
        raise ValueError("neither P-256 nor RSA")
    return private


def find_usable(private: object) -> PrivateKey | None:
    """Return a private key if it is P-256, or RSA of at least 2048 bits, which readers know; None for another."""
    if isinstance(private, ec.EllipticCurvePrivateKey):
        return private if isinstance(private.curve, ec.SECP256R1) else None
    return private if isinstance(private, rsa.RSAPrivateKey) and private.key_size >= SMALLEST_RSA else None
