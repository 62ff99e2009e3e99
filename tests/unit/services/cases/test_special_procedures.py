"""Special procedures (特别程序) and the extension (延期): who begins and ends them, and what they do to the case."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from freezegun import freeze_time
from sqlmodel import Session, col, select

from models.audit import AuditEntry, TimelineEntry
from models.case import Case, CaseState
from models.database import CHINA
from models.document import Document
from models.notification import Notification, NotificationKind
from models.outbox import OutboxCommand
from models.special_procedure import SpecialKind, SpecialProcedure
from models.task import Task
from models.working_calendar import end_of_day
from services.cases import special_procedures
from services.cases.hearings import Hearing
from services.cases.special_procedures import CaseNotRunning, ExtendedBefore, ProcedureEnded
from services.deadlines import clock_views
from services.errors import Forbidden, InvalidInput, NotFound
from tests.factories.cases import build_case
from tests.factories.running_case import ACCEPTED, APPROVER, DUE, REVIEWER, WINDOW, give_guide
from tests.factories.running_case import case as case
from tests.factories.running_case import session as session

PLANNED_END = end_of_day(date(2026, 9, 24))
"""Three working days after the acceptance."""
NEXT_DAY = ACCEPTED + timedelta(days=1)


def begin(session: Session, case: Case, kind: SpecialKind = SpecialKind.TESTING, days: int = 3) -> SpecialProcedure:
    """Begin a procedure at the instant of acceptance."""
    with freeze_time(ACCEPTED):
        return special_procedures.begin(session, REVIEWER, case, kind, days, "送检")


def end(session: Session, case: Case, procedure: SpecialProcedure, at: datetime = NEXT_DAY) -> SpecialProcedure:
    """End a procedure."""
    with freeze_time(at):
        return special_procedures.end(session, REVIEWER, case, procedure.id)


def messages(session: Session, name: str) -> list[dict[str, Any]]:
    """Return what was published to the engine under a name."""
    commands = session.exec(select(OutboxCommand).order_by(col(OutboxCommand.id))).all()
    return [one.payload for one in commands if one.payload["name"] == name]


def told(session: Session, event: str) -> list[tuple[str, str, datetime]]:
    """Return the entries of the case's history under an event: text, actor and instant."""
    query = select(TimelineEntry).where(TimelineEntry.event == event).order_by("id")
    return [(one.text, one.actor, one.at) for one in session.exec(query).all()]


def audited(session: Session, action: str) -> list[tuple[str, str, dict[str, Any]]]:
    """Return the audit trail's entries of an action once the transaction commits: who, on what, and its detail."""
    session.commit()
    query = select(AuditEntry).where(AuditEntry.action == action).order_by("id")
    return [(one.actor, one.subject, one.detail) for one in session.exec(query).all()]


def invalid(call: Callable[[], object]) -> dict[str, str]:
    """Return what is wrong with an input, by field."""
    with pytest.raises(InvalidInput) as refusal:
        call()
    return {one.field: one.message for one in refusal.value.problems}


@pytest.mark.parametrize("days", [0, -1, 91])
def test_a_procedure_is_planned_for_one_day_to_the_most_its_kind_may_take(
    session: Session, case: Case, days: int
) -> None:
    assert invalid(lambda: begin(session, case, days=days)) == {"days": "检测应为1至90个工作日"}
    assert invalid(lambda: begin(session, case, SpecialKind.HEARING, 31)) == {"days": "听证应为1至30个工作日"}


@pytest.mark.parametrize("kind", list(SpecialKind))
def test_the_shortest_and_the_longest_plan_are_taken(session: Session, case: Case, kind: SpecialKind) -> None:
    assert begin(session, case, kind, 1).planned_days == 1
    assert begin(session, case, kind, kind.longest_plan).planned_days == kind.longest_plan


def test_a_procedure_stops_the_clock_and_says_until_when(session: Session, case: Case) -> None:
    procedure = begin(session, case)
    assert (procedure.case_no, procedure.kind, procedure.planned_days) == (case.case_no, SpecialKind.TESTING, 3)
    assert (procedure.reason, procedure.begun_by) == ("送检", "city.zrzy.reviewer")
    assert (procedure.begun_at, procedure.planned_end_at) == (ACCEPTED, PLANNED_END)
    assert (case.state, case.state_before_special) == (CaseState.SPECIAL_OPEN, CaseState.IN_DEPARTMENT)
    assert case.deadlines.due_at == end_of_day(date(2026, 10, 29)), "three working days later than without"
    assert told(session, "special_procedure.begun") == [
        ("特别程序开始：检测，预计3个工作日。送检", "city.zrzy.reviewer", ACCEPTED)
    ]
    notice = session.exec(select(Document).where(Document.kind == "特别程序告知书")).one()
    assert notice.issued_at == ACCEPTED


