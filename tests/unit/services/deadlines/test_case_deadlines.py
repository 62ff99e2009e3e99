"""The dates a case owes: the receipt, the limits and their shares, the delivery, and who is told when they move."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from freezegun import freeze_time
from sqlmodel import Session, col, select

from models.case import Case, CaseState, Verdict
from models.case_clock import JUST_AFTER, LimitUnit
from models.case_deadlines import DueDate
from models.catalogue import GuideVersion, Mode
from models.database import CHINA
from models.dossier import TransferDossier
from models.outbox import OutboxCommand
from models.special_procedure import Extension, SpecialKind
from models.task import NO_DUE, ClockShare, Task, TaskCandidate
from models.working_calendar import end_of_day, start_of_day
from services.cases import special_procedures
from services.deadlines import case_deadlines, clock_inputs
from tests.factories.running_case import ACCEPTED, DUE, REVIEWER, give_guide
from tests.factories.running_case import case as case
from tests.factories.running_case import session as session

WORKING_DAYS = [
    *(date(2026, 9, day) for day in (21, 22, 23, 24, 28, 29, 30)),
    *(date(2026, 10, day) for day in (8, 9, 10, 12, 13, 14, 15, 16, 19, 20, 21, 22, 23, 26, 27, 28, 29, 30)),
    *(date(2026, 11, day) for day in (2, 3, 4, 5, 6, 9, 10)),
]
"""The working days from the acceptance on, as the State Council's notice for 2026 has them: the nth is n days after."""
DEFAULTS = {"statutory": 15, "promised": 7, "unit": "day", "kind": "即办件"}


def ends(count: int) -> datetime:
    """Return the last instant of the working day so many after the acceptance."""
    return end_of_day(WORKING_DAYS[count])


def begins(count: int) -> datetime:
    """Return the first instant of the working day so many after the acceptance."""
    return start_of_day(WORKING_DAYS[count])


def refresh(session: Session, case: Case, at: datetime = ACCEPTED) -> bool:
    """Recompute the case's dates at an instant."""
    with freeze_time(at):
        return case_deadlines.refresh(session, case)


def unanswered(session: Session, case: Case) -> Case:
    """Take the case back to its receipt."""
    case.accepted_at, case.limit_days, case.promised_days, case.state = None, None, None, CaseState.RECEIVED
    session.flush()
    return case


def substantive(session: Session, case: Case, **facts: Any) -> Case:
    """Let the county review the case and the city decide it."""
    case.mode = Mode.SUBSTANTIVE
    for name, value in {"review_days": 7, "decision_days": 5, **facts}.items():
        setattr(case, name, value)
    session.flush()
    return case


def dossier(session: Session, case: Case, received: datetime | None, returned: datetime | None = None) -> None:
    """Forward another round of the case's dossier."""
    number = len(session.exec(select(TransferDossier)).all()) + 1
    session.add(
        TransferDossier(
            case_no=case.case_no,
            round=number,
            body={},
            digest="d",
            forwarded_by="xingguo.chief",
            forwarded_at=ACCEPTED,
            received_at=received,
            returned_at=returned,
        )
    )
    session.flush()


def messages(session: Session) -> list[tuple[str, str]]:
    """Return the messages to the engine: name and id, oldest first."""
    rows = session.exec(select(OutboxCommand).order_by(col(OutboxCommand.id))).all()
    return [(one.payload["name"], one.payload["message_id"]) for one in rows]


def test_the_window_answers_within_five_working_days_and_is_warned_a_day_before(session: Session, case: Case) -> None:
    unanswered(session, case)
    assert case_deadlines.set_receipt_deadline(session, case, ACCEPTED) == ends(5)
    owed = case.deadlines
    assert (owed.acceptance_due_at, owed.acceptance_warn_at, owed.provisional) == (ends(5), begins(4), False)


def test_a_receipt_whose_limit_has_not_begun_owes_nothing(session: Session, case: Case) -> None:
    unanswered(session, case)
    assert not refresh(session, case)
    assert case.deadlines.acceptance_due_at is None


def test_the_applicant_has_thirty_working_days_to_supply_what_was_missing(session: Session, case: Case) -> None:
    unanswered(session, case)
    case_deadlines.set_receipt_deadline(session, case, ACCEPTED)
    case.state, case.correction_requested_at = CaseState.CORRECTION_OPEN, ACCEPTED + timedelta(days=1)
    assert refresh(session, case)
    assert case.deadlines.supplement_due_at == ends(31)
    assert case.deadlines.acceptance_due_at == ends(5), "what the window owed stands until the supplement comes"


