"""What endpoints ask for: the database, who calls, and the parameters every list shares."""

from datetime import date
from typing import Annotated, Final, Literal, cast

from fastapi import Depends, Path, Query, Request, Security
from fastapi.security import HTTPBearer
from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

from api.routing import LARGEST_INTEGER
from models.database import Database
from services.accounts.actors import Actor
from services.errors import NotFound
from settings import Settings

MAX_LIMIT: Final = 200
ISO_DATE_LENGTH: Final = len("2026-01-01")

bearer_scheme = HTTPBearer(auto_error=False, scheme_name="bearer", description="The `access_token` of `POST /login`.")


def database_of(request: Request) -> Database:
    """Return the application's database."""
    return cast(Database, request.app.state.database)


def settings_of(request: Request) -> Settings:
    """Return the application's settings."""
    return cast(Settings, request.app.state.settings)


async def current_actor(request: Request, _: Annotated[object, Security(bearer_scheme)]) -> Actor:
    """Return the account the route admitted."""
    return cast(Actor, request.state.actor)


async def _database(request: Request) -> Database:
    return database_of(request)


async def _settings(request: Request) -> Settings:
    return settings_of(request)


def engine_key(text: str) -> int:
    """Return the engine key in an address; raise ``NotFound`` for one the engine cannot have made."""
    if text.isascii() and text.isdecimal() and 0 < int(text) <= LARGEST_INTEGER:
        return int(text)
    raise NotFound


def _iso_date(value: object) -> object:
    if isinstance(value, str) and len(value) != ISO_DATE_LENGTH:
        raise PydanticCustomError("date_parsing", "Input should be a date as YYYY-MM-DD")
    return value


Caller = Annotated[Actor, Depends(current_actor)]
WebDatabase = Annotated[Database, Depends(_database)]
WebSettings = Annotated[Settings, Depends(_settings)]
Limit = Annotated[int, Query(ge=1, le=MAX_LIMIT, description="Rows in one answer.")]
Cursor = Annotated[
    str | None,
    Query(max_length=500, description="`next` of the page before; empty: from the start."),
]
Search = Annotated[str | None, Query(max_length=100, description="Words to look for.")]
Purpose = Annotated[
    str | None,
    Query(
        max_length=500,
        description="For what purpose a supervisor looks (查阅事由), 2 to 200 characters; kept in the audit trail.",
    ),
]
Code = Annotated[str | None, Query(max_length=64)]
IsoDate = Annotated[date, BeforeValidator(_iso_date)]
EngineKey = Annotated[str, Path(max_length=200, description="A key of the engine, in decimal.")]
Empty = Literal[""]
"""An empty query value: the same as none, as links with empty filters write it."""