def test_the_process_watches_over_a_procedure_and_hears_of_the_moved_dates(session: Session, case: Case) -> None:
    procedure = begin(session, case)
    [started] = messages(session, "special-procedure-started")
    assert started["correlation_key"] == case.case_no
    assert started["message_id"] == f"{procedure.id}:begun"
    assert started["variables"] == {"specialProcedureId": procedure.id}
    end(session, case, procedure)
    [ended] = messages(session, "special-procedure-ended")
    assert (ended["correlation_key"], ended["message_id"]) == (procedure.id, f"{procedure.id}:ended")
    changes = [one["message_id"] for one in messages(session, "deadline-changed")]
    assert changes == [f"{case.case_no}:1", f"{case.case_no}:2"]
    assert {one.stream for one in session.exec(select(OutboxCommand)).all()} == {case.case_no}


def test_the_audit_trail_knows_who_stopped_the_clock_and_who_let_it_run(session: Session, case: Case) -> None:
    procedure = begin(session, case)
    end(session, case, procedure)
    expected = [("city.zrzy.reviewer", case.case_no, {"id": procedure.id})]
    assert audited(session, "special_procedure.begin") == expected
    assert audited(session, "special_procedure.end") == expected


def test_the_clock_runs_again_from_the_day_after_the_end(session: Session, case: Case) -> None:
    procedure = end(session, case, begin(session, case))
    assert (procedure.ended_at, procedure.ended_by) == (NEXT_DAY, "city.zrzy.reviewer")
    assert (case.state, case.state_before_special) == (CaseState.SPECIAL_CLOSED, None)
    assert case.deadlines.due_at == end_of_day(date(2026, 10, 27)), "one working day was stopped"
    assert told(session, "special_procedure.ended") == [("特别程序结束：检测", "city.zrzy.reviewer", NEXT_DAY)]


def test_the_case_waits_until_the_last_of_several_procedures_ends(session: Session, case: Case) -> None:
    first, second = begin(session, case), begin(session, case, SpecialKind.APPRAISAL)
    assert case.state_before_special == CaseState.IN_DEPARTMENT
    end(session, case, first)
    assert (case.state, case.state_before_special) == (CaseState.SPECIAL_OPEN, CaseState.IN_DEPARTMENT)
    end(session, case, second)
    assert (case.state, case.state_before_special) == (CaseState.SPECIAL_CLOSED, None)
    assert [text for text, *_ in told(session, "special_procedure.begun")] == [
        "特别程序开始：检测，预计3个工作日。送检",
        "特别程序开始：鉴定，预计3个工作日。送检",
    ]
    assert [text for text, *_ in told(session, "special_procedure.ended")] == [
        "特别程序结束：检测",
        "特别程序结束：鉴定",
    ]


def test_a_procedure_ends_once_and_only_with_its_own_case(session: Session, case: Case) -> None:
    procedure = begin(session, case)
    facts = case.model_dump(exclude={"case_no", "deadlines", "applicant_digest"})
    other = build_case(**facts, case_no="3607322026092100002", applicant_digest="e")
    session.add(other)
    session.flush()
    for call in (
        lambda: end(session, other, procedure),
        lambda: special_procedures.end(session, REVIEWER, case, "nothing"),
        lambda: special_procedures.set_hearing(session, REVIEWER, case, "nothing", Hearing()),
    ):
        with pytest.raises(NotFound) as refusal:
            call()
        assert (refusal.value.detail, refusal.value.detail_en) == ("没有这个特别程序", "No such special procedure")
    end(session, case, procedure)
    with pytest.raises(ProcedureEnded):
        end(session, case, procedure)


def test_an_open_procedure_of_a_closed_case_is_over_too(session: Session, case: Case) -> None:
    procedure = begin(session, case, SpecialKind.HEARING)
    case.is_open = False
    with pytest.raises(ProcedureEnded):
        end(session, case, procedure)
    with pytest.raises(ProcedureEnded):
        special_procedures.set_hearing(session, REVIEWER, case, procedure.id, Hearing(told_on=date(2026, 9, 21)))


