"""Everybody's own account (我的账号): the password changed, the sessions seen and ended."""

from functools import partial
from typing import Annotated, Final

from fastapi import APIRouter, Path, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response

from api.origins import Origin
from api.pages import words
from api.pages.rendering import render
from api.pages.routing import OWN_ACCOUNT_PATH, PageRoute, see
from api.pages.visitors import (
    AnyVisitor,
    CurrentVisitor,
    GuardedForm,
    OwnPasswordForm,
    PageDatabase,
    Visitor,
)
from api.sign_in_queue import SignIns
from models.database import Database
from services.accounts import own_account, password_policy
from services.entrance import own_password
from services.errors import FieldProblem, InvalidInput, TooManyRequests
from settings import PasswordPolicy, get_settings

LONGEST_SHOWN: Final = 50
"""How many sessions are shown; whoever has more ends them all at once."""

router = APIRouter(route_class=PageRoute)


@router.get(OWN_ACCOUNT_PATH)
def show_own_account(request: Request, visitor: AnyVisitor, database: PageDatabase, notice: str = "") -> Response:
    """Show the form for the password and the visitor's sessions."""
    return _page(request, database, visitor, notice=notice)


@router.post("/account/password")
async def change_password(
    request: Request,
    visitor: AnyVisitor,
    form: OwnPasswordForm,
    database: PageDatabase,
    origin: Origin,
    queue: SignIns,
) -> Response:
    """Change the password and go on to one's work."""

    async def page(problems: list[FieldProblem], status: int = 422) -> Response:
        return await run_in_threadpool(_page, request, database, visitor, problems=problems, status=status)

    old, new, again = (str(form.get(name, "")) for name in ("old", "new", "again"))
    if new != again:
        return await page([FieldProblem("again", "两次输入的新密码不一致")])
    try:
        await queue.run(origin, partial(own_password.change, database, visitor.actor, visitor.token, old, new, origin))
    except InvalidInput as error:
        return await page(error.problems)
    except TooManyRequests as error:
        response = await page([FieldProblem("old", error.message)], error.status)
        response.headers["Retry-After"] = str(error.retry_after)
        return response
    return see(OWN_ACCOUNT_PATH, "password_changed")


@router.post("/account/sessions/end-others")
def end_other_sessions(visitor: CurrentVisitor, _form: GuardedForm, database: PageDatabase) -> Response:
    """End every session but this one."""
    with database.transaction() as session:
        own_account.end_others(session, visitor.actor, visitor.token)
    return see(OWN_ACCOUNT_PATH, "sessions_ended")


@router.post("/account/sessions/{session_id}/end")
def end_session(
    visitor: CurrentVisitor,
    _form: GuardedForm,
    database: PageDatabase,
    session_id: Annotated[str, Path(max_length=64)],
) -> Response:
    """End one of the visitor's sessions."""
    with database.transaction() as session:
        own_account.end_session(session, visitor.actor, session_id)
    return see(OWN_ACCOUNT_PATH, "sessions_ended")


def _page(
    request: Request,
    database: Database,
    visitor: Visitor,
    *,
    notice: str = "",
    problems: list[FieldProblem] | None = None,
    status: int = 422,
) -> Response:
    with database.reading() as session:
        sessions = own_account.own_sessions(session, visitor.actor, visitor.token)
    context = {
        "sessions": sessions[:LONGEST_SHOWN],
        "count": len(sessions),
        "due": visitor.password_change_due,
        "length": password_policy.MINIMUM_LENGTH,
        "kinds": password_policy.REQUIRED_KINDS if get_settings().password_policy is PasswordPolicy.MLPS else 0,
        "errors": {one.field: one.message for one in problems or []},
        "notice": words.NOTICES.get(notice, ""),
    }
    return render(request, "accounts/own.html", context, status if problems else 200)
