"""What each limit does when it comes due: who is told, what is sent to the engine, and when the watch wakes next."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from freezegun import freeze_time
from sqlmodel import Session, col, select

from models.audit import TimelineEntry
from models.case import Case, CaseState, Verdict
from models.case_clock import JUST_AFTER
from models.catalogue import Mode
from models.database import CHINA
from models.notification import Notification, NotificationKind
from models.outbox import OutboxCommand
from models.special_procedure import SpecialKind
from models.task import ClockShare, Task
from models.working_calendar import end_of_day, start_of_day
from services.cases import deadline_monitor, special_procedures
from services.deadlines import case_deadlines
from tests.factories.running_case import ACCEPTED, DUE, REVIEWER, answer
from tests.factories.running_case import case as case
from tests.factories.running_case import session as session

ANSWER_DUE = end_of_day(date(2026, 9, 29))
"""Five working days after the receipt."""
WINDOW, SUPERVISORS = {"xingguo.window"}, {"city.zrzy.supervisor", "xingguo.supervisor", "city.coordinator"}
THRESHOLDS: dict[str, Any] = {"yellowShare": 0.8, "yellowDays": 0}


def wake(session: Session, case: Case, at: datetime, thresholds: dict[str, Any] | None = None) -> datetime | None:
    """Let the watch plan at an instant and return when it wakes next; None where it ends."""
    with freeze_time(at):
        planned = deadline_monitor.plan(session, case.case_no, thresholds)
    assert planned.keys() == {"nextWakeAt"}
    return datetime.fromisoformat(planned["nextWakeAt"]) if planned["nextWakeAt"] is not None else None


def signal(session: Session, case: Case, at: datetime) -> None:
    """Carry out what has come due by an instant."""
    with freeze_time(at):
        deadline_monitor.signal(session, case.case_no)


def told(session: Session, kind: str) -> list[tuple[str, str, datetime]]:
    """Return the entries of the case's history on a signal: text, actor and instant."""
    query = select(TimelineEntry).where(TimelineEntry.event == f"deadline.{kind}").order_by("id")
    return [(one.text, one.actor, one.at) for one in session.exec(query).all()]


def groups(session: Session, kind: str) -> tuple[set[str], set[str]]:
    """Return who was reminded of a signal, and who was told to supervise."""
    rows = session.exec(select(Notification).where(Notification.signal == kind)).all()
    reminded = [one.to_group for one in rows if one.kind is NotificationKind.REMINDER]
    supervising = [one.to_group for one in rows if one.kind is NotificationKind.SUPERVISION]
    assert len(reminded) + len(supervising) == len({*reminded, *supervising})
    return set(reminded), set(supervising)


def messages(session: Session) -> list[tuple[str, str, str]]:
    """Return the messages to the engine: name, correlation and id."""
    rows = session.exec(select(OutboxCommand).order_by(col(OutboxCommand.id))).all()
    return [(one.payload["name"], one.payload["correlation_key"], one.payload["message_id"]) for one in rows]


def received(session: Session, case: Case) -> Case:
    """Take the case back to its receipt, the window's five days running."""
    case.accepted_at, case.limit_days, case.promised_days, case.state = None, None, None, CaseState.RECEIVED
    case_deadlines.set_receipt_deadline(session, case, ACCEPTED)
    session.flush()
    return case


def open_task(session: Session, case: Case, share: ClockShare, group: str) -> Task:
    """Open a task of a share of the clock."""
    task = Task(
        key=1,
        case_no=case.case_no,
        process_id="acceptance",
        process_instance_key=1,
        element_id="Task",
        element_instance_key=1,
        name="任务",
        candidate_groups=[group],
        clock=share,
        created_at=ACCEPTED,
    )
    session.add(task)
    session.flush()
    return task


def test_the_window_is_warned_a_working_day_before_it_must_answer(session: Session, case: Case) -> None:
    received(session, case)
    open_task(session, case, ClockShare.ACCEPTANCE, "xingguo.window")
    warned = start_of_day(date(2026, 9, 28))
    assert wake(session, case, ACCEPTED) == warned
    assert told(session, "acceptance_warning") == []
    assert wake(session, case, warned) == ANSWER_DUE
    assert told(session, "acceptance_warning") == [
        ("黄牌：受理期限将于2026-09-29届满，请作出受理答复", "system", warned)
    ]
    assert groups(session, "acceptance_warning") == (WINDOW, set())