def test_with_the_supplement_the_five_days_begin_anew(session: Session, case: Case) -> None:
    unanswered(session, case)
    case_deadlines.set_receipt_deadline(session, case, ACCEPTED)
    case.state, case.supplemented_at = CaseState.CORRECTION_CLOSED, ACCEPTED + timedelta(days=2)
    assert refresh(session, case)
    assert (case.deadlines.acceptance_due_at, case.deadlines.acceptance_warn_at) == (ends(7), begins(6))


def test_an_accepted_case_has_the_limits_of_its_guide(session: Session, case: Case) -> None:
    give_guide(session, case, limits={"statutory": 12, "promised": 9, "kind": "即办件"})
    case.limit_days = case.promised_days = None
    case_deadlines.fix_limits(session, case, DEFAULTS)
    assert (case.limit_days, case.promised_days, case.limit_unit) == (12, 9, LimitUnit.WORKING_DAY)
    assert (case.handling, case.review_days, case.decision_days) == ("即办件", 20, 12)
    assert (case.deadlines.due_at, case.deadlines.promised_due_at) == (ends(12), ends(9))


def test_a_guide_may_name_the_shares_of_county_and_city(session: Session, case: Case) -> None:
    give_guide(session, case, limits={"review": 8, "decision": 6})
    case_deadlines.fix_limits(session, case, DEFAULTS)
    assert (case.review_days, case.decision_days) == (8, 6)


def test_a_guide_without_limits_leaves_them_to_the_decision_table(session: Session, case: Case) -> None:
    give_guide(session, case)
    stored = session.exec(select(GuideVersion).where(GuideVersion.version == case.guide_version)).one()
    stored.body = {**stored.body, "limits": None}
    session.flush()
    case.limit_days = case.promised_days = None
    assert case_deadlines.announced_limit(session, case) == (None, LimitUnit.WORKING_DAY)
    assert case_deadlines.announced_handling(session, case) == "承诺件"
    case_deadlines.fix_limits(session, case, DEFAULTS)
    assert (case.limit_days, case.promised_days, case.limit_unit) == (15, 7, LimitUnit.DAY)
    assert (case.handling, case.review_days, case.decision_days) == ("即办件", 20, 15)
    assert case.deadlines.due_at == end_of_day(date(2026, 10, 6)), "days, holidays among them"


def test_the_answer_settles_which_dates_of_the_receipt_were_guesses(session: Session, case: Case) -> None:
    case.deadlines.provisional_dates = [DueDate.ACCEPTANCE.value]
    case_deadlines.fix_limits(session, case, DEFAULTS)
    assert case.deadlines.provisional_dates == []


def test_a_limit_is_announced_by_the_guide_until_it_is_fixed(session: Session, case: Case) -> None:
    give_guide(session, case, limits={"statutory": 12, "promised": 9, "unit": "day"})
    assert case_deadlines.announced_limit(session, case) == (20, LimitUnit.WORKING_DAY)
    unanswered(session, case)
    assert case_deadlines.announced_limit(session, case) == (12, LimitUnit.DAY)
    assert case_deadlines.last_day_if_accepted(session, case, WORKING_DAYS[0]) == date(2026, 10, 3)
    case.guide_version = 99
    assert case_deadlines.announced_limit(session, case) == (None, LimitUnit.WORKING_DAY)
    assert case_deadlines.last_day_if_accepted(session, case, WORKING_DAYS[0]) == WORKING_DAYS[20]


@pytest.mark.parametrize("name", ["accepted_at", "limit_days"])
def test_no_clock_runs_before_acceptance_or_without_a_limit(session: Session, case: Case, name: str) -> None:
    setattr(case, name, None)
    inputs = clock_inputs.gather(session, [case]).of(case)
    assert case_deadlines.case_clock(case, inputs, ACCEPTED) is None


def test_the_promise_may_end_before_the_law_does_and_is_the_law_where_nothing_was_promised(
    session: Session, case: Case
) -> None:
    case.promised_days = 15
    assert refresh(session, case)
    assert (case.deadlines.due_at, case.deadlines.promised_due_at) == (ends(20), ends(15))
    case.promised_days = None
    refresh(session, case)
    assert case.deadlines.promised_due_at == ends(20)


