"""Page routes answer every refusal as a page in the product's look, or as a banner when htmx asked."""

from collections.abc import Callable, Coroutine
from typing import Any, Final
from urllib.parse import quote

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse, Response
from fastapi.routing import APIRoute
from pydantic import ValidationError
from starlette.exceptions import HTTPException

from api import nul
from api.pages import words
from api.pages.rendering import PAGE_HEADERS, render
from services.accounts.own_account import PasswordChangeRequired
from services.accounts.personal_data_rights import LONGEST_PURPOSE, SHORTEST_PURPOSE, PurposeRequired
from services.errors import FieldProblem, InvalidInput, TongquanError, Unauthenticated

SIGN_IN_PATH: Final = "/login"
OWN_ACCOUNT_PATH: Final = "/account"

ADVICE: Final = {
    401: "登录已过期，请重新登录。",
    403: "当前账号无权查看或办理。如确需办理，请联系本单位管理员核对岗位权限。",
    404: "地址可能有误，或者内容已不存在。",
    405: "请从页面上的按钮进入。",
    409: "可能已由他人办理，或者您已经提交过。请查看最新进度。",
    422: "请返回修改后再提交。",
    429: "请稍候片刻再试。",
    503: "系统正在启动或部分组件暂不可用，请稍后再试。",
}
CORRECTABLE: Final = frozenset(
    {
        "hearing_dates",
        "presiding_officer_reviewed",
        "materials_outstanding",
        "case_paused",
        "dossier_missing",
        "own_account",
        "last_administrator",
        "separation_of_duties",
    }
)
"""Conflicts caused by what was sent, not by somebody else being faster."""

TITLES: Final = {403: "没有权限", 404: "未找到页面", 405: "不能这样访问", 422: "提交的内容有误"}

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class PageRoute(APIRoute):
    """A route whose product errors become pages; an unforeseen one is left to the application's 500 handler."""

    def get_route_handler(self) -> Handler:
        """Wrap the route's handler."""
        answer = super().get_route_handler()

        async def handle(request: Request) -> Response:
            try:
                nul.refuse_in_address(request)
                return await answer(request)
            except (TongquanError, HTTPException, RequestValidationError, ValidationError) as error:
                return error_page(request, error)

        return handle


def wants_page(request: Request) -> bool:
    """Tell whether an error outside the page routes (an unknown address) should be a page."""
    asked = _is_htmx(request) or "text/html" in request.headers.get("accept", "")
    return asked and not request.url.path.startswith(("/api/", "/static/"))


def error_page(request: Request, error: Exception) -> Response:
    """Return the page of an error; whoever must sign in, or change the password, is sent there."""
    if isinstance(error, Unauthenticated):
        return _to_sign_in(request)
    if isinstance(error, PasswordChangeRequired):
        return _elsewhere(request, OWN_ACCOUNT_PATH)
    if isinstance(error, PurposeRequired) and not _is_htmx(request):
        kept = [(name, value) for name, value in request.query_params.multi_items() if name != "purpose"]
        asked = {"title": error.title, "least": SHORTEST_PURPOSE, "most": LONGEST_PURPOSE, "kept": kept}
        return render(request, "casefile/purpose.html", asked, error.status)
    status, title, detail, extra = _error_words(error)
    context = {
        "status": status,
        "title": title,
        "detail": detail,
        "advice": _advice(status, error),
        "case_no": extra.get("case_no"),
    }
    if _is_htmx(request):
        response = render(request, "_alert.html", context, status)
        response.headers["HX-Retarget"] = "#alerts"
        response.headers["HX-Reswap"] = "innerHTML show:window:top"
        return response
    return render(request, "error.html", context, status)


def see(path: str, notice: str | None = None) -> RedirectResponse:
    """Send the browser on after a successful post, with a notice to announce there."""
    address = f"{path}{'&' if '?' in path else '?'}notice={notice}" if notice else path
    return RedirectResponse(address, status_code=303, headers=PAGE_HEADERS)


def _is_htmx(request: Request) -> bool:
    return request.headers.get("HX-Request") == "true"


def _to_sign_in(request: Request) -> Response:
    wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    target = SIGN_IN_PATH
    if request.method == "GET" and wanted != "/" and not _is_htmx(request):
        target = f"{SIGN_IN_PATH}?next={quote(wanted, safe='/')}"
    return _elsewhere(request, target)


def _elsewhere(request: Request, target: str) -> Response:
    if _is_htmx(request):
        return Response(status_code=401, headers={"HX-Redirect": target})
    return RedirectResponse(target, status_code=303, headers=PAGE_HEADERS)


def _advice(status: int, error: Exception) -> str:
    if isinstance(error, TongquanError) and error.code in CORRECTABLE:
        return ADVICE[422]
    return ADVICE.get(status, "请稍后再试；仍不成功的，请联系系统管理员。")


def _said(problem: FieldProblem) -> str:
    """Say what is wrong with one field in words for people; of a file, on which line."""
    match problem.field.split(".", 2):
        case ["file", line, *column] if line.isdecimal():
            place = " ".join([f"第{line}行", *column])
        case [name, *_]:
            place = words.FIELD_NAMES.get(name, problem.field)
    return f"{place}：{problem.message}"


def _error_words(error: Exception) -> tuple[int, str, str, dict[str, Any]]:
    match error:
        case InvalidInput():
            return error.status, error.title, "；".join(map(_said, error.problems)), error.extra
        case TongquanError():
            detail = "" if error.detail == error.title else error.detail
            return error.status, error.title, detail, error.extra
        case HTTPException():
            return error.status_code, TITLES.get(error.status_code, "请求未能完成"), "", {}
        case RequestValidationError() if any(one["loc"][0] == "path" for one in error.errors()):
            return 404, TITLES[404], "", {}
        case RequestValidationError() | ValidationError():
            return 422, TITLES[422], "", {}
    return 500, "系统内部错误", "", {}
