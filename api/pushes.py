"""Supervision (审管互动): the ledger of pushes, and what supervisors and approvers do with them."""

from typing import Annotated

from fastapi import APIRouter, Header, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field, StrictInt

from api.dependencies import Caller, Code, Cursor, Empty, EngineKey, Limit, WebDatabase, engine_key
from api.downloads import PdfResponse, pdf_named
from api.problems import documented
from api.routing import API_BASE, LARGEST_INTEGER, StaffRoute
from models.supervision import FeedbackKind
from services.paging import Page
from services.supervision import letters, push_feedback, push_ledger
from services.supervision.push_feedback import MAX_TEXT_LENGTH
from services.supervision.push_ledger import FeedbackView, LedgerFigures, PushDetail, PushState, PushView

router = APIRouter(prefix=API_BASE, route_class=StaffRoute, tags=["supervision"])

Text = Annotated[str, Field(min_length=1, max_length=MAX_TEXT_LENGTH)]
FeedbackId = Annotated[int, Path(ge=1, le=LARGEST_INTEGER)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class FeedbackInput(_Body):
    """The body of ``POST /pushes/{id}/feedback``."""

    kind: FeedbackKind
    text: Text


class AnswerInput(_Body):
    """The body of ``POST /pushes/{id}/answer``; without ``feedback_id`` it answers all that is unanswered."""

    text: Text
    feedback_id: StrictInt | None = Field(default=None, ge=1, le=LARGEST_INTEGER)


@router.get("/pushes", responses=documented(401, 422))
def list_pushes(
    caller: Caller,
    database: WebDatabase,
    state: Annotated[PushState | Empty | None, Query(description="Keep pushes in this state.")] = None,
    case_no: Code = None,
    to: Annotated[str | None, Query(max_length=128, description="The recipient's account group.")] = None,
    item: Code = None,
    area: Code = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[PushView]:
    """List the pushes addressed to the account, of cases it decides, or, for the coordinator, all; newest first."""
    with database.reading() as session:
        return push_ledger.list_pushes(
            session,
            caller,
            state=state or None,
            case_no=case_no or None,
            to=to or None,
            item=item or None,
            area=area or None,
            cursor=cursor or None,
            limit=limit,
        )


@router.get("/push-figures", responses=documented(401))
def get_push_figures(caller: Caller, database: WebDatabase) -> LedgerFigures:
    """Count the pushes the account may see, by state."""
    with database.reading() as session:
        return push_ledger.figures(session, caller)


@router.get("/pushes/{id}", responses=documented(401, 403, 404))
def get_push(id: EngineKey, caller: Caller, database: WebDatabase) -> PushDetail:
    """Return one push with its sheet (审管信息推送单); reading the applicant's identity leaves an audit entry."""
    with database.transaction() as session:
        return push_ledger.get_push(session, caller, engine_key(id))


@router.get("/pushes/{id}/sheet", response_class=PdfResponse, responses=documented(401, 403, 404))
def get_push_sheet(id: EngineKey, caller: Caller, database: WebDatabase) -> Response:
    """Return the push as a paper (审管信息推送单); naming the applicant leaves an audit entry."""
    key = engine_key(id)
    with database.transaction() as session:
        sheet = letters.draw_push_sheet(session, caller, key)
    return pdf_named(sheet, f"push-{key}.pdf", f"审管信息推送单-{key}.pdf")


@router.post("/pushes/{id}/claim", responses=documented(401, 403, 404, conflict="push_claimed"))
def claim_push(id: EngineKey, caller: Caller, database: WebDatabase) -> PushView:
    """Take a push over as its supervisor (认领)."""
    with database.transaction() as session:
        return push_ledger.push_view(session, push_feedback.claim(session, caller, engine_key(id)))


@router.post(
    "/pushes/{id}/feedback",
    status_code=201,
    responses=documented(401, 403, 404, 413, 415, 422, conflict="idempotency_conflict")
    | {200: {"model": FeedbackView, "description": "A repetition: the feedback given before."}},
)
def give_feedback(
    id: EngineKey,
    body: FeedbackInput,
    caller: Caller,
    database: WebDatabase,
    response: Response,
    key: Annotated[
        str | None, Header(alias="Idempotency-Key", min_length=1, max_length=push_feedback.MAX_KEY_LENGTH)
    ] = None,
) -> FeedbackView:
    """Return a result of supervision to the approver; whoever gives it claims the push by it.

    Sent again, with the same key or, without one, with the same words on the same day, it is answered alike (200).
    """
    with database.transaction() as session:
        given, new = push_feedback.give_feedback(session, caller, engine_key(id), body.kind, body.text, key)
        response.status_code = 201 if new else 200
        return FeedbackView.model_validate(given, from_attributes=True)


@router.post("/pushes/{id}/read", responses=documented(401, 403, 404, conflict="no_feedback"))
def read_feedback(id: EngineKey, caller: Caller, database: WebDatabase) -> PushView:
    """Note that the approver has read the push's feedback."""
    with database.transaction() as session:
        return push_ledger.push_view(session, push_feedback.read_feedback(session, caller, engine_key(id)))


@router.post("/pushes/{id}/answer", responses=documented(401, 403, 404, 413, 415, 422, conflict="no_feedback"))
def answer_feedback(id: EngineKey, body: AnswerInput, caller: Caller, database: WebDatabase) -> PushView:
    """Answer the push's feedback as the approver of the case."""
    with database.transaction() as session:
        found = push_feedback.answer(session, caller, engine_key(id), body.text, body.feedback_id)
        return push_ledger.push_view(session, found)


@router.post("/pushes/{id}/feedback/{feedback_id}/lift", responses=documented(401, 403, 404, conflict="not_restricted"))
def lift_restriction(id: EngineKey, feedback_id: FeedbackId, caller: Caller, database: WebDatabase) -> PushView:
    """End a restriction; the applicant's next application no longer shows it."""
    with database.transaction() as session:
        found = push_feedback.lift(session, caller, engine_key(id), feedback_id)
        return push_ledger.push_view(session, found)