def test_the_yellow_light_comes_with_a_share_of_the_limit_or_so_many_days_before_its_end(
    session: Session, case: Case
) -> None:
    assert case.deadlines.warn_at == begins(16), "four fifths of twenty days unless the table says otherwise"
    case.deadlines.thresholds = {"yellowShare": 0.5, "yellowDays": 0}
    refresh(session, case)
    assert case.deadlines.warn_at == begins(10)
    case.deadlines.thresholds = {"yellowShare": 0.9, "yellowDays": 5}
    refresh(session, case)
    assert case.deadlines.warn_at == begins(15)


def test_an_extension_lengthens_both_limits_of_its_own_case_alone(session: Session, case: Case) -> None:
    session.add(Extension(case_no=case.case_no, days=4, reason="r", approved_by="x", approved_at=ACCEPTED))
    session.flush()
    case.promised_days = 15
    refresh(session, case)
    assert (case.deadlines.due_at, case.deadlines.promised_due_at) == (ends(24), ends(19))


def test_a_decided_case_owes_its_delivery_within_ten_working_days_and_its_limits_stand(
    session: Session, case: Case
) -> None:
    case.decided_at, case.decision, case.limit_days = ACCEPTED + timedelta(days=1), Verdict.APPROVE, 5
    assert refresh(session, case)
    assert case.deadlines.delivery_due_at == ends(11)
    assert case.deadlines.due_at == DUE


def test_the_county_has_its_share_from_the_acceptance_and_the_city_none_before_the_dossier(
    session: Session, case: Case
) -> None:
    refresh(session, substantive(session, case))
    owed = case.deadlines
    assert (owed.review_due_at, owed.review_overrun_at) == (ends(7), ends(7) + JUST_AFTER)
    assert owed.review_warn_at == begins(6), "the sixth of seven days uses up four fifths"
    assert (owed.decision_due_at, owed.decision_warn_at, owed.decision_overrun_at) == (None, None, None)
    assert owed.forwarding_late_at is None


def test_the_citys_share_runs_from_the_receipt_of_the_dossier(session: Session, case: Case) -> None:
    substantive(session, case)
    dossier(session, case, datetime(2026, 9, 24, 10, tzinfo=CHINA))
    assert refresh(session, case)
    owed = case.deadlines
    assert (owed.decision_due_at, owed.decision_overrun_at) == (ends(8), ends(8) + JUST_AFTER)
    assert owed.decision_warn_at == begins(7)
    dossier(session, case, None)
    refresh(session, case)
    assert owed.decision_due_at is None, "the latest round counts, and it has not arrived"


def test_a_returned_dossier_takes_the_citys_share_back(session: Session, case: Case) -> None:
    substantive(session, case)
    dossier(session, case, ACCEPTED)
    refresh(session, case)
    row = session.exec(select(TransferDossier)).one()
    row.returned_at = ACCEPTED + timedelta(days=1)
    session.flush()
    assert refresh(session, case)
    assert (case.deadlines.decision_due_at, case.deadlines.decision_overrun_at) == (None, None)


@pytest.mark.parametrize(("limit", "promised", "last"), [(20, 4, 4), (4, 4, 4)], ids=["the promise", "the law"])
def test_no_share_reaches_beyond_the_earlier_limit(
    session: Session, case: Case, limit: int, promised: int, last: int
) -> None:
    substantive(session, case, limit_days=limit, promised_days=promised)
    dossier(session, case, ACCEPTED)
    refresh(session, case)
    assert case.deadlines.decision_due_at == ends(last)
    assert case.deadlines.review_due_at == ends(last - 2), "a third of four days, rounded up, is the city's"


@pytest.mark.parametrize(
    ("promised", "decision", "county"),
    [(20, 5, 7), (10, 5, 5), (10, 4, 6), (5, 20, 3), (5, 5, 3), (3, None, 2), (1, None, 1)],
)
def test_the_countys_share_leaves_the_city_its_own_days(
    session: Session, case: Case, promised: int, decision: int | None, county: int
) -> None:
    substantive(session, case, promised_days=promised, decision_days=decision)
    refresh(session, case)
    assert case.deadlines.review_due_at == ends(county)
    assert case.deadlines.review_overrun_at == ends(county) + JUST_AFTER


