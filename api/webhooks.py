"""Connectors: subscriptions to webhooks and their deliveries, and what supervisors' platforms send in."""

import hashlib
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request, Response, Security
from fastapi.concurrency import run_in_threadpool
from fastapi.security import APIKeyHeader
from pydantic import BaseModel, ConfigDict, Field, StrictInt

from api.dependencies import Caller, Code, Cursor, Empty, EngineKey, Limit, WebDatabase, engine_key
from api.problems import documented
from api.routing import API_BASE, LARGEST_INTEGER, AdministratorRoute, StrictRoute
from models.database import Database
from models.supervision import FeedbackKind
from models.webhook import DeliveryStatus
from services.paging import Page
from services.supervision import inbound
from services.supervision.inbound import ENDPOINT_HEADER, InboundAnswer
from services.supervision.push_feedback import MAX_TEXT_LENGTH
from services.webhooks import event_types, subscriptions
from services.webhooks.event_types import EventView
from services.webhooks.signing import ID_HEADER, SIGNATURE_HEADER, TIMESTAMP_HEADER
from services.webhooks.subscriptions import DeliveryView, EndpointView, NewEndpointView


class SignedRoute(StrictRoute):
    """A route for platforms: the signature over the raw body is checked before the body is read as JSON."""

    async def admit(self, request: Request) -> None:
        """Refuse what no subscription's secret has signed within the last minutes."""
        body = await request.body()
        headers = {name.lower(): value for name, value in request.headers.items()}
        found = await run_in_threadpool(_authenticate, request.app.state.database, headers, body)
        request.state.endpoint, request.state.message_id = found
        request.state.body_digest = hashlib.sha256(body).hexdigest()


router = APIRouter(prefix=API_BASE, route_class=AdministratorRoute, tags=["webhooks"])
platforms = APIRouter(prefix=API_BASE, route_class=SignedRoute, tags=["webhooks"])

signature_scheme = APIKeyHeader(
    name=SIGNATURE_HEADER,
    scheme_name="webhook_signature",
    description="`v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body` under the subscription's secret.",
    auto_error=False,
)
_SIGNED: dict[str, Any] = {
    "parameters": [
        {"name": name, "in": "header", "required": True, "schema": {"type": "string"}, "description": description}
        for name, description in (
            (ENDPOINT_HEADER, "The id of the subscription whose secret signs."),
            (ID_HEADER, "An id of the sender's own for this message."),
            (TIMESTAMP_HEADER, "When it was sent, in Unix seconds; five minutes off at most."),
        )
    ]
}


class SubscriptionInput(BaseModel):
    """The body of ``POST /webhooks``."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    url: str = Field(min_length=1, max_length=subscriptions.MAX_URL_LENGTH)
    events: list[Annotated[str, Field(min_length=1, max_length=64)]] = Field(
        min_length=1, max_length=subscriptions.MAX_EVENTS, description="Events, `<family>.*` or `*`."
    )
    acts_for: str | None = Field(
        default=None, min_length=1, max_length=128, description="The supervisors' group a platform stands for."
    )
    description: str = Field(default="", max_length=200)


class PlatformClaim(BaseModel):
    """The body of ``POST /inbound/claims``."""

    model_config = ConfigDict(extra="forbid")

    push_id: StrictInt = Field(ge=1, le=LARGEST_INTEGER)


class PlatformFeedback(BaseModel):
    """The body of ``POST /inbound/feedback``."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    push_id: StrictInt = Field(ge=1, le=LARGEST_INTEGER)
    kind: FeedbackKind
    text: str = Field(min_length=1, max_length=MAX_TEXT_LENGTH)


@router.post("/webhooks", status_code=201, responses=documented(401, 403, 413, 415, 422, conflict="conflict"))
def subscribe_webhook(
    body: SubscriptionInput, response: Response, caller: Caller, database: WebDatabase
) -> NewEndpointView:
    """Register an endpoint; its secret is in this answer and in no other."""
    with database.transaction() as session:
        made = subscriptions.subscribe(
            session, caller, body.url, body.events, acts_for=body.acts_for, description=body.description
        )
    response.headers["Cache-Control"] = "no-store"
    return made


