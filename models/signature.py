"""Electronic seals (电子印章) and their keys, the instance's own certificate authority, and each seal's uses."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import JSON, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from models.database import Instant, choice
from models.encrypted import EncryptedText

KEY_LENGTH = 8192
"""Room for the encrypted private key of RSA with 4096 bits."""


class AuthorityRole(StrEnum):
    """What a key of the instance's own authority is for."""

    ROOT = "root"
    """It issues the certificates of seals and of the timestamps."""

    TIMESTAMP = "timestamp"
    """It signs the embedded timestamps."""


class AuthorityKey(SQLModel, table=True):
    """A key of the instance's own authority; both texts are PEM."""

    __tablename__ = "authority_key"

    role: AuthorityRole = Field(primary_key=True, sa_type=choice(AuthorityRole))
    certificate: str
    private_key: str = Field(sa_type=EncryptedText("authority_key.private_key", KEY_LENGTH))


class SealState(StrEnum):
    """Whether a seal may be used."""

    ACTIVE = "active"
    SUSPENDED = "suspended"


class ElectronicSeal(SQLModel, table=True):
    """A seal as it is printed, the certificate it signs with, and what it may be used for."""

    __tablename__ = "electronic_seal"
    __table_args__ = (UniqueConstraint("text", name="uq_electronic_seal_text"),)

    id: int | None = Field(default=None, primary_key=True)
    text: str = Field(max_length=100)
    """The whole text of the seal, which names it on papers: the organ and the kind."""

    owner: str = Field(max_length=100)
    """The organ whose seal it is."""

    items: list[str] = Field(default_factory=list, sa_type=JSON)
    """The codes of the items it may be used for; empty: all."""

    modes: list[str] = Field(default_factory=list, sa_type=JSON)
    """The delegation modes it may be used in; empty: all."""

    state: SealState = Field(default=SealState.ACTIVE, sa_type=choice(SealState))
    suspended_for: str = Field(default="", max_length=200)
    valid_from: datetime = Field(sa_type=Instant)
    valid_until: datetime = Field(sa_type=Instant)
    certificates: str
    """PEM: its own certificate first, then the chain up to the root."""

    private_key: str = Field(sa_type=EncryptedText("electronic_seal.private_key", KEY_LENGTH))
    """PEM, encrypted; empty where the key is in the security module."""

    module_key: str = Field(default="", max_length=64)
    """The label of its key in the hardware security module (PKCS#11)."""

    imported: bool = False
    """Whether its certificate was issued by another authority than the instance's own."""

    created_at: datetime = Field(sa_type=Instant)


class UseOutcome(StrEnum):
    """What became of an attempt to use a seal."""

    SEALED = "sealed"
    REFUSED = "refused"


class SealUse(SQLModel, table=True):
    """One use of a seal, or an attempt that was refused."""

    __tablename__ = "seal_use"
    __table_args__ = (Index("ix_seal_use_seal", "seal", "id"),)

    id: int | None = Field(default=None, primary_key=True)
    seal: str = Field(max_length=100)
    """The seal's text, which an attempt to use one that is not registered has too."""

    case_no: str = Field(max_length=32)
    kind: str = Field(max_length=32)
    """The kind of paper."""

    number: str = Field(max_length=64)
    """The paper's number."""

    serial: str = Field(default="", max_length=64)
    """The serial number of the certificate that signed, in hexadecimal."""

    outcome: UseOutcome = Field(sa_type=choice(UseOutcome))
    reason: str = Field(default="", max_length=32)
    """Why it was refused."""

    at: datetime = Field(sa_type=Instant)
