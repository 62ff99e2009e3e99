"""Recalls of delegated powers (收回权限) and second transfers of county units (二次划转)."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from api.dependencies import Caller, Code, Cursor, Empty, Limit, WebDatabase
from api.problems import documented
from api.routing import API_BASE, LARGEST_INTEGER, StaffRoute
from models.in_flight import InFlight
from models.recall import RecallState
from services.paging import Page, page_of
from services.takeovers import recall_views, recalls, unit_transfers
from services.takeovers.cases_in_flight import PreviewRow
from services.takeovers.recall_views import RecallView, Suggestion
from services.takeovers.unit_transfers import UnitTransferView

router = APIRouter(prefix=API_BASE, route_class=StaffRoute, tags=["powers"])

Number = Annotated[int, Path(ge=1, le=LARGEST_INTEGER, description="The recall's number; a proposal keeps its own.")]
Short = Annotated[str, Field(min_length=1, max_length=32)]
Text = Annotated[str, Field(min_length=1, max_length=4000)]
Name = Annotated[str, Query(min_length=1, max_length=64)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class ProposalInput(_Body):
    """The body of ``POST /recall-proposals``."""

    item: Short
    area: Short
    reason: Text


class StatementInput(_Body):
    """The body of ``POST /recall-proposals/{id}/statement``."""

    text: Text


class RecallInput(_Body):
    """The body of ``POST /recalls``; a day that has come means at once."""

    item: Short
    area: Short
    reason: Text
    effective_on: date | None = None
    in_flight: InFlight


class ReasonInput(_Body):
    """The body of ``/drop``, ``/restore`` and ``/revoke``."""

    reason: Text


class UnitTransferInput(_Body):
    """The body of ``POST /unit-transfers``; ``unit`` is the county unit that takes over.

    ``in_flight`` says whether the cases in flight move with the item (``transfer``) or stay with their unit.
    """

    area: Short
    item: Short
    unit: Short
    effective_on: date | None = None
    reason: Text
    in_flight: InFlight = InFlight.FINISH


@router.get("/recall-suggestions", responses=documented(401, 403, 422))
def list_suggestions(
    caller: Caller,
    database: WebDatabase,
    item: Code = None,
    area: Code = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[Suggestion]:
    """List the monitoring figures by item and area, those that suggest a recall first."""
    with database.reading() as session:
        found = recall_views.suggestions(session, item=item, area=area)
    return page_of(found, lambda one: f"{one.item}:{one.area}", cursor, limit)


@router.get("/recalls/preview", responses=documented(401, 403, 422))
def preview_recall(item: Name, area: Name, caller: Caller, database: WebDatabase) -> Page[PreviewRow]:
    """List every case in flight and what each choice would do to it."""
    with database.reading() as session:
        return recalls.preview(session, caller, item, area)


@router.get("/recalls", responses=documented(401, 403, 422))
def list_recalls(
    caller: Caller,
    database: WebDatabase,
    item: Code = None,
    area: Code = None,
    state: RecallState | Empty | None = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[RecallView]:
    """List recalls and proposals, the newest first."""
    with database.reading() as session:
        return recalls.list_recalls(
            session, caller, item=item, area=area, state=state or None, cursor=cursor or None, limit=limit
        )


@router.get("/recalls/{number}", responses=documented(401, 403, 404))
def get_recall(number: Number, caller: Caller, database: WebDatabase) -> RecallView:
    """Return one recall with its cases and its history."""
    with database.reading() as session:
        return recalls.get(session, caller, number)


@router.post(
    "/recall-proposals",
    status_code=201,
    responses=documented(401, 403, 422, conflict="already_recalled, recall_state"),
)
def propose_recall(body: ProposalInput, response: Response, caller: Caller, database: WebDatabase) -> RecallView:
    """Propose a recall; the county may state its view within five working days."""
    with database.transaction() as session:
        proposed = recalls.propose(session, caller, body.item, body.area, body.reason)
    response.headers["Location"] = f"{API_BASE}/recalls/{proposed.id}"
    return proposed


@router.post("/recall-proposals/{number}/statement", responses=documented(401, 403, 404, 422, conflict="recall_state"))
def post_statement(number: Number, body: StatementInput, caller: Caller, database: WebDatabase) -> RecallView:
    """State the county's view (陈述意见), as its approver or chief representative."""
    with database.transaction() as session:
        return recalls.record_statement(session, caller, number, body.text)


