"""The case list, the page of one case, and what the window does to a case outside its tasks."""

import hashlib
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from sqlmodel import Session

from api.pages import clock_months, form_checks, material_rows, special_procedures, words
from api.pages.addresses import query_of
from api.pages.clock_months import MonthSheet
from api.pages.material_rows import MaterialRow
from api.pages.rendering import render
from api.pages.routing import PageRoute, see
from api.pages.special_procedures import ClockActions
from api.pages.visitors import CurrentVisitor, GuardedForm, PageDatabase, Visitor, text_of
from catalog_data.conditions import ConditionStatus, assess
from catalog_data.guide import Guide
from models.case import STATE_LABELS, Case, CaseState
from models.catalogue import Mode
from models.database import CHINA, Database
from services.accounts import case_access, personal_data_rights, rights, task_rights
from services.casefile import case_list, whole_case
from services.casefile.views import CaseRow, CaseView
from services.cases import applicant_actions, conditional_acceptance
from services.catalogue import reference
from services.errors import FieldProblem, InvalidInput
from services.paging import Page
from services.process_engine import processes
from services.tasks import worklist
from services.tasks.views import TaskView
from settings import get_settings

PAGE_SIZE: Final = 30

router = APIRouter(route_class=PageRoute)


@dataclass(frozen=True)
class CaseListContext:
    """What the case list shows and how it was filtered."""

    page: Page[CaseRow]
    q: str
    state: str
    mode: str
    area: str
    item: str
    first: bool

    def next_link(self) -> str:
        """Return the address of the next page."""
        chosen = {"q": self.q, "state": self.state, "mode": self.mode, "area": self.area, "item": self.item}
        chosen["cursor"] = self.page.next or ""
        return query_of(chosen)

    @property
    def filtered(self) -> bool:
        """Tell whether any filter is set."""
        return any((self.q, self.state, self.mode, self.area, self.item))


@dataclass(frozen=True)
class CaseActions:
    """What the visitor may do to the case outside its tasks."""

    supply: bool
    withdraw: bool


@dataclass(frozen=True)
class Answer:
    """One answered (or unanswered) question of the guide."""

    question: str
    given: str
    status: ConditionStatus


@dataclass(frozen=True)
class CaseContext:
    """What the case page shows beside the case itself."""

    case: CaseView
    change_token: str
    query_code: str | None
    actions: CaseActions
    my_tasks: frozenset[str]
    stopped: date | None
    """The day the case was decided or ended; no day after it was used up."""
    months: list[MonthSheet]
    receipt_months: list[clock_months.MonthSheet]
    used_percent: int
    clock_actions: ClockActions
    answers: list[Answer]
    process_names: dict[str, str]
    operate_url: str | None


@router.get("/cases")
def show_cases(
    request: Request,
    visitor: CurrentVisitor,
    database: PageDatabase,
    q: Annotated[str, Query(max_length=100)] = "",
    state: str = "",
    mode: str = "",
    area: str = "",
    item: Annotated[str, Query(max_length=16)] = "",
    cursor: str | None = None,
) -> Response:
    """List the cases the visitor may read; a filter that makes no sense is ignored."""
    wanted_state = next((code for code in STATE_LABELS if str(code.value) == state), None)
    wanted_mode = mode if mode in set(Mode) else None
    wanted_area = area if area in visitor.areas else None
    with database.reading() as session:
        page = case_list.list_cases(
            session,
            visitor.actor,
            q=q.strip() or None,
            state=wanted_state,
            mode=wanted_mode,
            area=wanted_area,
            item=item.strip().upper() or None,
            cursor=cursor or None,
            limit=PAGE_SIZE,
        )
    context = CaseListContext(
        page,
        q.strip(),
        str(wanted_state.value) if wanted_state else "",
        wanted_mode or "",
        wanted_area or "",
        item.strip(),
        first=not cursor,
    )
    return render(request, "casefile/list.html", {"list": context, "states": STATE_LABELS})


@router.get("/cases/{case_no}")
def show_case(
    request: Request,
    case_no: str,
    visitor: CurrentVisitor,
    database: PageDatabase,
    notice: str = "",
    purpose: Annotated[str, Query(max_length=500)] = "",
) -> Response:
    """Show one whole case, to a supervisor with the applicant once the purpose is stated."""
    return _case_page(request, database, visitor, case_no, notice=notice, purpose=purpose)


@router.get("/cases/{case_no}/change-token")
def get_change_token(case_no: str, visitor: CurrentVisitor, database: PageDatabase) -> dict[str, str]:
    """Return a digest that changes with the case, without reading the applicant."""
    with database.reading() as session:
        case = case_access.get(session, visitor.actor, case_no)
        return {"change_token": _change_token(case, worklist.open_tasks(session, case_no, visitor.now))}


@router.get("/cases/{case_no}/materials")
def show_supplement(request: Request, case_no: str, visitor: CurrentVisitor, database: PageDatabase) -> Response:
    """Show the form for what the applicant brought after a correction notice."""
    with database.transaction() as session:
        rights.require_act_for_applicant(visitor.actor, case_access.get(session, visitor.actor, case_no))
        case = whole_case.get_case(session, visitor.actor, case_no)
    missing = [one.subject for one in form_checks.latest(case).failed if one.rule == "material"]
    rows = [MaterialRow(name=name, copies="1", kind="original", present=True) for name in missing]
    return _supplement_page(request, case, rows, [])


