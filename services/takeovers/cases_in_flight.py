"""Query and views of the open cases that a recall or a unit transfer affects; ``handover`` has the rules."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date, datetime

from pydantic import BaseModel
from sqlmodel import Session, col, select

from models.case import Case
from models.catalogue import Mode
from models.in_flight import Disposition, InFlight
from models.recall import RecallCase
from models.task import Task
from models.unit_transfer import UnitTransferCase
from models.working_calendar import china_date, start_of_day
from services.cases.submission_input import StateView
from services.catalogue import reference
from services.clock import product_now


class NotYetDue(Exception):
    """A job ran before its day, by a clock slightly behind the engine's; it is to be retried."""


class CaseInFlightView(BaseModel):
    """A case in flight when a recall or a unit transfer took effect, and what became of it.

    Only a recall sets ``taken_over_at``, when the city's process began; only a unit transfer ``from_unit``.
    """

    case_no: str
    disposition: Disposition
    disposition_name: str
    state_code: int
    at: datetime
    taken_over_at: datetime | None = None
    from_unit: str | None = None


class PreviewRow(BaseModel):
    """A case in flight and what each choice would do to it."""

    case_no: str
    item_name: str
    project: str
    mode: Mode
    state: StateView
    level: int
    received_at: datetime
    accepted_at: datetime | None
    due_at: datetime | None
    process_instance_key: str | None
    process_id: str
    county_unit: str
    tasks: list[str]
    if_finish: Disposition
    if_transfer: Disposition
    if_finish_name: str
    if_transfer_name: str


def of_item(session: Session, item: str, area: str, *, locked: bool = False) -> Sequence[Case]:
    """Return an area's open cases of an item; ``locked`` keeps every other transaction from changing them."""
    query = select(Case).where(Case.item_code == item, Case.area == area, col(Case.is_open))
    query = query.order_by(col(Case.received_at), col(Case.case_no))
    if locked:
        query = query.with_for_update(key_share=True).execution_options(populate_existing=True)
    return session.exec(query).all()


def effective_instant(effective_on: date, decided_at: datetime, now: datetime) -> datetime:
    """Return the instant what takes effect is dated by: the beginning of its day, or its decision where that is later.

    Raises:
        NotYetDue: the day is still to come.
    """
    if effective_on > china_date(now):
        raise NotYetDue(f"{effective_on} is still to come")
    return max(start_of_day(effective_on), decided_at)


def counts_text(dispositions: Iterable[Disposition]) -> str:
    """Return how many cases had which disposition, in words."""
    counts = Counter(dispositions)
    return "，".join(f"{one.label}{counts[one]}件" for one in Disposition if counts[one]) or "没有在办件"


def case_view(row: RecallCase | UnitTransferCase) -> CaseInFlightView:
    """Return what became of one case as the contract shows it."""
    return CaseInFlightView.model_validate({**row.model_dump(), "disposition_name": row.disposition.label})


def preview_row(session: Session, case: Case, dispositions: dict[InFlight, Disposition]) -> PreviewRow:
    """Return one line of the preview."""
    unit = reference.handling_unit(session, case)
    names = session.exec(select(Task.name).where(Task.case_no == case.case_no, col(Task.is_open))).all()
    finish, transfer = dispositions[InFlight.FINISH], dispositions[InFlight.TRANSFER]
    return PreviewRow(
        case_no=case.case_no,
        item_name=case.item_name,
        project=case.project,
        mode=case.mode,
        state=StateView(code=case.state, name=case.case_state.label),
        level=case.level,
        received_at=case.received_at,
        accepted_at=case.accepted_at,
        due_at=case.deadlines.due_at,
        process_instance_key=str(case.process_instance_key) if case.process_instance_key is not None else None,
        process_id=case.process_id,
        county_unit=unit.called(china_date(product_now(session))) if unit is not None else "",
        tasks=list(names),
        if_finish=finish,
        if_transfer=transfer,
        if_finish_name=finish.label,
        if_transfer_name=transfer.label,
    )
