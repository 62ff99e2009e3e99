"""Cases (办件): submit, list, read, and what people do to a case outside its tasks."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field, StrictInt

from api.dependencies import Caller, Code, Cursor, Empty, IsoDate, Limit, Purpose, Search, WebDatabase
from api.problems import documented
from api.routing import API_BASE, StaffRoute, SubmissionRoute
from models.case import CaseState
from models.catalogue import Mode
from models.special_procedure import SpecialKind
from services.accounts import case_access
from services.casefile import case_list, whole_case
from services.casefile.views import CaseRow, CaseView
from services.cases import applicant_actions, hearings, special_procedures, submission
from services.cases.submission_input import CaseSubmission, MaterialInput, StateView, SubmissionReceipt
from services.cases.views import SpecialProcedureView
from services.paging import Page

submissions = APIRouter(prefix=API_BASE, route_class=SubmissionRoute, tags=["cases"])
router = APIRouter(prefix=API_BASE, route_class=StaffRoute, tags=["cases"])

CaseNumber = Annotated[str, Path(max_length=200, description="The case's number (办件流水号).")]
Reason = Annotated[str, Field(min_length=1, max_length=1000)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class Supplement(_Body):
    """The body of ``POST /cases/{case_no}/materials``: what the applicant brought after a correction notice."""

    materials: list[MaterialInput] = Field(min_length=1, max_length=200)


class Withdrawal(_Body):
    """The body of ``POST /cases/{case_no}/withdraw``."""

    reason: Reason


class SpecialProcedureInput(_Body):
    """The body of ``POST /cases/{case_no}/special-procedures``; ``days`` are working days.

    A hearing (听证) may name its presiding officer and its days; they must keep articles 47 and 48.
    """

    kind: SpecialKind
    days: StrictInt = Field(ge=1, le=special_procedures.LONGEST_PLAN_DAYS)
    reason: Reason
    presiding_officer: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    told_on: IsoDate | None = None
    requested_on: IsoDate | None = None
    held_on: IsoDate | None = None

    def hearing(self) -> hearings.Hearing | None:
        """Return the particulars of a hearing, None when none is given."""
        given = (self.presiding_officer, self.held_on, self.told_on, self.requested_on)
        return hearings.Hearing(*given) if any(one is not None for one in given) else None


class HearingInput(_Body):
    """The body of ``PUT /cases/{case_no}/special-procedures/{id}/hearing``: what is now known; the rest is kept."""

    presiding_officer: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    told_on: IsoDate | None = None
    requested_on: IsoDate | None = None
    held_on: IsoDate | None = None


class ExtensionInput(_Body):
    """The body of ``POST /cases/{case_no}/extension``; ``days`` are working days within what the guide allows."""

    days: StrictInt = Field(ge=1, le=special_procedures.LONGEST_EXTENSION_DAYS)
    reason: Reason


class CaseOutcome(BaseModel):
    """The short answer to an action: the case and its state now."""

    case_no: str
    state: StateView


class ExtensionView(BaseModel):
    """The extension of a case's limit and the due instant it leads to."""

    case_no: str
    days: int
    reason: str
    approved_by: str
    approved_at: datetime
    due_at: datetime | None
    provisional: bool


@submissions.post(
    "/cases",
    status_code=201,
    responses={
        200: {"model": SubmissionReceipt, "description": "The same key and body came before: the same case."},
        **documented(
            401,
            403,
            413,
            415,
            422,
            conflict="idempotency_conflict, item_not_delegated, not_in_force, agreement_missing, duplicate_open_case, "
            "certificate_not_valid",
        ),
    },
)
def submit_case(
    body: CaseSubmission,
    key: Annotated[str, Header(alias="Idempotency-Key", min_length=1, max_length=submission.MAX_KEY_LENGTH)],
    response: Response,
    caller: Caller,
    database: WebDatabase,
) -> SubmissionReceipt:
    """Submit a case at the area's window; a repetition with the same key is answered with the same case."""
    with database.transaction() as session:
        receipt, created = submission.submit(session, caller, key, body)
    response.status_code = 201 if created else 200
    response.headers["Location"] = f"{API_BASE}/cases/{receipt.case_no}"
    return receipt


