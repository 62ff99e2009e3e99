"""Second transfer (二次划转): from a date on another county unit handles an item; its running cases stay or move.

Recorded, previewed and carried out as a recall is: the process ``unit-transfer`` waits for the day, on which every case
in flight either stays with its unit or moves to the new one, once each. A case that moves keeps its number, clock and
tasks: the tasks open with the old unit's reviewers are given to the new one's, and the instance's ``reviewUnit`` is set
for the steps to come. A case already decided, or with the city, stays where it is; one the city returns moves then.
"""

from datetime import date, datetime
from typing import Any, Final

from pydantic import BaseModel
from sqlmodel import Session, col, select

from models.case import Case
from models.catalogue import CountyUnit, ItemVersion, Mode
from models.in_flight import Disposition, InFlight
from models.power_event import PowerSubject
from models.protocol import REVIEW_UNIT, Message, Process
from models.task import Task
from models.unit_transfer import UnitTransfer, UnitTransferCase, UnitTransferState
from models.working_calendar import china_date, start_of_day
from services import locks
from services.accounts import power_rights
from services.accounts.actors import Actor
from services.catalogue import in_force, reference
from services.clock import product_now
from services.documents import case_facts, issuance
from services.errors import Conflict, FieldProblem, InvalidInput, NotFound
from services.journal import audit, task_outcomes, timeline
from services.paging import Order, Page, read
from services.powers import ledger, recorder
from services.powers.ledger import PowerEventView
from services.process_engine import outbox
from services.process_engine.timers import instant_text
from services.takeovers import cases_in_flight
from services.takeovers.cases_in_flight import (
    CaseInFlightView,
    PreviewRow,
    case_view,
    counts_text,
    effective_instant,
    preview_row,
)
from services.tasks import reassignment

_REVOCATIONS: Final = {
    Process.UNIT_TRANSFER: Message.UNIT_TRANSFER_REVOKED,
    Process.DELEGATION_RECALL: Message.RECALL_RESTORED,
}
"""The revocation message the process of a transfer waits for besides its day."""

IN_FLIGHT_NAMES: Final = {InFlight.FINISH: "由原承办部门办结", InFlight.TRANSFER: "移交新承办部门办理"}


class TransferPending(Conflict):
    """Another transfer of the item in the area has been decided and waits for its day."""

    code, title = "unit_transfer_pending", "该事项已有一项待生效的划转"
    title_en = "Another transfer of the item waits for its day"


class TransferClosed(Conflict):
    """The transfer has taken effect, or was revoked."""

    code, title, title_en = (
        "unit_transfer_state",
        "划转当前状态不允许此操作",
        "The transfer's state does not allow this",
    )


class UnitTransferView(BaseModel):
    """One transfer of an item from a county unit to another, with the cases that were in flight on its day."""

    id: int
    area: str
    item: str
    from_unit: str
    from_unit_name: str
    to_unit: str
    to_unit_name: str
    effective_on: date
    in_flight: InFlight
    in_flight_name: str
    state: UnitTransferState
    reason: str
    decided_by: str
    decided_at: datetime
    took_effect_at: datetime | None
    revoked_by: str | None
    revoked_at: datetime | None
    revoke_reason: str
    cases: list[CaseInFlightView] = []
    events: list[PowerEventView] = []


def decide(
    session: Session,
    actor: Actor,
    *,
    area: str,
    item: str,
    unit: str,
    effective_on: date | None,
    reason: str,
    in_flight: InFlight = InFlight.FINISH,
) -> UnitTransferView:
    """Record that ``unit`` of the county handles the item from a day on, and what becomes of the cases in flight.

    It takes effect in this transaction when its day has come, else when the process's timer fires.
    """
    power_rights.require_transfer(actor, area)
    locks.acquire_power(session, area, item)
    now = product_now(session)
    today = china_date(now)
    begins = max(effective_on or today, today)
    version, named = _checked(session, area, item, unit, begins)
    if _pending(session, area, item):
        raise TransferPending
    before = in_force.county_unit(session, version, area, begins)
    if before is not None and before.code == unit:
        raise InvalidInput([FieldProblem("unit", "该事项已由这个部门承办")])
    transfer = UnitTransfer(
        area=area,
        item=item,
        from_unit=before.code if before is not None else "",
        to_unit=unit,
        effective_on=begins,
        reason=reason,
        decided_by=actor.username,
        decided_at=now,
        in_flight=in_flight,
    )
    session.add(transfer)
    session.flush()
    origin = before.called(begins) if before is not None else in_force.UNNAMED_COUNTY_UNIT
    text = f"{item}自{begins}起由{origin}划转{named.called(begins)}，在办件{IN_FLIGHT_NAMES[in_flight]}：{reason}"
    _record_event(session, transfer, "unit_transfer.decided", text, actor.username, now)
    variables = {"unitTransferId": _correlation_key(transfer), "effectiveAt": instant_text(start_of_day(begins))}
    _publish(session, transfer, Message.UNIT_TRANSFER_DECIDED, variables)
    if begins <= today:
        take_effect(session, transfer.id or 0)
    return _view(session, transfer)


