"""Accounts, the groups they act for, and their sessions. Their instants are machine time."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from models.database import Instant, choice
from models.encrypted import EncryptedText


class SignInMethod(StrEnum):
    """How a session was opened: with the account's password here, or by the city's unified sign-in (OIDC)."""

    PASSWORD = "password"  # noqa: S105  # The sign-in method, not a secret.
    OIDC = "oidc"


class Account(SQLModel, table=True):
    """A person who signs in; ``password_hash`` is Argon2id.

    ``password_one_time`` marks a password somebody else has seen: it must be changed before anything else is done.
    """

    username: str = Field(primary_key=True, max_length=64)
    display_name: str = Field(max_length=100)
    phone: str = Field(default="", sa_type=EncryptedText("account.phone"))
    password_hash: str
    password_one_time: bool = False
    password_changed_at: datetime | None = Field(default=None, sa_type=Instant)
    active: bool = True


class Membership(SQLModel, table=True):
    """An account's membership of a group such as ``xingguo.window`` or ``city.zrzy.approver``."""

    __table_args__ = (Index("ix_membership_group", "group_name"),)

    username: str = Field(primary_key=True, foreign_key="account.username", max_length=64)
    group_name: str = Field(primary_key=True, max_length=128)


class AccessToken(SQLModel, table=True):
    """A bearer token or page session, stored as a digest only; ``seen_at`` is kept to the minute or so."""

    __tablename__ = "access_token"

    digest: str = Field(primary_key=True, max_length=64)
    username: str = Field(foreign_key="account.username", index=True, max_length=64)
    csrf: str = Field(max_length=64)
    method: SignInMethod = Field(sa_type=choice(SignInMethod))
    created_at: datetime = Field(sa_type=Instant)
    seen_at: datetime = Field(sa_type=Instant)
    expires_at: datetime = Field(sa_type=Instant, index=True)