@router.get("/webhooks", responses=documented(401, 403))
def list_webhooks(caller: Caller, database: WebDatabase) -> Page[EndpointView]:
    """List the subscriptions, without their secrets."""
    with database.reading() as session:
        return Page[EndpointView](items=subscriptions.endpoints(session, caller))


@router.delete("/webhooks/{id}", status_code=204, responses=documented(401, 403, 404))
def unsubscribe_webhook(id: Annotated[str, Path(max_length=200)], caller: Caller, database: WebDatabase) -> None:
    """End a subscription; what is still on its way to it is given up."""
    with database.transaction() as session:
        subscriptions.unsubscribe(session, caller, id)


@router.get("/webhook-events", responses=documented(401, 403))
def list_webhook_events(caller: Caller) -> Page[EventView]:
    """List the events one may subscribe to, with the JSON schema of what each says."""
    return Page[EventView](items=event_types.catalogue())


@router.get("/webhook-deliveries", responses=documented(401, 403, 422))
def list_webhook_deliveries(
    caller: Caller,
    database: WebDatabase,
    status: Annotated[DeliveryStatus | Empty | None, Query(description="`dead` are the given-up ones.")] = None,
    endpoint: Code = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[DeliveryView]:
    """List deliveries, newest first."""
    with database.reading() as session:
        return subscriptions.deliveries(
            session,
            caller,
            status=status or None,
            endpoint=endpoint or None,
            cursor=cursor or None,
            limit=limit,
        )


@router.post(
    "/webhook-deliveries/{id}/resend",
    status_code=202,
    responses=documented(401, 403, 404, conflict="delivery_pending"),
)
def resend_webhook(id: EngineKey, caller: Caller, database: WebDatabase) -> DeliveryView:
    """Send a delivered or given-up event again, under the same message id."""
    with database.transaction() as session:
        return subscriptions.resend(session, caller, engine_key(id))


_ONCE = {"model": InboundAnswer, "description": "The same message came before: nothing was done again."}


def _signed_message(request: Request, _: Annotated[object, Security(signature_scheme)]) -> inbound.VerifiedMessage:
    """Return the message the route admitted."""
    state = request.state
    return inbound.VerifiedMessage(state.endpoint, state.message_id, state.body_digest)


SignedMessage = Annotated[inbound.VerifiedMessage, Depends(_signed_message)]


@platforms.post(
    "/inbound/claims",
    status_code=201,
    openapi_extra=_SIGNED,
    responses={200: _ONCE, **documented(401, 403, 404, 413, 415, 422, conflict="message_reused, push_claimed")},
)
def take_platform_claim(
    body: PlatformClaim, message: SignedMessage, response: Response, database: WebDatabase
) -> InboundAnswer:
    """Claim a push for the group a supervisor's platform acts for (认领)."""
    with database.transaction() as session:
        answer = inbound.take_claim(session, message, body.push_id)
    response.status_code = 200 if answer.duplicate else 201
    return answer


@platforms.post(
    "/inbound/feedback",
    status_code=201,
    openapi_extra=_SIGNED,
    responses={200: _ONCE, **documented(401, 403, 404, 413, 415, 422, conflict="message_reused")},
)
def take_platform_feedback(
    body: PlatformFeedback, message: SignedMessage, response: Response, database: WebDatabase
) -> InboundAnswer:
    """Take a supervisor platform's feedback on a push; it claims the push and reaches the approver."""
    with database.transaction() as session:
        answer = inbound.take_feedback(session, message, body.push_id, body.kind, body.text)
    response.status_code = 200 if answer.duplicate else 201
    return answer


def _authenticate(database: Database, headers: dict[str, str], body: bytes) -> Any:
    with database.reading() as session:
        return inbound.authenticate(session, headers, body)
