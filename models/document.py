"""Documents (文书) and certificates (电子证照) a case produced."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from models.database import Instant, choice


class DocumentKind(StrEnum):
    """The kinds of document of DOMAIN §4."""

    RECEIPT = "材料接收凭证"
    ACCEPTANCE = "受理通知书"
    CORRECTION = "一次性补正告知书"
    REFUSAL_TO_ACCEPT = "不予受理决定书"
    NOT_NEEDED = "不受理告知书"
    GRANT = "准予行政许可决定书"
    DENIAL = "不予行政许可决定书"
    CONFIRMATION = "行政确认决定书"
    CONFIRMATION_DENIAL = "不予行政确认决定书"
    FILING = "备案通知书"
    FILING_DENIAL = "不予备案通知书"
    CHANGE = "准予变更行政许可决定书"
    RENEWAL = "准予延续行政许可决定书"
    REPLACEMENT = "准予补发证照决定书"
    CANCELLATION = "注销行政许可决定书"
    REVOCATION_NOTICE = "拟撤销行政许可告知书"
    REVOCATION = "撤销行政许可决定书"
    OTHER_GRANT = "办理结果通知书"
    OTHER_DENIAL = "不予办理通知书"
    DELIVERY = "送达回证"
    TERMINATION = "终止审查通知书"
    DOSSIER = "审核转报件"
    SPECIAL_PROCEDURE = "特别程序告知书"
    EXTENSION = "延期通知书"
    HEARING_RIGHTS = "听证告知书"
    HEARING_NOTICE = "听证通知书"
    HEARING_RECORD = "听证笔录"
    HANDOVER = "移送告知书"
    CERTIFICATE = "证照"

    @property
    def addresses_applicant(self) -> bool:
        """Tell whether a copy is the applicant's; dossier, return of service and record stay with the organs."""
        return self not in (DocumentKind.DOSSIER, DocumentKind.DELIVERY, DocumentKind.HEARING_RECORD)


class Document(SQLModel, table=True):
    """One issued document; the PDF is fixed by ``sha256`` when it is issued."""

    __table_args__ = (
        UniqueConstraint("case_no", "natural_key", name="uq_document_natural_key"),
        UniqueConstraint("number", name="uq_document_number"),
        Index("ix_document_case", "case_no", "id"),
        Index("ix_document_sha256", "sha256"),
        Index("ix_document_signed_digest", "signed_digest"),
    )

    id: int | None = Field(default=None, primary_key=True)
    case_no: str = Field(foreign_key="case.case_no", max_length=32)
    natural_key: str = Field(max_length=64)
    """``kind`` and, where a kind can occur twice, its occasion."""
    kind: str = Field(max_length=32)
    number: str = Field(max_length=64)
    seal: str = Field(max_length=100)
    issued_at: datetime = Field(sa_type=Instant)
    body: dict[str, Any] = Field(sa_type=JSON)
    sha256: str = Field(max_length=64)
    signature: str = ""
    signed_digest: str = Field(default="", max_length=64)
    """SHA-256 of what the signature in the PDF covers; empty for a paper without a seal, or issued
    before papers were signed."""

    pdf: bytes


class CertificateStatus(StrEnum):
    """What was decided about a certificate; whether it has expired follows from its last day."""

    VALID = "valid"
    CHANGED = "changed"
    CANCELLED = "cancelled"
    REVOKED = "revoked"


class Certificate(SQLModel, table=True):
    """One certificate; ``signature`` is Ed25519 over its canonical content."""

    __table_args__ = (
        UniqueConstraint("case_no", name="uq_certificate_case"),
        Index("ix_certificate_issued", "issued_at", "number"),
    )

    number: str = Field(primary_key=True, max_length=64)
    case_no: str = Field(foreign_key="case.case_no", max_length=32)
    item_code: str = Field(max_length=16)
    name: str = Field(max_length=200)
    holder: str = Field(max_length=200)
    content: dict[str, Any] = Field(sa_type=JSON)
    issued_at: datetime = Field(sa_type=Instant)
    valid_until: date | None = None
    status: CertificateStatus = Field(default=CertificateStatus.VALID, sa_type=choice(CertificateStatus))
    signature: str
    replaces: str | None = Field(default=None, max_length=64)
    """The certificate that this one took the place of."""
    replaced_by: str | None = Field(default=None, max_length=64)
    ended_at: datetime | None = Field(default=None, sa_type=Instant)
    """When it was changed, cancelled or revoked."""
    renewal_case_no: str | None = Field(default=None, max_length=32)
    """The renewal (延续) asked for in time: undecided past the last day, the certificate is deemed renewed."""
