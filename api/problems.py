"""Answer every refusal as ``application/problem+json`` (RFC 9457), in Chinese or, when asked, in English."""

from http import HTTPStatus
from typing import Any, Final

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from fastapi.routing import iter_route_contexts
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.exc import DataError, IntegrityError, OperationalError, TimeoutError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from api import pages
from api.refusals import BodyTooLarge, UnsupportedMediaType
from api.wording import prefers_english, validation_message
from services.errors import (
    Conflict,
    FieldProblem,
    Forbidden,
    InvalidInput,
    NotFound,
    TongquanError,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
)

MEDIA_TYPE: Final = "application/problem+json"
TYPE_PREFIX: Final = "urn:tongquan:problem:"
RETRY_AFTER_SECONDS: Final = 2

log = structlog.get_logger()


class FieldError(BaseModel):
    """One input field and what is wrong with it."""

    field: str
    message: str


class Problem(BaseModel):
    """What went wrong: ``code`` is stable, ``title`` and ``detail`` are for people."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    detail: str
    code: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    errors: list[FieldError] | None = None


class MethodNotAllowed(TongquanError):
    """The address exists, for other methods (405)."""

    status, code, title, title_en = 405, "method_not_allowed", "不支持该请求方法", "Method not allowed"


class BadRequest(TongquanError):
    """The request cannot be read at all (400)."""

    status, code, title, title_en = 400, "bad_request", "无法读取该请求", "The request cannot be read"


DESCRIPTIONS: Final = {
    401: "Nobody is signed in, or the token is unknown or expired (`unauthenticated`).",
    403: "The account's roles do not allow it (`forbidden`).",
    404: "There is no such thing (`not_found`).",
    409: "The state of things does not allow it.",
    413: "The body is too large (`body_too_large`).",
    415: "The body is not JSON (`unsupported_media_type`).",
    422: "The content is not acceptable (`invalid_input`); `errors` names the fields.",
    429: "It was tried too often (`too_many_requests`); `Retry-After` tells how long to wait.",
    503: "A part the request needs is not ready (`unavailable`).",
}

_BY_STATUS: Final[dict[int, type[TongquanError]]] = {
    400: BadRequest,
    401: Unauthenticated,
    403: Forbidden,
    404: NotFound,
    405: MethodNotAllowed,
    409: Conflict,
    413: BodyTooLarge,
    415: UnsupportedMediaType,
    503: Unavailable,
}


def documented(*statuses: int, **codes: str) -> dict[int | str, dict[str, Any]]:
    """Return the OpenAPI responses of a route's refusals; ``conflict="a, b"`` names the codes of its 409."""
    content = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    responses: dict[int | str, dict[str, Any]] = {
        status: {"description": DESCRIPTIONS[status], "content": content} for status in statuses
    }
    if "conflict" in codes:
        named = ", ".join(f"`{code.strip()}`" for code in codes["conflict"].split(","))
        responses[409] = {"description": f"{DESCRIPTIONS[409]} Codes: {named}.", "content": content}
    responses["default"] = {"description": "Any other refusal or failure.", "content": content}
    return responses


def problem_response(request: Request, error: TongquanError, problems: list[FieldError] | None = None) -> Response:
    """Return the response of one error in the language the client prefers."""
    english = prefers_english(request.headers.get("accept-language"))
    body = {
        **error.extra,
        "type": f"{TYPE_PREFIX}{error.code}",
        "title": error.title_en if english else error.title,
        "status": error.status,
        "detail": error.detail_en if english else error.detail,
        "code": error.code,
    }
    if problems is not None:
        body["errors"] = [one.model_dump() for one in problems]
    headers = {"Content-Language": "en" if english else "zh-CN", "Vary": "Accept-Language"}
    if error.status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    if error.status == HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = ", ".join(_methods_at(request))
    if error.status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers["Retry-After"] = str(RETRY_AFTER_SECONDS)
    if isinstance(error, TooManyRequests):
        headers["Retry-After"] = str(error.retry_after)
    return JSONResponse(body, error.status, headers, media_type=MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Make the application answer every exception, foreseen or not, as a problem or as a page."""
    app.add_exception_handler(TongquanError, _product_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(HTTPException, _http_error)
    for database_error in (OperationalError, TimeoutError, IntegrityError, DataError):
        app.add_exception_handler(database_error, _database_error)
    app.add_exception_handler(ClientDisconnect, _client_left)
    app.add_exception_handler(Exception, _unforeseen_error)


def _fields(error: TongquanError) -> list[FieldError] | None:
    if error.problems is None:
        return None
    return [FieldError(field=one.field, message=one.message) for one in error.problems]


async def _product_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, TongquanError)  # noqa: S101  # It is registered for nothing else.
    return _answer(request, error, _fields(error))


async def _validation_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101  # It is registered for nothing else.
    english = prefers_english(request.headers.get("accept-language"))
    messages: dict[str, str] = {}
    for one in error.errors():
        messages.setdefault(_field(one["loc"]), validation_message(one, english=english))
    found = [FieldProblem(field, message) for field, message in messages.items()]
    refusal = InvalidInput(found)
    refusal.detail_en = "; ".join(f"{one.field}: {one.message}" for one in found) or refusal.title_en
    return _answer(request, refusal, [FieldError(field=one.field, message=one.message) for one in found])


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101  # It is registered for nothing else.
    kind = _BY_STATUS.get(error.status_code, BadRequest if error.status_code < 500 else TongquanError)
    return _answer(request, kind(), None)


async def _database_error(request: Request, error: Exception) -> Response:
    """Tell a busy or lost database, a lost race for a unique key, and a value no column takes, from a fault."""
    log.warning("database.refused", kind=type(error).__name__)
    match error:
        case IntegrityError():
            raced = Conflict("同时有另一操作改动了这里，请刷新后重试", "Changed meanwhile; try again")
            return _answer(request, raced, None)
        case DataError():
            return _answer(request, InvalidInput([]), [])
    return _answer(request, Unavailable("数据库繁忙或不可用，请稍后再试", "The database is busy or unavailable"), None)


async def _client_left(request: Request, _error: Exception) -> Response:
    """Answer nobody: the connection ended before the request's body did, which is no fault of the product's."""
    return _answer(request, BadRequest(), None)


async def _unforeseen_error(request: Request, error: Exception) -> Response:
    log.error("request.failed", kind=type(error).__name__, method=request.method)
    return _answer(request, TongquanError(), None)


def _answer(request: Request, error: TongquanError, problems: list[FieldError] | None) -> Response:
    if pages.wants_page(request):
        return pages.error_page(request, error)
    return problem_response(request, error, problems)


def _methods_at(request: Request) -> list[str]:
    """Return the methods some route takes at the request's address."""
    path = request.url.path
    methods: set[str] = set()
    for context in iter_route_contexts(request.app.routes):
        pattern = getattr(context, "path_regex", None)
        if pattern is not None and context.methods and pattern.match(path):
            methods |= context.methods
    return sorted(methods)


def _field(location: tuple[int | str, ...]) -> str:
    """Return a field's name as the client wrote it.

    A parameter's location ends with its name; what may follow names the alternatives of its type.
    """
    place, *inner = location or ("body",)
    if place in ("query", "path", "header", "cookie"):
        inner = inner[:1]
    return ".".join(str(part) for part in inner) or "body"
