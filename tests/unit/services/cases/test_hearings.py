"""Hearings (听证): the periods of 行政许可法 art. 47 and 48, and who may preside."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from itertools import count

import pytest
from freezegun import freeze_time
from sqlmodel import Session, select

from models.account import Account, Membership
from models.audit import TimelineEntry
from models.case import Case
from models.database import CHINA
from models.notification import Notification, NotificationKind
from models.special_procedure import SpecialKind, SpecialProcedure
from models.task import ClockShare, Task, TaskStatus
from models.task_outcome import TaskOutcome
from services.accounts.actors import Actor
from services.cases import hearings, special_procedures
from services.cases.hearings import Hearing, NotImpartial, UnlawfulHearingDates
from services.deadlines.working_calendar import calendar_of
from services.errors import InvalidInput
from tests.factories.running_case import ACCEPTED, REVIEWER
from tests.factories.running_case import case as case
from tests.factories.running_case import session as session

keys = count(1)
TODAY = date(2026, 9, 21)
"""A Monday; seven working days later is 8 October, after the National Day holidays."""
FAR = date(2026, 12, 31)


def lawful(
    session: Session,
    case: Case,
    hearing: Hearing,
    *,
    today: date = TODAY,
    planned_end: date = FAR,
    noticed: bool = True,
) -> str:
    """Return what the law says against a hearing, with the field where one is to blame; nothing if it is lawful."""
    try:
        kinds = calendar_of(session, case.area)
        hearings.require_lawful(session, case, hearing, kinds, today, planned_end, noticed=noticed)
    except InvalidInput as refusal:
        return "；".join(f"{one.field}：{one.message}" for one in refusal.problems)
    except UnlawfulHearingDates as refusal:
        return refusal.detail
    return ""


def add_account(session: Session, name: str, *groups: str, active: bool = True) -> str:
    """Add an account with its groups and return its name."""
    session.add(Account(username=name, display_name=f"{name}的姓名", password_hash="", active=active))
    session.flush()
    session.add_all(Membership(username=name, group_name=group) for group in groups)
    session.flush()
    return name


def add_task(
    session: Session, case: Case, share: ClockShare | None, *, assignee: str | None = None, is_open: bool = True
) -> Task:
    """Add a task of a share of the case's clock."""
    key = next(keys)
    task = Task(
        key=key,
        case_no=case.case_no,
        process_id="front-window",
        process_instance_key=1,
        element_id="Task_CityReview",
        element_instance_key=key,
        name="审查",
        candidate_groups=["city.zrzy.reviewer"],
        status=TaskStatus.OPEN if is_open else TaskStatus.COMPLETED,
        is_open=is_open,
        assignee=assignee,
        clock=share,
        created_at=ACCEPTED,
    )
    session.add(task)
    session.flush()
    return task


def answered(session: Session, case: Case, share: ClockShare | None, account: str) -> None:
    """Record that an account has answered a task of a share."""
    task = add_task(session, case, share, is_open=False)
    session.add(
        TaskOutcome(
            task_key=task.key,
            case_no=case.case_no,
            process_id="front-window",
            element_id=task.element_id,
            task_name="审查",
            account=account,
            outcome="agree",
            decided_at=ACCEPTED,
        )
    )
    session.flush()


def test_of_a_hearing_nothing_need_be_known_yet(session: Session, case: Case) -> None:
    assert lawful(session, case, Hearing()) == ""


@pytest.mark.parametrize("field", ["told_on", "requested_on"])
def test_what_has_happened_has_no_day_to_come(session: Session, case: Case, field: str) -> None:
    assert lawful(session, case, Hearing(**{field: TODAY})) == ""
    assert lawful(session, case, Hearing(**{field: TODAY + timedelta(days=1)})) == f"{field}：不能晚于今日"


def test_both_days_to_come_are_told_at_once(session: Session, case: Case) -> None:
    tomorrow = TODAY + timedelta(days=1)
    found = lawful(session, case, Hearing(told_on=tomorrow, requested_on=tomorrow))
    assert found == "told_on：不能晚于今日；requested_on：不能晚于今日"


@pytest.mark.parametrize(
    ("told", "requested", "found"),
    [
        (date(2026, 9, 14), date(2026, 9, 13), "requested_on：不能早于告知听证权利之日"),
        (date(2026, 9, 14), date(2026, 9, 14), ""),
        # Of the days up to the 21st, the 19th is a Saturday and the 20th, a Sunday, is worked.
        (date(2026, 9, 14), date(2026, 9, 20), ""),
        (date(2026, 9, 14), date(2026, 9, 21), "应在告知听证权利之日起5个工作日内提出听证申请"),
    ],
    ids=str,
)
def test_a_hearing_is_asked_for_within_five_working_days_of_being_told(
    session: Session, case: Case, told: date, requested: date, found: str
) -> None:
    assert lawful(session, case, Hearing(told_on=told, requested_on=requested)) == found


