"""Sign in, sign out, and who am I."""

from datetime import datetime
from functools import partial
from typing import Literal

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from api.dependencies import Caller, WebDatabase
from api.origins import Origin
from api.problems import documented
from api.routing import API_BASE, AccountRoute, StrictRoute
from api.sign_in_queue import SignIns
from services.accounts import passwords, registration, sessions
from services.entrance import sign_in

public = APIRouter(prefix=API_BASE, route_class=StrictRoute, tags=["sessions"])
router = APIRouter(prefix=API_BASE, route_class=AccountRoute, tags=["sessions"])


class Credentials(BaseModel):
    """The body of ``POST /login``."""

    model_config = ConfigDict(extra="forbid")

    username: str = Field(min_length=1, max_length=registration.USERNAME_LENGTH)
    password: str = Field(min_length=1, max_length=passwords.PASSWORD_LENGTH)


class Token(BaseModel):
    """A bearer token; it lives by the machine's clock."""

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


@router.post("/logout", status_code=204, responses=documented(401))
def logout(request: Request, caller: Caller, database: WebDatabase) -> None:
    """End the token's session."""
    with database.transaction() as session:
        sessions.sign_out(session, request.state.token)


@router.get("/me", responses=documented(401))
def whoami(caller: Caller) -> Account:
    """Tell which account the token belongs to and the groups it acts for."""
    return Account(username=caller.username, display_name=caller.display_name, groups=sorted(caller.groups))
