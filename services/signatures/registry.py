"""The seals: found by their text, made where nobody has registered them, and refused where they may not be used.

A seal's validity is that of its certificate and runs by the machine's clock, as every certificate's does.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from cryptography.hazmat.primitives.serialization import load_der_public_key
from sqlalchemy import bindparam
from sqlmodel import Session, select

from models.signature import ElectronicSeal, SealState
from models.upsert import upsert
from services import hsm
from services.clock import machine_now
from services.errors import Conflict
from services.signatures import authority, signing_keys
from services.signatures.signing_keys import KeptKey, ModuleKey, PublicKey, SigningKey
from settings import SealKeys, SealRegistration, get_settings

VALIDITY: Final = timedelta(days=365 * 5)
"""How long a certificate made here is valid [decision]."""

PAGE: Final = "/admin/seals"


class Refusal(StrEnum):
    """Why a seal may not be used."""

    UNREGISTERED = "unregistered"
    SUSPENDED = "suspended"
    NOT_YET_VALID = "not_yet_valid"
    EXPIRED = "expired"
    OTHER_ITEM = "other_item"
    OTHER_MODE = "other_mode"


REFUSAL_WORDS: Final = {
    Refusal.UNREGISTERED: "没有登记：请导入其证书",
    Refusal.SUSPENDED: "已停用：请恢复",
    Refusal.NOT_YET_VALID: "证书尚未生效：请换发证书",
    Refusal.EXPIRED: "证书已到期：请换发证书",
    Refusal.OTHER_ITEM: "不得用于该事项：请调整用印范围",
    Refusal.OTHER_MODE: "不得用于该放权方式：请调整用印范围",
}


class SealRefused(Conflict):
    """A seal may not be used for a paper, which is not issued; ``reason`` tells why (409)."""

    code, title, title_en = "seal_refused", "该印章现在不能用于这份文书", "The seal may not be used for this paper"

    def __init__(self, text: str, reason: Refusal, note: str = "") -> None:
        told = f"（{note}）" if note else ""
        super().__init__(
            f"印章“{text}”{REFUSAL_WORDS[reason]}{told}，由系统管理员在“印章管理”（{PAGE}）办理，之后重试即可继续",
            f"The seal {text} may not be used: {reason.value}; the system administrator sees to it at {PAGE}",
            reason=reason.value,
        )
        self.text = text
        self.reason = reason


@dataclass(frozen=True)
class Purpose:
    """What a seal is to be used for."""

    item: str
    mode: str


_BY_TEXT = select(ElectronicSeal).where(ElectronicSeal.text == bindparam("text"))


def find(session: Session, text: str) -> ElectronicSeal | None:
    """Return the seal of a text."""
    return session.exec(_BY_TEXT, params={"text": text}).first()


def get_usable(session: Session, text: str, owner: str, purpose: Purpose) -> ElectronicSeal:
    """Return the seal of a text for a purpose, made where it may be and there is none; raise ``SealRefused``."""
    seal = find(session, text)
    if seal is None:
        if get_settings().seals is SealRegistration.REGISTERED:
            raise SealRefused(text, Refusal.UNREGISTERED)
        make(session, text, owner)
        seal = session.exec(_BY_TEXT, params={"text": text}).one()
    require_usable(seal, purpose, machine_now())
    return seal


def require_usable(seal: ElectronicSeal, purpose: Purpose, at: datetime) -> None:
    """Raise ``SealRefused`` unless a seal may be used for a purpose at an instant."""
    if seal.state is SealState.SUSPENDED:
        raise SealRefused(seal.text, Refusal.SUSPENDED, seal.suspended_for)
    if at < seal.valid_from:
        raise SealRefused(seal.text, Refusal.NOT_YET_VALID)
    if at >= seal.valid_until:
        raise SealRefused(seal.text, Refusal.EXPIRED)
    if seal.items and purpose.item not in seal.items:
        raise SealRefused(seal.text, Refusal.OTHER_ITEM, purpose.item)
    if seal.modes and purpose.mode not in seal.modes:
        raise SealRefused(seal.text, Refusal.OTHER_MODE, purpose.mode)


def make(session: Session, text: str, owner: str) -> None:
    """Register a seal with a key and a certificate of the instance's own; one that is registered stays as it is."""
    now = machine_now()
    row = {
        "text": text,
        "owner": owner,
        "items": [],
        "modes": [],
        "state": SealState.ACTIVE,
        "suspended_for": "",
        "imported": False,
        "created_at": now,
        **certified(session, text, owner, now),
    }
    upsert(session, ElectronicSeal, [row], key=("text",))


def certified(session: Session, text: str, owner: str, now: datetime) -> dict[str, object]:
    """Return the columns of a new key and its certificate."""
    until = now + VALIDITY
    label, private = "", ""
    if get_settings().seal_keys is SealKeys.MODULE:
        label = f"tongquan-seal-{secrets.token_hex(8)}"
        public = _public(hsm.make_signing_key(get_settings(), label))
    else:
        made = signing_keys.make_private_key()
        public, private = made.public_key(), signing_keys.written(made)
    return {
        "certificates": authority.issue(session, text, owner, public, now, until),
        "private_key": private,
        "module_key": label,
        "valid_from": now - authority.LEEWAY,
        "valid_until": until,
    }


def key_of(seal: ElectronicSeal) -> SigningKey:
    """Return the key a seal signs with."""
    return ModuleKey(seal.module_key) if seal.module_key else KeptKey(signing_keys.read(seal.private_key))


def _public(der: bytes) -> PublicKey:
    public = load_der_public_key(der)
    if not isinstance(public, PublicKey):
        raise TypeError(type(public).__name__)
    return public
