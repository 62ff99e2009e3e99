"""The counties' units (县级部门): list, add, rename, end, each by date."""

from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from api.pages.agreements import day_of
from api.pages.powers import notice_of, reason_of
from api.pages.rendering import render
from api.pages.routing import PageRoute, see
from api.pages.visitors import CurrentVisitor, GuardedForm, PageDatabase, RowKey, text_of
from models.catalogue import Government
from services.accounts import power_rights
from services.powers import county_units

ADDRESS: Final = "/powers/county-units"
PAGE_SIZE: Final = 200

router = APIRouter(route_class=PageRoute)


@router.get(ADDRESS)
def show_units(
    request: Request, visitor: CurrentVisitor, database: PageDatabase, area: str = "", cursor: str | None = None
) -> Response:
    """Show an area's units, and the forms for whoever may change them; by default those of one's own area."""
    own = [code for code in visitor.areas if power_rights.may_manage_units(visitor.actor, code)]
    shown = area if area in visitor.areas else next(iter(own or visitor.areas))
    with database.reading() as session:
        page = county_units.list_units(session, area=shown, cursor=cursor or None, limit=PAGE_SIZE)
    context = {
        "page": page,
        "area": shown,
        "may_manage": shown in own,
        "governments": {Government.COUNTY: "县（市、区）政府工作部门", Government.CITY: "市级部门派出机构"},
        "names": {one.code: one.name for one in page.items},
        "notice": notice_of(request),
    }
    return render(request, "powers/county_units.html", context)


@router.post(ADDRESS)
def add(form: GuardedForm, visitor: CurrentVisitor, database: PageDatabase) -> Response:
    """Add a unit."""
    reason, area = reason_of(form), text_of(form, "area")
    with database.transaction() as session:
        county_units.add(
            session,
            visitor.actor,
            area=area,
            code=text_of(form, "code"),
            name=text_of(form, "name"),
            paper_name=text_of(form, "paper_name"),
            belongs_to=Government.CITY if text_of(form, "belongs_to") == Government.CITY else Government.COUNTY,
            own_accounts=text_of(form, "own_accounts") == "yes",
            begins_on=day_of(text_of(form, "begins_on"), "begins_on"),
            reason=reason,
        )
    return see(f"{ADDRESS}?area={area}", "power_done")


@router.post(f"{ADDRESS}/{{key}}/rename")
def rename(key: RowKey, form: GuardedForm, visitor: CurrentVisitor, database: PageDatabase) -> Response:
    """Rename a unit from a day on."""
    reason = reason_of(form)
    with database.transaction() as session:
        renamed = county_units.rename(
            session,
            visitor.actor,
            key,
            name=text_of(form, "name"),
            paper_name=text_of(form, "paper_name"),
            on=day_of(text_of(form, "on"), "on"),
            reason=reason,
        )
    return see(f"{ADDRESS}?area={renamed.area}", "power_done")


@router.post(f"{ADDRESS}/{{key}}/end")
def end(key: RowKey, form: GuardedForm, visitor: CurrentVisitor, database: PageDatabase) -> Response:
    """End a unit from a day on."""
    reason = reason_of(form)
    with database.transaction() as session:
        ended = county_units.end(
            session,
            visitor.actor,
            key,
            on=day_of(text_of(form, "on"), "on"),
            successor=text_of(form, "successor") or None,
            reason=reason,
        )
    return see(f"{ADDRESS}?area={ended.area}", "power_done")
