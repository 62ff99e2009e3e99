"""Sign in and out of the pages."""

import hmac
import secrets
from functools import partial
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from starlette.datastructures import FormData

from api.origins import Origin
from api.pages.rendering import render
from api.pages.routing import PageRoute, see
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
from api.transport import over_https
from models.group import AUDIT_ADMINISTRATOR, SECURITY_ADMINISTRATOR, SYSTEM_ADMINISTRATOR, Group, Role
from services.accounts import demo_accounts, sessions
from services.clock import machine_now
from services.entrance import sign_in as entrance
from services.errors import TooManyRequests, Unauthenticated
from settings import get_settings

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
    except Unauthenticated as error:
        return _form(request, wanted, username, error.message, "", status=401)
    except TooManyRequests as error:
        response = _form(request, wanted, username, error.message, "", status=429)
        response.headers["Retry-After"] = str(error.retry_after)
        return response
    response = see(_own_path(wanted))
    response.set_cookie(
        SESSION_COOKIE,
        signed_in.token,
        max_age=int((signed_in.expires_at - machine_now()).total_seconds()),
        httponly=True,
        samesite="lax",
        secure=over_https(request),
    )
    response.delete_cookie(LOGIN_COOKIE, path="/login")
    return response


@router.post("/logout")
def sign_out(visitor: AnyVisitor, _form: OwnPasswordForm, database: PageDatabase) -> Response:
    """End the session."""
    with database.transaction() as session:
        sessions.sign_out(session, visitor.token)
    response = see("/login", "signed_out")
    response.delete_cookie(SESSION_COOKIE)
    return response


def _form(request: Request, wanted: str, username: str, problem: str, notice: str, status: int = 200) -> Response:
    settings = get_settings()
    secret = request.cookies.get(LOGIN_COOKIE) or secrets.token_urlsafe(24)
    context = {
        "secret": secret,
        "next": _own_path(wanted),
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
        path="/login",
        httponly=True,
        samesite="strict",
        secure=over_https(request),
    )
    return response


def _own_path(wanted: str) -> str:
    """Return ``wanted`` when it is an address of ours, else the start page (no open redirect)."""
    plain = wanted.startswith("/") and not wanted.startswith(("//", "/\\", "/login"))
    return wanted if plain and not any(ord(sign) < 32 for sign in wanted) else "/"
