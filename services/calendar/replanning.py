"""Move the dates of the running cases after the calendar changed, and notify the processes that wait for them."""

from collections.abc import Iterator, Sequence
from datetime import date

from sqlalchemy import String, cast, or_
from sqlalchemy.sql import ColumnElement
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from models.calendar import CITY_WIDE, CalendarRevision
from models.case import Case
from models.case_deadlines import CaseDeadlines
from models.protocol import Message
from models.special_procedure import SpecialProcedure
from models.task import Task
from models.working_calendar import china_date, end_of_day, published_until, start_of_day
from services.accounts.actors import Actor
from services.calendar import revisions
from services.calendar.revisions import DayEntry
from services.cases import hearings
from services.clock import product_now
from services.deadlines import case_deadlines, clock_inputs
from services.journal import timeline
from services.process_engine import outbox

CASES_AT_A_TIME = 500
NO_NAMES = "[]"
"""An empty list as the database stores it."""


def change_calendar(
    session: Session, actor: Actor, area: str, entries: Sequence[DayEntry], *, source: str = revisions.BY_HAND
) -> CalendarRevision | None:
    """Change the calendar and every running case it affects, in one transaction; None when nothing changed."""
    revision = revisions.change(session, actor, area, entries, source=source)
    if revision is not None:
        revision.moved_cases = replan(session, area, [one.day for one in entries])
        session.add(revision)
    return revision


def replan(session: Session, area: str, days: Sequence[date]) -> int:
    """Recompute every running case whose dates a change of ``days`` can move; return how many moved."""
    first = min(days)
    if area == CITY_WIDE and first > published_until():
        # An entered year is complete only with all its holidays: one day can make all its dates certain or provisional.
        first = date(first.year, 1, 1)
    return _replan(session, _reached(session, area, first))


def replan_provisional(session: Session) -> int:
    """Recompute every running case with a provisional date; return how many moved."""
    query = _open_cases().where(_guessed()).order_by(col(Case.case_no))
    return _replan(session, list(session.exec(query).all()))


def _replan(session: Session, numbers: list[str]) -> int:
    moved = 0
    now = product_now(session)
    for batch in _batches(numbers):
        cases = session.exec(select(Case).where(col(Case.case_no).in_(batch))).all()
        inputs = clock_inputs.gather(session, cases)
        open_tasks = session.exec(select(Task).where(col(Task.case_no).in_(batch), col(Task.is_open))).all()
        for case in cases:
            of_case = inputs.of(case)
            replanned = [one for one in of_case.procedures if _replan_procedure(session, case, one, of_case)]
            for one in of_case.procedures:
                hearings.warn_of_closed_day(session, case, one, of_case.calendar, now)
            before = _dates(case)
            case_deadlines.set_dates(case, of_case, now)
            if _dates(case) == before and not replanned:
                continue
            moved += 1
            for task in open_tasks:
                if task.case_no == case.case_no:
                    case_deadlines.apply_task_clock(session, task, case)
            _append_timeline(session, case, before[0])
            case_deadlines.announce_change(session, case)
        session.flush()
    return moved


def _reached(session: Session, area: str, first: date) -> list[str]:
    """Return the open, undecided cases with a date on or after the first changed day, or with no certain date."""
    since = start_of_day(first)
    ends = (
        CaseDeadlines.due_at,
        CaseDeadlines.acceptance_due_at,
        CaseDeadlines.supplement_due_at,
        CaseDeadlines.promised_due_at,
        CaseDeadlines.delivery_due_at,
    )
    query = _open_cases().where(or_(*(col(end) >= since for end in ends), _guessed()))
    if area != CITY_WIDE:
        query = query.where(Case.area == area)
    return list(session.exec(query.order_by(col(Case.case_no))).all())


def _open_cases() -> SelectOfScalar[str]:
    """Return the query for the numbers of the open cases, joined with their deadlines."""
    query = select(Case.case_no).join(CaseDeadlines, col(CaseDeadlines.case_no) == col(Case.case_no))
    return query.where(col(Case.is_open))


def _guessed() -> ColumnElement[bool]:
    """Return the SQL condition that some date of a case is provisional."""
    return or_(col(CaseDeadlines.provisional), cast(CaseDeadlines.provisional_dates, String) != NO_NAMES)


def _batches(numbers: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(numbers), CASES_AT_A_TIME):
        yield numbers[start : start + CASES_AT_A_TIME]


def _replan_procedure(
    session: Session, case: Case, procedure: SpecialProcedure, inputs: clock_inputs.ClockInputs
) -> bool:
    """Move the planned end of a running special procedure, which is in working days too."""
    if procedure.ended_at is not None:
        return False
    begun = china_date(procedure.begun_at)
    planned = end_of_day(inputs.calendar.add_working_days(begun, procedure.planned_days))
    if planned == procedure.planned_end_at:
        return False
    procedure.planned_end_at = planned
    session.add(procedure)
    outbox.publish_message(
        session,
        Message.SPECIAL_PROCEDURE_REPLANNED,
        stream=case.case_no,
        correlation_key=procedure.id,
        message_id=f"{procedure.id}:planned:{case.deadlines.clock_version + 1}",
    )
    return True


def _dates(case: Case) -> tuple[object, ...]:
    """Return what people and processes see of a case's dates; the due instant first."""
    owed = case.deadlines
    return (owed.due_at, owed.provisional, *owed.provisional_dates, *owed.watched)


def _append_timeline(session: Session, case: Case, due_before: object) -> None:
    due = case.deadlines.due_at or case.deadlines.acceptance_due_at
    changed = due_before != case.deadlines.due_at and case.deadlines.due_at is not None
    text = "工作日历变更，重新计算期限" + (f"，法定期限改为{china_date(due)}" if changed and due is not None else "")
    timeline.append(
        session,
        case.case_no,
        "deadline.replanned",
        text,
        actor=timeline.SYSTEM,
        at=product_now(session),
        key=f"deadline.replanned:{case.deadlines.clock_version + 1}",
    )