@pytest.mark.parametrize(
    ("held", "found"),
    [
        (date(2026, 9, 30), "应于举行听证的7个工作日前通知听证的时间、地点"),
        (date(2026, 10, 1), "held_on：2026-10-01不是工作日"),
        (date(2026, 10, 8), ""),
        (date(2026, 10, 26), ""),
        (date(2026, 10, 27), "应在收到听证申请之日起20个工作日内组织听证"),
    ],
    ids=str,
)
def test_a_hearing_is_told_seven_working_days_ahead_and_held_within_twenty(
    session: Session, case: Case, held: date, found: str
) -> None:
    assert lawful(session, case, Hearing(held_on=held)) == found
    assert lawful(session, case, Hearing(requested_on=TODAY, held_on=held)) == found


def test_the_twenty_days_run_from_the_request(session: Session, case: Case) -> None:
    asked_before = Hearing(requested_on=date(2026, 9, 18), held_on=date(2026, 10, 26))
    assert lawful(session, case, asked_before) == "应在收到听证申请之日起20个工作日内组织听证"


def test_a_day_told_of_before_needs_no_notice_again(session: Session, case: Case) -> None:
    held = Hearing(held_on=date(2026, 9, 22))
    assert lawful(session, case, held, noticed=False) == ""
    assert lawful(session, case, held) != ""


def test_the_days_of_the_procedure_include_the_hearing(session: Session, case: Case) -> None:
    held = date(2026, 10, 8)
    assert lawful(session, case, Hearing(held_on=held), planned_end=held) == ""
    found = lawful(session, case, Hearing(held_on=held), planned_end=held - timedelta(days=1))
    assert found == "days：所需工作日应包括举行听证之日"


def test_an_officer_is_somebody_with_an_account_in_use(session: Session, case: Case) -> None:
    add_account(session, "here")
    add_account(session, "left", active=False)
    assert lawful(session, case, Hearing("here")) == ""
    assert lawful(session, case, Hearing("left")) == "presiding_officer：没有这个账号"
    assert lawful(session, case, Hearing("nobody")) == "presiding_officer：没有这个账号"


def has_answered(share: ClockShare | None) -> Callable[[Session, Case], None]:
    return lambda session, case: answered(session, case, share, "officer")


def has_in_hand(share: ClockShare | None, *, is_open: bool = True) -> Callable[[Session, Case], None]:
    def prepare(session: Session, case: Case) -> None:
        add_task(session, case, share, assignee="officer", is_open=is_open)

    return prepare


@pytest.mark.parametrize(
    ("prepare", "impartial"),
    [
        (has_answered(ClockShare.REVIEW), False),
        (has_answered(ClockShare.DECISION), False),
        (has_answered(ClockShare.ACCEPTANCE), True),
        (has_answered(None), True),
        (has_in_hand(ClockShare.REVIEW), False),
        (has_in_hand(ClockShare.DECISION), False),
        (has_in_hand(ClockShare.ACCEPTANCE), True),
        (has_in_hand(ClockShare.REVIEW, is_open=False), True),
    ],
    ids=[
        "reviewed",
        "decided",
        "accepted",
        "did something without a clock",
        "has the review in hand",
        "has the decision in hand",
        "has the acceptance in hand",
        "gave the review back",
    ],
)
def test_nobody_presides_who_reviewed_or_decides_the_case(
    session: Session, case: Case, prepare: Callable[[Session, Case], None], impartial: bool
) -> None:
    add_account(session, "officer", "city.zrzy.advisor")
    prepare(session, case)
    case.level = 1
    assert [one.username for one in hearings.possible_officers(session, case)] == (["officer"] if impartial else [])
    if impartial:
        assert lawful(session, case, Hearing("officer")) == ""
        return
    with pytest.raises(NotImpartial) as refusal:
        lawful(session, case, Hearing("officer"))
    assert (refusal.value.status, refusal.value.code) == (409, "presiding_officer_reviewed")


@pytest.mark.parametrize(
    ("level", "names"),
    [(0, ["county_approver", "county_chief", "county_unit"]), (1, ["city_advisor", "city_approver"])],
    ids=["with the county", "with the city"],
)
def test_the_organ_that_has_the_case_in_hand_names_the_officer(
    session: Session, case: Case, level: int, names: list[str]
) -> None:
    case.level = level
    groups = {
        "county_chief": "xingguo.chief",
        "county_approver": "xingguo.approver",
        "county_unit": "xingguo.jfj.reviewer",
        "county_window": "xingguo.window",
        "another_county": "yudu.chief",
        "city_approver": "city.zrzy.approver",
        "city_advisor": "city.zrzy.advisor",
        "city_supervisor": "city.zrzy.supervisor",
        "another_unit": "city.jtys.approver",
    }
    for name, group in groups.items():
        add_account(session, name, group)
    add_account(session, "left", "xingguo.chief", "city.zrzy.approver", active=False)
    found = hearings.possible_officers(session, case)
    assert [one.username for one in found] == names
    assert {one.display_name for one in found} == {f"{name}的姓名" for name in names}


