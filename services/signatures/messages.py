"""The structures of a signature and of a timestamp, as far as the product writes them, in DER.

Sources: RFC 5652 (CMS), RFC 5035 (``ESSCertIDv2``), RFC 3161 (timestamps).
"""

from typing import Annotated, Final

from cryptography import x509
from cryptography.hazmat import asn1
from cryptography.x509 import ObjectIdentifier

DATA: Final = ObjectIdentifier("1.2.840.113549.1.7.1")
SIGNED_DATA: Final = ObjectIdentifier("1.2.840.113549.1.7.2")
TIMESTAMP_INFO: Final = ObjectIdentifier("1.2.840.113549.1.9.16.1.4")
CONTENT_TYPE: Final = ObjectIdentifier("1.2.840.113549.1.9.3")
MESSAGE_DIGEST: Final = ObjectIdentifier("1.2.840.113549.1.9.4")
SIGNING_CERTIFICATE: Final = ObjectIdentifier("1.2.840.113549.1.9.16.2.47")
SIGNATURE_TIMESTAMP: Final = ObjectIdentifier("1.2.840.113549.1.9.16.2.14")


@asn1.sequence
class AlgorithmIdentifier:
    """An algorithm; SHA-256 and ECDSA have no parameters, RSA's are null."""

    algorithm: ObjectIdentifier
    parameters: asn1.Null | None


SHA256: Final = AlgorithmIdentifier(algorithm=ObjectIdentifier("2.16.840.1.101.3.4.2.1"), parameters=None)
ECDSA_SHA256: Final = AlgorithmIdentifier(algorithm=ObjectIdentifier("1.2.840.10045.4.3.2"), parameters=None)
RSA_SHA256: Final = AlgorithmIdentifier(algorithm=ObjectIdentifier("1.2.840.113549.1.1.11"), parameters=asn1.Null())


@asn1.sequence
class Attribute:
    """An attribute of a signature."""

    type: ObjectIdentifier
    values: asn1.SetOf[asn1.TLV]


@asn1.sequence
class IssuerAndSerialNumber:
    """Whose certificate signed."""

    issuer: x509.Name
    serial_number: int


@asn1.sequence
class SignerInfo:
    """One signature."""

    version: int
    signer: IssuerAndSerialNumber
    digest_algorithm: AlgorithmIdentifier
    signed_attributes: Annotated[asn1.SetOf[Attribute], asn1.Implicit(0)]
    signature_algorithm: AlgorithmIdentifier
    signature: bytes
    unsigned_attributes: Annotated[asn1.SetOf[Attribute] | None, asn1.Implicit(1)]


@asn1.sequence
class EncapsulatedContentInfo:
    """What was signed, or only its type where it stands elsewhere."""

    content_type: ObjectIdentifier
    content: Annotated[bytes | None, asn1.Explicit(0)]


@asn1.sequence
class SignedData:
    """Signed content, with the certificates to check it."""

    version: int
    digest_algorithms: asn1.SetOf[AlgorithmIdentifier]
    content: EncapsulatedContentInfo
    certificates: Annotated[asn1.SetOf[asn1.TLV], asn1.Implicit(0)]
    signers: asn1.SetOf[SignerInfo]


@asn1.sequence
class ContentInfo:
    """Signed data under its type's name."""

    content_type: ObjectIdentifier
    content: Annotated[SignedData, asn1.Explicit(0)]


@asn1.sequence
class ESSCertIDv2:
    """A certificate by its SHA-256, which is the default."""

    digest: bytes


@asn1.sequence
class SigningCertificateV2:
    """Whose certificate signed, as an attribute that is itself signed."""

    certificates: list[ESSCertIDv2]


@asn1.sequence
class MessageImprint:
    """The digest that a timestamp is over."""

    hash_algorithm: AlgorithmIdentifier
    hashed_message: bytes


@asn1.sequence
class TimestampInfo:
    """What a timestamp states."""

    version: int
    policy: ObjectIdentifier
    imprint: MessageImprint
    serial_number: int
    made_at: asn1.GeneralizedTime


def any_of(value: object) -> asn1.TLV:
    """Return a value as one of any type."""
    return asn1.decode_der(asn1.TLV, asn1.encode_der(value))
