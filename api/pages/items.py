"""The catalogue (事项目录) and the service guide (办事指南) of each item."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from api.pages import words
from api.pages.item_heads import read_item
from api.pages.rendering import render
from api.pages.routing import PageRoute
from api.pages.visitors import CurrentVisitor, PageDatabase
from models.catalogue import Mode
from services import agreements, catalogue, policy_ledger, special_procedures

router = APIRouter(route_class=PageRoute)


@router.get("/items")
def show_items(
    request: Request,
    visitor: CurrentVisitor,
    database: PageDatabase,
    q: Annotated[str, Query(max_length=100)] = "",
    mode: str = "",
    area: str = "",
    unit: str = "",
) -> Response:
    """List the items in force today, by mode."""
    today = visitor.now.date()
    wanted = Mode(mode) if mode in set(Mode) else None
    with database.reading() as session:
        items = catalogue.list_items(
            session,
            on=today,
            mode=wanted,
            area=area if area in visitor.areas else None,
            unit=unit if unit in visitor.units else None,
            q=q or None,
            agreements=agreements.in_force(session, today),
        )
    groups = [(one, [item for item in items if item.mode is one]) for one in words.MODES]
    context = {
        "groups": [group for group in groups if group[1]],
        "total": len(items),
        "q": q,
        "mode": mode,
        "area": area,
        "unit": unit,
    }
    return render(request, "items/list.html", context)


@router.get("/items/{code}")
def show_guide(request: Request, code: str, visitor: CurrentVisitor, database: PageDatabase) -> Response:
    """Show one item and its guide; what is assumed says 示例, what the city has not given 待市级单位填报."""
    today = visitor.now.date()
    with database.reading() as session:
        item, guide = read_item(session, code, today)
        in_force = agreements.in_force(session, today)
        notices = policy_ledger.of_item(session, code)
        gone = catalogue.recalled_areas(session, code, today)
    locked = [area for area in item.areas if item.mode is Mode.SUBSTANTIVE and (area, code) not in in_force]
    context = {
        "item": item,
        "guide": guide,
        "locked": locked,
        "usual_extension": special_procedures.USUAL_EXTENSION_DAYS,
        "recalled": gone,
        "notices": notices,
        "own_areas": [area for area in visitor.window_areas if area in item.areas and area not in (*locked, *gone)],
    }
    return render(request, "items/detail.html", context)