@router.post("/cases/{case_no}/materials")
def supply_materials(
    request: Request, case_no: str, visitor: CurrentVisitor, form: GuardedForm, database: PageDatabase
) -> Response:
    """Take the supplement."""
    rows = [row for row in material_rows.from_form(form) if row.present]
    inputs, problems = material_rows.to_inputs(rows)
    try:
        if problems:
            raise InvalidInput(problems)
        with database.transaction() as session:
            applicant_actions.supply_materials(session, visitor.actor, case_no, inputs)
    except InvalidInput as error:
        with database.transaction() as session:
            case = whole_case.get_case(session, visitor.actor, case_no)
        return _supplement_page(request, case, rows, error.problems)
    return see(f"/cases/{case_no}", "supplied")


@router.post("/cases/{case_no}/withdraw")
def withdraw(
    request: Request, case_no: str, visitor: CurrentVisitor, form: GuardedForm, database: PageDatabase
) -> Response:
    """Withdraw the case at the applicant's request."""
    reason = text_of(form, "reason")
    if not reason:
        problems = [FieldProblem("reason", "请填写申请人撤回的原因")]
        return _case_page(request, database, visitor, case_no, problems=problems)
    with database.transaction() as session:
        applicant_actions.withdraw(session, visitor.actor, case_no, reason)
    return see(f"/cases/{case_no}", "withdrawn")


def _case_page(
    request: Request,
    database: Database,
    visitor: Visitor,
    case_no: str,
    *,
    notice: str = "",
    purpose: str = "",
    problems: list[FieldProblem] | None = None,
) -> Response:
    with database.transaction() as session:
        stored = case_access.get(session, visitor.actor, case_no)
        view = whole_case.get_case(session, visitor.actor, case_no, purpose)
        guide = reference.guide(session, stored.item_code, stored.guide_version)
        context = _context(session, visitor, stored, view, guide)
    asks_purpose = view.applicant.masked and personal_data_rights.may_see_for_a_purpose(visitor.actor, stored)
    shown = {
        "page": context,
        "case": view,
        "check": form_checks.latest(view),
        "notice": words.NOTICES.get(notice, ""),
        "received": notice == "received",
        "purpose": purpose,
        "asks_purpose": asks_purpose,
        "opens_papers": asks_purpose or not view.applicant.masked,
        "errors": {one.field: one.message for one in problems or []},
    }
    return render(request, "casefile/detail.html", shown, 422 if problems else 200)


def _context(session: Session, visitor: Visitor, stored: Case, view: CaseView, guide: Guide | None) -> CaseContext:
    at_window = rights.may_submit(visitor.actor, stored.area)
    due, stopped = _china_day(view.due_at), _china_day(view.decided_at or view.closed_at)
    return CaseContext(
        case=view,
        change_token=_change_token(stored, worklist.open_tasks(session, stored.case_no, visitor.now)),
        query_code=stored.query_code if at_window else None,
        actions=CaseActions(
            supply=at_window
            and (stored.case_state is CaseState.CORRECTION_OPEN or conditional_acceptance.is_outstanding(stored)),
            withdraw=at_window and stored.is_open and stored.decision is None,
        ),
        my_tasks=frozenset(
            one.id
            for one in view.tasks
            if task_rights.may_open(visitor.actor, one.candidate_groups, one.assignee, stored)
        ),
        stopped=stopped,
        months=clock_months.month_sheets(view.clock.days, due, visitor.now.date(), stopped=stopped),
        receipt_months=clock_months.month_sheets(
            view.clock.receipt.days, view.clock.receipt.due_on, visitor.now.date(), stopped=stopped
        ),
        used_percent=clock_months.share_used(view.clock),
        clock_actions=special_procedures.actions_of(session, visitor, stored, extended=view.extension is not None),
        answers=_answers(guide, stored.conditions),
        process_names={one.id: one.name for one in processes.definitions(session)},
        operate_url=_operate_url(stored),
    )


def _operate_url(case: Case) -> str | None:
    """Return the page of the case's process instance in Operate, where an Operate runs."""
    base = get_settings().operate_url
    if base is None or case.process_instance_key is None:
        return None
    return f"{base}/processes/{case.process_instance_key}"


def _china_day(moment: datetime | None) -> date | None:
    return moment.astimezone(CHINA).date() if moment is not None else None


def _answers(guide: Guide | None, given: dict[str, Any]) -> list[Answer]:
    if guide is None:
        return []
    yes_no = {True: "是", False: "否"}
    units = {one.key: one.unit for one in guide.conditions}
    keys = [one.key for one in guide.conditions]
    shown = []
    for key, result in zip(keys, assess(guide.conditions, given), strict=True):
        value = given.get(key)
        text = "未回答" if value is None else yes_no[value] if isinstance(value, bool) else f"{value}{units[key]}"
        if result.status is not ConditionStatus.NOT_APPLICABLE:
            shown.append(Answer(result.question, text, result.status))
    return shown


def _change_token(case: Case, open_tasks: list[TaskView]) -> str:
    owed = case.deadlines
    visible: list[object] = [case.state, case.level, owed.clock_version, case.decided_at, case.closed_at, owed.due_at]
    visible += [(one.id, one.assignee, one.light.value) for one in open_tasks]
    return hashlib.sha256(repr(visible).encode()).hexdigest()[:16]


def _supplement_page(
    request: Request, case: CaseView, rows: list[MaterialRow], problems: list[FieldProblem]
) -> Response:
    context = {
        "case": case,
        "rows": rows or [MaterialRow(name="", copies="1", kind="original", present=True)],
        "failed": form_checks.latest(case).failed,
        "errors": {one.field: one.message for one in problems},
    }
    return render(request, "cases/supplement.html", context, 422 if problems else 200)
