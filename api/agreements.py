"""Takeover agreements (承接协议) and the ledger of delegated powers."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, ConfigDict, Field

from api.dependencies import Caller, Code, Cursor, Empty, Limit, WebDatabase
from api.downloads import PdfResponse, pdf_named
from api.problems import documented
from api.routing import API_BASE, LARGEST_INTEGER, StaffRoute
from models.agreement import AgreementState, Side
from models.power_event import PowerSubject
from services.paging import Page
from services.powers import agreement_paper, agreements, ledger
from services.powers.agreements import AgreementView
from services.powers.ledger import PowerEventView

router = APIRouter(prefix=API_BASE, route_class=StaffRoute, tags=["powers"])

Number = Annotated[int, Path(ge=1, le=LARGEST_INTEGER, description="The agreement's number.")]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class AgreementInput(_Body):
    """The body of ``POST /agreements``; without ``in_force_from`` the agreement counts as soon as both signed."""

    area: str = Field(min_length=1, max_length=32)
    unit: str = Field(min_length=1, max_length=32)
    items: list[Annotated[str, Field(min_length=1, max_length=32)]] = Field(min_length=1, max_length=500)
    procedure: str = Field(min_length=1, max_length=20_000)
    in_force_from: date | None = None


class SideInput(_Body):
    """The body of ``/sign``, needed from an account that acts for both sides while neither has signed."""

    side: Side


class ReasonInput(_Body):
    """The body of ``/suspend``, ``/resume`` and ``/end``, where one is sent."""

    reason: str = Field(min_length=1, max_length=2000)


@router.get("/agreements", responses=documented(401, 422))
def list_agreements(
    caller: Caller,
    database: WebDatabase,
    area: Code = None,
    unit: Code = None,
    item: Code = None,
    state: AgreementState | Empty | None = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[AgreementView]:
    """List the takeover agreements, the newest first."""
    with database.reading() as session:
        return agreements.list_agreements(
            session, area=area, unit=unit, item=item, state=state or None, cursor=cursor or None, limit=limit
        )


@router.post("/agreements", status_code=201, responses=documented(401, 403, 413, 415, 422))
def draft_agreement(body: AgreementInput, response: Response, caller: Caller, database: WebDatabase) -> AgreementView:
    """Draft an agreement, as one of its sides' approvers or the coordinator."""
    with database.transaction() as session:
        drafted = agreements.draft(
            session,
            caller,
            area=body.area,
            unit=body.unit,
            items=body.items,
            procedure=body.procedure,
            in_force_from=body.in_force_from,
        )
    response.headers["Location"] = f"{API_BASE}/agreements/{drafted.id}"
    return drafted


@router.get("/agreements/{number}/paper", response_class=PdfResponse, responses=documented(401, 404))
def get_agreement_paper(number: Number, caller: Caller, database: WebDatabase) -> Response:
    """Return the agreement as a paper with both signatures, a draft marked as one."""
    with database.reading() as session:
        return pdf_named(agreement_paper.draw(session, number), f"agreement-{number}.pdf", f"承接协议-{number}.pdf")


@router.get("/agreements/{number}", responses=documented(401, 404))
def get_agreement(number: Number, caller: Caller, database: WebDatabase) -> AgreementView:
    """Return one agreement with its history."""
    with database.reading() as session:
        return agreements.get(session, number)


@router.post(
    "/agreements/{number}/sign", responses=documented(401, 403, 404, 422, conflict="already_signed, agreement_state")
)
def sign_agreement(
    number: Number, caller: Caller, database: WebDatabase, body: SideInput | None = None
) -> AgreementView:
    """Sign for one's side, once; the second signature concludes the agreement.

    An account that acts for both sides signs for the one that is missing, and names it where both are (422).
    """
    with database.transaction() as session:
        return agreements.sign(session, caller, number, body.side if body else None)


@router.post("/agreements/{number}/suspend", responses=documented(401, 403, 404, 422, conflict="agreement_state"))
def suspend_agreement(
    number: Number, caller: Caller, database: WebDatabase, body: ReasonInput | None = None
) -> AgreementView:
    """Suspend an agreement: its items are locked in that area until it is resumed; running cases go on."""
    with database.transaction() as session:
        return agreements.suspend(session, caller, number, body.reason if body else "")


@router.post("/agreements/{number}/resume", responses=documented(401, 403, 404, 422, conflict="agreement_state"))
def resume_agreement(
    number: Number, caller: Caller, database: WebDatabase, body: ReasonInput | None = None
) -> AgreementView:
    """Resume a suspended agreement."""
    with database.transaction() as session:
        return agreements.resume(session, caller, number, body.reason if body else "")


@router.post("/agreements/{number}/end", responses=documented(401, 403, 404, 422, conflict="agreement_state"))
def end_agreement(
    number: Number, caller: Caller, database: WebDatabase, body: ReasonInput | None = None
) -> AgreementView:
    """End an agreement for good; running cases go on."""
    with database.transaction() as session:
        return agreements.end(session, caller, number, body.reason if body else "")


@router.get("/power-events", responses=documented(401, 403, 422))
def list_power_events(
    caller: Caller,
    database: WebDatabase,
    subject: PowerSubject | Empty | None = None,
    area: Code = None,
    unit: Code = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[PowerEventView]:
    """List what happened to agreements, recalls and lists, and to one's own filings and questions, newest first."""
    with database.reading() as session:
        return ledger.page(
            session, caller, subject=subject or None, area=area, unit=unit, cursor=cursor or None, limit=limit
        )
