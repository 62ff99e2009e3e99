"""The system administrator's seals (印章管理): what each may be used for, its certificate, its uses and refusals."""

from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import Response
from starlette.datastructures import FormData

from api.pages import words
from api.pages.rendering import render
from api.pages.routing import PageRoute, see
from api.pages.visitors import CurrentVisitor, GuardedForm, PageDatabase, RowKey, Visitor, require, text_of
from models.catalogue import Mode
from models.database import Database
from models.signature import UseOutcome
from services.errors import FieldProblem, InvalidInput
from services.signatures import administration, registry
from services.signatures.administration import LONGEST_REASON, LONGEST_TEXT, MOST_ITEMS, SealInUse
from services.signatures.registry import REFUSAL_WORDS

PAGE_SIZE: Final = 50
OUTCOMES: Final = {UseOutcome.SEALED: "已用印", UseOutcome.REFUSED: "被拒绝"}

router = APIRouter(route_class=PageRoute)


@router.get(registry.PAGE)
def show_seals(
    request: Request,
    visitor: CurrentVisitor,
    database: PageDatabase,
    q: str = "",
    cursor: str | None = None,
    notice: str = "",
) -> Response:
    """List the seals."""
    return _list(request, database, visitor, q=q, cursor=cursor, notice=notice)


@router.post(registry.PAGE)
def register(request: Request, visitor: CurrentVisitor, form: GuardedForm, database: PageDatabase) -> Response:
    """Register a seal."""
    require(_administers, visitor)
    given = {name: text_of(form, name) for name in ("text", "owner")}
    problems = [
        FieldProblem(name, f"请填写 2 至 {LONGEST_TEXT} 个字")
        for name, text in given.items()
        if not 2 <= len(text) <= LONGEST_TEXT
    ]
    if not problems:
        try:
            with database.transaction() as session:
                administration.register(session, visitor.actor, given["text"], given["owner"], [], [])
        except SealInUse as error:
            problems = [FieldProblem("text", error.detail)]
    if problems:
        return _list(request, database, visitor, problems=problems, given=given)
    return see(registry.PAGE, "seal_registered")


@router.get(registry.PAGE + "/{key}")
def show_seal(
    request: Request,
    key: RowKey,
    visitor: CurrentVisitor,
    database: PageDatabase,
    cursor: str | None = None,
    notice: str = "",
) -> Response:
    """Show one seal and its uses."""
    return _one(request, database, visitor, key, cursor=cursor, notice=notice)


@router.post(registry.PAGE + "/{key}/suspend")
def suspend(
    request: Request, key: RowKey, visitor: CurrentVisitor, form: GuardedForm, database: PageDatabase
) -> Response:
    """Suspend a seal for a reason."""
    require(_administers, visitor)
    reason = text_of(form, "reason")
    if not 2 <= len(reason) <= LONGEST_REASON:
        return _one(request, database, visitor, key, problems=[FieldProblem("reason", "请填写停用原因")])
    with database.transaction() as session:
        administration.suspend(session, visitor.actor, key, reason)
    return see(f"{registry.PAGE}/{key}", "seal_suspended")


@router.post(registry.PAGE + "/{key}/resume")
def resume(key: RowKey, visitor: CurrentVisitor, _form: GuardedForm, database: PageDatabase) -> Response:
    """Let a seal be used again."""
    require(_administers, visitor)
    with database.transaction() as session:
        administration.resume(session, visitor.actor, key)
    return see(f"{registry.PAGE}/{key}", "seal_resumed")


@router.post(registry.PAGE + "/{key}/renew")
def renew(key: RowKey, visitor: CurrentVisitor, _form: GuardedForm, database: PageDatabase) -> Response:
    """Give a seal a new certificate."""
    require(_administers, visitor)
    with database.transaction() as session:
        administration.renew(session, visitor.actor, key)
    return see(f"{registry.PAGE}/{key}", "seal_renewed")


@router.post(registry.PAGE + "/{key}/scope")
def limit_to(
    request: Request, key: RowKey, visitor: CurrentVisitor, form: GuardedForm, database: PageDatabase
) -> Response:
    """Limit a seal to items and modes."""
    require(_administers, visitor)
    items = text_of(form, "items").replace("，", " ").replace(",", " ").split()[:MOST_ITEMS]
    try:
        with database.transaction() as session:
            administration.limit_to(session, visitor.actor, key, items, _modes(form))
    except InvalidInput as error:
        return _one(request, database, visitor, key, problems=error.problems, items=items)
    return see(f"{registry.PAGE}/{key}", "seal_limited")


def _modes(form: FormData) -> list[Mode]:
    chosen = {str(one) for one in form.getlist("modes")}
    return [mode for mode in Mode if mode.value in chosen]


def _list(
    request: Request,
    database: Database,
    visitor: Visitor,
    *,
    q: str = "",
    cursor: str | None = None,
    notice: str = "",
    problems: list[FieldProblem] | None = None,
    given: dict[str, str] | None = None,
) -> Response:
    require(_administers, visitor)
    with database.reading() as session:
        page = administration.seals(session, visitor.actor, q=q[:LONGEST_TEXT], cursor=cursor or None, limit=PAGE_SIZE)
    context = {
        "page": page,
        "q": q,
        "first": not cursor,
        "given": given or {"text": "", "owner": ""},
        "errors": {one.field: one.message for one in problems or []},
        "notice": words.NOTICES.get(notice, ""),
    }
    return render(request, "signatures/seals.html", context, 422 if problems else 200)


def _one(
    request: Request,
    database: Database,
    visitor: Visitor,
    key: int,
    *,
    cursor: str | None = None,
    notice: str = "",
    problems: list[FieldProblem] | None = None,
    items: list[str] | None = None,
) -> Response:
    require(_administers, visitor)
    with database.reading() as session:
        seal = administration.get(session, visitor.actor, key)
        uses = administration.uses(session, visitor.actor, key, cursor=cursor or None, limit=PAGE_SIZE)
    context = {
        "seal": seal,
        "uses": uses,
        "outcomes": OUTCOMES,
        "reasons": {reason.value: text for reason, text in REFUSAL_WORDS.items()},
        "all_modes": Mode,
        "items": seal.items if items is None else items,
        "first": not cursor,
        "errors": {one.field: one.message for one in problems or []},
        "notice": words.NOTICES.get(notice, ""),
    }
    return render(request, "signatures/seal.html", context, 422 if problems else 200)


def _administers(visitor: Visitor) -> bool:
    return visitor.administers