def take_effect(session: Session, transfer_id: int) -> None:
    """Deal with every case in flight on the transfer's day, once each; dated by that day. The effect of a job."""
    transfer = _get_for_update(session, transfer_id)
    now = product_now(session)
    if transfer.state is not UnitTransferState.DECIDED:
        return
    at = effective_instant(transfer.effective_on, transfer.decided_at, now)
    dispositions = []
    for case in cases_in_flight.of_item(session, transfer.item, transfer.area, locked=True):
        disposition = disposition_of(session, case, transfer.in_flight, transfer.to_unit)
        dispositions.append(disposition)
        row = UnitTransferCase(
            unit_transfer_id=transfer_id,
            case_no=case.case_no,
            disposition=disposition,
            state_code=case.state,
            at=at,
            from_unit=_unit_code(session, case),
        )
        session.add(row)
        if disposition is Disposition.MOVE_UNIT:
            _move(session, transfer, case, at)
    transfer.state, transfer.took_effect_at = UnitTransferState.EFFECTIVE, at
    session.add(transfer)
    text = f"划转生效。{counts_text(dispositions)}"
    _record_event(session, transfer, "unit_transfer.effective", text, timeline.SYSTEM, at)


def revoke(session: Session, actor: Actor, transfer_id: int, reason: str) -> UnitTransferView:
    """Revoke a transfer before its day; one that has taken effect is undone by another transfer."""
    transfer = _get_for_update(session, transfer_id)
    power_rights.require_transfer(actor, transfer.area)
    if transfer.state is not UnitTransferState.DECIDED:
        raise TransferClosed
    now = product_now(session)
    transfer.state, transfer.revoked_by, transfer.revoked_at = UnitTransferState.REVOKED, actor.username, now
    transfer.revoke_reason = reason
    session.add(transfer)
    _record_event(session, transfer, "unit_transfer.revoked", f"生效前撤销划转：{reason}", actor.username, now)
    _publish(session, transfer, _REVOCATIONS[Process(transfer.process_id)])
    return _view(session, transfer)


def follow_return(session: Session, case_no: str) -> dict[str, Any]:
    """Move a case the city has returned to the unit that took its item over meanwhile; return what the model reads.

    Only where the transfer moves the cases in flight, and no recall has kept the case with the city.
    """
    case = session.get_one(Case, case_no)
    query = (
        select(UnitTransferCase, UnitTransfer)
        .join(UnitTransfer, col(UnitTransfer.id) == col(UnitTransferCase.unit_transfer_id))
        .where(UnitTransferCase.case_no == case_no, UnitTransfer.state == UnitTransferState.EFFECTIVE)
        .order_by(col(UnitTransfer.id).desc())
    )
    latest = session.exec(query).first()
    if latest is None or case.taken_over_at is not None:
        return {}
    row, transfer = latest
    if row.disposition is not Disposition.WITH_CITY or transfer.in_flight is not InFlight.TRANSFER:
        return {}
    now = product_now(session)
    row.disposition, row.state_code, row.at = Disposition.MOVE_UNIT, case.state, now
    session.add(row)
    _move(session, transfer, case, now)
    return {REVIEW_UNIT: case.review_unit}


def preview(session: Session, actor: Actor, item: str, area: str, unit: str) -> Page[PreviewRow]:
    """Return every case in flight with what each choice would do to it."""
    power_rights.require_preview_transfer(actor, area)
    _checked(session, area, item, unit, china_date(product_now(session)))
    rows = [
        preview_row(session, case, {choice: disposition_of(session, case, choice, unit) for choice in InFlight})
        for case in cases_in_flight.of_item(session, item, area)
    ]
    return Page[PreviewRow](items=rows, next=None)


def get(session: Session, transfer_id: int) -> UnitTransferView:
    """Return one transfer with its cases and its history."""
    transfer = session.get(UnitTransfer, transfer_id)
    if transfer is None:
        raise _unknown()
    shown = _view(session, transfer)
    shown.events = ledger.of(session, PowerSubject.UNIT_TRANSFER, transfer_id)
    return shown


def list_transfers(
    session: Session, *, area: str | None = None, item: str | None = None, cursor: str | None = None, limit: int = 50
) -> Page[UnitTransferView]:
    """Return a page of transfers, the newest first."""
    query = select(UnitTransfer)
    if area:
        query = query.where(UnitTransfer.area == area)
    if item:
        query = query.where(UnitTransfer.item == item)
    found = read(session, query, Order(UnitTransfer.id, descending=True), cursor, limit)
    return found.page(lambda row: _view(session, row))


def disposition_of(session: Session, case: Case, in_flight: InFlight, unit: str) -> Disposition:
    """Return what a transfer to ``unit`` does to a case in flight."""
    if case.level == 1:
        return Disposition.WITH_CITY
    stays = in_flight is InFlight.FINISH or _unit_code(session, case) == unit
    return Disposition.KEEP_UNIT if stays or task_outcomes.is_decided(session, case) else Disposition.MOVE_UNIT


