"""Accounts (三员): the system administrator opens and disables them, the security administrator assigns posts."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from api.dependencies import Caller, Cursor, Empty, Limit, Search, WebDatabase
from api.problems import documented
from api.routing import API_BASE, AccountRoute, AdministratorRoute, MembershipsRoute
from services.accounts import administration, memberships, registration
from services.accounts.administration import AccountState, AccountView, NewPasswordView
from services.paging import Page
from services.tasks import departures

router = APIRouter(prefix=API_BASE, route_class=AccountRoute, tags=["accounts"])
keeping = APIRouter(prefix=API_BASE, route_class=AdministratorRoute, tags=["accounts"])
granting = APIRouter(prefix=API_BASE, route_class=MembershipsRoute, tags=["accounts"])

Username = Annotated[str, Path(max_length=200)]


class AccountInput(BaseModel):
    """The body of ``POST /accounts``."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    username: str = Field(min_length=1, max_length=registration.USERNAME_LENGTH)
    name: str = Field(min_length=1, max_length=administration.NAME_LENGTH)
    phone: str | None = Field(default=None, max_length=20)


class MembershipsInput(BaseModel):
    """The body of ``PUT /accounts/{username}/memberships``: all the posts the person is to have."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    groups: list[Annotated[str, Field(min_length=1, max_length=128)]] = Field(max_length=memberships.MOST_GROUPS)
    reason: str = Field(min_length=1, max_length=memberships.REASON_LENGTH)


@router.get("/accounts", responses=documented(401, 403, 422))
def list_accounts(
    caller: Caller,
    database: WebDatabase,
    q: Search = None,
    group: Annotated[str | None, Query(max_length=128, description="A post's group.")] = None,
    state: AccountState | Empty | None = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[AccountView]:
    """List the accounts by user name, phones masked."""
    with database.reading() as session:
        return administration.accounts(
            session, caller, q=q or None, group=group or None, state=state or None, cursor=cursor or None, limit=limit
        )


@router.get("/accounts/{username}", responses=documented(401, 403, 404))
def get_account(username: Username, caller: Caller, database: WebDatabase) -> AccountView:
    """Return one account."""
    with database.reading() as session:
        return administration.account(session, caller, username)


@keeping.post("/accounts", status_code=201, responses=documented(401, 403, 413, 415, 422, conflict="account_exists"))
def open_account(body: AccountInput, response: Response, caller: Caller, database: WebDatabase) -> NewPasswordView:
    """Open an account for a person, without posts; its one-time password is in this answer and in no other."""
    with database.transaction() as session:
        made = administration.open_account(session, caller, body.username, body.name, body.phone or "")
    response.headers["Cache-Control"] = "no-store"
    return made


@keeping.post(
    "/accounts/{username}/disable",
    responses=documented(401, 403, 404, conflict="own_account, last_administrator"),
)
def disable_account(username: Username, caller: Caller, database: WebDatabase) -> AccountView:
    """Disable an account and end its sessions."""
    with database.transaction() as session:
        return departures.disable(session, caller, username)


@keeping.post("/accounts/{username}/enable", responses=documented(401, 403, 404, conflict="own_account"))
def enable_account(username: Username, caller: Caller, database: WebDatabase) -> AccountView:
    """Enable a disabled account, with the posts it had."""
    with database.transaction() as session:
        return administration.enable(session, caller, username)


@keeping.post(
    "/accounts/{username}/reset-password",
    responses=documented(401, 403, 404, conflict="own_account, separation_of_duties"),
)
def reset_password(username: Username, response: Response, caller: Caller, database: WebDatabase) -> NewPasswordView:
    """Give an account a one-time password, in this answer and in no other, and end its sessions and its lock."""
    with database.transaction() as session:
        made = administration.reset_password(session, caller, username)
    response.headers["Cache-Control"] = "no-store"
    return made


@granting.put(
    "/accounts/{username}/memberships",
    responses=documented(
        401,
        403,
        404,
        413,
        415,
        422,
        conflict="separation_of_duties, administrators_exclusive, last_administrator, own_account",
    ),
)
def set_memberships(username: Username, body: MembershipsInput, caller: Caller, database: WebDatabase) -> AccountView:
    """Give an account exactly these posts; they hold from its next request on."""
    with database.transaction() as session:
        return departures.set_memberships(session, caller, username, body.groups, body.reason)


@granting.delete("/accounts/{username}/sessions", status_code=204, responses=documented(401, 403, 404))
def end_account_sessions(username: Username, caller: Caller, database: WebDatabase) -> None:
    """End every session of an account."""
    with database.transaction() as session:
        memberships.end_sessions_of(session, caller, username)