def test_whoever_does_not_handle_the_case_stops_and_lengthens_nothing(session: Session, case: Case) -> None:
    procedure = begin(session, case, SpecialKind.HEARING)
    with pytest.raises(Forbidden):
        special_procedures.begin(session, WINDOW, case, SpecialKind.TESTING, 3, "送检")
    with pytest.raises(Forbidden):
        special_procedures.end(session, WINDOW, case, procedure.id)
    with pytest.raises(Forbidden):
        special_procedures.set_hearing(session, WINDOW, case, procedure.id, Hearing())
    with pytest.raises(Forbidden):
        special_procedures.extend(session, REVIEWER, case, 3, "复杂")


@pytest.mark.parametrize("before", [{"accepted_at": None}, {"is_open": False}], ids=str)
def test_only_a_case_between_acceptance_and_decision_is_stopped_or_extended(
    session: Session, case: Case, before: dict[str, Any]
) -> None:
    for name, value in before.items():
        setattr(case, name, value)
    with pytest.raises(CaseNotRunning) as refusal:
        begin(session, case)
    assert (refusal.value.status, refusal.value.code) == (409, "case_not_running")
    with freeze_time(ACCEPTED), pytest.raises(CaseNotRunning):
        special_procedures.extend(session, APPROVER, case, 3, "复杂")


def test_only_a_hearing_has_the_days_and_the_officer_of_one(session: Session, case: Case) -> None:
    hearing = Hearing(told_on=date(2026, 9, 21))
    procedure = begin(session, case)
    for call in (
        lambda: special_procedures.begin(session, REVIEWER, case, SpecialKind.TESTING, 3, "送检", hearing),
        lambda: special_procedures.set_hearing(session, REVIEWER, case, procedure.id, hearing),
    ):
        assert invalid(call) == {"kind": "只有听证可以填写听证日期和主持人"}


def test_a_hearing_begins_with_what_is_known_of_it(session: Session, case: Case) -> None:
    given = Hearing(told_on=date(2026, 9, 18), requested_on=date(2026, 9, 21), held_on=date(2026, 10, 9))
    with freeze_time(ACCEPTED):
        procedure = special_procedures.begin(session, REVIEWER, case, SpecialKind.HEARING, 20, "听证", given)
    assert (procedure.told_on, procedure.requested_on, procedure.held_on) == (
        date(2026, 9, 18),
        date(2026, 9, 21),
        date(2026, 10, 9),
    )
    assert procedure.presiding_officer is None


def test_what_is_added_to_a_hearing_leaves_the_rest_as_it_was(session: Session, case: Case) -> None:
    procedure = begin(session, case, SpecialKind.HEARING, 20)
    with freeze_time(ACCEPTED):
        special_procedures.set_hearing(session, REVIEWER, case, procedure.id, Hearing(told_on=date(2026, 9, 21)))
    with freeze_time(NEXT_DAY):
        special_procedures.set_hearing(session, REVIEWER, case, procedure.id, Hearing(requested_on=date(2026, 9, 22)))
    assert (procedure.told_on, procedure.requested_on) == (date(2026, 9, 21), date(2026, 9, 22))
    assert told(session, "special_procedure.hearing") == [
        ("听证安排：告知听证权利：2026-09-21", "city.zrzy.reviewer", ACCEPTED),
        ("听证安排：告知听证权利：2026-09-21，提出申请：2026-09-22", "city.zrzy.reviewer", NEXT_DAY),
    ]
    assert audited(session, "special_procedure.hearing") == 2 * [
        ("city.zrzy.reviewer", case.case_no, {"id": procedure.id})
    ]


def test_a_hearing_leaves_its_papers_once_and_for_another_day_again(session: Session, case: Case) -> None:
    with freeze_time(ACCEPTED):
        hearing = Hearing(told_on=date(2026, 9, 21))
        procedure = special_procedures.begin(session, REVIEWER, case, SpecialKind.HEARING, 20, "重大利益", hearing)
    kinds = select(Document.kind).where(col(Document.kind).startswith("听证")).order_by(col(Document.id))
    assert session.exec(kinds).all() == ["听证告知书"]
    for day in (date(2026, 10, 13), date(2026, 10, 13), date(2026, 10, 14)):
        with freeze_time(NEXT_DAY):
            given = Hearing(held_on=day, requested_on=date(2026, 9, 22))
            special_procedures.set_hearing(session, REVIEWER, case, procedure.id, given)
    assert session.exec(kinds).all() == ["听证告知书", *["听证通知书", "听证笔录"] * 2]


def test_saying_the_same_of_a_hearing_again_is_no_event(session: Session, case: Case) -> None:
    procedure = begin(session, case, SpecialKind.HEARING, 20)
    for _ in range(2):
        with freeze_time(ACCEPTED):
            special_procedures.set_hearing(session, REVIEWER, case, procedure.id, Hearing(told_on=date(2026, 9, 21)))
    assert len(told(session, "special_procedure.hearing")) == 1


