"""Recalls of delegated powers (收回权限): figures, preview, procedure."""

from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from api.pages.agreements import day_of
from api.pages.powers import notice_of, reason_of
from api.pages.rendering import render
from api.pages.routing import PageRoute, see
from api.pages.visitors import CurrentVisitor, GuardedForm, PageDatabase, RowKey, text_of
from models.in_flight import InFlight
from models.recall import RecallState
from services.accounts import power_rights
from services.catalogue import in_force
from services.errors import FieldProblem, InvalidInput
from services.takeovers import recall_views, recalls

ADDRESS: Final = "/powers/recalls"
SHOWN_FIGURES: Final = 50
PAGE_SIZE: Final = 50

router = APIRouter(route_class=PageRoute)


@router.get(ADDRESS)
def show_recalls(
    request: Request, visitor: CurrentVisitor, database: PageDatabase, cursor: str | None = None
) -> Response:
    """Show the monitoring figures and the recalls."""
    with database.reading() as session:
        page = recalls.list_recalls(session, visitor.actor, cursor=cursor or None, limit=PAGE_SIZE)
        figures = recall_views.suggestions(session)[:SHOWN_FIGURES]
    return render(
        request, "takeovers/recalls.html", {"page": page, "suggestions": figures, "notice": notice_of(request)}
    )


@router.get(f"{ADDRESS}/preview")
def show_preview(
    request: Request, visitor: CurrentVisitor, database: PageDatabase, item: str = "", area: str = ""
) -> Response:
    """Show every case in flight and what each choice would do to it."""
    with database.reading() as session:
        page = recalls.preview(session, visitor.actor, item, area)
        version = in_force.find_item(session, item)
    unit = version.unit if version is not None else ""
    context = {
        "page": page,
        "item": item,
        "area": area,
        "may_decide": power_rights.may_decide_recall(visitor.actor, unit),
        "may_propose": power_rights.may_propose_recall(visitor.actor, unit),
    }
    return render(request, "takeovers/recall_preview.html", context)


@router.post(ADDRESS)
def begin(form: GuardedForm, visitor: CurrentVisitor, database: PageDatabase) -> Response:
    """Propose or decide a recall, as the button says."""
    item, area = (text_of(form, name) for name in ("item", "area"))
    reason = reason_of(form)
    chosen = text_of(form, "in_flight")
    with database.transaction() as session:
        if text_of(form, "step") == "propose":
            shown = recalls.propose(session, visitor.actor, item, area, reason)
        else:
            shown = recalls.decide(
                session,
                visitor.actor,
                item=item,
                area=area,
                reason=reason,
                effective_on=day_of(text_of(form, "effective_on"), "effective_on"),
                in_flight=InFlight(chosen) if chosen in set(InFlight) else InFlight.FINISH,
            )
    return see(f"{ADDRESS}/{shown.id}", "power_done")


@router.get(f"{ADDRESS}/{{key}}")
def show_recall(request: Request, key: RowKey, visitor: CurrentVisitor, database: PageDatabase) -> Response:
    """Show one recall, its cases and its history."""
    with database.reading() as session:
        one = recalls.get(session, visitor.actor, key)
    concerned = power_rights.may_state_opinion(visitor.actor, one.area)
    context = {
        "one": one,
        "may_state": concerned and one.state is RecallState.PROPOSED,
        "may_decide": power_rights.may_decide_recall(visitor.actor, one.unit),
        "notice": notice_of(request),
    }
    return render(request, "takeovers/recall.html", context)


@router.post(f"{ADDRESS}/{{key}}/statement")
def post_statement(key: RowKey, form: GuardedForm, visitor: CurrentVisitor, database: PageDatabase) -> Response:
    """State the county's view."""
    text = text_of(form, "text")
    if not text:
        raise InvalidInput([FieldProblem("text", "必填")])
    with database.transaction() as session:
        recalls.record_statement(session, visitor.actor, key, text)
    return see(f"{ADDRESS}/{key}", "power_done")


@router.post(f"{ADDRESS}/{{key}}/drop")
def drop(key: RowKey, form: GuardedForm, visitor: CurrentVisitor, database: PageDatabase) -> Response:
    """Decide not to recall."""
    reason = reason_of(form)
    with database.transaction() as session:
        recalls.drop(session, visitor.actor, key, reason)
    return see(f"{ADDRESS}/{key}", "power_done")


@router.post(f"{ADDRESS}/{{key}}/restore")
def restore(key: RowKey, form: GuardedForm, visitor: CurrentVisitor, database: PageDatabase) -> Response:
    """Give the power back."""
    reason = reason_of(form)
    with database.transaction() as session:
        recalls.restore(session, visitor.actor, key, reason)
    return see(f"{ADDRESS}/{key}", "power_done")
