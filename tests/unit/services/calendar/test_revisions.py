"""Changing the calendar: whole or not at all, remembered, by whom it may be, and what it does to running cases."""

from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path

import pytest
from freezegun import freeze_time
from sqlalchemy import Engine
from sqlmodel import Session, select

from models.calendar import CITY_WIDE, CalendarChange, CalendarDay, CalendarRevision
from models.case import Case, CaseState, Verdict
from models.case_clock import LimitUnit
from models.catalogue import Area, AreaKind, Mode
from models.database import CHINA
from models.dossier import TransferDossier
from models.notification import Notification, NotificationKind
from models.outbox import OutboxCommand
from models.special_procedure import SpecialKind, SpecialProcedure
from models.task import ClockShare, Task
from models.working_calendar import DaySource, end_of_day
from services.accounts.actors import Actor
from services.calendar import calendar_files, replanning, revisions
from services.calendar.revisions import DayEntry
from services.cases import special_procedures
from services.deadlines import case_deadlines
from services.deadlines.working_calendar import calendar_of
from services.errors import Forbidden, InvalidInput, NotFound, SetupError
from tests.databases import Databases, new

COORDINATOR = Actor("city.coordinator", "统筹", frozenset({"city.coordinator"}))
APPROVER = Actor("xunwu.approver", "审批", frozenset({"xunwu.approver"}))
NOW = datetime(2026, 9, 21, 9, tzinfo=CHINA)
CLOSED = DayEntry(date(2026, 9, 23), False, "窗口停电")
YEAR_2027 = [DayEntry(date(2027, 1, day), False, "元旦") for day in (1, 2, 3)] + [
    DayEntry(date(2027, month, day), False, holiday)
    for month, holiday in enumerate(("春节", "清明节", "劳动节", "端午节", "中秋节", "国庆节"), start=3)
    for day in (10, 11)
]
"""As many holidays as make a year whole; made up."""
HEADER = "date,working,reason\n"


@pytest.fixture(scope="module")
def engine(databases: Databases) -> Iterator[Engine]:
    with new(databases) as database:
        yield database.engine


@pytest.fixture
def session(engine: Engine) -> Iterator[Session]:
    with freeze_time(NOW), Session(engine) as opened:
        for position, (code, name) in enumerate((("xunwu", "寻乌县"), ("ganxian", "赣县区"))):
            opened.add(
                Area(code=code, name=name, kind=AreaKind.COUNTY, position=position, division_code=f"36{position:04d}")
            )
        opened.flush()
        yield opened
        opened.rollback()


def running_case(session: Session, number: str = "1", area: str = "xunwu") -> Case:
    """Add an accepted case of twenty working days, its dates computed."""
    case = Case(
        case_no=number,
        query_code="Q",
        item_code="W-01",
        item_version=1,
        guide_version=1,
        item_name="事项",
        mode=Mode.WINDOW,
        power_kind="license",
        power_type="行政许可",
        area=area,
        city_unit="zrzy",
        applicant_digest=number,
        submitted_by=f"{area}.window",
        state=CaseState.IN_DEPARTMENT,
        received_at=NOW,
        accepted_at=NOW,
        limit_days=20,
        promised_days=15,
        process_id="front-window",
    )
    session.add(case)
    session.flush()
    case_deadlines.refresh(session, case)
    return case


def open_task(session: Session, case: Case, key: int, share: ClockShare) -> Task:
    """Add an open task of one share of the case's clock."""
    task = Task(
        key=key,
        case_no=case.case_no,
        process_id=case.process_id,
        process_instance_key=1,
        element_id=f"Task_{key}",
        element_instance_key=key,
        name="任务",
        clock=share,
        created_at=NOW,
    )
    session.add(task)
    session.flush()
    return task


def messages(session: Session) -> list[str]:
    return [one.payload["name"] for one in session.exec(select(OutboxCommand)).all()]


