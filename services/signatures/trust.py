"""What a reader must trust to find the papers valid: the instance's root, and those of imported certificates."""

from cryptography import x509
from sqlmodel import Session, col, select

from models.signature import ElectronicSeal
from services.errors import NotFound
from services.signatures import authority


def roots(session: Session) -> str:
    """Return the root certificates as PEM, the instance's own first; ``NotFound`` before it is made."""
    own = authority.find_root(session)
    if own is None:
        raise NotFound("根证书尚未生成", "There is no root certificate yet")
    found = [own]
    imported = select(ElectronicSeal.certificates).where(col(ElectronicSeal.imported))
    for text in session.exec(imported.order_by(col(ElectronicSeal.id))):
        last = authority.read_certificates(text)[-1]
        if is_root(last) and last not in found:
            found.append(last)
    return authority.pem(found)


def is_root(certificate: x509.Certificate) -> bool:
    """Tell whether a certificate is its own issuer's."""
    return certificate.subject == certificate.issuer
