"""Seals, for the system administrator: list, register, limit, suspend, resume and renew them, and see their uses."""

from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field

from api.dependencies import Caller, Cursor, Limit, Search, WebDatabase
from api.problems import documented
from api.routing import API_BASE, AdministratorRoute
from models.catalogue import Mode
from services.cursors import INTEGER_END
from services.paging import Page
from services.signatures import administration
from services.signatures.administration import (
    LONGEST_REASON,
    LONGEST_TEXT,
    MOST_ITEMS,
    ItemCode,
    SealUseView,
    SealView,
)

router = APIRouter(prefix=API_BASE, route_class=AdministratorRoute, tags=["seals"])

SealId = Annotated[int, Path(ge=1, lt=INTEGER_END)]


class SealScope(BaseModel):
    """What a seal may be used for; empty lists: for everything."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    items: list[ItemCode] = Field(default_factory=list, max_length=MOST_ITEMS)
    modes: list[Mode] = Field(default_factory=list, max_length=len(Mode))


class NewSeal(SealScope):
    """The body of ``POST /seals``: ``text`` is the seal's as papers bear it."""

    text: str = Field(min_length=2, max_length=LONGEST_TEXT)
    owner: str = Field(min_length=2, max_length=LONGEST_TEXT)


class Suspension(BaseModel):
    """Why a seal is suspended."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    reason: str = Field(min_length=2, max_length=LONGEST_REASON)


@router.get("/seals", responses=documented(401, 403, 422))
def list_seals(
    caller: Caller, database: WebDatabase, q: Search = None, cursor: Cursor = None, limit: Limit = 50
) -> Page[SealView]:
    """List the seals, with how often each was used and refused."""
    with database.reading() as session:
        return administration.seals(session, caller, q=q, cursor=cursor or None, limit=limit)


@router.post("/seals", status_code=201, responses=documented(401, 403, 413, 415, 422, conflict="seal_registered"))
def register_seal(body: NewSeal, caller: Caller, database: WebDatabase) -> SealView:
    """Register a seal; its key and certificate are made here."""
    with database.transaction() as session:
        return administration.register(session, caller, body.text, body.owner, body.items, body.modes)


@router.get("/seals/{id}", responses=documented(401, 403, 404, 422))
def get_seal(id: SealId, caller: Caller, database: WebDatabase) -> SealView:
    """Return one seal."""
    with database.reading() as session:
        return administration.get(session, caller, id)


@router.get("/seals/{id}/uses", responses=documented(401, 403, 404, 422))
def list_seal_uses(
    id: SealId, caller: Caller, database: WebDatabase, cursor: Cursor = None, limit: Limit = 50
) -> Page[SealUseView]:
    """List a seal's uses and refusals, newest first."""
    with database.reading() as session:
        return administration.uses(session, caller, id, cursor=cursor or None, limit=limit)


@router.put("/seals/{id}/scope", responses=documented(401, 403, 404, 413, 415, 422))
def limit_seal(id: SealId, body: SealScope, caller: Caller, database: WebDatabase) -> SealView:
    """Limit a seal to items and modes."""
    with database.transaction() as session:
        return administration.limit_to(session, caller, id, body.items, body.modes)


@router.post("/seals/{id}/suspend", responses=documented(401, 403, 404, 413, 415, 422))
def suspend_seal(id: SealId, body: Suspension, caller: Caller, database: WebDatabase) -> SealView:
    """Suspend a seal at once; papers that need it wait."""
    with database.transaction() as session:
        return administration.suspend(session, caller, id, body.reason)


@router.post("/seals/{id}/resume", responses=documented(401, 403, 404, 422))
def resume_seal(id: SealId, caller: Caller, database: WebDatabase) -> SealView:
    """Let a suspended seal be used again."""
    with database.transaction() as session:
        return administration.resume(session, caller, id)


@router.post("/seals/{id}/renew", responses=documented(401, 403, 404, 422, 503))
def renew_seal(id: SealId, caller: Caller, database: WebDatabase) -> SealView:
    """Give a seal a new key and certificate of the instance's own authority."""
    with database.transaction() as session:
        return administration.renew(session, caller, id)