def test_a_closed_day_moves_a_running_case_and_tells_its_watch(session: Session) -> None:
    case, elsewhere = running_case(session), running_case(session, "2", "ganxian")
    assert case.deadlines.due_at == end_of_day(date(2026, 10, 26))
    revision = replanning.change_calendar(session, APPROVER, "xunwu", [CLOSED])
    assert revision is not None
    assert revision.moved_cases == 1
    assert case.deadlines.due_at == end_of_day(date(2026, 10, 27))
    assert elsewhere.deadlines.due_at == end_of_day(date(2026, 10, 26))
    assert messages(session) == ["deadline-changed"]


def test_a_closed_day_after_the_due_day_moves_nothing(session: Session) -> None:
    running_case(session)
    revision = replanning.change_calendar(session, COORDINATOR, CITY_WIDE, [DayEntry(date(2026, 11, 2), False, "停办")])
    assert revision is not None
    assert revision.moved_cases == 0
    assert messages(session) == []


def test_entering_a_year_makes_the_dates_that_reach_into_it_certain(session: Session) -> None:
    case = running_case(session)
    case.accepted_at = datetime(2026, 12, 21, 9, tzinfo=CHINA)
    case_deadlines.refresh(session, case)
    assert case.deadlines.provisional
    replanning.change_calendar(session, COORDINATOR, CITY_WIDE, YEAR_2027)
    assert not case.deadlines.provisional
    assert not calendar_of(session, "xunwu").day(date(2027, 12, 31)).provisional


def test_each_date_of_a_case_says_for_itself_whether_it_is_provisional(session: Session) -> None:
    case = running_case(session)
    case.accepted_at = datetime(2026, 12, 7, 9, tzinfo=CHINA)
    case_deadlines.refresh(session, case)
    assert case.deadlines.due_at == end_of_day(date(2027, 1, 5)), "New Year's day is off whatever is published"
    assert case.deadlines.promised_due_at == end_of_day(date(2026, 12, 28))
    assert case.deadlines.provisional_dates == ["due_at"]
    case.decided_at = datetime(2026, 12, 21, 9, tzinfo=CHINA)
    case_deadlines.refresh(session, case)
    assert case.deadlines.delivery_due_at == end_of_day(date(2027, 1, 5))
    assert case.deadlines.provisional_dates == ["delivery_due_at", "due_at"]


def test_the_shares_and_the_tasks_of_a_substantive_case_are_provisional_as_they_are(session: Session) -> None:
    case = running_case(session)
    case.mode, case.review_days, case.decision_days = Mode.SUBSTANTIVE, 10, 20
    case.accepted_at = datetime(2026, 12, 7, 9, tzinfo=CHINA)
    tasks = [open_task(session, case, key, share) for key, share in enumerate(ClockShare, start=1)]
    session.add(
        TransferDossier(
            case_no=case.case_no,
            round=1,
            body={},
            digest="",
            forwarded_by="a",
            forwarded_at=case.accepted_at,
            received_at=case.accepted_at,
        )
    )
    case.promised_days = 20
    case_deadlines.refresh(session, case)
    assert case.deadlines.provisional_dates == ["decision_due_at", "due_at", "promised_due_at"]
    assert {task.clock: task.provisional for task in tasks} == {
        ClockShare.ACCEPTANCE: False,
        ClockShare.REVIEW: False,
        ClockShare.DECISION: True,
        ClockShare.DELIVERY: False,
    }


def test_the_receipt_and_the_supplement_are_provisional_by_their_own_days(session: Session) -> None:
    case = running_case(session)
    case.accepted_at, case.received_at = None, datetime(2026, 12, 21, 9, tzinfo=CHINA)
    case_deadlines.set_receipt_deadline(session, case, case.received_at)
    assert case.deadlines.provisional_dates == []
    case.correction_requested_at, case.state = datetime(2026, 12, 22, 9, tzinfo=CHINA), CaseState.CORRECTION_OPEN
    case_deadlines.refresh(session, case)
    assert case.deadlines.provisional_dates == ["supplement_due_at"]