def _move(session: Session, transfer: UnitTransfer, case: Case, at: datetime) -> None:
    """Move one running case to the new unit: its record, its open tasks, and the variable later tasks read."""
    before, to = reference.handling_unit(session, case), _named(session, transfer.area, transfer.to_unit)
    former = in_force.reviewer_group(case.area, case.review_unit)
    former_organ = case_facts.former_organ(session, case)
    case.county_unit, case.review_unit = to.code, in_force.passed_on_to(case.mode, to)
    session.add(case)
    present = in_force.reviewer_group(case.area, case.review_unit)
    origin = before.called(china_date(at)) if before is not None else in_force.UNNAMED_COUNTY_UNIT
    timeline.append(
        session,
        case.case_no,
        "case.unit_changed",
        f"二次划转，承办部门由{origin}变更为{to.called(china_date(at))}，已办环节有效，接续办理",
        actor=timeline.SYSTEM,
        at=at,
        key=f"case.unit_changed:{transfer.id}",
    )
    detail = {"unit_transfer": transfer.id, "from": before.code if before is not None else "", "to": to.code}
    audit.append(session, transfer.decided_by, "case.unit_change", case.case_no, detail, at)
    if case.mode is not Mode.WINDOW:
        issuance.issue_handover_notice(session, case, former_organ, "二次划转", at, f"unit-transfer-{transfer.id}")
    if former == present:
        return
    for task in session.exec(select(Task).where(Task.case_no == case.case_no, col(Task.is_open))).all():
        reassignment.replace_group(session, task, former, present)
    if case.process_instance_key is not None:
        outbox.set_variables(
            session,
            stream=case.case_no,
            key=case.process_instance_key,
            variables={REVIEW_UNIT: case.review_unit},
            version=f"unit-transfer-{transfer.id}",
        )


def _checked(session: Session, area: str, item: str, unit: str, begins: date) -> tuple[ItemVersion, CountyUnit]:
    """Return the item's version and the county unit a transfer names; raise ``InvalidInput`` for unknown ones.

    The unit must exist on the day the transfer begins.
    """
    version = in_force.find_item(session, item, china_date(product_now(session)))
    named = next((one for one in reference.county_units(session, area) if one.code == unit), None)
    problems = []
    if version is None:
        problems.append(FieldProblem("item", "没有这个事项，或该事项现在不实施"))
    elif area not in version.areas:
        problems.append(FieldProblem("area", "该事项未下放至该县（市、区）"))
    if named is None:
        problems.append(FieldProblem("unit", "该县（市、区）没有这个部门"))
    elif not named.in_force(begins):
        problems.append(FieldProblem("unit", f"这个部门在{begins}不存在"))
    if problems or version is None or named is None:
        raise InvalidInput(problems)
    return version, named


def _named(session: Session, area: str, unit: str) -> CountyUnit:
    return next(one for one in reference.county_units(session, area) if one.code == unit)


def _unit_code(session: Session, case: Case) -> str | None:
    unit = reference.handling_unit(session, case)
    return unit.code if unit is not None else None


def _pending(session: Session, area: str, item: str) -> bool:
    query = select(UnitTransfer.id).where(
        UnitTransfer.area == area, UnitTransfer.item == item, UnitTransfer.state == UnitTransferState.DECIDED
    )
    return session.exec(query).first() is not None


def _get_for_update(session: Session, transfer_id: int) -> UnitTransfer:
    transfer = locks.find_for_update(session, UnitTransfer, transfer_id)
    if transfer is None:
        raise _unknown()
    return transfer


def _unknown() -> NotFound:
    return NotFound("没有这项划转", "No such transfer")


def _view(session: Session, transfer: UnitTransfer) -> UnitTransferView:
    day = transfer.effective_on
    names = {unit.code: unit.called(day) for unit in reference.county_units(session, transfer.area)}
    query = select(UnitTransferCase).where(UnitTransferCase.unit_transfer_id == transfer.id)
    rows = session.exec(query.order_by(col(UnitTransferCase.id))).all()
    return UnitTransferView.model_validate(
        {
            **transfer.model_dump(),
            "from_unit_name": names.get(transfer.from_unit, in_force.UNNAMED_COUNTY_UNIT),
            "to_unit_name": names.get(transfer.to_unit, transfer.to_unit),
            "in_flight_name": IN_FLIGHT_NAMES[transfer.in_flight],
            "cases": [case_view(row) for row in rows],
        }
    )


def _record_event(session: Session, transfer: UnitTransfer, event: str, text: str, actor: str, at: datetime) -> None:
    version = in_force.find_item(session, transfer.item)
    unit = version.unit if version is not None else ""
    matter = recorder.Matter(PowerSubject.UNIT_TRANSFER, transfer.id or 0, transfer.area, unit)
    recorder.record(session, matter, event, text, actor=actor, at=at)


def _correlation_key(transfer: UnitTransfer) -> str:
    return f"unit-transfer-{transfer.id}"


def _publish(
    session: Session, transfer: UnitTransfer, message: Message, variables: dict[str, Any] | None = None
) -> None:
    key = _correlation_key(transfer)
    outbox.publish_message(
        session, message, stream=key, correlation_key=key, message_id=f"{key}:{message.value}", variables=variables
    )
