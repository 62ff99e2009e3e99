"""Readers of signed papers for tests: a stock validator, and a foreign authority's certificates."""

import io
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from asn1crypto import pem as armour
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, NoEncryption
from cryptography.hazmat.primitives.serialization.pkcs12 import serialize_key_and_certificates
from cryptography.x509.oid import NameOID
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko_certvalidator import ValidationContext


def judged(pdf: bytes, roots: str) -> Any:
    """Return what pyHanko finds of a paper's one signature and its timestamp, trusting these roots (PEM)."""
    trusted = [asn1_x509.Certificate.load(der) for _, _, der in armour.unarmor(roots.encode(), multiple=True)]
    (signature,) = PdfFileReader(io.BytesIO(pdf)).embedded_signatures
    return validate_pdf_signature(
        signature,
        ValidationContext(trust_roots=trusted),
        ts_validation_context=ValidationContext(trust_roots=trusted),
    )


@dataclass(frozen=True)
class ForeignAuthority:
    """An authority with an intermediate one, as licensed authorities have, and RSA keys, as many still do."""

    root: x509.Certificate
    between: x509.Certificate
    key: rsa.RSAPrivateKey

    @classmethod
    def new(cls) -> "ForeignAuthority":
        """Return one with new keys."""
        root_key, key = _key(), _key()
        root = _certificate("测试根", root_key, "测试根", root_key, authority=True)
        return cls(root, _certificate("测试机构", key, "测试根", root_key, authority=True), key)

    def p12(
        self, name: str, passphrase: bytes | None, *, whole: bool = True, days: int = 365, key: Any = None
    ) -> bytes:
        """Return a PKCS#12 file of a new certificate; ``whole``: with the chain; ``days`` in the past: expired."""
        own = key or _key()
        certificate = _certificate(name, own, "测试机构", self.key, days=days)
        encryption = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
        chain = [self.between, self.root] if whole else []
        return serialize_key_and_certificates(name.encode(), own, certificate, chain, encryption)


def _key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _certificate(
    subject: str, key: Any, issuer: str, issuing: rsa.RSAPrivateKey, *, authority: bool = False, days: int = 365
) -> x509.Certificate:
    end = datetime.now(UTC) + timedelta(days=days)
    usage = [not authority, not authority, False, False, False, authority, authority, False, False]
    return (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(end - timedelta(days=800))
        .not_valid_after(end)
        .add_extension(x509.BasicConstraints(authority, None), critical=True)
        .add_extension(x509.KeyUsage(*usage), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuing.public_key()), critical=False)
        .sign(issuing, SHA256())
    )
