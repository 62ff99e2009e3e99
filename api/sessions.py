"""Sign in, sign out, and who am I."""

from datetime import datetime
from functools import partial
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from api.dependencies import Caller, WebDatabase
from api.origins import Origin
from api.problems import documented
from api.routing import API_BASE, AccountRoute, OwnPasswordRoute, StrictRoute
from api.sign_in_queue import SignIns
from services.accounts import own_account, passwords, registration, sessions
from services.accounts.own_account import SessionView
from services.entrance import own_password, sign_in
from services.paging import Page

public = APIRouter(prefix=API_BASE, route_class=StrictRoute, tags=["sessions"])
router = APIRouter(prefix=API_BASE, route_class=AccountRoute, tags=["sessions"])
own = APIRouter(prefix=API_BASE, route_class=OwnPasswordRoute, tags=["sessions"])


class Credentials(BaseModel):
    """The body of ``POST /login``."""

    model_config = ConfigDict(extra="forbid")

    username: str = Field(min_length=1, max_length=registration.USERNAME_LENGTH)
    password: str = Field(min_length=1, max_length=passwords.PASSWORD_LENGTH)


class PasswordChange(BaseModel):
    """The body of ``POST /me/password``."""

    model_config = ConfigDict(extra="forbid")

    old: str = Field(min_length=1, max_length=passwords.PASSWORD_LENGTH)
    new: str = Field(min_length=1, max_length=passwords.PASSWORD_LENGTH)


class Token(BaseModel):
    """A bearer token; it expires by the machine's clock."""

    access_token: str
    token_type: Literal["bearer"] = "bearer"  # noqa: S105  # The scheme, no secret.
    expires_at: datetime


class Account(BaseModel):
    """The account a token belongs to."""

    username: str
    display_name: str
    groups: list[str]


@public.post("/login", responses=documented(401, 413, 415, 422, 429))
async def login(body: Credentials, response: Response, database: WebDatabase, origin: Origin, queue: SignIns) -> Token:
    """Sign in with a user name and a password; after several failures each further try has to wait."""
    signed_in = await queue.run(origin, partial(sign_in.sign_in, database, body.username, body.password, origin))
    response.headers["Cache-Control"] = "no-store"
    return Token(access_token=signed_in.token, expires_at=signed_in.expires_at)


@own.post("/logout", status_code=204, responses=documented(401))
def logout(request: Request, caller: Caller, database: WebDatabase) -> None:
    """End the token's session."""
    with database.transaction() as session:
        sessions.sign_out(session, request.state.token)


@router.get("/me", responses=documented(401))
def whoami(caller: Caller) -> Account:
    """Return the account the token belongs to and the groups it acts for."""
    return Account(username=caller.username, display_name=caller.display_name, groups=sorted(caller.groups))


@own.post("/me/password", status_code=204, responses=documented(401, 413, 415, 422, 429))
async def change_password(
    body: PasswordChange, request: Request, caller: Caller, database: WebDatabase, origin: Origin, queue: SignIns
) -> None:
    """Change one's own password; every other session of the account ends. A wrong `old` counts as a failed sign-in."""
    work = partial(own_password.change, database, caller, request.state.token, body.old, body.new, origin)
    await queue.run(origin, work)


@router.get("/me/sessions", responses=documented(401, 403))
def list_own_sessions(request: Request, caller: Caller, database: WebDatabase) -> Page[SessionView]:
    """List one's own sessions, newest first."""
    with database.reading() as session:
        return Page[SessionView](items=own_account.own_sessions(session, caller, request.state.token))


@router.delete("/me/sessions", status_code=204, responses=documented(401, 403))
def end_other_sessions(request: Request, caller: Caller, database: WebDatabase) -> None:
    """End every session of the account but the one that asks; `POST /logout` ends that."""
    with database.transaction() as session:
        own_account.end_others(session, caller, request.state.token)


@router.delete("/me/sessions/{id}", status_code=204, responses=documented(401, 403, 404))
def end_own_session(id: Annotated[str, Path(max_length=64)], caller: Caller, database: WebDatabase) -> None:
    """End one of one's own sessions."""
    with database.transaction() as session:
        own_account.end_session(session, caller, id)