def test_a_hearing_told_of_before_had_its_seven_days_then(session: Session, case: Case) -> None:
    procedure = begin(session, case, SpecialKind.HEARING, 20)
    held = date(2026, 10, 9)
    with freeze_time(ACCEPTED):
        special_procedures.set_hearing(session, REVIEWER, case, procedure.id, Hearing(held_on=held))
    given = Hearing(told_on=date(2026, 9, 21), requested_on=date(2026, 9, 22), held_on=held)
    with freeze_time(datetime(2026, 10, 8, 9, tzinfo=CHINA)):
        special_procedures.set_hearing(session, REVIEWER, case, procedure.id, given)
    assert procedure.requested_on == date(2026, 9, 22)


def test_an_overrun_is_reminded_of_once_dated_by_the_plan(session: Session, case: Case) -> None:
    procedure = begin(session, case)
    for day in (4, 5):
        with freeze_time(ACCEPTED + timedelta(days=day)):
            special_procedures.remind(session, procedure.id)
    text = "特别程序“检测”已超过预计的3个工作日，请办结或说明"
    assert told(session, "special_procedure.overdue") == [(text, "system", PLANNED_END)]
    sent = session.exec(select(Notification).where(Notification.signal == "special_procedure_overdue")).all()
    assert {(one.kind, one.to_group) for one in sent} == {
        (NotificationKind.REMINDER, "xingguo.window"),
        (NotificationKind.SUPERVISION, "city.zrzy.supervisor"),
        (NotificationKind.SUPERVISION, "xingguo.supervisor"),
        (NotificationKind.SUPERVISION, "city.coordinator"),
    }
    assert len(sent) == 4
    assert {(one.text, one.at) for one in sent} == {(text, PLANNED_END)}


def test_nobody_is_reminded_of_what_is_over(session: Session, case: Case) -> None:
    procedure = end(session, case, begin(session, case))
    special_procedures.remind(session, procedure.id)
    assert told(session, "special_procedure.overdue") == []
    assert session.exec(select(Notification)).all() == []


def test_the_process_reminds_at_the_planned_end(session: Session, case: Case) -> None:
    procedure = begin(session, case)
    with freeze_time(ACCEPTED):
        found = special_procedures.planned_end(session, procedure.id)
    assert found.keys() == {"specialDueAt"}
    assert datetime.fromisoformat(found["specialDueAt"]) == PLANNED_END


def test_another_process_goes_on_watching_what_is_open_once_an_occasion(session: Session, case: Case) -> None:
    ended, open_one = begin(session, case), begin(session, case)
    end(session, case, ended)
    for occasion in ("takeover", "takeover", "transfer"):
        special_procedures.restart_monitor(session, case, occasion)
        session.flush()
    started = [one for one in messages(session, "special-procedure-started") if not one["message_id"].endswith("begun")]
    assert [one["message_id"] for one in started] == [f"{open_one.id}:takeover", f"{open_one.id}:transfer"]
    assert {one["correlation_key"] for one in started} == {case.case_no}
    assert all(one["variables"] == {"specialProcedureId": open_one.id} for one in started)


def test_a_takeover_goes_on_with_every_procedure_though_one_is_watched_already(session: Session, case: Case) -> None:
    first = begin(session, case)
    special_procedures.restart_monitor(session, case)
    session.flush()
    second = begin(session, case)
    special_procedures.restart_monitor(session, case)
    session.flush()
    ids = [one["message_id"] for one in messages(session, "special-procedure-started")]
    assert sorted(one for one in ids if one.endswith(":takeover")) == sorted(
        [f"{first.id}:takeover", f"{second.id}:takeover"]
    )


def test_a_procedure_that_is_over_keeps_its_end_when_the_case_ends(session: Session, case: Case) -> None:
    ended, open_one = begin(session, case), begin(session, case)
    end(session, case, ended)
    at = ACCEPTED + timedelta(days=5)
    special_procedures.end_with_case(session, case, "xingguo.window", at)
    assert (ended.ended_at, ended.ended_by) == (NEXT_DAY, "city.zrzy.reviewer")
    assert (open_one.ended_at, open_one.ended_by) == (at, "xingguo.window")


def test_the_reminder_goes_to_whoever_has_the_case_in_hand(session: Session, case: Case) -> None:
    procedure = begin(session, case)
    session.add(
        Task(
            key=1,
            case_no=case.case_no,
            process_id="front-window",
            process_instance_key=1,
            element_id="Task_CityReview",
            element_instance_key=1,
            name="审查",
            candidate_groups=["city.zrzy.reviewer"],
            created_at=ACCEPTED,
        )
    )
    session.flush()
    special_procedures.remind(session, procedure.id)
    reminded = select(Notification.to_group).where(Notification.kind == NotificationKind.REMINDER)
    assert session.exec(reminded).all() == ["city.zrzy.reviewer"]