def test_an_extension_lengthens_the_citys_days_and_not_the_countys(session: Session, case: Case) -> None:
    substantive(session, case, promised_days=10)
    session.add(Extension(case_no=case.case_no, days=4, reason="r", approved_by="x", approved_at=ACCEPTED))
    session.flush()
    refresh(session, case)
    assert (case.deadlines.review_due_at, case.deadlines.promised_due_at) == (ends(5), ends(14))


def test_a_share_that_nothing_names_is_the_laws_within_what_the_city_leaves(session: Session, case: Case) -> None:
    substantive(session, case, review_days=None, decision_days=None, limit_days=25, promised_days=25)
    dossier(session, case, ACCEPTED)
    refresh(session, case)
    assert (case.deadlines.review_due_at, case.deadlines.decision_due_at) == (ends(16), ends(25))


def test_a_share_is_overrun_at_the_threshold_and_a_dossier_late_on_its_day(session: Session, case: Case) -> None:
    substantive(session, case, review_days=6, decision_days=4)
    dossier(session, case, ACCEPTED)
    case.deadlines.thresholds = {"stageShare": 0.5, "lateForwardingDays": 2}
    assert refresh(session, case)
    owed = case.deadlines
    assert (owed.review_overrun_at, owed.decision_overrun_at) == (ends(3) + JUST_AFTER, ends(2) + JUST_AFTER)
    assert (owed.review_due_at, owed.decision_due_at) == (ends(6), ends(4))
    assert owed.forwarding_late_at == begins(2)
    owed.thresholds = {"lateForwardingDays": 1}
    refresh(session, case)
    assert owed.forwarding_late_at == begins(1)
    owed.thresholds = {"lateForwardingDays": 9}
    refresh(session, case)
    assert owed.forwarding_late_at == begins(6), "at the latest when the share ends"
    owed.thresholds = {"lateForwardingDays": 0}
    refresh(session, case)
    assert owed.forwarding_late_at is None


def test_the_countys_share_is_in_working_days_and_no_extension_is_its(session: Session, case: Case) -> None:
    substantive(session, case, limit_unit=LimitUnit.DAY, limit_days=60, promised_days=60)
    session.add(Extension(case_no=case.case_no, days=4, reason="r", approved_by="x", approved_at=ACCEPTED))
    session.flush()
    dossier(session, case, ACCEPTED)
    refresh(session, case)
    assert case.deadlines.review_due_at == ends(7)
    assert case.deadlines.decision_due_at == ends(7), "five days to the 26th, and four of work on"


def test_a_case_the_city_took_over_has_one_clock(session: Session, case: Case) -> None:
    substantive(session, case)
    case.deadlines.thresholds = {"lateForwardingDays": 2}
    dossier(session, case, ACCEPTED)
    refresh(session, case)
    case.taken_over_at = ACCEPTED
    assert refresh(session, case)
    owed = case.deadlines
    assert (owed.review_due_at, owed.review_overrun_at, owed.forwarding_late_at) == (None, None, None)
    assert (owed.decision_due_at, owed.due_at) == (None, ends(20))


def test_where_one_clock_runs_through_the_review_has_an_end_if_the_threshold_is_below_the_whole(
    session: Session, case: Case
) -> None:
    case.promised_days = 10
    case.deadlines.thresholds = {"stageShare": 0.5}
    refresh(session, case)
    assert case.deadlines.review_overrun_at == ends(5) + JUST_AFTER, "half of the promise, which ends first"
    for whole in ({"stageShare": 1}, {}):
        case.deadlines.thresholds = whole
        refresh(session, case)
        assert case.deadlines.review_overrun_at is None


