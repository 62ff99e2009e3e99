"""A case's deadlines: groups of dates set and cleared as one, and read with the case."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import event

import models  # noqa: F401 - registers every table
from models.case import Case
from models.case_clock import CaseClock, LimitUnit, compute_clock
from models.case_deadlines import CaseDeadlines, DueDate
from models.database import Database
from models.working_calendar import WorkingCalendar, published_until
from tests.factories.cases import build_case

AT = datetime(2026, 9, 21, 1, tzinfo=UTC)
CALENDAR = WorkingCalendar(published_until())


def clock(limit: int, accepted: date = date(2026, 9, 21)) -> CaseClock:
    return compute_clock(accepted, limit, LimitUnit.WORKING_DAY, CALENDAR, today=accepted)


def guessed(limit: int) -> CaseClock:
    """Return a clock that runs past the published schedule."""
    found = clock(limit, published_until() - timedelta(days=3))
    assert found.provisional
    return found


@pytest.fixture
def shared() -> CaseDeadlines:
    """Return the deadlines of a substantive case in which everything is a guess."""
    owed = CaseDeadlines(case_no="C1")
    owed.set_limits(guessed(30), guessed(25))
    owed.set_review_share(guessed(10), overrun_at=AT, forwarding_late_at=AT)
    owed.set_decision_share(guessed(20), overrun_at=AT)
    return owed


def test_clearing_the_shares_leaves_one_clock_and_what_was_said_of_it(shared: CaseDeadlines) -> None:
    limits = (shared.due_at, shared.warn_at, shared.promised_due_at)
    shared.clear_shares()
    assert [shared.review_due_at, shared.review_warn_at, shared.review_overrun_at, shared.forwarding_late_at] == [
        None
    ] * 4
    assert [shared.decision_due_at, shared.decision_warn_at, shared.decision_overrun_at] == [None] * 3
    assert shared.provisional_dates == ["due_at", "promised_due_at"]
    assert (shared.due_at, shared.warn_at, shared.promised_due_at) == limits


def test_a_returned_dossier_takes_the_citys_share_alone(shared: CaseDeadlines) -> None:
    review = shared.review_due_at
    shared.clear_decision_share()
    assert (shared.decision_due_at, shared.review_due_at) == (None, review)
    assert not shared.is_provisional(DueDate.DECISION)
    assert shared.is_provisional(DueDate.REVIEW)


def test_a_date_reckoned_anew_and_certain_is_no_longer_marked(shared: CaseDeadlines) -> None:
    shared.set_limits(clock(20), clock(10))
    assert not shared.provisional
    assert shared.provisional_dates == ["decision_due_at", "review_due_at"]


@pytest.mark.parametrize(
    ("due", "promised", "first"),
    [(2, 1, 1), (1, 2, 1), (1, 1, 1), (None, 2, 2), (1, None, 1), (None, None, None)],
)
def test_the_first_limit_is_the_earlier_of_the_two(due: int | None, promised: int | None, first: int | None) -> None:
    ends = [None if one is None else AT + timedelta(days=one) for one in (due, promised, first)]
    owed = CaseDeadlines(case_no="C1", due_at=ends[0], promised_due_at=ends[1], provisional_dates=["due_at"])
    assert owed.first_limit == (ends[2], due is not None and ends[2] == ends[0])


def test_a_case_is_made_with_its_deadlines_and_read_with_them_in_one_statement(database: Database) -> None:
    with database.transaction() as session:
        session.add(
            build_case(
                case_no="C1", query_code="Q", item_code="W-01", item_version=1, guide_version=1, item_name="事项",
                mode="window", power_kind="license", power_type="行政许可", area="xingguo", city_unit="zrzy",
                applicant_digest="d", submitted_by="xingguo.window", received_at=AT, process_id="front-window",
                due_at=AT,
            )
        )  # fmt: skip
    said: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda *given: said.append(given[2]))
    with database.transaction() as session:
        case = session.get_one(Case, "C1")
        assert case.deadlines.due_at == AT
    assert len([one for one in said if one.startswith("SELECT")]) == 1
