"""The system administrator's view of the connectors (对接推送): subscriptions, deliveries, and sending them again."""

from typing import Final

from fastapi import APIRouter, Path, Request
from fastapi.responses import Response

from api.pages import words
from api.pages.addresses import query_of
from api.pages.rendering import render
from api.pages.routing import PageRoute, see
from api.pages.visitors import CurrentVisitor, GuardedForm, PageDatabase, RowKey, Visitor, require, text_of
from models.database import Database
from models.webhook import DeliveryStatus
from services.errors import FieldProblem, InvalidInput
from services.webhooks import event_types, subscriptions
from services.webhooks.subscriptions import NewEndpointView

PAGE_SIZE: Final = 50
STATUSES: Final = {
    DeliveryStatus.PENDING: "等待或重试中",
    DeliveryStatus.DELIVERED: "已送达",
    DeliveryStatus.DEAD: "已放弃",
}

router = APIRouter(route_class=PageRoute)


@router.get("/admin/webhooks")
def show_webhooks(
    request: Request,
    visitor: CurrentVisitor,
    database: PageDatabase,
    status: str = "",
    cursor: str | None = None,
    notice: str = "",
) -> Response:
    """List subscriptions and deliveries."""
    return _page(request, database, visitor, status=status, cursor=cursor, notice=notice)


@router.post("/admin/webhooks")
def subscribe(request: Request, visitor: CurrentVisitor, form: GuardedForm, database: PageDatabase) -> Response:
    """Register an endpoint and show its secret, this once."""
    require(_administers, visitor)
    given = {name: text_of(form, name) for name in ("url", "acts_for", "description")}
    events = [str(one) for one in form.getlist("events")]
    try:
        with database.transaction() as session:
            made = subscriptions.subscribe(
                session,
                visitor.actor,
                given["url"],
                events,
                acts_for=given["acts_for"] or None,
                description=given["description"][:200],
            )
    except InvalidInput as error:
        return _page(request, database, visitor, problems=error.problems, given={**given, "events": events})
    return _page(request, database, visitor, made=made)


@router.post("/admin/webhooks/{endpoint}/delete")
def unsubscribe(
    visitor: CurrentVisitor, _form: GuardedForm, database: PageDatabase, endpoint: str = Path(max_length=40)
) -> Response:
    """End a subscription."""
    with database.transaction() as session:
        subscriptions.unsubscribe(session, visitor.actor, endpoint)
    return see("/admin/webhooks", "webhook_deleted")


@router.post("/admin/webhook-deliveries/{key}/resend")
def resend(key: RowKey, visitor: CurrentVisitor, _form: GuardedForm, database: PageDatabase) -> Response:
    """Send a delivery again."""
    with database.transaction() as session:
        subscriptions.resend(session, visitor.actor, key)
    return see("/admin/webhooks", "webhook_resent")


def _page(
    request: Request,
    database: Database,
    visitor: Visitor,
    *,
    status: str = "",
    cursor: str | None = None,
    notice: str = "",
    made: NewEndpointView | None = None,
    problems: list[FieldProblem] | None = None,
    given: dict[str, object] | None = None,
) -> Response:
    require(_administers, visitor)
    wanted = DeliveryStatus(status) if status in set(DeliveryStatus) else None
    with database.reading() as session:
        endpoints = subscriptions.endpoints(session, visitor.actor)
        page = subscriptions.deliveries(session, visitor.actor, status=wanted, cursor=cursor or None, limit=PAGE_SIZE)
    chosen = {"status": wanted.value if wanted else "", "cursor": page.next or ""}
    context = {
        "endpoints": endpoints,
        "page": page,
        "status": wanted.value if wanted else "",
        "statuses": STATUSES,
        "events": ["*", *(f"{family}.*" for family in event_types.FAMILIES)],
        "made": made,
        "example_group": subscriptions.EXAMPLE_GROUP,
        "given": {"url": "", "acts_for": "", "description": "", "events": [], **(given or {})},
        "errors": {one.field: one.message for one in problems or []},
        "notice": words.NOTICES.get(notice, ""),
        "first": not cursor,
        "next_link": query_of(chosen),
    }
    response = render(request, "webhooks/list.html", context, 422 if problems else 200)
    response.headers["Cache-Control"] = "no-store"
    return response


def _administers(visitor: Visitor) -> bool:
    return visitor.administers