def test_every_date_past_the_published_calendar_says_that_it_is_a_guess(session: Session, case: Case) -> None:
    late = datetime(2026, 12, 21, 9, tzinfo=CHINA)
    case.accepted_at, case.received_at = late, late
    substantive(session, case, review_days=15, promised_days=2)
    dossier(session, case, late)
    refresh(session, case, late)
    assert not case.deadlines.is_provisional(DueDate.PROMISED)
    assert case.deadlines.is_provisional(DueDate.STATUTORY)
    assert not case.deadlines.is_provisional(DueDate.REVIEW), "the promise ends first"
    case.promised_days, case.decision_days = 20, 10
    refresh(session, case, late)
    for name in (DueDate.PROMISED, DueDate.STATUTORY, DueDate.REVIEW, DueDate.DECISION):
        assert case.deadlines.is_provisional(name)
    case.decided_at = late
    refresh(session, case, late)
    assert case.deadlines.is_provisional(DueDate.DELIVERY)
    unanswered(session, case)
    case_deadlines.set_receipt_deadline(session, case, late + timedelta(days=8))
    assert case.deadlines.is_provisional(DueDate.ACCEPTANCE)
    case.state, case.correction_requested_at = CaseState.CORRECTION_OPEN, late
    refresh(session, case, late)
    assert case.deadlines.is_provisional(DueDate.SUPPLEMENT)


def test_the_watch_over_the_receipt_begins_and_ends_once(session: Session, case: Case) -> None:
    case_deadlines.start_receipt_monitor(session, case)
    for _ in range(2):
        case_deadlines.stop_receipt_monitor(session, case)
        session.flush()
    assert messages(session) == [("receipt-begun", case.case_no), ("receipt-closed", case.case_no)]
    rows = session.exec(select(OutboxCommand).order_by(col(OutboxCommand.id))).all()
    assert {(one.stream, one.payload["correlation_key"]) for one in rows} == {(case.case_no, case.case_no)}
    assert [one.payload["variables"] for one in rows] == [{"caseId": case.case_no}, {}]


def test_each_change_of_the_dates_is_a_message_of_its_own_and_none_is_sent_where_nothing_moved(
    session: Session, case: Case
) -> None:
    with freeze_time(ACCEPTED):
        case_deadlines.recompute(session, case)
        assert messages(session) == []
        for days in (15, 10):
            case.promised_days = days
            case_deadlines.recompute(session, case)
    assert messages(session) == [
        ("deadline-changed", f"{case.case_no}:1"),
        ("deadline-changed", f"{case.case_no}:2"),
    ]
    assert case.deadlines.clock_version == 2


@pytest.mark.parametrize(
    ("decided", "overdue"),
    [(DUE, None), (DUE + timedelta(seconds=1), DUE + JUST_AFTER), (DUE + timedelta(days=3), DUE + JUST_AFTER)],
    ids=str,
)
def test_a_decision_after_the_last_second_was_late_for_ever(
    session: Session, case: Case, decided: datetime, overdue: datetime | None
) -> None:
    case.decided_at = decided
    with freeze_time(decided):
        case_deadlines.finalize(session, case)
    assert case.overdue_at == overdue
    assert case.deadlines.delivery_due_at is not None
    assert messages(session) == [("deadline-changed", f"{case.case_no}:1")]


def test_what_was_recorded_as_overdue_keeps_its_instant(session: Session, case: Case) -> None:
    case.decided_at, case.overdue_at = DUE + timedelta(days=3), ACCEPTED
    case_deadlines.finalize(session, case)
    assert case.overdue_at == ACCEPTED


def test_there_is_nothing_to_finalize_before_the_decision(session: Session, case: Case) -> None:
    case_deadlines.finalize(session, case)
    assert (case.deadlines.delivery_due_at, messages(session)) == (None, [])


def add_task(session: Session, case: Case, share: ClockShare | None, **facts: Any) -> Task:
    """Add an open task with one candidate."""
    task = Task(
        key=1,
        case_no=case.case_no,
        process_id="front-window",
        process_instance_key=1,
        element_id="Task_CityReview",
        element_instance_key=1,
        name="审查",
        clock=share,
        created_at=ACCEPTED,
        **facts,
    )
    session.add(task)
    session.flush()
    session.add(TaskCandidate(task_key=1, group_name="city.zrzy.reviewer", due_at=NO_DUE, created_at=ACCEPTED))
    session.flush()
    return task


def candidate_due(session: Session) -> datetime:
    return session.exec(select(TaskCandidate.due_at)).one()


def test_an_open_task_follows_the_clock_of_its_case_and_lists_sort_by_it(session: Session, case: Case) -> None:
    task = add_task(session, case, ClockShare.REVIEW)
    refresh(session, case)
    assert (task.item_name, task.area) == ("事项", "xingguo")
    assert (task.due_at, task.warn_at, task.provisional, task.paused) == (DUE, begins(16), False, False)
    assert candidate_due(session) == DUE
    case.limit_days = 10
    refresh(session, case)
    assert (task.due_at, candidate_due(session)) == (ends(10), ends(10))


