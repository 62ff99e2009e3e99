"""Filings of county decisions (县级报备), for the city unit that takes them and the county that answers."""

from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from api.pages.powers import notice_of
from api.pages.rendering import render
from api.pages.routing import PageRoute, see
from api.pages.visitors import CurrentVisitor, GuardedForm, PageDatabase, RowKey, text_of
from models.filing import FilingState, ReviewFinding
from services.accounts import power_rights
from services.errors import FieldProblem, InvalidInput
from services.powers import filing_views, filings

PAGE_SIZE: Final = 30
ADDRESS: Final = "/powers/filings"

router = APIRouter(route_class=PageRoute)


@router.get(ADDRESS)
def show_filings(
    request: Request,
    visitor: CurrentVisitor,
    database: PageDatabase,
    state: str = "",
    case_no: Annotated[str, Query(max_length=32)] = "",
    cursor: str | None = None,
) -> Response:
    """List the filings with what one may do about each."""
    wanted = FilingState(state) if state in set(FilingState) else None
    with database.reading() as session:
        page = filing_views.list_filings(
            session, visitor.actor, state=wanted, case_no=case_no.strip(), cursor=cursor or None, limit=PAGE_SIZE
        )
    context = {
        "page": page,
        "state": wanted.value if wanted else "",
        "case_no": case_no.strip(),
        "states": list(FilingState),
        "mine": {one.id for one in page.items if power_rights.may_handle_filing(visitor.actor, one.unit)},
        "county": {one.id for one in page.items if power_rights.may_answer_filing(visitor.actor, one.area)},
        "notice": notice_of(request),
    }
    return render(request, "powers/filings.html", context)


@router.post(f"{ADDRESS}/{{key}}/acknowledge")
def acknowledge(key: RowKey, form: GuardedForm, visitor: CurrentVisitor, database: PageDatabase) -> Response:
    """Acknowledge a filing."""
    with database.transaction() as session:
        filings.acknowledge(session, visitor.actor, key)
    return see(ADDRESS, "power_done")


@router.post(f"{ADDRESS}/{{key}}/question")
def question(key: RowKey, form: GuardedForm, visitor: CurrentVisitor, database: PageDatabase) -> Response:
    """Question a decision on file."""
    with database.transaction() as session:
        filings.question(session, visitor.actor, key, _text(text_of(form, "text")))
    return see(ADDRESS, "power_done")


@router.post(f"{ADDRESS}/{{key}}/answer")
def answer(key: RowKey, form: GuardedForm, visitor: CurrentVisitor, database: PageDatabase) -> Response:
    """Answer a question for the county."""
    with database.transaction() as session:
        filings.answer(session, visitor.actor, key, _text(text_of(form, "text")))
    return see(ADDRESS, "power_done")


@router.post(f"{ADDRESS}/{{key}}/review")
def review(key: RowKey, form: GuardedForm, visitor: CurrentVisitor, database: PageDatabase) -> Response:
    """Record the review of a sampled filing."""
    found = text_of(form, "finding")
    if found not in set(ReviewFinding):
        raise InvalidInput([FieldProblem("finding", "请选择评查结果")])
    with database.transaction() as session:
        filings.review(session, visitor.actor, key, ReviewFinding(found), text_of(form, "text"))
    return see(ADDRESS, "power_done")


def _text(text: str) -> str:
    if not text:
        raise InvalidInput([FieldProblem("text", "必填")])
    return text