@router.post("/recall-proposals/{number}/drop", responses=documented(401, 403, 404, 422, conflict="recall_state"))
def drop_proposal(number: Number, body: ReasonInput, caller: Caller, database: WebDatabase) -> RecallView:
    """Decide not to recall."""
    with database.transaction() as session:
        return recalls.drop(session, caller, number, body.reason)


@router.post(
    "/recalls", status_code=201, responses=documented(401, 403, 422, conflict="already_recalled, county_not_heard")
)
def decide_recall(body: RecallInput, response: Response, caller: Caller, database: WebDatabase) -> RecallView:
    """Record a decided recall, as the coordinator or the city unit's approver."""
    with database.transaction() as session:
        decided = recalls.decide(
            session,
            caller,
            item=body.item,
            area=body.area,
            reason=body.reason,
            effective_on=body.effective_on,
            in_flight=body.in_flight,
        )
    response.headers["Location"] = f"{API_BASE}/recalls/{decided.id}"
    return decided


@router.post("/recalls/{number}/restore", responses=documented(401, 403, 404, 422, conflict="recall_state"))
def restore_power(number: Number, body: ReasonInput, caller: Caller, database: WebDatabase) -> RecallView:
    """Give the power back from today on, or revoke a recall that has not taken effect."""
    with database.transaction() as session:
        return recalls.restore(session, caller, number, body.reason)


@router.get("/unit-transfers", responses=documented(401, 422))
def list_unit_transfers(
    caller: Caller,
    database: WebDatabase,
    area: Code = None,
    item: Code = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[UnitTransferView]:
    """List the second transfers (二次划转), the newest first."""
    with database.reading() as session:
        return unit_transfers.list_transfers(session, area=area, item=item, cursor=cursor or None, limit=limit)


@router.get("/unit-transfers/preview", responses=documented(401, 403, 422))
def preview_unit_transfer(
    item: Name, area: Name, unit: Name, caller: Caller, database: WebDatabase
) -> Page[PreviewRow]:
    """Show every case in flight and what each choice would do to it, before anything is decided."""
    with database.reading() as session:
        return unit_transfers.preview(session, caller, item, area, unit)


@router.get("/unit-transfers/{number}", responses=documented(401, 404, 422))
def get_unit_transfer(number: Number, caller: Caller, database: WebDatabase) -> UnitTransferView:
    """Return one second transfer with its cases and its history."""
    with database.reading() as session:
        return unit_transfers.get(session, number)


@router.post("/unit-transfers", status_code=201, responses=documented(401, 403, 422, conflict="unit_transfer_pending"))
def transfer_unit(
    body: UnitTransferInput, response: Response, caller: Caller, database: WebDatabase
) -> UnitTransferView:
    """Have another county unit handle an item from a day on, its running cases with it or not."""
    with database.transaction() as session:
        decided = unit_transfers.decide(
            session,
            caller,
            area=body.area,
            item=body.item,
            unit=body.unit,
            effective_on=body.effective_on,
            reason=body.reason,
            in_flight=body.in_flight,
        )
    response.headers["Location"] = f"{API_BASE}/unit-transfers/{decided.id}"
    return decided


@router.post(
    "/unit-transfers/{number}/revoke", responses=documented(401, 403, 404, 422, conflict="unit_transfer_state")
)
def revoke_unit_transfer(number: Number, body: ReasonInput, caller: Caller, database: WebDatabase) -> UnitTransferView:
    """Revoke a transfer before its day; one that has taken effect is undone by another."""
    with database.transaction() as session:
        return unit_transfers.revoke(session, caller, number, body.reason)