def test_a_task_without_a_share_of_the_clock_has_no_end(session: Session, case: Case) -> None:
    task = add_task(session, case, None)
    refresh(session, case)
    assert (task.due_at, task.paused, candidate_due(session)) == (None, False, NO_DUE)


def test_a_task_that_loses_its_end_goes_to_the_end_of_the_lists(session: Session, case: Case) -> None:
    task = add_task(session, case, ClockShare.ACCEPTANCE, due_at=ACCEPTED)
    case_deadlines.apply_task_clock(session, task, case)
    assert (task.due_at, candidate_due(session)) == (None, NO_DUE)


@pytest.mark.parametrize(
    ("share", "paused"), [(ClockShare.REVIEW, True), (ClockShare.DECISION, True), (ClockShare.ACCEPTANCE, False)]
)
def test_a_task_waits_while_a_procedure_stops_its_clock(
    session: Session, case: Case, share: ClockShare, paused: bool
) -> None:
    task = add_task(session, case, share)
    with freeze_time(ACCEPTED):
        special_procedures.begin(session, REVIEWER, case, SpecialKind.TESTING, 3, "检测")
    assert task.paused is paused


def test_a_closed_task_keeps_its_dates(session: Session, case: Case) -> None:
    task = add_task(session, case, ClockShare.REVIEW, is_open=False)
    refresh(session, case)
    assert task.due_at is None


def test_each_share_has_its_own_dates(session: Session, case: Case) -> None:
    substantive(session, case, promised_days=15)
    case_deadlines.set_receipt_deadline(session, case, ACCEPTED)
    refresh(session, case)
    shares = case_deadlines.share_dates
    assert shares(case, ClockShare.ACCEPTANCE) == (ends(5), begins(4), False)
    assert shares(case, ClockShare.REVIEW) == (ends(7), begins(6), False)
    assert shares(case, ClockShare.DECISION) == (ends(15), begins(16), False), "until the dossier, the first limit"
    dossier(session, case, ACCEPTED)
    refresh(session, case)
    assert shares(case, ClockShare.DECISION) == (ends(5), begins(4), False)
    case.taken_over_at = ACCEPTED
    refresh(session, case)
    assert shares(case, ClockShare.REVIEW) == shares(case, ClockShare.DECISION) == (ends(20), begins(16), False)


def test_the_receipt_of_a_case_is_explained_to_its_answer_unless_silence_accepted_it(
    session: Session, case: Case
) -> None:
    case.received_at, case.accepted_at = ACCEPTED, ACCEPTED + timedelta(days=2)
    inputs, later = clock_inputs.gather(session, [case]).of(case), ACCEPTED + timedelta(days=9)
    assert case_deadlines.receipt_clock(case, inputs, later).used == 2
    case.deemed_accepted = True
    assert case_deadlines.receipt_clock(case, inputs, later).used == 5
    case.accepted_at, case.deemed_accepted, case.closed_at = None, False, ACCEPTED + timedelta(days=1)
    assert case_deadlines.receipt_clock(case, inputs, later).used == 1


def test_a_pause_says_which_procedure_it_is(session: Session, case: Case) -> None:
    with freeze_time(ACCEPTED):
        special_procedures.begin(session, REVIEWER, case, SpecialKind.TESTING, 3, "检测")
    [pause] = clock_inputs.gather(session, [case]).of(case).pauses
    assert (pause.begun, pause.planned_end, pause.ended) == (WORKING_DAYS[0], WORKING_DAYS[3], None)
    assert (pause.reason, pause.provisional) == ("特别程序：检测", False)


def test_a_correction_stops_the_receipt_and_the_limit_to_decide_is_the_cases_own(session: Session, case: Case) -> None:
    inputs, later = clock_inputs.gather(session, [case]).of(case), ACCEPTED + timedelta(days=9)
    clock = case_deadlines.case_clock(case, inputs, later)
    assert clock is not None
    assert (clock.limit, clock.used, clock.due_at) == (20, 6, DUE)
    unanswered(session, case).correction_requested_at = ACCEPTED + timedelta(days=1)
    receipt = case_deadlines.receipt_clock(case, inputs, later)
    assert (receipt.used, receipt.due_on) == (1, None)
