"""Manage seals: list them with their uses, register, suspend, resume, limit and renew them; each step is audited."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Final

from pydantic import BaseModel, Field
from sqlalchemy import func
from sqlmodel import Session, col, select

from models.catalogue import ItemVersion, Mode
from models.signature import ElectronicSeal, SealState, SealUse, UseOutcome
from services.accounts.actors import Actor
from services.accounts.seal_rights import require_manage_seals
from services.clock import machine_now, product_now
from services.errors import Conflict, FieldProblem, InvalidInput, NotFound
from services.journal import audit
from services.paging import Order, Page, read
from services.signatures import authority, registry

LONGEST_TEXT: Final = 100
LONGEST_REASON: Final = 200
MOST_ITEMS: Final = 200
_ORDER: Final = Order(col(ElectronicSeal.id))
_USES: Final = Order(col(SealUse.id), descending=True)

ItemCode = Annotated[str, Field(min_length=1, max_length=16)]


class SealInUse(Conflict):
    """A seal of this text is registered already."""

    code, title, title_en = "seal_registered", "该印章已经登记", "The seal is registered already"


class SealView(BaseModel):
    """A seal, without its key."""

    id: int
    text: str
    owner: str
    items: list[str]
    modes: list[Mode]
    state: SealState
    suspended_for: str
    valid_from: datetime
    valid_until: datetime
    expired: bool
    issuer: str
    serial: str
    imported: bool
    in_module: bool
    used: int
    refused: int


class SealUseView(BaseModel):
    """A use of a seal, or an attempt that was refused and why."""

    id: int
    case_no: str
    kind: str
    number: str
    serial: str
    outcome: UseOutcome
    reason: str
    at: datetime


def seals(
    session: Session, actor: Actor, *, q: str | None = None, cursor: str | None = None, limit: int = 50
) -> Page[SealView]:
    """Return a page of the seals, in the order in which they were registered; ``q`` is part of their text."""
    require_manage_seals(actor)
    query = select(ElectronicSeal)
    if q:
        query = query.where(col(ElectronicSeal.text).contains(q, autoescape=True))
    found = read(session, query, _ORDER, cursor, limit)
    counts = _counts(session, [one.text for one in found.rows])
    return found.page(lambda row: _view(row, counts))


def get(session: Session, actor: Actor, seal_id: int) -> SealView:
    """Return one seal; raise ``NotFound``."""
    require_manage_seals(actor)
    seal = _get(session, seal_id)
    return _view(seal, _counts(session, [seal.text]))


def uses(
    session: Session, actor: Actor, seal_id: int, *, cursor: str | None = None, limit: int = 50
) -> Page[SealUseView]:
    """Return a page of a seal's uses and refusals, newest first."""
    require_manage_seals(actor)
    seal = _get(session, seal_id)
    found = read(session, select(SealUse).where(SealUse.seal == seal.text), _USES, cursor, limit)
    return found.page(lambda row: SealUseView.model_validate(row, from_attributes=True))


def register(session: Session, actor: Actor, text: str, owner: str, items: list[str], modes: list[Mode]) -> SealView:
    """Register a seal under the text papers bear, with a new key and a certificate of the instance's authority.

    Raises ``SealInUse`` or ``InvalidInput``.
    """
    require_manage_seals(actor)
    _require_items(session, items)
    if registry.find(session, text) is not None:
        raise SealInUse
    registry.make(session, text, owner)
    seal = registry.find(session, text)
    if seal is None:
        raise NotFound
    seal.items, seal.modes = items, [one.value for one in modes]
    audit.append(
        session, actor.username, "seal.register", seal.text, {"items": items, "modes": seal.modes}, product_now(session)
    )
    return _shown(session, seal)


def suspend(session: Session, actor: Actor, seal_id: int, reason: str) -> SealView:
    """Suspend a seal at once: papers that need it wait until it is resumed; suspending it twice changes the reason."""
    require_manage_seals(actor)
    seal = _get(session, seal_id)
    seal.state, seal.suspended_for = SealState.SUSPENDED, reason
    audit.append(session, actor.username, "seal.suspend", seal.text, {"reason": reason}, product_now(session))
    return _shown(session, seal)


