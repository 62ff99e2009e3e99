"""Sign in by the unified sign-in (统一身份认证, OIDC): to the provider, back from it, and out of it again."""

from functools import partial
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse, Response

from api.origins import Origin
from api.pages.rendering import PAGE_HEADERS
from api.pages.routing import SIGN_IN_PATH, PageRoute, see
from api.pages.sessions import entered, own_path, refused
from api.pages.visitors import PageDatabase
from api.transport import over_https, own_address
from api.unified_sign_in import Unified
from services.entrance import oidc
from services.errors import Forbidden, TooManyRequests, Unauthenticated, Unavailable

BEGINNING: Final = "/login/oidc"
CALLBACK: Final = "/login/oidc/callback"
SIGNED_OUT: Final = "/login/oidc/signed-out"
COOKIE: Final = "tongquan_oidc"
"""Holds the sign-in under way, sealed; the answer works in no other browser."""
LONGEST_WANTED: Final = 1000
"""A longer address is dropped on the way: a cookie holds four kilobytes."""

router = APIRouter(route_class=PageRoute)


@router.get(BEGINNING)
async def begin(
    request: Request, unified: Unified, origin: Origin, wanted: Annotated[str, Query(alias="next")] = "/"
) -> Response:
    """Send the browser to the provider."""
    path = own_path(wanted)
    path = path if len(path) <= LONGEST_WANTED else "/"
    try:
        begun = await unified.queue.run(origin, partial(oidc.begin, unified.provider, _callback(request), path))
    except (Unavailable, TooManyRequests) as error:
        return refused(request, path, "", error)
    response = RedirectResponse(begun.url, status_code=303, headers=PAGE_HEADERS)
    response.set_cookie(
        COOKIE,
        begun.kept,
        max_age=oidc.UNDER_WAY_SECONDS,
        path=BEGINNING,
        httponly=True,
        samesite="lax",  # The provider's answer is a navigation from another site.
        secure=over_https(request),
    )
    return response


@router.get(CALLBACK)
async def come_back(request: Request, unified: Unified, database: PageDatabase, origin: Origin) -> Response:
    """Take the provider's answer, open the session, and go where the visitor wanted to."""
    kept, answer = request.cookies.get(COOKIE, ""), dict(request.query_params)
    work = partial(oidc.complete, database, unified.provider, answer, kept, _callback(request), origin)
    try:
        signed_in, wanted = await unified.queue.run(origin, work)
    except (Unauthenticated, Forbidden, Unavailable, TooManyRequests) as error:
        response = refused(request, "/", "", error)
    else:
        response = entered(request, signed_in, own_path(wanted))
    response.delete_cookie(COOKIE, path=BEGINNING)
    return response


@router.get(SIGNED_OUT)
def signed_out() -> Response:
    """Show the sign-in page to whoever comes back from signing out at the provider."""
    return see(SIGN_IN_PATH, "signed_out")


def _callback(request: Request) -> str:
    return own_address(request) + CALLBACK
