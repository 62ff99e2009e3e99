"""Guidance from the city (业务指导): questions, model cases, trainings on one page."""

from datetime import UTC, datetime
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from api.pages.powers import notice_of
from api.pages.rendering import render
from api.pages.routing import PageRoute, see
from api.pages.visitors import CurrentVisitor, GuardedForm, PageDatabase, RowKey, text_of
from models.database import CHINA
from services.accounts import guidance_rights
from services.errors import FieldProblem, InvalidInput
from services.guidance import consultations

ADDRESS: Final = "/powers/guidance"
PAGE_SIZE: Final = 30

router = APIRouter(route_class=PageRoute)


@router.get(ADDRESS)
def show_guidance(
    request: Request,
    visitor: CurrentVisitor,
    database: PageDatabase,
    q: Annotated[str, Query(max_length=100)] = "",
    item: Annotated[str, Query(max_length=32)] = "",
    questions_after: str | None = None,
    precedents_after: str | None = None,
    trainings_after: str | None = None,
) -> Response:
    """Show the questions one may read, the library and the trainings, each with pages of its own."""
    wanted = item.strip().upper() or None
    with database.reading() as session:
        questions = consultations.list_questions(
            session, visitor.actor, cursor=questions_after or None, limit=PAGE_SIZE
        )
        precedents = consultations.list_precedents(
            session, item=wanted, q=q or None, cursor=precedents_after or None, limit=PAGE_SIZE
        )
        trainings = consultations.list_trainings(session, cursor=trainings_after or None, limit=PAGE_SIZE)
    units = [unit for unit in visitor.units if guidance_rights.advises(visitor.actor, unit)]
    context = {
        "questions": questions,
        "precedents": precedents,
        "trainings": trainings,
        "mine": {one.id for one in questions.items if one.unit in units and one.answered_at is None},
        "may_ask": guidance_rights.may_ask(visitor.actor),
        "advisor_of": units[0] if units else "",
        "announces_for": [unit for unit in visitor.units if guidance_rights.may_announce_training(visitor.actor, unit)],
        "q": q,
        "item": item.strip(),
        "notice": notice_of(request),
    }
    return render(request, "guidance/consultations.html", context)


@router.post(f"{ADDRESS}/questions")
def ask(form: GuardedForm, visitor: CurrentVisitor, database: PageDatabase) -> Response:
    """Ask the advisor."""
    with database.transaction() as session:
        consultations.ask(
            session,
            visitor.actor,
            item=text_of(form, "item").upper() or None,
            case_no=text_of(form, "case_no") or None,
            text=_filled(form, "text"),
        )
    return see(ADDRESS, "power_done")


@router.post(f"{ADDRESS}/questions/{{key}}/answer")
def answer(key: RowKey, form: GuardedForm, visitor: CurrentVisitor, database: PageDatabase) -> Response:
    """Answer a question."""
    with database.transaction() as session:
        consultations.answer(session, visitor.actor, key, _filled(form, "text"))
    return see(ADDRESS, "power_done")


@router.post(f"{ADDRESS}/precedents")
def publish(form: GuardedForm, visitor: CurrentVisitor, database: PageDatabase) -> Response:
    """Add a model case."""
    with database.transaction() as session:
        consultations.publish_precedent(
            session,
            visitor.actor,
            item=text_of(form, "item").upper(),
            title=_filled(form, "title"),
            text=_filled(form, "text"),
        )
    return see(ADDRESS, "power_done")


@router.post(f"{ADDRESS}/trainings")
def announce(form: GuardedForm, visitor: CurrentVisitor, database: PageDatabase) -> Response:
    """Announce a training."""
    try:
        begins = datetime.fromisoformat(text_of(form, "begins_at")).replace(tzinfo=CHINA)
        begins.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise InvalidInput([FieldProblem("begins_at", "日期有误")]) from error
    with database.transaction() as session:
        consultations.announce_training(
            session,
            visitor.actor,
            unit=text_of(form, "unit"),
            title=_filled(form, "title"),
            begins_at=begins,
            place=text_of(form, "place"),
            text="",
        )
    return see(ADDRESS, "power_done")


@router.post(f"{ADDRESS}/trainings/{{key}}/attend")
def attend(key: RowKey, form: GuardedForm, visitor: CurrentVisitor, database: PageDatabase) -> Response:
    """Register one's attendance."""
    with database.transaction() as session:
        consultations.attend_training(session, visitor.actor, key)
    return see(ADDRESS, "power_done")


def _filled(form: GuardedForm, name: str) -> str:
    text = text_of(form, name)
    if not text:
        raise InvalidInput([FieldProblem(name, "必填")])
    return text