def test_silence_accepts_and_is_supervised(session: Session, case: Case) -> None:
    received(session, case)
    open_task(session, case, ClockShare.ACCEPTANCE, "xingguo.window")
    for _ in range(2):
        signal(session, case, ANSWER_DUE)
    message_id = f"{case.case_no}:acceptance-overdue:2026-09-29"
    assert messages(session) == [("acceptance-overdue", case.case_no, message_id)]
    assert told(session, "acceptance_overdue") == [
        ("红牌：受理期限已于2026-09-29届满而未告知，视为受理", "system", ANSWER_DUE)
    ]
    assert groups(session, "acceptance_overdue") == (WINDOW, SUPERVISORS)


def test_where_the_window_was_first_nothing_is_deemed_and_the_watch_looks_again_later_and_later(
    session: Session, case: Case
) -> None:
    received(session, case)
    for late in (timedelta(hours=10), timedelta(hours=20)):
        assert wake(session, case, ANSWER_DUE + late) == ANSWER_DUE + late + late / 10
    assert (messages(session), told(session, "acceptance_overdue")) == ([], [])


def test_another_open_task_does_not_stand_for_the_windows(session: Session, case: Case) -> None:
    received(session, case)
    open_task(session, case, ClockShare.REVIEW, "xingguo.reviewer")
    signal(session, case, ANSWER_DUE)
    assert messages(session) == []


def test_the_watch_over_the_receipt_ends_with_the_answer_and_with_the_case(session: Session, case: Case) -> None:
    assert wake(session, case, ACCEPTED) is None, "it is accepted"
    assert wake(session, case, ACCEPTED, THRESHOLDS) is not None
    received(session, case).is_open = False
    assert wake(session, case, ACCEPTED) is None


def test_an_applicant_who_supplies_nothing_in_time_ends_the_correction(session: Session, case: Case) -> None:
    received(session, case)
    case.state, case.correction_requested_at = CaseState.CORRECTION_OPEN, ACCEPTED
    case_deadlines.refresh(session, case)
    due = case.deadlines.supplement_due_at
    assert due is not None
    assert wake(session, case, ACCEPTED) == due
    signal(session, case, due)
    day = due.astimezone(CHINA).date()
    assert messages(session) == [
        ("supplement-overdue", case.case_no, f"{case.case_no}:supplement-overdue:{day}"),
    ]
    assert told(session, "supplement_overdue") == [(f"补正期限已于{day}届满，申请人未补正", "system", due)]
    assert groups(session, "supplement_overdue") == (WINDOW, set())


def test_whoever_has_the_case_in_hand_is_warned_and_then_supervised(session: Session, case: Case) -> None:
    open_task(session, case, ClockShare.REVIEW, "city.zrzy.reviewer")
    warned = case.deadlines.warn_at
    assert warned is not None
    assert wake(session, case, ACCEPTED, THRESHOLDS) == warned
    signal(session, case, DUE)
    assert told(session, "yellow") == [("黄牌：法定期限将于2026-10-26届满", "system", warned)]
    assert groups(session, "yellow") == ({"city.zrzy.reviewer"}, set())
    assert told(session, "overdue") == []
    signal(session, case, DUE + JUST_AFTER)
    assert told(session, "overdue") == [("红牌：已超过法定期限2026-10-26", "system", DUE + JUST_AFTER)]
    assert groups(session, "overdue") == ({"city.zrzy.reviewer"}, SUPERVISORS)


def test_a_broken_promise_is_supervised_though_the_law_is_kept(session: Session, case: Case) -> None:
    case.promised_days = 5
    signal(session, case, ANSWER_DUE + JUST_AFTER)
    assert told(session, "promise_broken") == [("已超过承诺期限2026-09-29", "system", ANSWER_DUE + JUST_AFTER)]
    assert groups(session, "promise_broken") == (WINDOW, SUPERVISORS)
    assert case.overdue_at is None


def substantive(session: Session, case: Case) -> Case:
    """Let the county review the case in five days, forwarding it in three."""
    case.mode, case.review_days = Mode.SUBSTANTIVE, 5
    case.deadlines.thresholds = {"lateForwardingDays": 3}
    session.flush()
    return case


def test_a_late_dossier_is_brought_to_the_countys_chief_too(session: Session, case: Case) -> None:
    substantive(session, case)
    open_task(session, case, ClockShare.REVIEW, "xingguo.reviewer")
    late = start_of_day(date(2026, 9, 24))
    signal(session, case, late)
    assert told(session, "forwarding_late") == [("迟转报：县级尚未转报审核转报件", "system", late)]
    reminded, supervising = groups(session, "forwarding_late")
    assert reminded == {"xingguo.reviewer", "xingguo.chief"}
    assert "city.coordinator" in supervising


