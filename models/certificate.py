"""Certificates (电子证照) after they are issued: their history, the paper one, the city library, revocation."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from models.database import Instant, choice


class CertificateAction(StrEnum):
    """What a favourable decision does to a certificate."""

    ISSUE = "issue"
    CHANGE = "change"
    RENEW = "renew"
    REPLACE = "replace"
    CANCEL = "cancel"

    @property
    def label(self) -> str:
        """Return the Chinese name."""
        return _ACTIONS[self]

    @property
    def needs_certificate(self) -> bool:
        """Tell whether a case of it must name the certificate it is about."""
        return self is not CertificateAction.ISSUE

    @property
    def makes_certificate(self) -> bool:
        """Tell whether it ends in a new certificate."""
        return self is not CertificateAction.CANCEL


_ACTIONS = {
    CertificateAction.ISSUE: "核发",
    CertificateAction.CHANGE: "变更",
    CertificateAction.RENEW: "延续",
    CertificateAction.REPLACE: "补发",
    CertificateAction.CANCEL: "注销",
}


class CertificateState(StrEnum):
    """What a certificate is on a day; ``expired`` follows from its last day, the others are decided."""

    VALID = "valid"
    CHANGED = "changed"
    CANCELLED = "cancelled"
    REVOKED = "revoked"
    EXPIRED = "expired"

    @property
    def label(self) -> str:
        """Return the Chinese name."""
        return _STATES[self]


_STATES = {
    CertificateState.VALID: "有效",
    CertificateState.CHANGED: "已变更",
    CertificateState.CANCELLED: "已注销",
    CertificateState.REVOKED: "已撤销",
    CertificateState.EXPIRED: "已过期",
}


class CertificateEvent(SQLModel, table=True):
    """One step in a certificate's life; ``key`` keeps a repeated job from telling it twice."""

    __tablename__ = "certificate_event"
    __table_args__ = (UniqueConstraint("number", "key", name="uq_certificate_event"),)

    id: int | None = Field(default=None, primary_key=True)
    number: str = Field(foreign_key="certificate.number", max_length=64)
    key: str = Field(max_length=64)
    case_no: str = Field(foreign_key="case.case_no", max_length=32)
    """The case that did it; for what no case did, the one the certificate was issued in."""
    at: datetime = Field(sa_type=Instant)
    actor: str = Field(max_length=64)
    event: str = Field(max_length=32)
    text: str


class CertificatePrint(SQLModel, table=True):
    """The paper certificate (纸质证照): printed once with its electronic one, void in the instant that one ends."""

    __tablename__ = "certificate_print"

    number: str = Field(primary_key=True, foreign_key="certificate.number", max_length=64)
    printed_at: datetime = Field(sa_type=Instant)
    voided_at: datetime | None = Field(default=None, sa_type=Instant)


class LibraryStanding(StrEnum):
    """How the city library's record of a certificate stands to ours."""

    IN_STEP = "in_step"
    PENDING = "pending"
    DIFFERS = "differs"

    @property
    def label(self) -> str:
        """Return the Chinese name."""
        return _STANDINGS[self]


_STANDINGS = {
    LibraryStanding.IN_STEP: "一致",
    LibraryStanding.PENDING: "待归集",
    LibraryStanding.DIFFERS: "不一致",
}


class LibraryEntry(SQLModel, table=True):
    """What the city library (市电子证照库) is to know of a certificate, and what it confirmed.

    ``version`` counts the states our register has had; a request to the library is named by number and version, so
    that repeating one changes nothing, and an older one that arrives late is ignored there. Instants are machine time:
    back-off has nothing to do with cases.
    """

    __tablename__ = "library_entry"
    __table_args__ = (Index("ix_library_entry_due", "standing", "available_at", "number"),)

    number: str = Field(primary_key=True, foreign_key="certificate.number", max_length=64)
    version: int = 1
    confirmed_version: int = 0
    standing: LibraryStanding = Field(default=LibraryStanding.PENDING, sa_type=choice(LibraryStanding))
    attempts: int = 0
    available_at: datetime = Field(sa_type=Instant)
    """When it is sent next, or, in step, compared next."""
    confirmed_at: datetime | None = Field(default=None, sa_type=Instant)
    difference: str = ""
    """What the library said otherwise when it was last compared, or why the last attempt failed."""


class RevocationGround(StrEnum):
    """For what a licence may be revoked (行政许可法 art. 69)."""

    ABUSE_OF_OFFICE = "abuse_of_office"
    BEYOND_POWERS = "beyond_powers"
    PROCEDURE = "procedure"
    UNQUALIFIED = "unqualified"
    OTHER_BY_LAW = "other_by_law"
    FRAUD = "fraud"

    @property
    def label(self) -> str:
        """Return the ground in the law's words."""
        return _GROUNDS[self]

    @property
    def paragraph(self) -> str:
        """Return the paragraph of art. 69 it stands in."""
        return "第六十九条第二款" if self is RevocationGround.FRAUD else "第六十九条第一款"


_GROUNDS = {
    RevocationGround.ABUSE_OF_OFFICE: "行政机关工作人员滥用职权、玩忽职守作出准予行政许可决定",
    RevocationGround.BEYOND_POWERS: "超越法定职权作出准予行政许可决定",
    RevocationGround.PROCEDURE: "违反法定程序作出准予行政许可决定",
    RevocationGround.UNQUALIFIED: "对不具备申请资格或者不符合法定条件的申请人准予行政许可",
    RevocationGround.OTHER_BY_LAW: "依法可以撤销行政许可的其他情形",
    RevocationGround.FRAUD: "被许可人以欺骗、贿赂等不正当手段取得行政许可",
}


class RevocationOutcome(StrEnum):
    """How a revocation procedure ended."""

    REVOKED = "revoked"
    DROPPED = "dropped"


class CertificateRevocation(SQLModel, table=True):
    """One procedure to revoke a certificate (撤销): notice, the holder's statement, decision."""

    __tablename__ = "certificate_revocation"
    __table_args__ = (Index("ix_certificate_revocation_number", "number", "id"),)

    id: int | None = Field(default=None, primary_key=True)
    number: str = Field(foreign_key="certificate.number", max_length=64)
    case_no: str = Field(foreign_key="case.case_no", max_length=32)
    """The case the certificate was issued in."""
    ground: RevocationGround = Field(sa_type=choice(RevocationGround))
    facts: str
    opened_by: str = Field(max_length=64)
    opened_at: datetime = Field(sa_type=Instant)
    notified_at: datetime = Field(sa_type=Instant)
    """When the holder was told what is intended, why, and of the right to be heard."""
    statement: str | None = None
    """What the holder said (陈述、申辩), or that nothing was said in time."""
    hearing: str = ""
    """How the hearing went, where one was asked for; empty: none was."""
    heard_by: str | None = Field(default=None, max_length=64)
    heard_at: datetime | None = Field(default=None, sa_type=Instant)
    outcome: RevocationOutcome | None = Field(default=None, sa_type=choice(RevocationOutcome))
    reason: str = ""
    decided_by: str | None = Field(default=None, max_length=64)
    decided_at: datetime | None = Field(default=None, sa_type=Instant)
