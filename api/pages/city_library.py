"""The system administrator's page of the city library (市电子证照库): what it lacks, and having it mended."""

from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from api.pages import words
from api.pages.rendering import render
from api.pages.routing import PageRoute, see
from api.pages.visitors import CurrentVisitor, GuardedForm, PageDatabase, Visitor, require
from services.certificates import library

PAGE_SIZE: Final = 50
PAGE: Final = "/admin/city-library"

router = APIRouter(route_class=PageRoute)


@router.get(PAGE)
def show_differences(
    request: Request, visitor: CurrentVisitor, database: PageDatabase, cursor: str | None = None, notice: str = ""
) -> Response:
    """List the certificates that the library does not have as the register does."""
    require(_administers, visitor)
    with database.reading() as session:
        page = library.list_differences(session, visitor.actor, cursor=cursor or None, limit=PAGE_SIZE)
        figures = library.figures(session, visitor.actor)
    context = {"page": page, "figures": figures, "first": not cursor, "notice": words.NOTICES.get(notice, "")}
    return render(request, "certificates/library.html", context)


@router.post(f"{PAGE}/mend")
def mend(visitor: CurrentVisitor, _form: GuardedForm, database: PageDatabase) -> Response:
    """Have everything sent or compared now."""
    require(_administers, visitor)
    with database.transaction() as session:
        library.mend(session, visitor.actor)
    return see(PAGE, "library_mending")


def _administers(visitor: Visitor) -> bool:
    return visitor.administers
