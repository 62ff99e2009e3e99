"""Put a signature together: CMS signed data as PAdES has it at level B-T, over a digest, with a timestamp.

Own assembly over ``cryptography``'s encoder, since pyHanko's takes ten times as long (ADR 27); pyHanko, Poppler and
OpenSSL check what comes out.
Sources: ETSI EN 319 122-1 and 319 142-1, RFC 5652.
"""

import hashlib
from collections.abc import Callable, Sequence
from functools import lru_cache

from cryptography import x509
from cryptography.hazmat import asn1
from cryptography.hazmat.primitives.serialization import Encoding

from services.signatures import messages
from services.signatures.messages import (
    Attribute,
    ContentInfo,
    EncapsulatedContentInfo,
    ESSCertIDv2,
    IssuerAndSerialNumber,
    SignedData,
    SignerInfo,
    SigningCertificateV2,
    any_of,
)
from services.signatures.signing_keys import SigningKey

Stamp = Callable[[bytes], bytes]
"""Return a timestamp token over a SHA-256 digest."""


def sign_detached(digest: bytes, key: SigningKey, certificates: Sequence[x509.Certificate], stamp: Stamp) -> bytes:
    """Return the signature over content that stands elsewhere, by its SHA-256, with a timestamp over the signature.

    ``certificates`` begin with the signer's.
    """
    content = EncapsulatedContentInfo(content_type=messages.DATA, content=None)
    return _signed(content, digest, key, certificates, stamp)


def sign_attached(
    content_type: x509.ObjectIdentifier, content: bytes, key: SigningKey, certificates: Sequence[x509.Certificate]
) -> bytes:
    """Return signed content of a type, with the signature over it."""
    held = EncapsulatedContentInfo(content_type=content_type, content=content)
    return _signed(held, hashlib.sha256(content).digest(), key, certificates, None)


def _signed(
    content: EncapsulatedContentInfo,
    digest: bytes,
    key: SigningKey,
    certificates: Sequence[x509.Certificate],
    stamp: Stamp | None,
) -> bytes:
    signer = certificates[0]
    attributes = asn1.SetOf(
        [
            _attribute(messages.CONTENT_TYPE, any_of(content.content_type)),
            _attribute(messages.MESSAGE_DIGEST, any_of(digest)),
            _attribute(messages.SIGNING_CERTIFICATE, _signing_certificate(signer)),
        ]
    )
    signature = key.sign(asn1.encode_der(attributes))
    unsigned = None
    if stamp is not None:
        token = asn1.decode_der(asn1.TLV, stamp(hashlib.sha256(signature).digest()))
        unsigned = asn1.SetOf([_attribute(messages.SIGNATURE_TIMESTAMP, token)])
    info = SignerInfo(
        version=1,
        signer=IssuerAndSerialNumber(issuer=signer.issuer, serial_number=signer.serial_number),
        digest_algorithm=messages.SHA256,
        signed_attributes=attributes,
        signature_algorithm=key.algorithm,
        signature=signature,
        unsigned_attributes=unsigned,
    )
    signed = SignedData(
        version=1 if content.content is None else 3,
        digest_algorithms=asn1.SetOf([messages.SHA256]),
        content=content,
        certificates=asn1.SetOf([_as_any(one) for one in certificates]),
        signers=asn1.SetOf([info]),
    )
    return asn1.encode_der(ContentInfo(content_type=messages.SIGNED_DATA, content=signed))


def _attribute(kind: x509.ObjectIdentifier, value: asn1.TLV) -> Attribute:
    return Attribute(type=kind, values=asn1.SetOf([value]))


@lru_cache(maxsize=256)
def _as_any(certificate: x509.Certificate) -> asn1.TLV:
    return asn1.decode_der(asn1.TLV, certificate.public_bytes(Encoding.DER))


@lru_cache(maxsize=256)
def _signing_certificate(certificate: x509.Certificate) -> asn1.TLV:
    digest = hashlib.sha256(certificate.public_bytes(Encoding.DER)).digest()
    return any_of(SigningCertificateV2(certificates=[ESSCertIDv2(digest=digest)]))
