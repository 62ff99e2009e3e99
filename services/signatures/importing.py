"""Import a seal's certificate of another authority, with its key, from a PKCS#12 file."""

from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization.pkcs12 import load_pkcs12
from sqlmodel import Session

from models.signature import ElectronicSeal, SealState
from services.clock import machine_now, product_now
from services.errors import SetupError
from services.journal import audit
from services.journal.timeline import SYSTEM
from services.signatures import authority, registry, signing_keys, trust

LONGEST_CHAIN: Final = 6


def import_seal(session: Session, text: str, owner: str, content: bytes, passphrase: bytes | None) -> ElectronicSeal:
    """Give the seal of a text the key and certificates of a PKCS#12 file; it is registered where it is not yet.

    The file holds the key, its certificate and the chain up to the root. A key of SM2 cannot sign PDFs that readers
    know (ADR 28).

    Raises:
        SetupError: the file cannot be opened, lacks a part, does not belong together, or is not valid now.
    """
    try:
        opened = load_pkcs12(content, passphrase)
    except ValueError as exc:
        raise SetupError(f"证书文件打不开：口令不对，或不是 PKCS#12（{exc}）") from exc
    if opened.cert is None or opened.key is None:
        raise SetupError("证书文件中缺少私钥或证书")
    private = signing_keys.find_usable(opened.key)
    if private is None:
        raise SetupError("证书的密钥须为 P-256，或不少于 2048 位的 RSA；SM2 证书见 docs/adr/0028")
    if private.public_key() != opened.cert.certificate.public_key():
        raise SetupError("证书文件中的私钥与证书不符")
    chain = _chain(opened.cert.certificate, [one.certificate for one in opened.additional_certs])
    now = machine_now()
    if not chain[0].not_valid_before_utc <= now < chain[0].not_valid_after_utc:
        raise SetupError(
            f"证书不在有效期内：{chain[0].not_valid_before_utc:%Y-%m-%d} 至 {chain[0].not_valid_after_utc:%Y-%m-%d}"
        )
    seal = registry.find(session, text)
    former = f"{authority.read_certificates(seal.certificates)[0].serial_number:x}" if seal is not None else ""
    if seal is None:
        seal = ElectronicSeal(
            text=text, owner=owner, state=SealState.ACTIVE, created_at=now, valid_from=now, valid_until=now,
            certificates="", private_key="",
        )  # fmt: skip
        session.add(seal)
    seal.owner = owner
    seal.certificates = authority.pem(chain)
    seal.private_key, seal.module_key = signing_keys.written(private), ""
    seal.valid_from, seal.valid_until = chain[0].not_valid_before_utc, chain[0].not_valid_after_utc
    seal.imported = True
    session.flush()
    detail = {"former": former, "serial": f"{chain[0].serial_number:x}", "issuer": chain[0].issuer.rfc4514_string()}
    audit.append(session, SYSTEM, "seal.import", text, detail, product_now(session))
    return seal


def _chain(own: x509.Certificate, others: list[x509.Certificate]) -> list[x509.Certificate]:
    """Return the chain from a certificate up to its root; raise ``SetupError`` where a link is missing."""
    chain = [own]
    while not trust.is_root(chain[-1]) and len(chain) < LONGEST_CHAIN:
        issuer = next((one for one in others if _issued(one, chain[-1])), None)
        if issuer is None:
            break
        chain.append(issuer)
    if not trust.is_root(chain[-1]):
        raise SetupError(f"证书链不完整：缺少 {chain[-1].issuer.rfc4514_string()} 的证书，请导出时选择包含证书链")
    return chain


def _issued(issuer: x509.Certificate, certificate: x509.Certificate) -> bool:
    try:
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True
