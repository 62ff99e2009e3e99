"""Sign in to the pages with a password, and out of them."""

import hmac
import secrets
from contextlib import suppress
from functools import partial
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response
from starlette.datastructures import FormData

from api.origins import Origin
from api.pages.rendering import render
from api.pages.routing import SIGN_IN_PATH, PageRoute, see
from api.pages.visitors import (
    CSRF_FIELD,
    SESSION_COOKIE,
    AnyVisitor,
    ForgedRequest,
    OwnPasswordForm,
    PageDatabase,
    text_of,
)
from api.pages.words import NOTICES
from api.sign_in_queue import SignIns
from api.transport import over_https, own_address
from api.unified_sign_in import PerhapsUnified
from models.account import SignInMethod
from models.database import Database
from models.group import AUDIT_ADMINISTRATOR, SECURITY_ADMINISTRATOR, SYSTEM_ADMINISTRATOR, Group, Role
from services.accounts import demo_accounts, sessions
from services.accounts.sessions import SignIn
from services.clock import machine_now
from services.entrance import sign_in as entrance
from services.errors import TongquanError, TooManyRequests, Unauthenticated
from settings import PasswordSignIn, get_settings

FORM_FIELDS: Final = 8
FIELD_BYTES: Final = 8 * 1024
LOGIN_COOKIE: Final = "tongquan_login"
"""Holds the secret of the sign-in form: there is no session yet that could."""

DEMO_ACCOUNTS: Final = (
    (
        Group.of_area("xingguo", Role.WINDOW).name,
        "兴国县综合窗口",
        f"接件、受理、送达；其他县区同样命名，如 {Group.of_area('rongjiang', Role.WINDOW)}",
    ),
    (
        Group.of_city_unit("zrzy", Role.REVIEWER).name,
        "市自然资源局承办人",
        f"初审；其他市级单位同样命名，如 {Group.of_city_unit('xzsp', Role.REVIEWER)}",
    ),
    (Group.of_city_unit("zrzy", Role.APPROVER).name, "市自然资源局审批人", "作出决定"),
    (Group.of_area("rongjiang", Role.REVIEWER).name, "蓉江新区承办人", "实质性审核"),
    (Group.of_area("rongjiang", Role.CHIEF).name, "蓉江新区首席代表", "签发审核转报件"),
    (SYSTEM_ADMINISTRATOR.name, "系统管理员", "账号管理、流程运行、对接推送"),
    (SECURITY_ADMINISTRATOR.name, "安全保密管理员", "岗位授权"),
    (AUDIT_ADMINISTRATOR.name, "安全审计员", "审计查询"),
)

router = APIRouter(route_class=PageRoute)


async def sent_credentials(request: Request) -> FormData:
    """Read the posted form, no more of it than a sign-in takes: anybody may send it."""
    return await request.form(max_files=0, max_fields=FORM_FIELDS, max_part_size=FIELD_BYTES)


@router.get("/login")
def show_sign_in(request: Request, next: str = "/", notice: str = "") -> Response:
    """Show the form; in development with the demonstration accounts."""
    return _form(request, next, "", "", NOTICES.get(notice, ""))


@router.post("/login")
async def sign_in(
    request: Request,
    database: PageDatabase,
    origin: Origin,
    queue: SignIns,
    form: Annotated[FormData, Depends(sent_credentials)],
) -> Response:
    """Open a session and go where the visitor wanted to."""
    wanted = text_of(form, "next")
    username = text_of(form, "username")
    secret = request.cookies.get(LOGIN_COOKIE, "")
    if not secret or not hmac.compare_digest(secret.encode(), text_of(form, CSRF_FIELD).encode()):
        raise ForgedRequest
    try:
        password = str(form.get("password", ""))
        signed_in = await queue.run(origin, partial(entrance.sign_in, database, username, password, origin))
    except (Unauthenticated, TooManyRequests) as error:
        return refused(request, wanted, username, error)
    return entered(request, signed_in, own_path(wanted))


@router.post("/logout")
async def sign_out(
    request: Request,
    visitor: AnyVisitor,
    _form: OwnPasswordForm,
    database: PageDatabase,
    origin: Origin,
    unified: PerhapsUnified,
) -> Response:
    """End the session; whoever came by the unified sign-in is sent there to end that too, where it offers it."""
    await run_in_threadpool(_end, database, visitor.token)
    response: Response = see(SIGN_IN_PATH, "signed_out")
    if unified is not None and visitor.method is SignInMethod.OIDC:
        ending = partial(unified.provider.end_session_url, own_address(request) + "/login/oidc/signed-out")
        with suppress(TooManyRequests):
            address = await unified.queue.run(origin, ending)
            if address is not None:
                # A page in between, for the answer to a form may not lead to another site (form-action).
                request.state.visitor = None
                response = render(request, "accounts/signed_out.html", {"address": address})
    response.delete_cookie(SESSION_COOKIE)
    return response


def entered(request: Request, signed_in: SignIn, path: str) -> Response:
    """Return the answer that gives the browser its session and sends it to a page of ours."""
    response = see(path)
    response.set_cookie(
        SESSION_COOKIE,
        signed_in.token,
        max_age=int((signed_in.expires_at - machine_now()).total_seconds()),
        httponly=True,
        samesite="lax",
        secure=over_https(request),
    )
    response.delete_cookie(LOGIN_COOKIE, path=SIGN_IN_PATH)
    return response


def refused(request: Request, wanted: str, username: str, error: TongquanError) -> Response:
    """Return the sign-in page that says why it did not work."""
    response = _form(request, wanted, username, error.message, "", status=error.status)
    if isinstance(error, TooManyRequests):
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def _end(database: Database, token: str) -> None:
    with database.transaction() as session:
        sessions.sign_out(session, token)


def _form(request: Request, wanted: str, username: str, problem: str, notice: str, status: int = 200) -> Response:
    settings = get_settings()
    secret = request.cookies.get(LOGIN_COOKIE) or secrets.token_urlsafe(24)
    context = {
        "secret": secret,
        "next": own_path(wanted),
        "unified": settings.unified_sign_in,
        "passwords_for_all": settings.password_sign_in is PasswordSignIn.EVERYBODY,
        "username": username,
        "problem": problem,
        "notice": notice,
        "demo_accounts": DEMO_ACCOUNTS if settings.development else (),
        "demo_password": demo_accounts.DEMO_PASSWORD,
    }
    response = render(request, "accounts/sign_in.html", context, status)
    response.set_cookie(
        LOGIN_COOKIE,
        secret,
        max_age=24 * 3600,
        path=SIGN_IN_PATH,
        httponly=True,
        samesite="strict",
        secure=over_https(request),
    )
    return response


def own_path(wanted: str) -> str:
    """Return ``wanted`` when it is an address of ours, else the start page (no open redirect)."""
    plain = wanted.startswith("/") and not wanted.startswith(("//", "/\\", "/login"))
    return wanted if plain and not any(ord(sign) < 32 for sign in wanted) else "/"
