"""New lists of items (事项清单): import, differences, review."""

from typing import Any, Final

from fastapi import APIRouter, Request
from fastapi.responses import Response

from api.pages import words
from api.pages.agreements import day_of
from api.pages.powers import notice_of, reason_of
from api.pages.rendering import render
from api.pages.routing import PageRoute, see
from api.pages.visitors import CurrentVisitor, GuardedForm, PageDatabase, RowKey, Visitor, text_of
from models.catalogue import Mode
from models.list_version import ListDraftState
from services.accounts import publishing_rights
from services.errors import FieldProblem, InvalidInput
from services.publishing import list_versions

ADDRESS: Final = "/powers/lists"
PAGE_SIZE: Final = 30
NAMED_AREAS: Final = 4

router = APIRouter(route_class=PageRoute)


@router.get(ADDRESS)
def show_lists(
    request: Request, visitor: CurrentVisitor, database: PageDatabase, cursor: str | None = None
) -> Response:
    """List the drafts."""
    with database.reading() as session:
        page = list_versions.list_drafts(session, visitor.actor, cursor=cursor or None, limit=PAGE_SIZE)
    context = {"page": page, "may_draft": publishing_rights.may_draft_list(visitor.actor), "notice": notice_of(request)}
    return render(request, "publishing/list_versions.html", context)


@router.post(ADDRESS)
def import_list(form: GuardedForm, visitor: CurrentVisitor, database: PageDatabase) -> Response:
    """Import a list as a draft."""
    begins = day_of(text_of(form, "in_force_from"), "in_force_from")
    title = text_of(form, "title")
    if begins is None or not title:
        raise InvalidInput([FieldProblem("title" if begins else "in_force_from", "必填")])
    with database.transaction() as session:
        draft = list_versions.import_list(
            session,
            visitor.actor,
            title=title,
            source=text_of(form, "source"),
            in_force_from=begins,
            complete=text_of(form, "complete") == "yes",
            text=text_of(form, "csv"),
        )
    return see(f"{ADDRESS}/{draft.id}", "power_done")


@router.get(f"{ADDRESS}/{{key}}")
def show_list(request: Request, key: RowKey, visitor: CurrentVisitor, database: PageDatabase) -> Response:
    """Show a draft and what it changes."""
    with database.reading() as session:
        one = list_versions.get(session, visitor.actor, key)
    open_states = (ListDraftState.DRAFT, ListDraftState.REJECTED)
    context = {
        "one": one,
        "may_submit": one.state in open_states and publishing_rights.may_draft_list(visitor.actor),
        "may_publish": one.state is ListDraftState.REVIEW
        and publishing_rights.may_publish_list(visitor.actor, one.drafted_by),
        "words_of": lambda value: _display(visitor, value),
        "notice": notice_of(request),
    }
    return render(request, "publishing/list_version.html", context)


@router.post(f"{ADDRESS}/{{key}}/submit")
def submit(key: RowKey, form: GuardedForm, visitor: CurrentVisitor, database: PageDatabase) -> Response:
    """Hand a draft in for review."""
    with database.transaction() as session:
        list_versions.submit(session, visitor.actor, key)
    return see(f"{ADDRESS}/{key}", "power_done")


@router.post(f"{ADDRESS}/{{key}}/review")
def review(key: RowKey, form: GuardedForm, visitor: CurrentVisitor, database: PageDatabase) -> Response:
    """Publish a draft or send it back."""
    publishes = text_of(form, "step") == "publish"
    note = text_of(form, "note") if publishes else reason_of(form, "note")
    act = list_versions.publish if publishes else list_versions.reject
    with database.transaction() as session:
        act(session, visitor.actor, key, note)
    return see(f"{ADDRESS}/{key}", "power_done")


def _display(visitor: Visitor, value: Any) -> str:
    """Say a field's value in words."""
    match value:
        case None | "" | []:
            return "—"
        case bool():
            return "是" if value else "否"
        case list() if len(value) > NAMED_AREAS:
            return f"{visitor.areas.get(value[0], value[0])}等{len(value)}地"
        case list():
            return "、".join(str(visitor.areas.get(one, one)) for one in value)
        case str() if value in set(Mode):
            return words.MODES[Mode(value)]
    return visitor.units.get(str(value), str(value))
