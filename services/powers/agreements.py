"""Takeover agreements (承接协议): which ``substantive`` items an area may exercise, and how that comes about.

Drafted by either side or the coordinator, signed once by each, in force on its date, suspended, resumed and ended
by the city. The process ``takeover-agreement`` waits for the dates; what counts for a submission is the table alone.
Cases in flight go on when an agreement is suspended or ended.
"""

from collections.abc import Sequence
from datetime import date, datetime
from itertools import islice
from typing import Any

from pydantic import BaseModel
from sqlmodel import Session, select

from models.agreement import Agreement, AgreementState, Side
from models.catalogue import Area, Mode, Unit
from models.group import COORDINATOR, Group, Role
from models.power_event import PowerSubject
from models.protocol import Message
from models.working_calendar import china_date, start_of_day
from services import locks
from services.accounts import power_rights
from services.accounts.actors import Actor
from services.catalogue import in_force
from services.clock import product_now
from services.errors import Conflict, FieldProblem, InvalidInput, NotFound
from services.journal import timeline
from services.paging import Order, Page, behind_cursor, cut
from services.powers import ledger, recorder
from services.process_engine import outbox
from services.process_engine.timers import instant_text

DEMO_PROCEDURE = (
    "按《审核审批程序（示例）》执行：县级受理、实质性审核、首席代表签发转报，市级审批并加盖市级审批专用章。"
)


class AlreadySigned(Conflict):
    """The side has signed before."""

    code, title, title_en = "already_signed", "本方已经签署", "This side has signed already"


class AgreementClosed(Conflict):
    """The agreement's state does not allow the step."""

    code, title, title_en = "agreement_state", "协议当前状态不允许此操作", "The agreement's state does not allow this"


class SignatureView(BaseModel):
    """One side's signature: who, when, and SHA-256 of what was signed."""

    account: str
    at: datetime
    digest: str | None = None


class AgreementView(BaseModel):
    """An agreement as the API and the pages show it."""

    id: int
    area: str
    unit: str
    items: list[str]
    procedure: str
    in_force_from: date
    state: AgreementState
    city_signature: SignatureView | None
    county_signature: SignatureView | None
    digest: str
    reason: str
    created_by: str
    created_at: datetime
    events: list[ledger.PowerEventView] = []


def pairs_in_force(session: Session, on: date) -> set[tuple[str, str]]:
    """Return every (area, item code) with an agreement in force on ``on``."""
    signed = session.exec(select(Agreement).where(Agreement.state == AgreementState.SIGNED)).all()
    return {(one.area, item) for one in signed if one.in_force(on) for item in one.items}


def covers(session: Session, area: str, item: str, on: date) -> bool:
    """Tell whether ``area`` has an agreement in force for ``item``."""
    signed = session.exec(
        select(Agreement).where(Agreement.area == area, Agreement.state == AgreementState.SIGNED)
    ).all()
    return any(one.in_force(on) and item in one.items for one in signed)


def draft(
    session: Session,
    actor: Actor,
    *,
    area: str,
    unit: str,
    items: Sequence[str],
    procedure: str,
    in_force_from: date | None = None,
) -> AgreementView:
    """Draft an agreement; it binds nobody until both sides have signed."""
    power_rights.require_draft_agreement(actor, area, unit)
    now = product_now(session)
    begins = in_force_from or china_date(now)
    _require_good(session, area, unit, items, begins)
    agreement = Agreement(
        area=area,
        unit=unit,
        items=list(dict.fromkeys(items)),
        procedure=procedure,
        in_force_from=begins,
        created_by=actor.username,
        created_at=now,
    )
    session.add(agreement)
    session.flush()
    _record_event(
        session, agreement, "agreement.drafted", f"起草承接协议，{len(agreement.items)}项", actor.username, now
    )
    _publish(
        session,
        agreement,
        Message.AGREEMENT_DRAFTED,
        {"agreementId": str(agreement.id), "inForceAt": instant_text(start_of_day(begins))},
    )
    return view(session, agreement)


