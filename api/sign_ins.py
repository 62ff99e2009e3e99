"""What the security administrator watches at sign-in (登录安全): who is slowed down, and password spraying."""

from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field

from api.dependencies import Caller, WebDatabase
from api.problems import documented
from api.routing import API_BASE, SignInGuardRoute
from services.entrance import slowed
from services.entrance.slowed import SignInLimits

router = APIRouter(prefix=API_BASE, route_class=SignInGuardRoute, tags=["accounts"])


class Release(BaseModel):
    """The body of ``POST /accounts/{username}/release``."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    reason: str = Field(min_length=1, max_length=slowed.REASON_LENGTH)


@router.get("/sign-in-limits", responses=documented(401, 403))
def get_sign_in_limits(caller: Caller, database: WebDatabase) -> SignInLimits:
    """Tell which accounts and addresses are slowed down now, and which addresses tried many names in the last week."""
    with database.reading() as session:
        return slowed.sign_in_limits(session, caller)


@router.post(
    "/accounts/{username}/release",
    status_code=204,
    responses=documented(401, 403, 404, 413, 415, 422, conflict="not_slowed"),
)
def release_account(
    username: Annotated[str, Path(max_length=200)], body: Release, caller: Caller, database: WebDatabase
) -> None:
    """Let a slowed account try again at once, for a reason."""
    with database.transaction() as session:
        slowed.release(session, caller, username, body.reason)