def test_an_officer_with_several_posts_is_named_once(session: Session, case: Case) -> None:
    add_account(session, "both", "xingguo.chief", "xingguo.approver", "xingguo.window")
    assert [one.username for one in hearings.possible_officers(session, case)] == ["both"]


def hearing_on(session: Session, case: Case, held: date | None) -> SpecialProcedure:
    """Begin a hearing that is held on a day."""
    with freeze_time(ACCEPTED):
        procedure = special_procedures.begin(session, REVIEWER, case, SpecialKind.HEARING, 20, "听证")
    procedure.held_on = held
    session.flush()
    return procedure


def warn(session: Session, case: Case, procedure: SpecialProcedure, now: datetime = ACCEPTED) -> list[Notification]:
    """Look whether the hearing still lies on a working day, and return who is reminded that it does not."""
    hearings.warn_of_closed_day(session, case, procedure, calendar_of(session, case.area), now)
    return list(session.exec(select(Notification).where(Notification.signal == "hearing_closed_day")).all())


def test_a_hearing_that_has_come_to_lie_on_a_day_off_is_told_of_once(session: Session, case: Case) -> None:
    procedure = hearing_on(session, case, date(2026, 10, 11))
    warn(session, case, procedure)
    [notice] = warn(session, case, procedure, ACCEPTED + timedelta(hours=1))
    text = "工作日历变更后，听证日2026-10-11为休息日（周末），请另定日期并重新通知"
    assert (notice.text, notice.at, notice.to_group) == (text, ACCEPTED, "xingguo.window")
    assert notice.kind is NotificationKind.REMINDER
    entries = session.exec(select(TimelineEntry).where(TimelineEntry.event == "hearing.closed_day")).all()
    assert [(one.text, one.actor, one.at) for one in entries] == [(text, "system", ACCEPTED)]


def test_another_day_off_is_another_reminder(session: Session, case: Case) -> None:
    procedure = hearing_on(session, case, date(2026, 10, 11))
    warn(session, case, procedure)
    procedure.held_on = date(2026, 10, 18)
    assert len(warn(session, case, procedure)) == 2


@pytest.mark.parametrize("held", [date(2026, 10, 12), None])
def test_a_hearing_on_a_working_day_or_without_a_day_needs_no_word(
    session: Session, case: Case, held: date | None
) -> None:
    assert warn(session, case, hearing_on(session, case, held)) == []


def test_a_hearing_already_held_or_ended_needs_no_word(session: Session, case: Case) -> None:
    sunday = date(2026, 10, 11)
    procedure = hearing_on(session, case, sunday)
    assert warn(session, case, procedure, datetime(2026, 10, 12, 0, 5, tzinfo=CHINA)) == []
    procedure.ended_at = ACCEPTED
    assert warn(session, case, procedure) == []
    procedure.ended_at = None
    assert len(warn(session, case, procedure, datetime(2026, 10, 11, 23, tzinfo=CHINA))) == 1, "on the day itself it is"


def test_the_history_tells_what_is_known_of_a_hearing(session: Session) -> None:
    add_account(session, "officer")
    given = Hearing("officer", date(2026, 10, 9), date(2026, 9, 21), date(2026, 9, 22))
    assert hearings.particulars(session, given) == [
        ("告知听证权利：", "2026-09-21"),
        ("提出申请：", "2026-09-22"),
        ("举行：", "2026-10-09"),
        ("主持人：", "officer的姓名"),
    ]
    assert hearings.particulars(session, Hearing("nobody")) == []
    assert hearings.particulars(session, Hearing()) == []


@pytest.mark.parametrize("share", [ClockShare.REVIEW, ClockShare.DECISION])
def test_who_presided_neither_reviews_nor_decides(session: Session, case: Case, share: ClockShare) -> None:
    procedure = hearing_on(session, case, None)
    procedure.presiding_officer = "officer"
    task = add_task(session, case, share)
    officer = Actor("officer", "主持人", frozenset({"city.zrzy.advisor"}))
    with pytest.raises(NotImpartial) as refusal:
        hearings.require_impartial(session, officer, task)
    assert refusal.value.detail == "您是本件听证的主持人，不能审查或决定本件"
    hearings.require_impartial(session, REVIEWER, task)


@pytest.mark.parametrize("share", [ClockShare.ACCEPTANCE, None])
def test_who_presided_may_do_the_other_tasks(session: Session, case: Case, share: ClockShare | None) -> None:
    procedure = hearing_on(session, case, None)
    procedure.presiding_officer = "officer"
    officer = Actor("officer", "主持人", frozenset({"city.zrzy.advisor"}))
    hearings.require_impartial(session, officer, add_task(session, case, share))


def test_who_presided_in_another_case_reviews_this_one(session: Session, case: Case) -> None:
    procedure = hearing_on(session, case, None)
    procedure.presiding_officer = "officer"
    task = add_task(session, case, ClockShare.REVIEW)
    task.case_no = "another"
    with session.no_autoflush:
        hearings.require_impartial(session, Actor("officer", "主持人", frozenset()), task)
