"""What a case's clock said at its decision, or at its end, is what it says for ever."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta

import pytest
from freezegun import freeze_time
from sqlmodel import Session

from models.calendar import CITY_WIDE
from models.case import Case, CaseState, Verdict
from models.special_procedure import SpecialKind
from models.task_outcome import TaskOutcome
from services.accounts.actors import Actor
from services.calendar import replanning
from services.calendar.revisions import DayEntry
from services.cases import acceptance, applicant_actions, decisions, special_procedures
from services.deadlines import case_deadlines, clock_views
from services.deadlines.clock_views import ClockView
from tests.factories.running_case import ACCEPTED, REVIEWER, WINDOW, answer
from tests.factories.running_case import case as case
from tests.factories.running_case import session as session

COORDINATOR = Actor("city.coordinator", "统筹", frozenset({"city.coordinator"}))
DECIDED = ACCEPTED + timedelta(days=9)
LATER = ACCEPTED + timedelta(days=60)
CLOSED_DAY = date(2026, 9, 23)


@pytest.fixture
def told(session: Session, case: Case) -> Iterator[list[ClockView]]:
    """Change the calendar in the past after the test ended the case; the clock must say what it said."""
    seen: list[ClockView] = []
    yield seen
    (then,) = seen
    with freeze_time(LATER):
        replanning.change_calendar(session, COORDINATOR, CITY_WIDE, [DayEntry(CLOSED_DAY, False, "事后补登")])
        now = clock_views.clock_view(session, case, LATER)
    assert now == then
    assert all(day.reason != "事后补登" for day in [*now.days, *now.receipt.days])


def test_the_clock_of_a_decided_case_stays_as_it_was(session: Session, case: Case, told: list[ClockView]) -> None:
    answer(session, case, "approve", DECIDED)
    with freeze_time(DECIDED + timedelta(days=3)):
        decisions.record(session, case.case_no, Verdict.APPROVE)
    told.append(clock_views.clock_view(session, case, DECIDED))
    assert told[0].used == 6, "from 22 September to the 30th, 中秋 not counted; not to the day the job ran"
    assert {day.date: day.reason for day in told[0].days}[CLOSED_DAY] == "工作日"


def test_the_clock_of_a_withdrawn_case_ends_with_its_pause(session: Session, case: Case, told: list[ClockView]) -> None:
    with freeze_time(ACCEPTED + timedelta(days=1)):
        special_procedures.begin(session, REVIEWER, case, SpecialKind.TESTING, 3, "检测")
    with freeze_time(DECIDED):
        applicant_actions.withdraw(session, WINDOW, case.case_no, "不办了")
    told.append(clock_views.clock_view(session, case, DECIDED))
    paused = [day.date for day in told[0].days if day.status == "paused"]
    assert paused == [date(2026, 9, day) for day in (23, 24, 28, 29, 30)]


def test_the_receipt_of_a_lapsed_case_tells_no_day_after_its_end(
    session: Session, case: Case, told: list[ClockView]
) -> None:
    case.accepted_at, case.limit_days, case.state = None, None, CaseState.CORRECTION_OPEN
    case.correction_requested_at = ACCEPTED + timedelta(days=1)
    with freeze_time(ACCEPTED + timedelta(days=1)):
        case_deadlines.refresh(session, case)
    assert case.deadlines.supplement_due_at is not None
    with freeze_time(case.deadlines.supplement_due_at):
        acceptance.lapse(session, case.case_no)
    told.append(clock_views.clock_view(session, case, case.deadlines.supplement_due_at))
    assert told[0].receipt.days[-1].date == case.deadlines.supplement_due_at.date()


def test_the_receipt_of_a_refused_case_stays_as_it_was(session: Session, case: Case, told: list[ClockView]) -> None:
    case.accepted_at, case.limit_days, case.state = None, None, CaseState.RECEIVED
    at = datetime.fromisoformat("2026-09-24T10:00:00+08:00")
    answer(session, case, "not_needed", at)
    with freeze_time(at):
        acceptance.not_needed(session, case.case_no)
    told.append(clock_views.clock_view(session, case, at))
    assert (told[0].receipt.used, told[0].receipt.due_on) == (3, date(2026, 9, 29))
    assert session.get_one(TaskOutcome, 1).outcome == "not_needed"
