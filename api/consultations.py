"""Guidance from the city: questions to advisors (业务指导员), model cases (典型案例), trainings (业务培训)."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from api.dependencies import Caller, Code, Cursor, Limit, Search, WebDatabase
from api.problems import documented
from api.routing import API_BASE, LARGEST_INTEGER, StaffRoute
from models.database import CHINA
from services.errors import FieldProblem, InvalidInput
from services.guidance import consultations
from services.guidance.consultations import PrecedentView, QuestionView, TrainingView
from services.paging import Page

router = APIRouter(prefix=API_BASE, route_class=StaffRoute, tags=["guidance"])

Number = Annotated[int, Path(ge=1, le=LARGEST_INTEGER)]
Text = Annotated[str, Field(min_length=1, max_length=8000)]
Title = Annotated[str, Field(min_length=1, max_length=200)]
Short = Annotated[str, Field(min_length=1, max_length=32)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class QuestionInput(_Body):
    """The body of ``POST /questions``: about an item, or a case of one's county."""

    item: Short | None = None
    case_no: Short | None = None
    text: Text


class AnswerInput(_Body):
    """The body of ``POST /questions/{id}/answer``."""

    text: Text


class PrecedentInput(_Body):
    """The body of ``POST /precedents``."""

    item: Short
    title: Title
    text: Text


class TrainingInput(_Body):
    """The body of ``POST /trainings``."""

    unit: Short
    title: Title
    begins_at: AwareDatetime
    place: str = Field(default="", max_length=200)
    text: str = Field(default="", max_length=8000)


@router.get("/questions", responses=documented(401, 422))
def list_questions(
    caller: Caller,
    database: WebDatabase,
    item: Code = None,
    case_no: Code = None,
    open_only: bool = False,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[QuestionView]:
    """List one's county's or unit's questions with their answer times, the newest first."""
    with database.reading() as session:
        return consultations.list_questions(
            session, caller, item=item, case_no=case_no, open_only=open_only, cursor=cursor or None, limit=limit
        )


@router.post("/questions", status_code=201, responses=documented(401, 403, 404, 422))
def ask_question(body: QuestionInput, caller: Caller, database: WebDatabase) -> QuestionView:
    """Ask the advisor of the city unit that owns the item."""
    with database.transaction() as session:
        return consultations.ask(session, caller, item=body.item, case_no=body.case_no, text=body.text)


@router.post("/questions/{number}/answer", responses=documented(401, 403, 404, 422, conflict="question_answered"))
def answer_question(number: Number, body: AnswerInput, caller: Caller, database: WebDatabase) -> QuestionView:
    """Answer a question, as the unit's advisor."""
    with database.transaction() as session:
        return consultations.answer(session, caller, number, body.text)


@router.get("/precedents", responses=documented(401, 422))
def list_precedents(
    caller: Caller,
    database: WebDatabase,
    item: Code = None,
    q: Search = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[PrecedentView]:
    """Search the library of model cases (典型案例)."""
    with database.reading() as session:
        return consultations.list_precedents(session, item=item, q=q, cursor=cursor or None, limit=limit)


@router.post("/precedents", status_code=201, responses=documented(401, 403, 422))
def publish_precedent(body: PrecedentInput, caller: Caller, database: WebDatabase) -> PrecedentView:
    """Add a model case, as the unit's advisor."""
    with database.transaction() as session:
        return consultations.publish_precedent(session, caller, item=body.item, title=body.title, text=body.text)


@router.get("/trainings", responses=documented(401, 422))
def list_trainings(
    caller: Caller, database: WebDatabase, cursor: Cursor = None, limit: Limit = 50
) -> Page[TrainingView]:
    """List the trainings, the newest first."""
    with database.reading() as session:
        return consultations.list_trainings(session, cursor=cursor or None, limit=limit)


@router.post("/trainings", status_code=201, responses=documented(401, 403, 422))
def announce_training(body: TrainingInput, caller: Caller, database: WebDatabase) -> TrainingView:
    """Announce a training, as an advisor or the coordinator."""
    begins_at: datetime = body.begins_at
    if not 2000 <= begins_at.year <= 2200:
        raise InvalidInput([FieldProblem("begins_at", "日期有误")])
    with database.transaction() as session:
        return consultations.announce_training(
            session,
            caller,
            unit=body.unit,
            title=body.title,
            begins_at=begins_at.astimezone(CHINA),
            place=body.place,
            text=body.text,
        )


@router.post("/trainings/{number}/attend", responses=documented(401, 403, 404, conflict="training_not_begun"))
def attend_training(number: Number, caller: Caller, database: WebDatabase) -> TrainingView:
    """Register one's attendance; a second time changes nothing."""
    with database.transaction() as session:
        return consultations.attend_training(session, caller, number)