def test_a_plan_into_an_unpublished_year_makes_even_a_limit_in_calendar_days_provisional(session: Session) -> None:
    case = running_case(session)
    case.limit_unit, case.limit_days, case.promised_days = LimitUnit.DAY, 60, 60
    case.accepted_at = datetime(2026, 12, 7, 9, tzinfo=CHINA)
    case_deadlines.refresh(session, case)
    assert case.deadlines.provisional_dates == [], "calendar days know no holidays"
    procedure = SpecialProcedure(
        id="p",
        case_no=case.case_no,
        kind=SpecialKind.TESTING,
        planned_days=20,
        reason="检测",
        begun_by="a",
        begun_at=datetime(2026, 12, 21, 9, tzinfo=CHINA),
        planned_end_at=end_of_day(date(2027, 1, 18)),
    )
    session.add(procedure)
    session.flush()
    case_deadlines.refresh(session, case)
    assert case.deadlines.provisional_dates == ["due_at", "promised_due_at"]
    assert special_procedures.view(session, case, procedure).provisional
    procedure.ended_at = datetime(2026, 12, 30, 9, tzinfo=CHINA)
    session.flush()
    case_deadlines.refresh(session, case)
    assert case.deadlines.provisional_dates == []


def test_a_delivery_into_an_unpublished_year_becomes_certain_with_the_year(session: Session) -> None:
    case = running_case(session)
    case.decided_at, case.decision = datetime(2026, 12, 21, 9, tzinfo=CHINA), Verdict.APPROVE
    case_deadlines.refresh(session, case)
    assert (case.deadlines.provisional, case.deadlines.provisional_dates) == (False, ["delivery_due_at"])
    replanning.change_calendar(session, COORDINATOR, CITY_WIDE, YEAR_2027)
    assert case.deadlines.provisional_dates == []
    case.deadlines.provisional_dates = ["delivery_due_at"]
    session.add(case)
    session.flush()
    assert replanning.replan_provisional(session) == 1


def test_taking_back_a_holiday_that_makes_its_year_whole_unsettles_the_dates_of_the_whole_year(
    session: Session,
) -> None:
    case = running_case(session)
    case.accepted_at = datetime(2026, 12, 21, 9, tzinfo=CHINA)
    replanning.change_calendar(session, COORDINATOR, CITY_WIDE, YEAR_2027)
    case_deadlines.refresh(session, case)
    assert case.deadlines.due_at is not None
    assert case.deadlines.due_at < end_of_day(date(2027, 2, 1))
    assert not case.deadlines.provisional
    national_day = [DayEntry(one.day, None, "") for one in YEAR_2027 if one.reason == "国庆节"]
    assert min(one.day for one in national_day) > date(2027, 2, 1)
    revision = replanning.change_calendar(session, COORDINATOR, CITY_WIDE, national_day)
    assert case.deadlines.provisional
    assert revision is not None
    assert revision.moved_cases == 1


def test_a_hearing_on_a_day_that_becomes_a_day_off_is_reminded_of_once(session: Session) -> None:
    case = running_case(session)
    procedure = SpecialProcedure(
        id="h",
        case_no=case.case_no,
        kind=SpecialKind.HEARING,
        planned_days=20,
        reason="听证",
        begun_by="a",
        begun_at=NOW,
        planned_end_at=end_of_day(date(2026, 10, 26)),
        held_on=date(2026, 10, 13),
    )
    session.add(procedure)
    session.flush()
    other, same = DayEntry(date(2026, 10, 14), False, "停办"), DayEntry(date(2026, 10, 13), False, "停电检修")
    replanning.change_calendar(session, APPROVER, "xunwu", [other])
    assert session.exec(select(Notification)).all() == []
    replanning.change_calendar(session, APPROVER, "xunwu", [same])
    replanning.change_calendar(session, APPROVER, "xunwu", [DayEntry(date(2026, 10, 15), False, "停办")])
    (told,) = session.exec(select(Notification)).all()
    assert (told.kind, told.to_group) == (NotificationKind.REMINDER, "xunwu.window")
    assert "听证日2026-10-13为休息日（停电检修）" in told.text


