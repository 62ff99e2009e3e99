"""Manage webhook endpoints, and queue what is delivered to them.

``publish`` writes in the transaction in which the event happens; ``bridge/webhooks.py`` sends. An event has an id of
its own, the same for every endpoint and attempt, so that a receiver can tell a repetition; order is not promised.
"""

import hashlib
import json
import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit

import orjson
from pydantic import BaseModel
from sqlmodel import Session, col, select

from models.document import Certificate
from models.group import Group, Role
from models.webhook import DeliveryStatus, WebhookDelivery, WebhookEndpoint
from services.accounts import supervision_rights, system_rights
from services.accounts.actors import Actor
from services.clock import machine_now, product_now
from services.errors import Conflict, FieldProblem, InvalidInput, NotFound
from services.journal import audit
from services.paging import Order, Page, read
from services.webhooks import event_types, signing
from services.webhooks.addresses import permitted_address
from settings import get_settings

MAX_URL_LENGTH: Final = 1000
MAX_EVENTS: Final = 50
MAX_ENDPOINTS: Final = 100
EXAMPLE_GROUP: Final = Group.of_city_unit("slj", Role.SUPERVISOR).name
"""A supervisor's group, as an example of what a platform may act for."""
SCHEMES: Final = {"http": 80, "https": 443}


class EndpointView(BaseModel):
    """A subscription; its secret is not shown again."""

    id: str
    url: str
    events: list[str]
    description: str
    acts_for: str | None
    created_by: str
    created_at: datetime


class NewEndpointView(EndpointView):
    """A subscription just made, with the secret that is shown this once."""

    secret: str


class DeliveryView(BaseModel):
    """One event on its way to one endpoint."""

    id: int
    endpoint_id: str
    url: str
    message_id: str
    event: str
    subject: str
    status: DeliveryStatus
    attempts: int
    last_status: int | None
    last_error: str
    created_at: datetime
    next_attempt_at: datetime | None
    delivered_at: datetime | None


class DeliveryPending(Conflict):
    """The delivery is still being tried by itself."""

    code, title, title_en = "delivery_pending", "该推送仍在自动重试", "The delivery is still being retried"


def publish(session: Session, event: str, subject: str, data: dict[str, Any], at: datetime) -> str:
    """Queue an event for every endpoint that wants it and return its id; the same event is queued once.

    Its natural key is event, subject and instant. ``data`` must fit the event's schema
    (``event_types``): anything else raises ``ValueError``, for it is a bug of ours. ``data["to"]``, where there is one,
    keeps the event from endpoints that act for another group.
    """
    content = event_types.data_class(event).model_validate(data).model_dump(mode="json")
    message_id = _message_id(event, subject, at)
    payload = {"id": message_id, "type": event, "timestamp": at.isoformat(), "subject": subject, "data": content}
    body = orjson.dumps(payload).decode()
    now = machine_now()
    for endpoint in _wanting(session, event, content.get("to")):
        known = select(WebhookDelivery.id).where(
            WebhookDelivery.endpoint_id == endpoint.id, WebhookDelivery.message_id == message_id
        )
        if session.exec(known).first() is None:
            session.add(
                WebhookDelivery(
                    endpoint_id=endpoint.id,
                    message_id=message_id,
                    event=event,
                    subject=subject,
                    body=body,
                    created_at=now,
                    available_at=now,
                )
            )
    session.flush()
    return message_id


def publish_certificate(session: Session, event: str, certificate: Certificate, at: datetime) -> str:
    """Queue an event of a certificate, in step with the paper one."""
    own = {"number", "case_no", "name", "issued_at", "valid_until"}
    data = {**certificate.model_dump(include=own), "item": certificate.item_code, "status": certificate.status.value}
    return publish(session, event, f"certificate:{certificate.number}", data, at)


def subscribe(
    session: Session,
    actor: Actor,
    url: str,
    events: Sequence[str],
    *,
    acts_for: str | None = None,
    description: str = "",
) -> NewEndpointView:
    """Register an endpoint and make its secret, which is shown this once."""
    system_rights.require_manage_webhooks(actor)
    problems = [*_url_problems(url), *_event_problems(events), *_group_problems(acts_for)]
    if problems:
        raise InvalidInput(problems)
    if len(_endpoints(session)) >= MAX_ENDPOINTS:
        raise Conflict(f"推送地址不能超过{MAX_ENDPOINTS}个", f"No more than {MAX_ENDPOINTS} endpoints")
    now, secret = product_now(session), signing.new_secret()
    endpoint = WebhookEndpoint(
        id=f"whe_{secrets.token_hex(10)}",
        url=url,
        events=sorted(set(events)),
        description=description,
        acts_for=acts_for,
        sealed_secret=signing.seal(secret),
        created_by=actor.username,
        created_at=now,
    )
    session.add(endpoint)
    session.flush()
    audit.append(session, actor.username, "webhook.subscribe", endpoint.id, {"events": endpoint.events}, now)
    return NewEndpointView(**_view(endpoint).model_dump(), secret=secret)


