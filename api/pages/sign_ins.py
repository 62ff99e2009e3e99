"""The security administrator's page of sign-ins (登录安全): who is slowed down now, and password spraying."""

from typing import Annotated, Final

from fastapi import APIRouter, Path, Request
from fastapi.responses import Response

from api.pages import words
from api.pages.rendering import render
from api.pages.routing import PageRoute, see
from api.pages.visitors import CurrentVisitor, GuardedForm, PageDatabase, Visitor, require, text_of
from models.database import Database
from services.entrance import slowed
from services.errors import Conflict, InvalidInput

PATH: Final = "/admin/sign-ins"

router = APIRouter(route_class=PageRoute)


@router.get(PATH)
def show_sign_ins(request: Request, visitor: CurrentVisitor, database: PageDatabase, notice: str = "") -> Response:
    """Show who has to wait, and which addresses tried many names."""
    return _page(request, database, visitor, notice=notice)


@router.post(PATH + "/{username}/release")
def release(
    request: Request,
    username: Annotated[str, Path(max_length=200)],
    visitor: CurrentVisitor,
    form: GuardedForm,
    database: PageDatabase,
) -> Response:
    """Let a slowed account try again at once."""
    try:
        with database.transaction() as session:
            slowed.release(session, visitor.actor, username, text_of(form, "reason"))
    except InvalidInput as error:
        return _page(request, database, visitor, problem=error.problems[0].message, status=error.status)
    except Conflict as error:
        return _page(request, database, visitor, problem=error.message, status=error.status)
    return see(PATH, "sign_in_released")


def _page(
    request: Request,
    database: Database,
    visitor: Visitor,
    *,
    notice: str = "",
    problem: str = "",
    status: int = 200,
) -> Response:
    require(lambda one: one.secures, visitor)
    with database.reading() as session:
        found = slowed.sign_in_limits(session, visitor.actor)
    context = {
        "found": found,
        "days": slowed.TOLD_FOR.days,
        "problem": problem,
        "notice": words.NOTICES.get(notice, ""),
    }
    return render(request, "accounts/sign_ins.html", context, status)