def test_an_areas_day_overrules_the_citys_and_can_be_taken_back(session: Session) -> None:
    replanning.change_calendar(session, COORDINATOR, CITY_WIDE, [CLOSED])
    replanning.change_calendar(session, APPROVER, "xunwu", [DayEntry(CLOSED.day, True, "照常上班")])
    assert calendar_of(session, "xunwu").day(CLOSED.day).reason == "照常上班"
    assert calendar_of(session, "ganxian").day(CLOSED.day).source is DaySource.CITY
    replanning.change_calendar(session, APPROVER, "xunwu", [DayEntry(CLOSED.day, None, "")])
    assert calendar_of(session, "xunwu").day(CLOSED.day).reason == "窗口停电"


def test_every_change_keeps_what_held_before(session: Session) -> None:
    replanning.change_calendar(session, COORDINATOR, CITY_WIDE, [CLOSED])
    replanning.change_calendar(session, COORDINATOR, CITY_WIDE, [DayEntry(CLOSED.day, False, "台风停办")])
    newest, oldest = revisions.history(session, CITY_WIDE).items[:2]
    assert [(one.before, one.after) for one in oldest.days] == [("按公布安排", "休息日（窗口停电）")]
    assert [(one.before, one.after) for one in newest.days] == [("休息日（窗口停电）", "休息日（台风停办）")]
    assert newest.changed_by == "city.coordinator"


def test_the_history_is_read_page_by_page(session: Session) -> None:
    for day in range(1, 6):
        replanning.change_calendar(session, COORDINATOR, CITY_WIDE, [DayEntry(date(2026, 9, day), False, "停办")])
    seen: list[int] = []
    cursor = None
    for _ in range(3):
        page = revisions.history(session, "xunwu", cursor=cursor, limit=2)
        seen += [one.days[0].date.day for one in page.items]
        cursor = page.next
    assert (seen, cursor) == ([5, 4, 3, 2, 1], None)


def test_a_day_entered_as_it_is_makes_no_revision(session: Session) -> None:
    assert replanning.change_calendar(session, COORDINATOR, CITY_WIDE, [CLOSED]) is not None
    assert replanning.change_calendar(session, COORDINATOR, CITY_WIDE, [CLOSED]) is None


@pytest.mark.parametrize(
    "entries",
    [
        [CLOSED, CLOSED],
        [CLOSED, DayEntry(date(2026, 9, 24), False, " ")],
        [CLOSED, DayEntry(date(1999, 1, 1), False, "太早")],
        [CLOSED, DayEntry(date(2026, 9, 24), True, "长" * 201)],
        [CLOSED, DayEntry(date(2026, 9, 24), True, "停\0电")],
        [CLOSED, DayEntry(date(2026, 9, 24), True, "停电\n检修")],
    ],
)
def test_a_faulty_day_changes_nothing(session: Session, entries: list[DayEntry]) -> None:
    with pytest.raises(InvalidInput):
        replanning.change_calendar(session, COORDINATOR, CITY_WIDE, entries)
    assert session.exec(select(CalendarDay)).all() == []
    assert session.exec(select(CalendarChange)).all() == []


@pytest.mark.parametrize("groups", [{"xunwu.window"}, {"ganxian.approver"}, {"city.zrzy.approver"}, {"admin.audit"}])
def test_strangers_may_not_change_a_countys_calendar(session: Session, groups: set[str]) -> None:
    with pytest.raises(Forbidden):
        replanning.change_calendar(session, Actor("a", "a", frozenset(groups)), "xunwu", [CLOSED])


def test_a_countys_approver_may_not_change_the_citys_calendar(session: Session) -> None:
    with pytest.raises(Forbidden):
        replanning.change_calendar(session, APPROVER, CITY_WIDE, [CLOSED])


def test_an_unknown_area_is_not_found(session: Session) -> None:
    with pytest.raises(NotFound):
        replanning.change_calendar(session, COORDINATOR, "nowhere", [CLOSED])


