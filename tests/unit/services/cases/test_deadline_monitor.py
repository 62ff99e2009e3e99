"""The watch over a case's dates: what it carries out at once, and what it leaves alone."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from freezegun import freeze_time
from sqlalchemy import update
from sqlmodel import Session, select

from models.account import Account, Membership
from models.audit import TimelineEntry
from models.case import Case, CaseState
from models.catalogue import ItemVersion
from models.database import CHINA
from models.notification import Notification
from models.outbox import OutboxCommand
from models.protocol import START_TTL_MS, Message
from models.special_procedure import SpecialKind
from models.task import ClockShare, Task, TaskStatus
from models.working_calendar import end_of_day
from services.casefile import case_list
from services.cases import applicant_actions, deadline_monitor, hearings, special_procedures
from services.cases.hearings import Hearing, NotImpartial, UnlawfulHearingDates
from services.cases.special_procedures import CaseNotRunning, LimitOver, ProcedureEnded
from services.deadlines import case_deadlines, clock_views
from services.errors import InvalidInput
from tests.factories.cases import build_case
from tests.factories.running_case import ACCEPTED, APPROVER, DUE, REVIEWER, WINDOW, answer, give_guide
from tests.factories.running_case import case as case
from tests.factories.running_case import session as session

THRESHOLDS: dict[str, Any] = {"yellowShare": 0.8, "yellowDays": 0}


def answer_of_review(session: Session, case: Case) -> None:
    """Record that the approver has reviewed the case."""
    session.add(
        Task(
            key=1,
            case_no=case.case_no,
            process_id="front-window",
            process_instance_key=1,
            element_id="Task_CityReview",
            element_instance_key=1,
            name="审查",
            candidate_groups=["city.zrzy.approver"],
            headers={},
            status=TaskStatus.COMPLETED,
            is_open=False,
            clock=ClockShare.REVIEW,
            created_at=ACCEPTED,
        )
    )
    session.flush()
    answer(session, case, "agree", ACCEPTED)


def events(session: Session) -> list[str]:
    return [one.event for one in session.exec(select(TimelineEntry).order_by("id")).all()]


def test_a_limit_that_ran_out_is_overdue_for_ever(session: Session, case: Case) -> None:
    with freeze_time(DUE + timedelta(seconds=2)):
        deadline_monitor.signal(session, case.case_no)
        assert case_list.light_of(case, datetime.now(CHINA)).value == "red"
    assert case.overdue_at == DUE + timedelta(seconds=1)
    told = {one.to_group for one in session.exec(select(Notification).where(Notification.signal == "overdue")).all()}
    assert {"city.zrzy.supervisor", "xingguo.supervisor", "city.coordinator"} <= told


def test_an_answer_given_in_time_is_not_overdue_though_its_job_comes_after_midnight(
    session: Session, case: Case
) -> None:
    answer(session, case, "approve", DUE - timedelta(hours=7))
    with freeze_time(DUE + timedelta(seconds=2)):
        deadline_monitor.signal(session, case.case_no)
    assert case.overdue_at is None
    assert "deadline.overdue" not in events(session)


def test_a_case_stays_supervised_when_a_newer_list_drops_its_county(session: Session, case: Case) -> None:
    old = session.exec(select(ItemVersion).where(ItemVersion.code == "W-01")).one()
    session.add(
        ItemVersion(
            **{
                **old.model_dump(exclude={"id"}),
                "version": 2,
                "areas": ["zhanggong"],
                "in_force_from": date(2026, 10, 1),
            }
        )
    )
    session.flush()
    with freeze_time(DUE + timedelta(seconds=2)):
        deadline_monitor.signal(session, case.case_no)
    assert case.overdue_at is not None


def test_what_is_already_past_is_told_at_once_and_the_watch_sleeps_to_what_comes(session: Session, case: Case) -> None:
    assert case.deadlines.warn_at is not None
    with freeze_time(case.deadlines.warn_at + timedelta(days=2)):
        planned = deadline_monitor.plan(session, case.case_no, THRESHOLDS)
    assert "deadline.yellow" in events(session)
    assert datetime.fromisoformat(planned["nextWakeAt"]) == DUE + timedelta(seconds=1)


def test_nothing_stops_or_lengthens_a_clock_once_the_decision_is_answered(session: Session, case: Case) -> None:
    answer(session, case, "deny", ACCEPTED + timedelta(days=1))
    with freeze_time(ACCEPTED + timedelta(days=1)):
        with pytest.raises(CaseNotRunning):
            special_procedures.begin(session, REVIEWER, case, SpecialKind.TESTING, 3, "检测")
        with pytest.raises(CaseNotRunning):
            special_procedures.extend(session, APPROVER, case, 5, "复杂")


@pytest.mark.parametrize(
    ("named", "days", "taken"), [(None, 10, True), (None, 11, False), (15, 15, True), (15, 16, False)]
)
def test_an_extension_is_as_long_as_the_guide_allows_else_ten_working_days(
    session: Session, case: Case, named: int | None, days: int, taken: bool
) -> None:
    give_guide(session, case, limits={"extension": named})
    with freeze_time(ACCEPTED + timedelta(days=1)):
        if taken:
            assert special_procedures.extend(session, APPROVER, case, days, "联合办理").days == days
            assert clock_views.clock_view(session, case, ACCEPTED).limit == 20 + days
            return
        with pytest.raises(InvalidInput) as refused:
            special_procedures.extend(session, APPROVER, case, days, "联合办理")
    assert refused.value.problems[0].message == f"应为1至{named or 10}个工作日"


def test_a_limit_is_extended_to_its_last_second_and_not_after(session: Session, case: Case) -> None:
    with freeze_time(DUE + timedelta(seconds=1)), pytest.raises(LimitOver) as refused:
        special_procedures.extend(session, APPROVER, case, 5, "复杂")
    assert (refused.value.code, refused.value.status) == ("limit_over", 409)
    with freeze_time(DUE):
        special_procedures.extend(session, APPROVER, case, 5, "复杂")
    assert case.deadlines.due_at is not None
    assert case.deadlines.due_at > DUE


def test_a_limit_the_guide_makes_firm_is_never_extended(session: Session, case: Case) -> None:
    give_guide(session, case, limits={"extension": 0})
    with freeze_time(ACCEPTED), pytest.raises(InvalidInput, match="不得延长"):
        special_procedures.extend(session, APPROVER, case, 1, "复杂")


def test_a_case_says_from_its_guide_whether_it_is_done_at_once(session: Session, case: Case) -> None:
    give_guide(session, case, limits={"kind": "即办件"})
    assert case_deadlines.announced_handling(session, case) == "承诺件", "what was fixed at acceptance stays"
    case.limit_days = None
    assert case_deadlines.announced_handling(session, case) == "即办件"


@pytest.mark.parametrize("reviewing", [True, False])
def test_where_one_clock_runs_through_a_review_has_a_stage_of_its_own_if_the_threshold_says_so(
    session: Session, case: Case, reviewing: bool
) -> None:
    with freeze_time(ACCEPTED):
        deadline_monitor.plan(session, case.case_no, THRESHOLDS | {"stageShare": 1})
        assert case.deadlines.review_overrun_at is None
        deadline_monitor.plan(session, case.case_no, THRESHOLDS | {"stageShare": 0.5})
    # Ten of twenty working days after 21 September: 22, 23, 24, 28, 29, 30 September, 8, 9, 10, 12 October.
    ended = end_of_day(date(2026, 10, 12))
    assert case.deadlines.review_overrun_at == ended + timedelta(seconds=1)
    answer_of_review(session, case)
    session.exec(update(Task).values(is_open=reviewing))
    with freeze_time(ended + timedelta(seconds=2)):
        deadline_monitor.signal(session, case.case_no)
        planned = deadline_monitor.plan(session, case.case_no, THRESHOLDS | {"stageShare": 0.5})
    assert ("deadline.review_overdue" in events(session)) is reviewing
    assert datetime.fromisoformat(planned["nextWakeAt"]) == case.deadlines.warn_at, (
        "a review that is over keeps nobody awake"
    )
    texts = [
        one.text for one in session.exec(select(Notification).where(Notification.signal == "review_overdue")).all()
    ]
    assert set(texts) == ({"环节超时：审查应于2026-10-12前完成"} if reviewing else set())


def test_a_changed_threshold_moves_the_lights_of_a_running_case(session: Session, case: Case) -> None:
    with freeze_time(ACCEPTED):
        deadline_monitor.plan(session, case.case_no, THRESHOLDS)
        before = case.deadlines.warn_at
        planned = deadline_monitor.plan(session, case.case_no, {"yellowShare": 0.25, "yellowDays": 0})
    assert before is not None
    assert case.deadlines.warn_at is not None
    assert case.deadlines.warn_at < before
    assert datetime.fromisoformat(planned["nextWakeAt"]) == case.deadlines.warn_at


def test_withdrawing_ends_what_stopped_the_clock(session: Session, case: Case) -> None:
    with freeze_time(ACCEPTED + timedelta(days=1)):
        procedure = special_procedures.begin(session, REVIEWER, case, SpecialKind.TESTING, 3, "检测")
        assert case_list.light_of(case, datetime.now(CHINA)).value == "paused"
    with freeze_time(ACCEPTED + timedelta(days=2)):
        applicant_actions.withdraw(session, WINDOW, case.case_no, "不办了")
        with pytest.raises(ProcedureEnded):
            special_procedures.end(session, REVIEWER, case, procedure.id)
    assert procedure.ended_at == ACCEPTED + timedelta(days=2)


def test_a_case_already_overdue_stays_red_in_a_special_procedure(session: Session, case: Case) -> None:
    with freeze_time(DUE + timedelta(days=1)):
        deadline_monitor.signal(session, case.case_no)
        special_procedures.begin(session, REVIEWER, case, SpecialKind.TESTING, 3, "检测")
        assert case_list.light_of(case, datetime.now(CHINA)).value == "red"


def test_a_hearing_is_given_its_days_and_its_officer_later(session: Session, case: Case) -> None:
    session.add(Account(username="city.zrzy.advisor", display_name="指导员", password_hash=""))
    session.flush()
    with freeze_time(ACCEPTED):
        procedure = special_procedures.begin(session, REVIEWER, case, SpecialKind.HEARING, 20, "听证")
    with freeze_time(ACCEPTED + timedelta(days=1)):
        with pytest.raises(InvalidInput):
            special_procedures.set_hearing(session, REVIEWER, case, procedure.id, Hearing(held_on=date(2026, 10, 11)))
        with pytest.raises(UnlawfulHearingDates):
            special_procedures.set_hearing(session, REVIEWER, case, procedure.id, Hearing(held_on=date(2026, 9, 24)))
        with pytest.raises(InvalidInput):
            special_procedures.set_hearing(session, REVIEWER, case, procedure.id, Hearing("nobody"))
        answer(session, case, "agree", ACCEPTED)
        given = Hearing("city.zrzy.advisor", date(2026, 10, 13), requested_on=date(2026, 9, 22))
        special_procedures.set_hearing(session, REVIEWER, case, procedure.id, given)
    assert (procedure.presiding_officer, procedure.held_on) == ("city.zrzy.advisor", date(2026, 10, 13))
    assert "special_procedure.hearing" in events(session)


def test_the_page_offers_who_may_preside_and_nobody_who_reviews_or_has_left(session: Session, case: Case) -> None:
    case.level = 1
    for name, active in (("advisor", True), ("approver", True), ("reviewer", False), ("supervisor", True)):
        username = f"city.zrzy.{name}"
        session.add(Account(username=username, display_name=name, password_hash="", active=active))
        session.flush()
        session.add(Membership(username=username, group_name=username))
    answer_of_review(session, case)
    assert [one.username for one in hearings.possible_officers(session, case)] == ["city.zrzy.advisor"]
    with freeze_time(ACCEPTED), pytest.raises(InvalidInput):
        special_procedures.begin(
            session, REVIEWER, case, SpecialKind.HEARING, 20, "听证", Hearing("city.zrzy.reviewer", None)
        )


def test_only_an_impartial_officer_presides_a_hearing_given_later(session: Session, case: Case) -> None:
    session.add(Account(username="city.zrzy.approver", display_name="审批", password_hash=""))
    answer_of_review(session, case)
    with freeze_time(ACCEPTED):
        procedure = special_procedures.begin(session, REVIEWER, case, SpecialKind.HEARING, 20, "听证")
        with pytest.raises(NotImpartial):
            special_procedures.set_hearing(session, REVIEWER, case, procedure.id, Hearing("city.zrzy.approver"))


def test_an_answer_given_too_late_is_overdue(session: Session, case: Case) -> None:
    answer(session, case, "approve", DUE + timedelta(hours=1))
    with freeze_time(DUE + timedelta(hours=2)):
        deadline_monitor.signal(session, case.case_no)
    assert case.overdue_at == DUE + timedelta(seconds=1)


def open_acceptance(session: Session, case: Case, key: int) -> None:
    """Have a case's clerk asked whether to accept it."""
    session.add(
        Task(
            key=key,
            case_no=case.case_no,
            process_id="acceptance",
            process_instance_key=key,
            element_id="Task_DecideAcceptance",
            element_instance_key=key,
            name="决定是否受理",
            clock=ClockShare.ACCEPTANCE,
            created_at=ACCEPTED,
        )
    )
    session.flush()


def test_only_a_case_whose_own_clerk_is_asked_is_told_that_its_days_to_accept_are_over(
    session: Session, case: Case
) -> None:
    case.accepted_at, case.state = None, CaseState.RECEIVED
    other = build_case(
        **case.model_dump(exclude={"case_no", "project", "deadlines"}), case_no="3607322026092100002", project="另"
    )
    session.add(other)
    session.flush()
    case_deadlines.set_receipt_deadline(session, case, case.received_at)
    due = case.deadlines.acceptance_due_at
    assert due is not None

    def told() -> list[dict[str, Any]]:
        with freeze_time(due + timedelta(seconds=2)):
            deadline_monitor.signal(session, case.case_no)
        sent = [one.payload for one in session.exec(select(OutboxCommand)).all()]
        return [one for one in sent if one.get("name") == Message.ACCEPTANCE_OVERDUE.value]

    open_acceptance(session, other, 1)
    assert told() == []
    open_acceptance(session, case, 2)
    [message] = told()
    assert message["time_to_live_ms"] == START_TTL_MS
