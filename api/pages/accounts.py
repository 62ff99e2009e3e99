"""The system administrator's accounts (账号管理): listed, opened, disabled, enabled, given another password."""

from typing import Annotated, Final
from urllib.parse import quote

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import Response

from api.pages import words
from api.pages.addresses import query_of
from api.pages.rendering import render
from api.pages.routing import PageRoute, see
from api.pages.visitors import CurrentVisitor, GuardedForm, PageDatabase, Visitor, require, text_of
from models.database import Database
from services.accounts import administration
from services.accounts.administration import AccountState, NewPasswordView
from services.accounts.registration import AccountExists
from services.errors import FieldProblem, InvalidInput
from services.tasks import departures

PAGE_SIZE: Final = 50
PATH: Final = "/admin/accounts"
STATES: Final = {AccountState.ACTIVE: "可用", AccountState.DISABLED: "已停用"}

router = APIRouter(route_class=PageRoute)

Username = Annotated[str, Path(max_length=200)]


@router.get("/admin/accounts")
def show_accounts(
    request: Request,
    visitor: CurrentVisitor,
    database: PageDatabase,
    q: Annotated[str, Query(max_length=100)] = "",
    state: str = "",
    cursor: str | None = None,
    notice: str = "",
) -> Response:
    """List the accounts by user name."""
    return _page(request, database, visitor, q=q, state=state, cursor=cursor, notice=notice)


@router.post("/admin/accounts")
def open_account(request: Request, visitor: CurrentVisitor, form: GuardedForm, database: PageDatabase) -> Response:
    """Open an account and show its one-time password, this once."""
    require(_administers, visitor)
    given = {name: text_of(form, name) for name in ("username", "name", "phone")}
    try:
        with database.transaction() as session:
            made = administration.open_account(session, visitor.actor, given["username"], given["name"], given["phone"])
    except InvalidInput as error:
        return _page(request, database, visitor, problems=error.problems, given=given)
    except AccountExists as error:
        taken = [FieldProblem("username", error.message)]
        return _page(request, database, visitor, problems=taken, given=given)
    return _page(request, database, visitor, made=made)


@router.post("/admin/accounts/{username}/disable")
def disable(username: Username, visitor: CurrentVisitor, _form: GuardedForm, database: PageDatabase) -> Response:
    """Disable an account."""
    with database.transaction() as session:
        departures.disable(session, visitor.actor, username)
    return see(f"{PATH}?q={quote(username, safe='')}", "account_disabled")


@router.post("/admin/accounts/{username}/enable")
def enable(username: Username, visitor: CurrentVisitor, _form: GuardedForm, database: PageDatabase) -> Response:
    """Enable an account."""
    with database.transaction() as session:
        administration.enable(session, visitor.actor, username)
    return see(f"{PATH}?q={quote(username, safe='')}", "account_enabled")


@router.post("/admin/accounts/{username}/reset-password")
def reset_password(
    request: Request, username: Username, visitor: CurrentVisitor, _form: GuardedForm, database: PageDatabase
) -> Response:
    """Give an account a one-time password and show it, this once."""
    with database.transaction() as session:
        made = administration.reset_password(session, visitor.actor, username)
    return _page(request, database, visitor, q=username, made=made)


def _page(
    request: Request,
    database: Database,
    visitor: Visitor,
    *,
    q: str = "",
    state: str = "",
    cursor: str | None = None,
    notice: str = "",
    made: NewPasswordView | None = None,
    problems: list[FieldProblem] | None = None,
    given: dict[str, str] | None = None,
) -> Response:
    require(_administers, visitor)
    wanted = AccountState(state) if state in set(AccountState) else None
    with database.reading() as session:
        page = administration.accounts(
            session, visitor.actor, q=q.strip() or None, state=wanted, cursor=cursor or None, limit=PAGE_SIZE
        )
    chosen = {"q": q.strip(), "state": wanted.value if wanted else "", "cursor": page.next or ""}
    context = {
        "page": page,
        "q": q.strip(),
        "state": chosen["state"],
        "states": STATES,
        "resettable": administration.resettable,
        "made": made,
        "given": given or {"username": "", "name": "", "phone": ""},
        "errors": {one.field: one.message for one in problems or []},
        "notice": words.NOTICES.get(notice, ""),
        "first": not cursor,
        "next_link": query_of(chosen),
    }
    return render(request, "accounts/list.html", context, 422 if problems else 200)


def _administers(visitor: Visitor) -> bool:
    return visitor.administers
