"""What the clock block of a case page does: begin and end special procedures, and extend the limit."""

from dataclasses import dataclass
from datetime import date

from fastapi import APIRouter
from fastapi.responses import Response
from sqlmodel import Session
from starlette.datastructures import FormData

from api.pages.routing import PageRoute, see
from api.pages.visitors import CurrentVisitor, GuardedForm, PageDatabase, Visitor, text_of
from models.case import Case
from models.special_procedure import SpecialKind
from services.accounts import case_access, rights
from services.cases import hearings, special_procedures
from services.errors import FieldProblem, InvalidInput

LONGEST_REASON = 1000

router = APIRouter(route_class=PageRoute)


@dataclass(frozen=True)
class ClockActions:
    """What the visitor may do to the case's clock."""

    pause: bool
    extend: bool
    longest_extension: int
    officers: tuple[hearings.Officer, ...]
    """Who could preside over a hearing."""
    kinds: tuple[str, ...] = tuple(kind.value for kind in SpecialKind)


def actions_of(session: Session, visitor: Visitor, case: Case, *, extended: bool) -> ClockActions:
    """Return what the visitor may do to the case's clock now; a limit that may not be extended has 0 days for it."""
    longest_extension = special_procedures.longest_extension(session, case)
    running = case.is_open and case.accepted_at is not None and case.decision is None
    pause = running and rights.may_handle(visitor.actor, case)
    in_time = case.deadlines.due_at is not None and visitor.now <= case.deadlines.due_at
    return ClockActions(
        pause=pause,
        extend=running
        and in_time
        and not extended
        and longest_extension > 0
        and rights.may_approve(visitor.actor, case),
        longest_extension=longest_extension,
        officers=hearings.possible_officers(session, case) if pause else (),
    )


@router.post("/cases/{case_no}/special-procedures")
def begin_special_procedure(
    case_no: str, visitor: CurrentVisitor, form: GuardedForm, database: PageDatabase
) -> Response:
    """Begin a special procedure."""
    hearing = _hearing(form)
    given = any(value is not None for value in vars(hearing).values())
    with database.transaction() as session:
        case = case_access.get(session, visitor.actor, case_no)
        special_procedures.begin(
            session,
            visitor.actor,
            case,
            _kind(form),
            _days(form),
            _reason(form),
            hearing if given else None,
        )
    return see(f"/cases/{case_no}", "clock_changed")


@router.post("/cases/{case_no}/special-procedures/{procedure_id}/hearing")
def set_hearing(
    case_no: str, procedure_id: str, visitor: CurrentVisitor, form: GuardedForm, database: PageDatabase
) -> Response:
    """Record a running hearing's days and its presiding officer."""
    with database.transaction() as session:
        case = case_access.get(session, visitor.actor, case_no)
        special_procedures.set_hearing(session, visitor.actor, case, procedure_id, _hearing(form))
    return see(f"/cases/{case_no}", "clock_changed")


@router.post("/cases/{case_no}/special-procedures/{procedure_id}/end")
def end_special_procedure(
    case_no: str, procedure_id: str, visitor: CurrentVisitor, _form: GuardedForm, database: PageDatabase
) -> Response:
    """End a special procedure."""
    with database.transaction() as session:
        case = case_access.get(session, visitor.actor, case_no)
        special_procedures.end(session, visitor.actor, case, procedure_id)
    return see(f"/cases/{case_no}", "clock_changed")


@router.post("/cases/{case_no}/extension")
def extend(case_no: str, visitor: CurrentVisitor, form: GuardedForm, database: PageDatabase) -> Response:
    """Extend the limit, once."""
    with database.transaction() as session:
        case = case_access.get(session, visitor.actor, case_no)
        special_procedures.extend(session, visitor.actor, case, _days(form), _reason(form))
    return see(f"/cases/{case_no}", "clock_changed")


def _hearing(form: FormData) -> hearings.Hearing:
    return hearings.Hearing(
        presiding_officer=text_of(form, "presiding_officer") or None,
        held_on=_date(form, "held_on"),
        told_on=_date(form, "told_on"),
        requested_on=_date(form, "requested_on"),
    )


def _kind(form: FormData) -> SpecialKind:
    try:
        return SpecialKind(text_of(form, "kind"))
    except ValueError as error:
        raise InvalidInput([FieldProblem("特别程序", "请选择种类")]) from error


def _days(form: FormData) -> int:
    text = text_of(form, "days")
    if not (text.isascii() and text.isdecimal() and len(text) <= len(str(special_procedures.LONGEST_PLAN_DAYS))):
        raise InvalidInput([FieldProblem("工作日数", "请填写整数")])
    return int(text)


def _reason(form: FormData) -> str:
    reason = text_of(form, "reason")
    if not 0 < len(reason) <= LONGEST_REASON:
        raise InvalidInput([FieldProblem("原因", f"必填，且不超过{LONGEST_REASON}字")])
    return reason


def _date(form: FormData, name: str) -> date | None:
    text = text_of(form, name)
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise InvalidInput([FieldProblem(name, "应为日期")]) from error