def test_a_file_gives_its_days() -> None:
    content = f"\ufeff{HEADER}2027-01-01,no,元旦\n2027-01-02,是,元旦调休上班\n\n".encode()
    assert calendar_files.read_days(content) == [
        DayEntry(date(2027, 1, 1), False, "元旦"),
        DayEntry(date(2027, 1, 2), True, "元旦调休上班"),
    ]


@pytest.mark.parametrize(
    ("content", "place", "word"),
    [
        ("day,working,reason\n", "file", "列名"),
        (HEADER, "file", "没有日期"),
        (HEADER + "2027-02-30,no,春节\n", "第2行 date", "2027-02-30"),
        (HEADER + "2027-01-01,no,元旦\n2027-01-01,no,元旦\n", "第3行 date", "第2行"),
        (HEADER + "2027-01-01,maybe,元旦\n", "第2行 working", "maybe"),
        (HEADER + "2027-01-01,no,\n", "第2行 reason", "必填"),
        (HEADER + "2027-01-01,no\n", "第2行", "2列"),
        (HEADER + "1990-01-01,no,元旦\n", "第2行 date", "年份"),
        (HEADER + "2027-01-01,no,元\0旦\n", "第2行 reason", "控制字符"),
        (HEADER + '2027-01-01,no,"元\n旦"\n', "第2行 reason", "控制字符"),
    ],
)
def test_a_faulty_file_names_row_and_column(content: str, place: str, word: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        calendar_files.read_days(content.encode())
    (problem,) = refused.value.problems
    assert problem.field == place
    assert word in problem.message


def test_a_file_in_another_encoding_names_its_line() -> None:
    with pytest.raises(InvalidInput) as refused:
        calendar_files.read_days((HEADER + "2027-01-01,no,元旦\n").encode("gb18030"))
    assert "第2行" in refused.value.problems[0].message


def test_a_shipped_file_is_entered_once(session: Session, tmp_path: Path) -> None:
    (tmp_path / "2027.csv").write_text(HEADER + "2027-01-01,no,元旦\n", encoding="utf-8")
    (tmp_path / "xunwu-2026.csv").write_text(HEADER + "2026-10-21,no,窗口停电\n", encoding="utf-8")
    for _ in range(2):
        calendar_files.seed_calendars(session, NOW, tmp_path)
    assert [(one.source, len(one.days)) for one in revisions.history(session, "xunwu").items] == [
        ("xunwu-2026.csv", 1),
        ("2027.csv", 1),
    ]


def test_a_faulty_shipped_file_stops_the_start_and_is_named(session: Session, tmp_path: Path) -> None:
    (tmp_path / "2027.csv").write_text(HEADER + "2027-13-01,no,元旦\n", encoding="utf-8")
    with pytest.raises(SetupError, match=r"2027\.csv"):
        calendar_files.seed_calendars(session, NOW, tmp_path)


def test_a_shipped_file_moves_the_running_cases_it_reaches_and_is_entered_once(
    session: Session, tmp_path: Path
) -> None:
    case = running_case(session)
    assert case.deadlines.due_at == end_of_day(date(2026, 10, 26))
    (tmp_path / "xunwu-2026.csv").write_text(f"{HEADER}2026-09-23,no,窗口停电\n")
    (tmp_path / "ganxian-2026.csv").write_text(f"{HEADER}2026-09-23,no,窗口停电\n")
    calendar_files.seed_calendars(session, NOW, tmp_path)
    calendar_files.seed_calendars(session, NOW, tmp_path)
    assert case.deadlines.due_at == end_of_day(date(2026, 10, 27))
    assert messages(session) == ["deadline-changed"]
    recorded = session.exec(select(CalendarRevision)).all()
    assert [(one.area, one.moved_cases) for one in recorded] == [("ganxian", 0), ("xunwu", 1)]


def test_a_start_reckons_provisional_cases_anew(session: Session, tmp_path: Path) -> None:
    case = running_case(session)
    case.deadlines.provisional = True
    session.add(case)
    session.flush()
    calendar_files.seed_calendars(session, NOW, tmp_path)
    assert not case.deadlines.provisional
    assert messages(session) == ["deadline-changed"]
