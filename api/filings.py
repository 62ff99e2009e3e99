"""Filings (县级报备, 报批): county decisions on file with the city unit."""

from typing import Annotated

from fastapi import APIRouter, Path
from pydantic import BaseModel, ConfigDict, Field, StrictInt

from api.dependencies import Caller, Code, Cursor, Empty, Limit, WebDatabase
from api.problems import documented
from api.routing import API_BASE, LARGEST_INTEGER, StaffRoute
from models.filing import FilingState, ReviewFinding
from services.paging import Page
from services.powers import filing_views, filings
from services.powers.filing_views import FilingView

router = APIRouter(prefix=API_BASE, route_class=StaffRoute, tags=["powers"])

Number = Annotated[int, Path(ge=1, le=LARGEST_INTEGER, description="The filing's number.")]
Text = Annotated[str, Field(min_length=1, max_length=4000)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class QuestionInput(_Body):
    """The body of ``POST /filings/{id}/question``; the days are working days."""

    text: Text
    answer_due_days: StrictInt | None = Field(default=None, ge=1, le=filings.LONGEST_ANSWER_DAYS)


class AnswerInput(_Body):
    """The body of ``POST /filings/{id}/answer``."""

    text: Text


class ReviewInput(_Body):
    """The body of ``POST /filings/{id}/review``."""

    finding: ReviewFinding
    text: str = Field(default="", max_length=4000)


@router.get("/filings", responses=documented(401, 422))
def list_filings(
    caller: Caller,
    database: WebDatabase,
    state: FilingState | Empty | None = None,
    area: Code = None,
    unit: Code = None,
    case_no: Code = None,
    sampled: bool | None = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[FilingView]:
    """List the filings with one's city unit or of one's county, the newest first."""
    with database.reading() as session:
        return filing_views.list_filings(
            session,
            caller,
            state=state or None,
            area=area,
            unit=unit,
            case_no=case_no,
            sampled=sampled,
            cursor=cursor or None,
            limit=limit,
        )


@router.get("/filings/{number}", responses=documented(401, 403, 404))
def get_filing(number: Number, caller: Caller, database: WebDatabase) -> FilingView:
    """Return one filing."""
    with database.reading() as session:
        return filing_views.get(session, caller, number)


@router.post("/filings/{number}/acknowledge", responses=documented(401, 403, 404, conflict="filing_state"))
def acknowledge_filing(number: Number, caller: Caller, database: WebDatabase) -> FilingView:
    """Acknowledge a filing, as the city unit's reviewer or approver."""
    with database.transaction() as session:
        return filings.acknowledge(session, caller, number)


@router.post("/filings/{number}/question", responses=documented(401, 403, 404, 422, conflict="filing_state"))
def question_filing(number: Number, body: QuestionInput, caller: Caller, database: WebDatabase) -> FilingView:
    """Question the decision; the county answers within the days named, five by default."""
    with database.transaction() as session:
        return filings.question(session, caller, number, body.text, body.answer_due_days)


@router.post("/filings/{number}/answer", responses=documented(401, 403, 404, 422, conflict="filing_state"))
def answer_filing(number: Number, body: AnswerInput, caller: Caller, database: WebDatabase) -> FilingView:
    """Answer the open question for the county."""
    with database.transaction() as session:
        return filings.answer(session, caller, number, body.text)


@router.post("/filings/{number}/review", responses=documented(401, 403, 404, 422, conflict="filing_state"))
def review_filing(number: Number, body: ReviewInput, caller: Caller, database: WebDatabase) -> FilingView:
    """Record what the review of a sampled filing (抽查) found, once."""
    with database.transaction() as session:
        return filings.review(session, caller, number, body.finding, body.text)
