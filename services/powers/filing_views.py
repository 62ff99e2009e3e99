"""Filings as the API, the pages and a case's own view show them."""

from datetime import datetime

from pydantic import BaseModel
from sqlmodel import Session, col, select

from models.case import Case
from models.filing import Filing, FilingKind, FilingState, ReviewFinding
from models.protocol import Element
from models.task_outcome import Outcome
from services.accounts import power_rights
from services.accounts.actors import Actor
from services.journal import task_outcomes
from services.paging import Order, Page, read
from services.powers.filing_records import city_group, get_readable, questions_of, reminder_due


class FilingQuestionView(BaseModel):
    """A question of the city unit, with the county's answer."""

    text: str
    asked_by: str
    asked_at: datetime
    answer_due_at: datetime
    overdue: bool
    answer: str
    answered_by: str | None
    answered_at: datetime | None


class FilingView(BaseModel):
    """A filing as the API and the pages show it; ``due_at`` is when the city unit is reminded next."""

    id: int
    case_no: str
    item: str
    item_name: str
    area: str
    unit: str
    to: str
    kind: FilingKind
    state: FilingState
    decision: str
    filed_at: datetime
    due_at: datetime | None
    reminders: int
    acknowledged_by: str | None
    acknowledged_at: datetime | None
    consented_by: str | None
    sampled: bool
    review_finding: ReviewFinding | None
    review_text: str
    reviewed_by: str | None
    reviewed_at: datetime | None
    questions: list[FilingQuestionView]


def get(session: Session, actor: Actor, filing_id: int) -> FilingView:
    """Return one filing."""
    return view(session, get_readable(session, actor, filing_id))


def list_filings(
    session: Session,
    actor: Actor,
    *,
    state: FilingState | None = None,
    area: str | None = None,
    unit: str | None = None,
    case_no: str | None = None,
    sampled: bool | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[FilingView]:
    """Return a page of the filings of the actor's unit or area, the newest first."""
    query = select(Filing).where(power_rights.visible_filings(actor))
    for column, wanted in (
        (Filing.state, state),
        (Filing.area, area),
        (Filing.unit, unit),
        (Filing.case_no, case_no),
        (Filing.sampled, sampled),
    ):
        if wanted is not None and wanted != "":
            query = query.where(col(column) == wanted)
    found = read(session, query, Order(Filing.id, descending=True), cursor, limit)
    return found.page(lambda row: view(session, row))


def of_case(session: Session, case_no: str) -> list[FilingView]:
    """Return the filings of a case, one or none, for the case's own view."""
    row = session.exec(select(Filing).where(Filing.case_no == case_no)).first()
    return [view(session, row)] if row is not None else []


def view(session: Session, filing: Filing) -> FilingView:
    """Return a filing as the contract shows it."""
    case = session.get_one(Case, filing.case_no)
    waiting = filing.state in (FilingState.FILED, FilingState.ANSWERED)
    consent = task_outcomes.find(session, filing.case_no, outcome=Outcome.AGREE, element=Element.CITY_CONSENT)
    return FilingView.model_validate(
        {
            **filing.model_dump(),
            "item_name": case.item_name,
            "to": city_group(filing),
            "due_at": reminder_due(session, filing) if waiting else None,
            "consented_by": consent.account if consent is not None else None,
            "questions": [one.model_dump() for one in questions_of(session, filing)],
        }
    )
