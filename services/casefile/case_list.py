"""The list of cases: whose an account may read, filtered, sorted and paged, and one case as a row of it."""

from datetime import datetime

from sqlalchemy import and_, or_
from sqlmodel import Session, col, select

from models.case import Applicant, Case, CaseState
from models.catalogue import Area
from models.identity import masked_name
from models.task import Light
from services.accounts import personal_data_rights, rights
from services.accounts.actors import Actor
from services.casefile.views import CaseRow
from services.cases.submission_input import StateView
from services.clock import product_now
from services.paging import Order, Page, read


def list_cases(
    session: Session,
    actor: Actor,
    *,
    q: str | None = None,
    state: int | None = None,
    mode: str | None = None,
    area: str | None = None,
    item: str | None = None,
    sort: str = "-received_at",
    cursor: str | None = None,
    limit: int = 50,
) -> Page[CaseRow]:
    """Return a page of the cases the actor may read, applicants masked.

    ``q`` is looked for in number, item and project, and in the applicant's name where the actor handles the case: a
    search that matched a masked name would reveal it.
    """
    query = select(Case, Applicant).join(Applicant, col(Applicant.case_no) == Case.case_no)
    query = query.where(rights.visible_cases(actor))
    for column, wanted in ((Case.state, state), (Case.mode, mode), (Case.area, area), (Case.item_code, item)):
        if wanted is not None:
            query = query.where(col(column) == wanted)
    if q:
        plain = (col(one).contains(q, autoescape=True) for one in (Case.case_no, Case.item_name, Case.project))
        named = col(Applicant.name).contains(q, autoescape=True)
        query = query.where(or_(*plain, and_(named, personal_data_rights.searchable_cases(actor))))
    order = Order(Case.received_at, Case.case_no, descending=sort == "-received_at")
    found = read(session, query, order, cursor, limit)
    now = product_now(session)
    names = area_names(session)
    return found.page(lambda one: row(*one, names, now))


def row(case: Case, applicant: Applicant, names: dict[str, str], now: datetime) -> CaseRow:
    """Return a case as a row; ``names`` are those of the areas by their codes."""
    return CaseRow(
        case_no=case.case_no,
        state=StateView(code=case.state, name=case.case_state.label),
        mode=case.mode,
        item=case.item_code,
        item_name=case.item_name,
        area=case.area,
        area_name=names.get(case.area, case.area),
        city_unit=case.city_unit,
        project=case.project,
        applicant_name=masked_name(applicant.name),
        received_at=case.received_at,
        accepted_at=case.accepted_at,
        due_at=case.deadlines.due_at,
        provisional=case.deadlines.provisional,
        closed_at=case.closed_at,
        decision=case.decision,
        light=light_of(case, now),
    )


def light_of(case: Case, now: datetime) -> Light:
    """Return the light of a case: of its statutory limit, as of its decision or end where it has one."""
    owed = case.deadlines
    seen = case.decided_at or case.closed_at or now
    if case.overdue_at is not None and (not case.is_open or case.decided_at is None):
        return Light.RED
    if owed.due_at is not None and seen > owed.due_at:
        return Light.RED
    if case.case_state is CaseState.SPECIAL_OPEN:
        return Light.PAUSED
    if case.is_open and case.decided_at is None and owed.warn_at is not None and now >= owed.warn_at:
        return Light.YELLOW
    return Light.GREEN


def area_names(session: Session) -> dict[str, str]:
    """Return the areas' names by their codes."""
    return dict(session.exec(select(Area.code, Area.name)).all())