def unsubscribe(session: Session, actor: Actor, endpoint_id: str) -> None:
    """End a subscription; what is still on its way to it is given up."""
    system_rights.require_manage_webhooks(actor)
    endpoint = get_endpoint(session, endpoint_id)
    now = product_now(session)
    endpoint.deleted_at = now
    session.add(endpoint)
    waiting = select(WebhookDelivery).where(
        WebhookDelivery.endpoint_id == endpoint.id, WebhookDelivery.status == DeliveryStatus.PENDING
    )
    for delivery in session.exec(waiting).all():
        delivery.status, delivery.last_error = DeliveryStatus.DEAD, "推送地址已删除"
        session.add(delivery)
    audit.append(session, actor.username, "webhook.unsubscribe", endpoint.id, {}, now)


def endpoints(session: Session, actor: Actor) -> list[EndpointView]:
    """Return every subscription, oldest first."""
    system_rights.require_manage_webhooks(actor)
    return [_view(one) for one in _endpoints(session)]


def get_endpoint(session: Session, endpoint_id: str) -> WebhookEndpoint:
    """Return a subscription in force; raise ``NotFound``."""
    endpoint = session.get(WebhookEndpoint, endpoint_id)
    if endpoint is None or endpoint.deleted_at is not None:
        raise NotFound("没有这个推送地址", "No such endpoint")
    return endpoint


def deliveries(
    session: Session,
    actor: Actor,
    *,
    status: DeliveryStatus | None = None,
    endpoint: str | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[DeliveryView]:
    """Return a page of deliveries, newest first."""
    system_rights.require_manage_webhooks(actor)
    query = select(WebhookDelivery, WebhookEndpoint.url).join(
        WebhookEndpoint, col(WebhookEndpoint.id) == WebhookDelivery.endpoint_id
    )
    if status is not None:
        query = query.where(WebhookDelivery.status == status)
    if endpoint is not None:
        query = query.where(WebhookDelivery.endpoint_id == endpoint)
    found = read(session, query, Order(WebhookDelivery.id, descending=True), cursor, limit)
    return found.page(lambda row: _delivery_view(*row))


def resend(session: Session, actor: Actor, delivery_id: int) -> DeliveryView:
    """Send a delivered or given-up event again, under the same message id, with the full number of attempts."""
    system_rights.require_manage_webhooks(actor)
    delivery = session.get(WebhookDelivery, delivery_id)
    if delivery is None:
        raise NotFound("没有这条推送记录", "No such delivery")
    endpoint = get_endpoint(session, delivery.endpoint_id)
    if delivery.status is DeliveryStatus.PENDING:
        raise DeliveryPending()
    delivery.status, delivery.attempts, delivery.available_at = DeliveryStatus.PENDING, 0, machine_now()
    session.add(delivery)
    now = product_now(session)
    audit.append(session, actor.username, "webhook.resend", endpoint.id, {"delivery": delivery_id}, now)
    return _delivery_view(delivery, endpoint.url)


def _message_id(event: str, subject: str, at: datetime) -> str:
    key = json.dumps([event, subject, at.timestamp()])
    return f"msg_{hashlib.sha256(key.encode()).hexdigest()[:32]}"


def _wanting(session: Session, event: str, to: object) -> list[WebhookEndpoint]:
    return [
        one
        for one in _endpoints(session)
        if event_types.wants(one.events, event) and (one.acts_for is None or to is None or one.acts_for == to)
    ]


def _endpoints(session: Session) -> Sequence[WebhookEndpoint]:
    return session.exec(_ENDPOINTS).all()


_ENDPOINTS = (
    select(WebhookEndpoint)
    .where(col(WebhookEndpoint.deleted_at).is_(None))
    .order_by(col(WebhookEndpoint.created_at), col(WebhookEndpoint.id))
)


def _url_problems(url: str) -> list[FieldProblem]:
    """Refuse an address that can never be permitted; what its name resolves to is checked at every sending."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return [FieldProblem("url", "地址格式不正确")]
    if len(url) > MAX_URL_LENGTH or not url.isprintable() or " " in url:
        return [FieldProblem("url", "地址格式不正确")]
    if parts.scheme not in SCHEMES or not host or port == 0:
        return [FieldProblem("url", "应为 http 或 https 地址")]
    if parts.username is not None or parts.password is not None or parts.fragment:
        return [FieldProblem("url", "地址中不能有用户名、密码或片段")]
    try:
        allowed = permitted_address(host)
    except ValueError:
        named_here = host == "localhost" or host.endswith(".localhost")
        allowed = get_settings().development or not named_here
    return [] if allowed else [FieldProblem("url", "不允许推送到本机或内部网络地址")]


def _event_problems(events: Sequence[str]) -> list[FieldProblem]:
    if not events or len(events) > MAX_EVENTS:
        return [FieldProblem("events", f"应为1至{MAX_EVENTS}个事件")]
    unknown = [one for one in events if not event_types.is_subscribable(one)]
    return [FieldProblem("events", f"没有这个事件：{'、'.join(unknown)}")] if unknown else []


def _group_problems(acts_for: str | None) -> list[FieldProblem]:
    if acts_for is None or supervision_rights.is_supervisors_group(acts_for):
        return []
    return [FieldProblem("acts_for", f"应为监管账号组，如 {EXAMPLE_GROUP}")]


def _view(endpoint: WebhookEndpoint) -> EndpointView:
    return EndpointView.model_validate(endpoint, from_attributes=True)


def _delivery_view(delivery: WebhookDelivery, url: str) -> DeliveryView:
    waiting = delivery.status is DeliveryStatus.PENDING
    return DeliveryView(
        **delivery.model_dump(exclude={"body", "available_at"}),
        url=url,
        next_attempt_at=delivery.available_at if waiting else None,
    )