@router.get("/cases", responses=documented(401, 422))
def list_cases(
    caller: Caller,
    database: WebDatabase,
    q: Search = None,
    state: Annotated[CaseState | Empty | None, Query(description="A state's code.")] = None,
    mode: Mode | Empty | None = None,
    area: Code = None,
    item: Code = None,
    sort: Literal["-received_at", "received_at", ""] = "-received_at",
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[CaseRow]:
    """List the cases the account may read, applicants masked."""
    with database.reading() as session:
        return case_list.list_cases(
            session,
            caller,
            q=q or None,
            state=int(state) if state else None,
            mode=mode or None,
            area=area or None,
            item=item or None,
            sort=sort or "-received_at",
            cursor=cursor or None,
            limit=limit,
        )


@router.get("/cases/{case_no}", responses=documented(401, 403, 404, 422))
def get_case(case_no: CaseNumber, caller: Caller, database: WebDatabase, purpose: Purpose = None) -> CaseView:
    """Return the whole case; reading who the applicant is leaves an audit entry, by a supervisor with the purpose."""
    with database.transaction() as session:
        return whole_case.get_case(session, caller, case_no, purpose)


@router.post(
    "/cases/{case_no}/materials",
    status_code=202,
    responses=documented(401, 403, 404, 413, 415, 422, conflict="not_awaiting_materials"),
)
def supply_materials(case_no: CaseNumber, body: Supplement, caller: Caller, database: WebDatabase) -> CaseOutcome:
    """Take the materials supplied after a correction notice (补正)."""
    with database.transaction() as session:
        case = applicant_actions.supply_materials(session, caller, case_no, body.materials)
        return _outcome(applicant_actions.outcome_of(case))


@router.post(
    "/cases/{case_no}/withdraw",
    status_code=202,
    responses=documented(401, 403, 404, 413, 415, 422, conflict="case_closed, case_decided"),
)
def withdraw_case(case_no: CaseNumber, body: Withdrawal, caller: Caller, database: WebDatabase) -> CaseOutcome:
    """Withdraw the case at the applicant's request."""
    with database.transaction() as session:
        case = applicant_actions.withdraw(session, caller, case_no, body.reason)
        return _outcome(applicant_actions.outcome_of(case))


@router.post(
    "/cases/{case_no}/special-procedures",
    status_code=201,
    responses=documented(
        401, 403, 404, 413, 415, 422, conflict="case_not_running, hearing_dates, presiding_officer_reviewed"
    ),
)
def begin_special_procedure(
    case_no: CaseNumber, body: SpecialProcedureInput, caller: Caller, database: WebDatabase
) -> SpecialProcedureView:
    """Begin a special procedure (特别程序): its days do not count on the case's clock."""
    with database.transaction() as session:
        case = case_access.get(session, caller, case_no)
        procedure = special_procedures.begin(session, caller, case, body.kind, body.days, body.reason, body.hearing())
        return special_procedures.view(session, case, procedure)


@router.post(
    "/cases/{case_no}/special-procedures/{procedure_id}/end",
    responses=documented(401, 403, 404, conflict="special_procedure_ended"),
)
def end_special_procedure(
    case_no: CaseNumber,
    procedure_id: Annotated[str, Path(max_length=200)],
    caller: Caller,
    database: WebDatabase,
) -> SpecialProcedureView:
    """End a special procedure; the clock runs on."""
    with database.transaction() as session:
        case = case_access.get(session, caller, case_no)
        procedure = special_procedures.end(session, caller, case, procedure_id)
        return special_procedures.view(session, case, procedure)


@router.put(
    "/cases/{case_no}/special-procedures/{procedure_id}/hearing",
    responses=documented(
        401, 403, 404, 413, 415, 422, conflict="special_procedure_ended, hearing_dates, presiding_officer_reviewed"
    ),
)
def set_hearing(
    case_no: CaseNumber,
    procedure_id: Annotated[str, Path(max_length=200)],
    body: HearingInput,
    caller: Caller,
    database: WebDatabase,
) -> SpecialProcedureView:
    """Record a running hearing's days and its presiding officer."""
    with database.transaction() as session:
        case = case_access.get(session, caller, case_no)
        given = hearings.Hearing(**body.model_dump())
        procedure = special_procedures.set_hearing(session, caller, case, procedure_id, given)
        return special_procedures.view(session, case, procedure)


@router.post(
    "/cases/{case_no}/extension",
    status_code=201,
    responses=documented(401, 403, 404, 413, 415, 422, conflict="case_not_running, extended_before, limit_over"),
)
def extend_case(case_no: CaseNumber, body: ExtensionInput, caller: Caller, database: WebDatabase) -> ExtensionView:
    """Extend the case's limit, once, as the deciding approver."""
    with database.transaction() as session:
        case = case_access.get(session, caller, case_no)
        extension = special_procedures.extend(session, caller, case, body.days, body.reason)
        return ExtensionView(
            case_no=case_no,
            days=extension.days,
            reason=extension.reason,
            approved_by=extension.approved_by,
            approved_at=extension.approved_at,
            due_at=case.deadlines.due_at,
            provisional=case.deadlines.provisional,
        )


def _outcome(outcome: dict[str, Any]) -> CaseOutcome:
    return CaseOutcome.model_validate(outcome)