def resume(session: Session, actor: Actor, seal_id: int) -> SealView:
    """Let a suspended seal be used again; one in use stays as it is."""
    require_manage_seals(actor)
    seal = _get(session, seal_id)
    if seal.state is SealState.SUSPENDED:
        seal.state, seal.suspended_for = SealState.ACTIVE, ""
        audit.append(session, actor.username, "seal.resume", seal.text, {}, product_now(session))
    return _shown(session, seal)


def renew(session: Session, actor: Actor, seal_id: int) -> SealView:
    """Give a seal a new key and a certificate of the instance's authority; papers signed before stay valid."""
    require_manage_seals(actor)
    seal = _get(session, seal_id)
    former = _serial(seal)
    for name, value in registry.certified(session, seal.text, seal.owner, machine_now()).items():
        setattr(seal, name, value)
    seal.imported = False
    audit.append(
        session,
        actor.username,
        "seal.renew",
        seal.text,
        {"former": former, "serial": _serial(seal)},
        product_now(session),
    )
    return _shown(session, seal)


def limit_to(session: Session, actor: Actor, seal_id: int, items: list[str], modes: list[Mode]) -> SealView:
    """Limit a seal to items and modes, without either to none; raise ``InvalidInput`` for an unknown item."""
    require_manage_seals(actor)
    _require_items(session, items)
    seal = _get(session, seal_id)
    seal.items, seal.modes = items, [one.value for one in modes]
    audit.append(
        session, actor.username, "seal.limit", seal.text, {"items": items, "modes": seal.modes}, product_now(session)
    )
    return _shown(session, seal)


def _get(session: Session, seal_id: int) -> ElectronicSeal:
    seal = session.get(ElectronicSeal, seal_id)
    if seal is None:
        raise NotFound("没有这枚印章", "No such seal")
    return seal


def _require_items(session: Session, items: list[str]) -> None:
    known = (
        set(session.exec(select(ItemVersion.code).where(col(ItemVersion.code).in_(items))).all()) if items else set()
    )
    if unknown := [one for one in items if one not in known]:
        raise InvalidInput([FieldProblem("items", f"没有这个事项：{'、'.join(unknown)}")])


def _shown(session: Session, seal: ElectronicSeal) -> SealView:
    session.flush()
    return _view(seal, _counts(session, [seal.text]))


def _counts(session: Session, texts: list[str]) -> dict[tuple[str, UseOutcome], int]:
    rows = session.exec(
        select(SealUse.seal, SealUse.outcome, func.count())
        .where(col(SealUse.seal).in_(texts))
        .group_by(SealUse.seal, col(SealUse.outcome))
    ).all()
    return {(text, UseOutcome(outcome)): number for text, outcome, number in rows}


def _serial(seal: ElectronicSeal) -> str:
    return f"{authority.read_certificates(seal.certificates)[0].serial_number:x}"


def _view(seal: ElectronicSeal, counts: Mapping[tuple[str, UseOutcome], int]) -> SealView:
    certificate = authority.read_certificates(seal.certificates)[0]
    return SealView(
        id=seal.id or 0,
        text=seal.text,
        owner=seal.owner,
        items=seal.items,
        modes=[Mode(one) for one in seal.modes],
        state=seal.state,
        suspended_for=seal.suspended_for,
        valid_from=seal.valid_from,
        valid_until=seal.valid_until,
        expired=machine_now() >= seal.valid_until,
        issuer=certificate.issuer.rfc4514_string(),
        serial=_serial(seal),
        imported=seal.imported,
        in_module=bool(seal.module_key),
        used=counts.get((seal.text, UseOutcome.SEALED), 0),
        refused=counts.get((seal.text, UseOutcome.REFUSED), 0),
    )
