"""Second transfer (二次划转): from a date on another county unit handles an item; running cases keep theirs."""

from datetime import date, datetime

from pydantic import BaseModel
from sqlmodel import Session, col, select

from models.catalogue import CountyUnit
from models.power_event import PowerSubject
from models.recall import UnitTransfer
from models.working_calendar import china_date
from services import catalogue, power_ledger, power_rights, rights
from services.accounts import Actor
from services.clock import product_now
from services.errors import FieldProblem, Forbidden, InvalidInput
from services.paging import decode_cursor, encode_cursor
from services.rights import Role
from services.views import Page


class UnitTransferView(BaseModel):
    """One transfer of an item from a county unit to another."""

    id: int
    area: str
    item: str
    from_unit: str
    to_unit: str
    effective_on: date
    reason: str
    decided_by: str
    decided_at: datetime


def decide(
    session: Session, actor: Actor, *, area: str, item: str, unit: str, effective_on: date | None, reason: str
) -> UnitTransferView:
    """Record that ``unit`` of the county handles the item from a day on; cases submitted before keep their unit."""
    if not rights.is_coordinator(actor) and not power_rights.acts_in_area(actor, area, Role.APPROVER):
        raise Forbidden(
            "只有本县（市、区）审批负责人或统筹单位可以划转", "Only the county's approver or the coordinator"
        )
    now = product_now(session)
    today = china_date(now)
    version = catalogue.get_item(session, item, today)
    problems = []
    if version is None:
        problems.append(FieldProblem("item", "没有这个事项"))
    elif area not in version.areas:
        problems.append(FieldProblem("area", "该事项未下放至该县（市、区）"))
    named = session.exec(select(CountyUnit).where(CountyUnit.area == area, CountyUnit.code == unit)).first()
    if named is None:
        problems.append(FieldProblem("unit", "该县（市、区）没有这个部门"))
    if problems or version is None or named is None:
        raise InvalidInput(problems)
    begins = max(effective_on or today, today)
    before = catalogue.county_unit(session, version, area, begins)
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
    )
    session.add(transfer)
    session.flush()
    origin = before.name if before is not None else "县级承接单位"
    power_ledger.add(
        session,
        PowerSubject.UNIT_TRANSFER,
        transfer.id or 0,
        "unit_transfer.decided",
        f"{item}自{begins}起由{origin}划转{named.name}：{reason}",
        actor=actor.username,
        at=now,
        area=area,
        unit=version.unit,
    )
    return UnitTransferView.model_validate(transfer.model_dump())


def list_transfers(
    session: Session, *, area: str | None = None, item: str | None = None, cursor: str | None = None, limit: int = 50
) -> Page[UnitTransferView]:
    """Return a page of transfers, the newest first."""
    query = select(UnitTransfer).order_by(col(UnitTransfer.id).desc())
    if area:
        query = query.where(UnitTransfer.area == area)
    if item:
        query = query.where(UnitTransfer.item == item)
    if (position := decode_cursor(cursor, (int,))) is not None:
        query = query.where(col(UnitTransfer.id) < position[0])
    rows = session.exec(query.limit(limit + 1)).all()
    shown = [UnitTransferView.model_validate(row.model_dump()) for row in rows[:limit]]
    return Page[UnitTransferView](items=shown, next=encode_cursor(shown[-1].id) if len(rows) > limit else None)
