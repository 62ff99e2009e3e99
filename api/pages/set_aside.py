"""The system administrator's list of what the feed could not take (搁置记录), with its retry."""

from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from api.pages import words
from api.pages.rendering import render, render_changed
from api.pages.routing import PageRoute, see
from api.pages.visitors import CurrentVisitor, GuardedForm, PageDatabase, RowKey, Visitor, require
from api.set_aside_retries import carry_out
from models.set_aside import KIND_WORDS
from services.process_engine import set_aside
from services.process_engine.set_aside import RetryNotCarriedOut, StillUnreadable

PAGE_SIZE: Final = 50
COUNTED: Final = 100

router = APIRouter(route_class=PageRoute)


@router.get(set_aside.PAGE)
def show_set_aside(
    request: Request, visitor: CurrentVisitor, database: PageDatabase, cursor: str | None = None, notice: str = ""
) -> Response:
    """List what is set aside, oldest first."""
    require(_administers, visitor)
    with database.reading() as session:
        page = set_aside.waiting_records(session, visitor.actor, cursor=cursor or None, limit=PAGE_SIZE)
    context = {
        "page": page,
        "kinds": KIND_WORDS,
        "first": not cursor,
        "notice": words.NOTICES.get(notice, ""),
        "tone": "good" if notice == "set_aside_taken" else "warn",
    }
    return render(request, "process_engine/set_aside.html", context)


@router.get(f"{set_aside.PAGE}/count")
def count_set_aside(request: Request, visitor: CurrentVisitor, database: PageDatabase) -> Response:
    """Return the number for the navigation."""
    require(_administers, visitor)
    with database.reading() as session:
        count = set_aside.count(session)
    return render_changed(request, "process_engine/_count.html", {"count": min(count, COUNTED), "most": COUNTED})


@router.post(set_aside.PAGE + "/{key}/retry")
async def retry(key: RowKey, visitor: CurrentVisitor, _form: GuardedForm, database: PageDatabase) -> Response:
    """Have a record projected again, and report how it went."""
    require(_administers, visitor)
    try:
        await carry_out(database, visitor.actor, key)
    except StillUnreadable:
        return see(set_aside.PAGE, "set_aside_unreadable")
    except RetryNotCarriedOut:
        return see(set_aside.PAGE, "set_aside_waits")
    return see(set_aside.PAGE, "set_aside_taken")


def _administers(visitor: Visitor) -> bool:
    return visitor.administers
