"""Routes that authenticate and authorize the caller before they read the body.

FastAPI reads a body before it resolves dependencies, so the order the contract fixes (401, 403, 422) is kept here, in
the route. A body is taken only as JSON that every part of the product can hold: no NUL, no lone surrogate, no number
beyond 64 bits, not nested deeper than ``MAX_DEPTH``.
"""

from collections.abc import Callable, Coroutine
from typing import Any, Final

import orjson
from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response
from fastapi.routing import APIRoute

from api import nul
from api.admission import admitted
from api.bounded import BoundedRequest
from api.refusals import UnsupportedMediaType
from api.uploads import bounded_upload
from services.accounts import file_rights, rights, system_rights
from services.accounts.actors import Actor
from services.cases import submission
from services.errors import FieldProblem, InvalidInput, Unauthenticated

API_BASE: Final = "/api/v1"
MAX_BODY_BYTES: Final = 1024 * 1024
MAX_DEPTH: Final = 32
LARGEST_INTEGER: Final = 2**63 - 1

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class StrictRequest(BoundedRequest):
    """A request whose JSON body was checked when it was read."""

    document: Any = None

    async def json(self) -> Any:
        """Return the checked body."""
        return self.document


class StrictRoute(APIRoute):
    """A route open to everybody that refuses what the product cannot hold."""

    max_body_bytes: int = MAX_BODY_BYTES

    async def admit(self, request: Request) -> None:
        """Refuse callers who may not come in; subclasses look at the token first, and never at the parsed body."""

    def get_route_handler(self) -> Handler:
        """Wrap FastAPI's handler: admission first, then the body, then the rest."""
        answer = super().get_route_handler()

        async def handle(request: Request) -> Response:
            strict = StrictRequest(request.scope, request.receive)
            strict.max_body_bytes = self.max_body_bytes
            await self.admit(strict)
            nul.refuse_in_address(strict)
            if self.body_field is not None:
                await _read_document(strict)
            return await answer(strict)

        return handle


class AccountRoute(StrictRoute):
    """A route for signed-in accounts: 401 comes before everything else."""

    changes_password: bool = False

    async def admit(self, request: Request) -> None:
        """Find out whose token it is; the route's endpoint gets the answer as its ``Caller``."""
        token = bearer_token(request)
        signed_in = await run_in_threadpool(
            admitted, request.app.state.database, token, changing_password=self.changes_password
        )
        request.state.token = token
        request.state.actor = signed_in.actor


class UploadRoute(AccountRoute):
    """A route that takes one file as ``multipart/form-data``: 401, 403, then the body."""

    def get_route_handler(self) -> Handler:
        """Wrap FastAPI's handler: admission first, then the body as it comes."""
        answer = APIRoute.get_route_handler(self)

        async def handle(request: Request) -> Response:
            upload = BoundedRequest(request.scope, request.receive)
            await self.admit(upload)
            file_rights.require_hand_in(upload.state.actor)
            return await bounded_upload(upload, answer)

        return handle


class OwnPasswordRoute(AccountRoute):
    """A route open to a signed-in account whose password must be changed before anything else."""

    changes_password = True


class StaffRoute(AccountRoute):
    """A route to cases and delegated powers: 401, then 403 for an administrator, before the body."""

    async def admit(self, request: Request) -> None:
        """Refuse whoever has nothing to do with cases."""
        await super().admit(request)
        rights.require_work_on_cases(request.state.actor)


class SetupRoute(AccountRoute):
    """A route to the site's set-up, such as catalogue and calendar: 401, then 403, before the body."""

    async def admit(self, request: Request) -> None:
        """Refuse everyone but the staff and the system administrator."""
        await super().admit(request)
        system_rights.require_read_setup(request.state.actor)


class AdministratorRoute(AccountRoute):
    """A route for the system administrator: 401, then 403, before the body."""

    async def admit(self, request: Request) -> None:
        """Refuse everyone but the system administrator."""
        await super().admit(request)
        system_rights.require_administrator(request.state.actor)


class MembershipsRoute(AccountRoute):
    """A route for the security administrator: 401, then 403, before the body."""

    async def admit(self, request: Request) -> None:
        """Refuse everyone but the security administrator."""
        await super().admit(request)
        system_rights.require_manage_memberships(request.state.actor)


class SignInGuardRoute(AccountRoute):
    """A route for whoever looks after sign-ins: 401, then 403, before the body."""

    async def admit(self, request: Request) -> None:
        """Refuse everyone but the security administrator."""
        await super().admit(request)
        system_rights.require_guard_sign_ins(request.state.actor)


class AuditorRoute(AccountRoute):
    """A route for the audit administrator: 401, then 403."""

    async def admit(self, request: Request) -> None:
        """Refuse everyone but the audit administrator."""
        await super().admit(request)
        system_rights.require_read_audit(request.state.actor)


class SubmissionRoute(AccountRoute):
    """The route of ``POST /cases``: 401, then 403 for another area's window, before the body is checked."""

    async def admit(self, request: Request) -> None:
        """Refuse an account without the window of the area the body names, however faulty the body is."""
        await super().admit(request)
        actor: Actor = request.state.actor
        area = declared_area(await request.body())
        if area is not None:
            submission.require_window(actor, area)
        else:
            rights.require_window_account(actor)


def bearer_token(request: Request) -> str:
    """Return the token of the ``Authorization`` header; raise ``Unauthenticated`` without one."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthenticated
    return token.strip()


def declared_area(body: bytes) -> str | None:
    """Return the area a body names, as far as it can be read."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    area = document.get("area") if isinstance(document, dict) else None
    return area.strip() if isinstance(area, str) else None


async def _read_document(request: StrictRequest) -> None:
    body = await request.body()
    if not body:
        return
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json" and not (kind.startswith("application/") and kind.endswith("+json")):
        raise UnsupportedMediaType
    try:
        request.document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise InvalidInput([FieldProblem("body", "不是有效的 JSON")]) from error
    _refuse_unholdable(request.document, "", 0)


def _refuse_unholdable(value: Any, place: str, depth: int) -> None:
    if depth > MAX_DEPTH:
        raise InvalidInput([FieldProblem("body", f"嵌套不能超过 {MAX_DEPTH} 层")])
    match value:
        case str():
            if "\0" in value:
                raise InvalidInput([FieldProblem(place or "body", "含有无法识别的字符")])
        case dict():
            for key, inner in value.items():
                _refuse_unholdable(key, place, depth)
                _refuse_unholdable(inner, f"{place}.{key}" if place else key, depth + 1)
        case list():
            for position, inner in enumerate(value):
                _refuse_unholdable(inner, f"{place}.{position}" if place else str(position), depth + 1)
        case int() | float():
            if abs(value) > LARGEST_INTEGER:
                raise InvalidInput([FieldProblem(place or "body", "数值过大")])
