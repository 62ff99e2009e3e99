"""The instance's own certificate authority: its root, the certificates it issues to seals, and its timestamps.

Made at set-up, its keys encrypted in the database as seals' keys are. Readers trust it once they have its root
(``GET /public/trust``). A site with certificates of a licensed authority imports them instead.
"""

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final

from cryptography import x509
from cryptography.hazmat import asn1
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier
from sqlmodel import Session

from models.signature import AuthorityKey, AuthorityRole
from models.upsert import upsert
from services.clock import machine_now
from services.signatures import cms, messages, signing_keys
from services.signatures.messages import MessageImprint, TimestampInfo
from services.signatures.signing_keys import KeptKey, PrivateKey, PublicKey

ROOT_NAME: Final = "同权电子印章根证书"
TIMESTAMP_NAME: Final = "同权时间戳"
ROOT_YEARS: Final = 20
LEEWAY: Final = timedelta(days=2)
"""Certificates are valid from before they are made: machines' clocks differ, and are put right."""

LONGEST_NAME: Final = 64
"""Bytes of a name's part (RFC 5280, ``ub-common-name``)."""

TIMESTAMP_POLICY: Final = ObjectIdentifier("2.5.29.32.0")


def make(session: Session) -> None:
    """Make the authority's keys unless it has them; several processes that start together agree on one."""
    if session.get(AuthorityKey, AuthorityRole.ROOT) is not None:
        return
    now = machine_now()
    root, stamping = signing_keys.make_private_key(), signing_keys.make_private_key()
    until = now + timedelta(days=365 * ROOT_YEARS)
    name = _name(ROOT_NAME, ROOT_NAME)
    anchor = _certificate(name, root.public_key(), name, root, now, until, is_authority=True)
    stamper = _certificate(
        _name(TIMESTAMP_NAME, TIMESTAMP_NAME), stamping.public_key(), name, root, now, until, is_stamper=True
    )
    rows = [
        {"role": role, "certificate": pem([certificate]), "private_key": signing_keys.written(key)}
        for role, certificate, key in (
            (AuthorityRole.ROOT, anchor, root),
            (AuthorityRole.TIMESTAMP, stamper, stamping),
        )
    ]
    upsert(session, AuthorityKey, rows)


def find_root(session: Session) -> x509.Certificate | None:
    """Return the root's certificate, None before it is made."""
    row = session.get(AuthorityKey, AuthorityRole.ROOT)
    return read_certificates(row.certificate)[0] if row is not None else None


def root(session: Session) -> x509.Certificate:
    """Return the root's certificate, made where there is none."""
    return _one(session, AuthorityRole.ROOT)[0]


def issue(session: Session, text: str, owner: str, public: PublicKey, at: datetime, until: datetime) -> str:
    """Return the certificate of a seal and the chain up to the root, as PEM."""
    anchor, key = _one(session, AuthorityRole.ROOT)
    issued = _certificate(_name(text, owner), public, anchor.subject, key, at, until)
    return pem([issued, anchor])


def stamp(session: Session, digest: bytes) -> bytes:
    """Return a timestamp token over a SHA-256 digest by the machine's clock, in DER."""
    stated = TimestampInfo(
        version=1,
        policy=TIMESTAMP_POLICY,
        imprint=MessageImprint(hash_algorithm=messages.SHA256, hashed_message=digest),
        serial_number=secrets.randbits(64),
        made_at=asn1.GeneralizedTime(machine_now().astimezone(UTC).replace(microsecond=0)),
    )
    return signed_timestamp(session, asn1.encode_der(stated))


def signed_timestamp(session: Session, stated: bytes) -> bytes:
    """Return the token that states a timestamp, which is given in DER."""
    certificate, key = _one(session, AuthorityRole.TIMESTAMP)
    return cms.sign_attached(messages.TIMESTAMP_INFO, stated, KeptKey(key), [certificate, root(session)])


def pem(certificates: Sequence[x509.Certificate]) -> str:
    """Return certificates as PEM, one after the other."""
    return "".join(one.public_bytes(Encoding.PEM).decode() for one in certificates)


@lru_cache(maxsize=256)
def read_certificates(text: str) -> tuple[x509.Certificate, ...]:
    """Return the certificates of a PEM."""
    return tuple(x509.load_pem_x509_certificates(text.encode()))


def _one(session: Session, role: AuthorityRole) -> tuple[x509.Certificate, PrivateKey]:
    row = session.get(AuthorityKey, role)
    if row is None:
        make(session)
        row = session.get_one(AuthorityKey, role)
    return read_certificates(row.certificate)[0], signing_keys.read(row.private_key)


def _name(common: str, organization: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "CN"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, _fitting(organization)),
            x509.NameAttribute(NameOID.COMMON_NAME, _fitting(common)),
        ]
    )


def _fitting(text: str) -> str:
    """Return as much of a text as a certificate's name takes."""
    return text.encode()[:LONGEST_NAME].decode(errors="ignore")


def _certificate(
    subject: x509.Name,
    public: PublicKey,
    issuer: x509.Name,
    issuing: PrivateKey,
    at: datetime,
    until: datetime,
    *,
    is_authority: bool = False,
    is_stamper: bool = False,
) -> x509.Certificate:
    usage = x509.KeyUsage(
        digital_signature=not is_authority,
        content_commitment=not is_authority and not is_stamper,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=is_authority,
        crl_sign=is_authority,
        encipher_only=False,
        decipher_only=False,
    )
    built = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(at - LEEWAY)
        .not_valid_after(until)
        .add_extension(x509.BasicConstraints(is_authority, 0 if is_authority else None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuing.public_key()), critical=False)
    )
    if is_stamper:
        built = built.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=True)
    return built.sign(issuing, SHA256())