def sign(session: Session, actor: Actor, agreement_id: int, side: Side | None = None) -> AgreementView:
    """Sign for a side the account acts for, once each; the second signature concludes the agreement.

    Without ``side`` it is the one that is still missing.

    Raises:
        Forbidden: the account acts for neither side, or not for ``side``.
        AlreadySigned, AgreementClosed: there is nothing to sign.
        InvalidInput: the account acts for both sides, neither has signed, and ``side`` is not named.
    """
    agreement = _get_for_update(session, agreement_id)
    power_rights.require_signatory(actor, agreement.area, agreement.unit, side)
    wanted = [side] if side is not None else power_rights.sides_of(actor, agreement.area, agreement.unit)
    missing = [one for one in wanted if agreement.signature_of(one) is None]
    if not missing:
        raise AlreadySigned
    if agreement.state is not AgreementState.DRAFT:
        raise AgreementClosed
    if len(missing) > 1:
        raise InvalidInput([FieldProblem("side", "您同时代表双方，请指明代表哪一方签署：city 或 county")])
    now = product_now(session)
    [signing] = missing
    signature = {"account": actor.username, "at": now.isoformat(), "digest": agreement.digest()}
    if signing is Side.CITY:
        agreement.city_signature = signature
    else:
        agreement.county_signature = signature
    event = "agreement.signed_by_city" if signing is Side.CITY else "agreement.signed_by_county"
    _record_event(session, agreement, event, f"{signing.label}签署", actor.username, now)
    if agreement.city_signature is not None and agreement.county_signature is not None:
        agreement.state = AgreementState.SIGNED
        _publish(session, agreement, Message.AGREEMENT_CONCLUDED)
        if agreement.in_force(china_date(now)):
            _record_event(session, agreement, "agreement.in_force", "双方签署，协议生效", timeline.SYSTEM, now)
    session.add(agreement)
    session.flush()
    return view(session, agreement)


def suspend(session: Session, actor: Actor, agreement_id: int, reason: str) -> AgreementView:
    """Suspend a signed agreement: from now on its items are locked in that area."""
    return _change(session, actor, agreement_id, reason, AgreementState.SUSPENDED)


def resume(session: Session, actor: Actor, agreement_id: int, reason: str) -> AgreementView:
    """Resume a suspended agreement."""
    return _change(session, actor, agreement_id, reason, AgreementState.SIGNED)


def end(session: Session, actor: Actor, agreement_id: int, reason: str) -> AgreementView:
    """End an agreement, or abandon its draft, for good."""
    return _change(session, actor, agreement_id, reason, AgreementState.ENDED)


_STEPS: dict[AgreementState, tuple[frozenset[AgreementState], str, str, Message]] = {
    AgreementState.SUSPENDED: (
        frozenset({AgreementState.SIGNED}),
        "agreement.suspended",
        "中止协议",
        Message.AGREEMENT_SUSPENDED,
    ),
    AgreementState.SIGNED: (
        frozenset({AgreementState.SUSPENDED}),
        "agreement.resumed",
        "恢复协议",
        Message.AGREEMENT_RESUMED,
    ),
    AgreementState.ENDED: (
        frozenset({AgreementState.DRAFT, AgreementState.SIGNED, AgreementState.SUSPENDED}),
        "agreement.ended",
        "终止协议",
        Message.AGREEMENT_ENDED,
    ),
}


def _change(session: Session, actor: Actor, agreement_id: int, reason: str, to: AgreementState) -> AgreementView:
    agreement = _get_for_update(session, agreement_id)
    power_rights.require_change_agreement(actor, agreement.unit)
    allowed, event, words, message = _STEPS[to]
    if agreement.state not in allowed:
        raise AgreementClosed(f"协议{agreement.state_on(china_date(product_now(session))).label}，不能{words}")
    now = product_now(session)
    agreement.state, agreement.reason = to, reason
    session.add(agreement)
    text = f"{words}：{reason}" if reason else words
    _record_event(session, agreement, event, text, actor.username, now, key=f"{event}:{now.isoformat()}")
    _publish(session, agreement, message)
    return view(session, agreement)


def enter_force(session: Session, agreement_id: int) -> None:
    """Record that a signed agreement's date has come, once, dated by that date; the effect of a job."""
    agreement = _get_for_update(session, agreement_id)
    now = product_now(session)
    if agreement.in_force(china_date(now)):
        signed = [one["at"] for one in (agreement.city_signature, agreement.county_signature) if one]
        at = max([start_of_day(agreement.in_force_from), *(datetime.fromisoformat(moment) for moment in signed)])
        _record_event(session, agreement, "agreement.in_force", "到约定之日，协议生效", timeline.SYSTEM, at)


def get(session: Session, agreement_id: int) -> AgreementView:
    """Return one agreement with its history."""
    agreement = session.get(Agreement, agreement_id)
    if agreement is None:
        raise _unknown()
    shown = view(session, agreement)
    shown.events = ledger.of(session, PowerSubject.AGREEMENT, agreement_id)
    return shown