def test_the_countys_share_overrun_is_told_as_the_countys(session: Session, case: Case) -> None:
    substantive(session, case)
    signal(session, case, ANSWER_DUE + JUST_AFTER)
    assert told(session, "review_overdue") == [
        ("环节超时：县级审核期限2026-09-29已到", "system", ANSWER_DUE + JUST_AFTER)
    ]
    assert "city.coordinator" in groups(session, "review_overdue")[1]


def test_a_decision_that_was_not_delivered_in_time_is_brought_to_the_window_and_supervised(
    session: Session, case: Case
) -> None:
    answer(session, case, "approve", ACCEPTED)
    case.decided_at, case.decision = ACCEPTED, Verdict.APPROVE
    case_deadlines.refresh(session, case)
    due = end_of_day(date(2026, 10, 12))
    assert wake(session, case, ACCEPTED, THRESHOLDS) == due + JUST_AFTER
    signal(session, case, due + JUST_AFTER)
    assert told(session, "delivery_overdue") == [("决定应于2026-10-12前送达，尚未送达", "system", due + JUST_AFTER)]
    assert groups(session, "delivery_overdue") == (WINDOW, SUPERVISORS)
    assert wake(session, case, due + timedelta(days=1), THRESHOLDS) is None, "nothing is left to signal"


def test_the_window_is_warned_of_a_promise_a_day_ahead_and_the_case_ends_when_it_is_broken(
    session: Session, case: Case
) -> None:
    open_task(session, case, ClockShare.REVIEW, "city.zrzy.reviewer")
    until = end_of_day(date(2026, 9, 30))
    case.tolerated_until, case.tolerated_materials = until, "验资报告"
    signal(session, case, until)
    assert told(session, "tolerance_warning") == [
        ("容缺材料应于2026-09-30前补齐", "system", until - timedelta(days=1)),
    ]
    assert case.is_open
    assert wake(session, case, until + JUST_AFTER, THRESHOLDS) is None, "the case is over"
    assert told(session, "tolerance_overdue") == [("容缺材料逾期未补齐（2026-09-30）", "system", until + JUST_AFTER)]
    assert (case.is_open, case.closed_at) == (False, until)
    for kind in ("tolerance_warning", "tolerance_overdue"):
        assert groups(session, kind) == (WINDOW, set())


def test_a_decision_that_came_first_keeps_a_broken_promise_quiet(session: Session, case: Case) -> None:
    until = end_of_day(date(2026, 9, 30))
    case.tolerated_until = until
    answer(session, case, "deny", until - timedelta(hours=1))
    signal(session, case, until + JUST_AFTER)
    assert told(session, "tolerance_overdue") == []
    assert case.is_open


def test_what_has_come_due_is_carried_out_in_its_order(session: Session, case: Case) -> None:
    case.promised_days = 5
    signal(session, case, DUE + JUST_AFTER)
    query = select(TimelineEntry.event).where(col(TimelineEntry.event).startswith("deadline.")).order_by("id")
    assert session.exec(query).all() == ["deadline.promise_broken", "deadline.yellow", "deadline.overdue"]


def test_a_case_with_nothing_ahead_is_looked_at_again_in_a_year(session: Session, case: Case) -> None:
    at = DUE + timedelta(days=1)
    assert wake(session, case, at, THRESHOLDS) == at + timedelta(days=365)


@pytest.mark.parametrize(
    ("at", "expected"),
    [(ACCEPTED, date(2026, 9, 25)), (datetime(2026, 9, 28, 9, tzinfo=CHINA), date(2026, 9, 29))],
    ids=["within the plan", "past it"],
)
def test_in_a_special_procedure_the_watch_wakes_past_the_plan_and_then_every_day(
    session: Session, case: Case, at: datetime, expected: date
) -> None:
    with freeze_time(ACCEPTED):
        special_procedures.begin(session, REVIEWER, case, SpecialKind.TESTING, 1, "检测")
        special_procedures.begin(session, REVIEWER, case, SpecialKind.APPRAISAL, 3, "鉴定")
    assert wake(session, case, at, THRESHOLDS) == start_of_day(expected)


def test_the_longest_of_the_open_procedures_counts_and_none_that_is_over(session: Session, case: Case) -> None:
    with freeze_time(ACCEPTED):
        longer = special_procedures.begin(session, REVIEWER, case, SpecialKind.APPRAISAL, 3, "鉴定")
        special_procedures.begin(session, REVIEWER, case, SpecialKind.TESTING, 1, "检测")
        special_procedures.end(session, REVIEWER, case, longer.id)
    assert wake(session, case, ACCEPTED, THRESHOLDS) == start_of_day(date(2026, 9, 23))
