"""Recalls, the cases they affect and the figures that suggest them, as the API and the pages show them."""

from datetime import date, datetime
from typing import Any, Final

from pydantic import BaseModel
from sqlalchemy import ColumnElement, and_, false, func, or_
from sqlalchemy import case as sql_case
from sqlmodel import Session, col, select

from models.case import Case
from models.case_deadlines import CaseDeadlines
from models.catalogue import Mode
from models.dossier import TransferDossier
from models.filing import Filing, FilingQuestion, ReviewFinding
from models.in_flight import InFlight
from models.protocol import Element
from models.recall import Recall, RecallCase, RecallState
from models.task import Task
from services.accounts import power_rights
from services.accounts.actors import Actor
from services.clock import product_now
from services.powers.ledger import PowerEventView
from services.takeovers.cases_in_flight import CaseInFlightView, case_view

RETURNED_LIMIT: Final = 3
OVERDUE_LIMIT: Final = 3
QUESTIONED_LIMIT: Final = 2
NONCONFORMING_LIMIT: Final = 1
"""How many of each suggest a recall [decision]; a suggestion is examined by people, never carried out automatically."""


class RecallView(BaseModel):
    """A recall, from proposal to restoration; ``cases`` are named to the county, the city unit and the coordinator."""

    id: int
    item: str
    area: str
    unit: str
    state: RecallState
    reason: str
    proposed_by: str | None
    proposed_at: datetime | None
    statement_due_at: datetime | None
    statement: str
    stated_by: str | None
    stated_at: datetime | None
    decided_by: str | None
    decided_at: datetime | None
    effective_on: date | None
    in_flight: InFlight | None
    took_effect_at: datetime | None
    restored_on: date | None
    restored_by: str | None
    restore_reason: str
    case_count: int
    cases: list[CaseInFlightView]
    events: list[PowerEventView] = []


class Suggestion(BaseModel):
    """The monitoring figures of one item in one area; ``suggested`` when one of them reaches its limit.

    ``overdue`` is what the county was late with, in its own share; ``city_overdue`` what ran over with the city, and
    suggests nothing.
    """

    item: str
    item_name: str
    area: str
    unit: str
    cases: int
    returned: int
    overdue: int
    city_overdue: int
    questioned: int
    nonconforming: int
    suggested: bool
    reasons: list[str]


def recall_view(session: Session, actor: Actor, recall: Recall) -> RecallView:
    """Return a recall as the contract shows it to an account."""
    query = select(RecallCase).where(RecallCase.recall_id == recall.id).order_by(col(RecallCase.id))
    rows = [case_view(row) for row in session.exec(query).all()]
    named = rows if power_rights.may_see_recalled_cases(actor, recall.area, recall.unit) else []
    return RecallView.model_validate({**recall.model_dump(), "case_count": len(rows), "cases": named})


def suggestions(session: Session, *, item: str | None = None, area: str | None = None) -> list[Suggestion]:
    """Return the monitoring figures (下放权限运行监测) of every item and area with cases, the worst first."""
    now = product_now(session)
    by_county = _late_in_county(now)
    late = col(CaseDeadlines.due_at) < func.coalesce(Case.decided_at, Case.closed_at, now)
    base: Any = select(  # type: ignore[call-overload]
        Case.item_code,
        Case.area,
        func.max(Case.item_name),
        func.max(Case.city_unit),
        func.count(),
        func.sum(sql_case((by_county, 1), else_=0)),
        func.sum(sql_case((and_(late, ~func.coalesce(by_county, false())), 1), else_=0)),
    ).join(CaseDeadlines, col(CaseDeadlines.case_no) == col(Case.case_no))
    base = base.group_by(col(Case.item_code), col(Case.area))
    if item:
        base = base.where(Case.item_code == item)
    if area:
        base = base.where(Case.area == area)
    returned = _counts(
        session.exec(
            select(Case.item_code, Case.area, func.count())
            .join(TransferDossier, col(TransferDossier.case_no) == col(Case.case_no))
            .where(col(TransferDossier.returned_at).is_not(None))
            .group_by(col(Case.item_code), col(Case.area))
        ).all()
    )
    questioned = _counts(
        session.exec(
            select(Filing.item, Filing.area, func.count(func.distinct(Filing.id)))
            .join(FilingQuestion, col(FilingQuestion.filing_id) == col(Filing.id))
            .group_by(col(Filing.item), col(Filing.area))
        ).all()
    )
    faulty = _counts(
        session.exec(
            select(Filing.item, Filing.area, func.count())
            .where(Filing.review_finding == ReviewFinding.NONCONFORMING)
            .group_by(col(Filing.item), col(Filing.area))
        ).all()
    )
    found = []
    for code, place, name, unit, total, overdue, city_overdue in session.exec(base).all():
        pair = (code, place)
        figures = {
            "returned": returned.get(pair, 0),
            "overdue": int(overdue or 0),
            "questioned": questioned.get(pair, 0),
            "nonconforming": faulty.get(pair, 0),
        }
        reasons = _reasons(figures)
        found.append(
            Suggestion(
                item=code,
                item_name=name,
                area=place,
                unit=unit,
                cases=total,
                city_overdue=int(city_overdue or 0),
                suggested=bool(reasons),
                reasons=reasons,
                **figures,
            )
        )
    return sorted(found, key=lambda one: (not one.suggested, -len(one.reasons), -one.overdue, one.item, one.area))


def _late_in_county(now: datetime) -> ColumnElement[bool]:
    """Return the condition on a case and its deadlines that the county overran the part of the clock that was its own.

    Of ``direct`` cases that is all until the decision or the takeover, unless the limit ended while the city had yet to
    consent (报批); of ``substantive`` ones the review until its first forwarding, and the whole while a returned
    dossier is with the county; of ``window`` ones nothing. The other limits bind the city.
    """
    taken = func.coalesce(Case.taken_over_at, Case.decided_at, Case.closed_at, now)
    consent = select(Task.key).where(
        Task.case_no == Case.case_no,
        Task.element_id == Element.CITY_CONSENT,
        col(Task.created_at) <= CaseDeadlines.due_at,
        func.coalesce(Task.closed_at, now) > CaseDeadlines.due_at,
    )
    direct = and_(col(Case.mode) == Mode.DIRECT, col(CaseDeadlines.due_at) < taken, ~consent.exists())
    forwarded = (
        select(func.min(TransferDossier.forwarded_at))
        .where(TransferDossier.case_no == Case.case_no)
        .correlate(Case)
        .scalar_subquery()
    )
    reviewed = func.coalesce(CaseDeadlines.review_due_at, CaseDeadlines.due_at) < func.coalesce(forwarded, taken)
    back = and_(col(Case.is_open), col(Case.level) == 0, col(CaseDeadlines.due_at) < now)
    substantive = and_(col(Case.mode) == Mode.SUBSTANTIVE, or_(reviewed, back))
    return or_(direct, substantive)


def _counts(rows: object) -> dict[tuple[str, str], int]:
    return {(code, area): count for code, area, count in rows}  # type: ignore[attr-defined]


def _reasons(figures: dict[str, int]) -> list[str]:
    limits = (
        ("returned", RETURNED_LIMIT, "审核转报件被退回{}次"),
        ("overdue", OVERDUE_LIMIT, "超期{}件"),
        ("questioned", QUESTIONED_LIMIT, "报备被质询{}件"),
        ("nonconforming", NONCONFORMING_LIMIT, "抽查不合格{}件"),
    )
    return [text.format(figures[name]) for name, limit, text in limits if figures[name] >= limit]
