"""Second transfers of county units (二次划转): list, preview of the cases in flight, decision, revocation."""

from datetime import date
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import Response
from sqlmodel import Session

from api.pages.agreements import day_of
from api.pages.powers import notice_of, reason_of
from api.pages.rendering import render
from api.pages.routing import PageRoute, see
from api.pages.visitors import CurrentVisitor, GuardedForm, PageDatabase, RowKey, Visitor, text_of
from models.in_flight import InFlight
from models.unit_transfer import UnitTransferState
from models.working_calendar import china_date
from services.accounts import power_rights
from services.catalogue import reference
from services.clock import product_now
from services.takeovers import unit_transfers

ADDRESS: Final = "/powers/unit-transfers"
PAGE_SIZE: Final = 50

router = APIRouter(route_class=PageRoute)


@router.get(ADDRESS)
def show_transfers(
    request: Request, visitor: CurrentVisitor, database: PageDatabase, cursor: str | None = None
) -> Response:
    """List the transfers, with the way to the preview for whoever may decide on one."""
    with database.reading() as session:
        page = unit_transfers.list_transfers(session, cursor=cursor or None, limit=PAGE_SIZE)
        today = china_date(product_now(session))
        places = {area: _names(session, area, today) for area in _areas(visitor)}
    context = {
        "page": page,
        "places": {area: units for area, units in places.items() if len(units) > 1},
        "may_decide": bool(places),
        "notice": notice_of(request),
    }
    return render(request, "takeovers/unit_transfers.html", context)


@router.get(f"{ADDRESS}/preview")
def show_preview(
    request: Request,
    visitor: CurrentVisitor,
    database: PageDatabase,
    item: str = "",
    to: str = "",
) -> Response:
    """Show every case in flight and what each choice would do to it; ``to`` is the area and its unit."""
    area, _, unit = to.partition(".")
    item = item.strip().upper()
    with database.reading() as session:
        page = unit_transfers.preview(session, visitor.actor, item, area, unit)
        name = _names(session, area, china_date(product_now(session)))[unit]
    context = {
        "page": page,
        "item": item,
        "area": area,
        "unit": unit,
        "unit_name": name,
        "may_decide": power_rights.may_transfer(visitor.actor, area),
        "choices": unit_transfers.IN_FLIGHT_NAMES,
    }
    return render(request, "takeovers/unit_transfer_preview.html", context)


@router.post(ADDRESS)
def decide(form: GuardedForm, visitor: CurrentVisitor, database: PageDatabase) -> Response:
    """Decide on a transfer."""
    chosen = text_of(form, "in_flight")
    reason = reason_of(form)
    with database.transaction() as session:
        decided = unit_transfers.decide(
            session,
            visitor.actor,
            area=text_of(form, "area"),
            item=text_of(form, "item"),
            unit=text_of(form, "unit"),
            effective_on=day_of(text_of(form, "effective_on"), "effective_on"),
            reason=reason,
            in_flight=InFlight(chosen) if chosen in set(InFlight) else InFlight.FINISH,
        )
    return see(f"{ADDRESS}/{decided.id}", "power_done")


@router.get(f"{ADDRESS}/{{key}}")
def show_transfer(request: Request, key: RowKey, visitor: CurrentVisitor, database: PageDatabase) -> Response:
    """Show one transfer, its cases and its history."""
    with database.reading() as session:
        one = unit_transfers.get(session, key)
        names = {unit.code: unit.called(one.effective_on) for unit in reference.county_units(session, one.area)}
    context = {
        "one": one,
        "names": names,
        "may_revoke": one.state is UnitTransferState.DECIDED and power_rights.may_transfer(visitor.actor, one.area),
        "notice": notice_of(request),
    }
    return render(request, "takeovers/unit_transfer.html", context)


@router.post(f"{ADDRESS}/{{key}}/revoke")
def revoke(key: RowKey, form: GuardedForm, visitor: CurrentVisitor, database: PageDatabase) -> Response:
    """Revoke a transfer before its day."""
    reason = reason_of(form)
    with database.transaction() as session:
        unit_transfers.revoke(session, visitor.actor, key, reason)
    return see(f"{ADDRESS}/{key}", "power_done")


def _names(session: Session, area: str, on: date) -> dict[str, str]:
    """Return the units an area has on a day, by code."""
    return {one.code: one.called(on) for one in reference.county_units(session, area) if one.in_force(on)}


def _areas(visitor: Visitor) -> list[str]:
    return [area for area in visitor.areas if power_rights.may_transfer(visitor.actor, area)]