def test_an_extension_moves_the_limit_and_says_who_allowed_it_and_why(session: Session, case: Case) -> None:
    with freeze_time(NEXT_DAY):
        extension = special_procedures.extend(session, APPROVER, case, 5, " 情况复杂 ")
    assert (extension.case_no, extension.days, extension.reason) == (case.case_no, 5, "情况复杂")
    assert (extension.approved_by, extension.approved_at) == ("city.zrzy.approver", NEXT_DAY)
    assert case.deadlines.due_at == end_of_day(date(2026, 11, 2)), "five working days after 26 October"
    assert told(session, "case.extended") == [("延期5个工作日：情况复杂", "city.zrzy.approver", NEXT_DAY)]
    assert session.exec(select(Document.issued_at).where(Document.kind == "延期通知书")).all() == [NEXT_DAY]
    assert [one["message_id"] for one in messages(session, "deadline-changed")] == [f"{case.case_no}:1"]
    assert audited(session, "case.extend") == [("city.zrzy.approver", case.case_no, {"days": 5})]
    shown = special_procedures.extension_view(session, case.case_no)
    assert shown is not None
    assert (shown.days, shown.reason) == (5, "情况复杂")
    assert special_procedures.extension_view(session, "another") is None


def test_a_case_is_extended_once(session: Session, case: Case) -> None:
    with freeze_time(NEXT_DAY):
        special_procedures.extend(session, APPROVER, case, 1, "情况复杂")
        with pytest.raises(ExtendedBefore) as refusal:
            special_procedures.extend(session, APPROVER, case, 1, "情况复杂")
    assert (refusal.value.status, refusal.value.code) == (409, "extended_before")
    assert clock_views.clock_view(session, case, NEXT_DAY).limit == 21


@pytest.mark.parametrize(
    ("days", "reason", "problems"),
    [(0, "复杂", {"days": "应为1至10个工作日"}), (3, "  ", {"reason": "必填"})],
    ids=["no day", "no reason"],
)
def test_an_extension_has_days_and_a_reason(
    session: Session, case: Case, days: int, reason: str, problems: dict[str, str]
) -> None:
    assert invalid(lambda: special_procedures.extend(session, APPROVER, case, days, reason)) == problems


def test_an_item_without_a_guide_is_extended_as_the_law_allows(session: Session, case: Case) -> None:
    assert special_procedures.longest_extension(session, case) == 10
    give_guide(session, case, limits={"extension": 0})
    assert special_procedures.longest_extension(session, case) == 0
    case.guide_version = 99
    assert special_procedures.longest_extension(session, case) == 10


def test_a_case_shows_its_procedures_oldest_first_and_those_alone(session: Session, case: Case) -> None:
    with freeze_time(NEXT_DAY):
        later = special_procedures.begin(session, REVIEWER, case, SpecialKind.APPRAISAL, 4, "鉴定")
    earlier = begin(session, case)
    first, second = special_procedures.views(session, case)
    assert (first.id, second.id) == (earlier.id, later.id)
    assert (first.kind, first.days, first.reason) == (SpecialKind.TESTING, 3, "送检")
    assert (first.begun_at, first.planned_end_at, first.ended_at) == (ACCEPTED, PLANNED_END, None)
    assert (first.provisional, first.held_on, first.presiding_officer) == (False, None, None)
    assert special_procedures.view(session, case, later) == second
    end(session, case, earlier)
    assert special_procedures.view(session, case, earlier).ended_at == NEXT_DAY


def test_a_hearing_shows_its_days_and_its_officer(session: Session, case: Case) -> None:
    procedure = begin(session, case, SpecialKind.HEARING, 20)
    procedure.presiding_officer = "city.zrzy.advisor"
    procedure.told_on, procedure.requested_on, procedure.held_on = (
        date(2026, 9, 21),
        date(2026, 9, 22),
        date(2026, 10, 9),
    )
    shown = special_procedures.view(session, case, procedure)
    assert shown.presiding_officer == "city.zrzy.advisor"
    assert (shown.told_on, shown.requested_on, shown.held_on) == (
        date(2026, 9, 21),
        date(2026, 9, 22),
        date(2026, 10, 9),
    )
    assert case.deadlines.due_at is not None
    assert case.deadlines.due_at > DUE