def list_agreements(
    session: Session,
    *,
    area: str | None = None,
    unit: str | None = None,
    item: str | None = None,
    state: AgreementState | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[AgreementView]:
    """Return a page of agreements, the newest first."""
    query = select(Agreement)
    if area:
        query = query.where(Agreement.area == area)
    if unit:
        query = query.where(Agreement.unit == unit)
    today = china_date(product_now(session))
    order = Order(Agreement.id, descending=True)
    wanted = (
        one
        for one in session.exec(behind_cursor(query, order, cursor))
        if (state is None or one.state_on(today) is state) and (not item or item in one.items)
    )
    found = cut(list(islice(wanted, limit + 1)), limit, order.position)
    return found.page(lambda one: view(session, one))


def view(session: Session, agreement: Agreement) -> AgreementView:
    """Return an agreement as the contract shows it, its state as of today."""
    return AgreementView.model_validate(
        {
            **agreement.model_dump(),
            "state": agreement.state_on(china_date(product_now(session))),
            "digest": agreement.digest(),
        }
    )


def sides_to_sign(agreement: AgreementView, actor: Actor) -> list[Side]:
    """Return the sides the account signs for that have not signed yet."""
    if agreement.state is not AgreementState.DRAFT:
        return []
    signed = {Side.CITY: agreement.city_signature, Side.COUNTY: agreement.county_signature}
    return [side for side in power_rights.sides_of(actor, agreement.area, agreement.unit) if signed[side] is None]


def seed_demo_agreements(
    session: Session,
    areas: Sequence[str],
    items_by_unit: dict[str, list[str]],
    in_force_from: date,
    at: datetime,
) -> None:
    """Put agreements in force for a few areas in development, so that the others show the lock."""
    if session.exec(select(Agreement.id)).first() is not None:
        return
    for area in areas:
        for unit, items in sorted(items_by_unit.items()):
            agreement = Agreement(
                area=area,
                unit=unit,
                items=items,
                procedure=DEMO_PROCEDURE,
                in_force_from=in_force_from,
                state=AgreementState.SIGNED,
                created_by=COORDINATOR.name,
                created_at=at,
            )
            signed = {"at": at.isoformat(), "digest": agreement.digest()}
            agreement.city_signature = {"account": Group.of_city_unit(unit, Role.APPROVER).name, **signed}
            agreement.county_signature = {"account": Group.of_area(area, Role.APPROVER).name, **signed}
            session.add(agreement)


def _require_good(session: Session, area: str, unit: str, items: Sequence[str], on: date) -> None:
    problems = []
    if session.get(Area, area) is None:
        problems.append(FieldProblem("area", "没有这个县（市、区）"))
    if session.get(Unit, unit) is None:
        problems.append(FieldProblem("unit", "没有这个市级单位"))
    if not items:
        problems.append(FieldProblem("items", "至少列一个事项"))
    for position, code in enumerate(items):
        fault = _item_fault(session, area, unit, code, on)
        if fault is not None:
            problems.append(FieldProblem(f"items.{position}", f"{code}：{fault}"))
    if problems:
        raise InvalidInput(problems)


def _item_fault(session: Session, area: str, unit: str, code: str, on: date) -> str | None:
    item = in_force.find_item(session, code, on)
    if item is None:
        return "没有这个事项"
    if item.mode is not Mode.SUBSTANTIVE:
        return "不是下放实质性审核权的事项"
    if item.unit != unit:
        return "不属于该市级单位"
    return None if area in item.areas else "未下放至该县（市、区）"


def _get_for_update(session: Session, agreement_id: int) -> Agreement:
    agreement = locks.find_for_update(session, Agreement, agreement_id)
    if agreement is None:
        raise _unknown()
    return agreement


def _unknown() -> NotFound:
    return NotFound("没有这份协议", "No such agreement")


def _record_event(
    session: Session, agreement: Agreement, event: str, text: str, actor: str, at: datetime, key: str | None = None
) -> None:
    """Record an event, and notify whoever has to sign or is affected by it."""
    title = f"{agreement.in_force_from}起，{len(agreement.items)}个事项"
    matter = recorder.Matter(PowerSubject.AGREEMENT, agreement.id or 0, agreement.area, agreement.unit, title)
    notice = recorder.Notice(_recipients(agreement, event), text=f"承接协议：{text}", key=key or event)
    recorder.record(session, matter, event, text, actor=actor, at=at, key=key, notices=(notice,))


def _recipients(agreement: Agreement, event: str) -> list[str]:
    city = Group.of_city_unit(agreement.unit, Role.APPROVER).name
    county = Group.of_area(agreement.area, Role.APPROVER).name
    window = Group.of_area(agreement.area, Role.WINDOW).name
    return {
        "agreement.drafted": [city, county],
        "agreement.signed_by_city": [county] if agreement.county_signature is None else [],
        "agreement.signed_by_county": [city] if agreement.city_signature is None else [],
        "agreement.in_force": [city, county, window],
        "agreement.suspended": [county, window],
        "agreement.resumed": [county, window],
        "agreement.ended": [county, window],
    }.get(event, [])


def _publish(session: Session, agreement: Agreement, message: Message, variables: dict[str, Any] | None = None) -> None:
    """Queue a message to the agreement's process; each has an id of its own, for some recur."""
    at = product_now(session).isoformat()
    outbox.publish_message(
        session,
        message,
        stream=f"agreement:{agreement.id}",
        correlation_key=str(agreement.id),
        message_id=f"agreement:{agreement.id}:{message.value}:{at}",
        variables=variables,
    )
