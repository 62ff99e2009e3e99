"""New lists of items (事项清单): upload, difference, review, publication."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, ConfigDict, Field, StrictBool

from api.dependencies import Caller, Cursor, Limit, WebDatabase
from api.problems import documented
from api.routing import API_BASE, LARGEST_INTEGER, StaffRoute
from services.paging import Page
from services.publishing import list_versions
from services.publishing.list_versions import ListDraftRow, ListDraftView

router = APIRouter(prefix=API_BASE, route_class=StaffRoute, tags=["powers"])

Number = Annotated[int, Path(ge=1, le=LARGEST_INTEGER, description="The draft's number.")]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class ListInput(_Body):
    """The body of ``POST /list-drafts``: ``csv`` is a list in the form of ``catalog_data/items.csv``.

    ``complete``: items the list does not name end the day before it takes effect.
    """

    title: str = Field(min_length=1, max_length=200)
    source: str = Field(default="", max_length=200)
    in_force_from: date
    complete: StrictBool = False
    csv: str = Field(min_length=1, max_length=900_000)


class NoteInput(_Body):
    """The body of ``/publish``."""

    note: str = Field(default="", max_length=4000)


class RejectionInput(_Body):
    """The body of ``/reject``: what the drafter is to change."""

    note: str = Field(min_length=1, max_length=4000)


@router.get("/list-drafts", responses=documented(401, 403, 422))
def list_drafts(caller: Caller, database: WebDatabase, cursor: Cursor = None, limit: Limit = 50) -> Page[ListDraftRow]:
    """List the drafts of lists, the newest first."""
    with database.reading() as session:
        return list_versions.list_drafts(session, caller, cursor=cursor or None, limit=limit)


@router.post("/list-drafts", status_code=201, responses=documented(401, 403, 413, 415, 422))
def import_list(body: ListInput, response: Response, caller: Caller, database: WebDatabase) -> ListDraftView:
    """Import a list as a draft; nothing changes until another person publishes it."""
    with database.transaction() as session:
        draft = list_versions.import_list(
            session,
            caller,
            title=body.title,
            source=body.source,
            in_force_from=body.in_force_from,
            complete=body.complete,
            text=body.csv,
        )
    response.headers["Location"] = f"{API_BASE}/list-drafts/{draft.id}"
    return draft


@router.get("/list-drafts/{number}", responses=documented(401, 403, 404))
def get_draft(number: Number, caller: Caller, database: WebDatabase) -> ListDraftView:
    """Return a draft with its differences from what is in force on its day."""
    with database.reading() as session:
        return list_versions.get(session, caller, number)


@router.post("/list-drafts/{number}/submit", responses=documented(401, 403, 404, conflict="list_state"))
def submit_draft(number: Number, caller: Caller, database: WebDatabase) -> ListDraftView:
    """Hand a draft in for review."""
    with database.transaction() as session:
        return list_versions.submit(session, caller, number)


@router.post(
    "/list-drafts/{number}/publish", responses=documented(401, 403, 404, 422, conflict="list_state, same_person")
)
def publish_draft(
    number: Number, caller: Caller, database: WebDatabase, body: NoteInput | None = None
) -> ListDraftView:
    """Publish a reviewed list, as a person other than its drafter; running cases keep their version."""
    with database.transaction() as session:
        return list_versions.publish(session, caller, number, body.note if body else "")


@router.post(
    "/list-drafts/{number}/reject", responses=documented(401, 403, 404, 422, conflict="list_state, same_person")
)
def reject_draft(number: Number, body: RejectionInput, caller: Caller, database: WebDatabase) -> ListDraftView:
    """Send a draft back to its drafter."""
    with database.transaction() as session:
        return list_versions.reject(session, caller, number, body.note)
