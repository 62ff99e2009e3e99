"""Rights: by role and area and unit."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlmodel import Session, select

from models.case import Case
from models.catalogue import Mode
from services.accounts import personal_data_rights, rights, system_rights
from services.accounts.actors import Actor
from services.clock import machine_now
from services.errors import InvalidInput
from tests.databases import Databases, new
from tests.factories.cases import build_case

READERS = {
    "xingguo.window": {"window", "direct"},
    "xingguo.supervisor": {"window", "direct"},
    "yudu.window": set(),
    "rongjiang.reviewer": {"substantive"},
    "rongjiang.jfj.reviewer": {"substantive"},
    "rongjiang.sgj.reviewer": set(),
    "city.zrzy.reviewer": {"window", "substantive"},
    "city.zrzy.approver": {"window", "substantive"},
    "city.zrzy.advisor": {"window", "substantive"},
    "city.zrzy.supervisor": set(),
    "city.jtys.reviewer": {"direct"},
    "city.coordinator": {"window", "direct", "substantive"},
    "admin.system": set(),
    "admin.security": set(),
    "admin.audit": set(),
    "task-force": set(),
}


def actor(*groups: str, supervised: tuple[str, ...] = ()) -> Actor:
    return Actor("x", "某人", frozenset(groups), frozenset(supervised))


def case(mode: Mode, **changes: Any) -> Case:
    facts: dict[str, Any] = {
        "case_no": mode.value,
        "query_code": "x",
        "item_code": f"{mode.value[0].upper()}-01",
        "item_version": 1,
        "guide_version": 1,
        "item_name": "某事项",
        "mode": mode,
        "power_kind": "license",
        "power_type": "行政许可",
        "area": "xingguo",
        "city_unit": "zrzy",
        "applicant_digest": mode.value,
        "submitted_by": "x",
        "received_at": machine_now(),
        "process_id": "x",
    }
    return build_case(**facts | changes)


def cases() -> list[Case]:
    return [
        case(Mode.WINDOW),
        case(Mode.DIRECT, city_unit="jtys"),
        case(Mode.SUBSTANTIVE, area="rongjiang", review_unit="jfj"),
    ]


@pytest.fixture
def session(databases: Databases) -> Iterator[Session]:
    with new(databases) as database, database.transaction() as opened:
        opened.add_all(cases())
        opened.flush()
        yield opened


@pytest.mark.parametrize("group", READERS)
def test_who_may_read_a_case(group: str) -> None:
    assert {one.case_no for one in cases() if rights.may_read_case(actor(group), one)} == READERS[group]


@pytest.mark.parametrize("group", READERS)
def test_the_query_says_the_same_as_the_predicate(session: Session, group: str) -> None:
    found = session.exec(select(Case.case_no).where(rights.visible_cases(actor(group)))).all()
    assert set(found) == READERS[group]


def test_a_supervisor_reads_the_items_it_supervises_whoever_decides(session: Session) -> None:
    supervisor = actor("city.slj.supervisor", supervised=("W-01",))
    assert {one.case_no for one in cases() if rights.may_read_case(supervisor, one)} == {"window"}
    assert session.exec(select(Case.case_no).where(rights.visible_cases(supervisor))).all() == ["window"]


def test_the_city_units_supervisor_reads_what_its_unit_took_over_from_a_county(session: Session) -> None:
    supervisor = actor("city.jtys.supervisor")
    session.add(case(Mode.DIRECT, case_no="taken", city_unit="jtys", taken_over_at=machine_now(), project="p"))
    session.add(case(Mode.WINDOW, case_no="citys own", city_unit="jtys", taken_over_at=machine_now(), project="p"))
    session.flush()
    every = session.exec(select(Case)).all()
    assert {one.case_no for one in every if rights.may_read_case(supervisor, one)} == {"taken"}
    assert session.exec(select(Case.case_no).where(rights.visible_cases(supervisor))).all() == ["taken"]
    taken = session.get_one(Case, "taken")
    assert personal_data_rights.may_see_for_a_purpose(supervisor, taken)
    assert not rights.may_read_case(actor("city.zrzy.supervisor"), taken)


def test_several_groups_add_up(session: Session) -> None:
    both = actor("city.jtys.reviewer", "rongjiang.jfj.reviewer")
    assert set(session.exec(select(Case.case_no).where(rights.visible_cases(both))).all()) == {
        "direct",
        "substantive",
    }


def test_only_the_areas_window_submits() -> None:
    assert rights.may_submit(actor("xingguo.window"), "xingguo")
    assert not rights.may_submit(actor("xingguo.window"), "yudu")
    assert not rights.may_submit(actor("xingguo.reviewer", "city.coordinator"), "xingguo")
    assert rights.is_window_account(actor("yudu.window"))
    assert not rights.is_window_account(actor("yudu.chief"))


def test_who_only_advises_or_coordinates_sees_no_personal_data_and_a_supervisor_says_why() -> None:
    window = case(Mode.WINDOW)
    seeing = {group for group in READERS if personal_data_rights.is_open(actor(group), window, None)}
    assert seeing == {"xingguo.window", "city.zrzy.reviewer", "city.zrzy.approver"}
    for_a_purpose = {group for group in READERS if personal_data_rights.is_open(actor(group), window, "专项检查")}
    assert for_a_purpose == seeing | {"xingguo.supervisor"}
    supervisor = actor("city.slj.supervisor", supervised=("W-01",))
    assert personal_data_rights.is_open(supervisor, window, "专项检查")
    assert not personal_data_rights.is_open(supervisor, window, None)


@pytest.mark.parametrize("group", READERS)
def test_a_name_is_searched_for_in_the_cases_whose_applicant_is_seen(session: Session, group: str) -> None:
    found = session.exec(select(Case.case_no).where(personal_data_rights.searchable_cases(actor(group)))).all()
    assert set(found) == {one.case_no for one in cases() if personal_data_rights.may_see(actor(group), one)}


def test_a_supervised_item_alone_makes_no_name_searchable(session: Session) -> None:
    supervisor = actor("city.slj.supervisor", supervised=("W-01",))
    assert session.exec(select(Case.case_no).where(personal_data_rights.searchable_cases(supervisor))).all() == []


@pytest.mark.parametrize("given", ["查", "查" * 201, "查\x07阅"])
def test_a_purpose_that_says_nothing_is_refused(given: str) -> None:
    with pytest.raises(InvalidInput):
        personal_data_rights.stated(given)


def test_a_purpose_is_written_down_in_one_line() -> None:
    assert personal_data_rights.stated("  专项\n检查 ") == "专项 检查"
    assert personal_data_rights.stated("   ") is None


@pytest.mark.parametrize(
    ("mode", "approver", "not_approver"),
    [
        (Mode.DIRECT, "xingguo.approver", "city.zrzy.approver"),
        (Mode.SUBSTANTIVE, "city.zrzy.approver", "xingguo.approver"),
        (Mode.WINDOW, "city.zrzy.approver", "xingguo.approver"),
    ],
)
def test_the_mode_says_who_decides(mode: Mode, approver: str, not_approver: str) -> None:
    assert rights.may_approve(actor(approver), case(mode))
    assert not rights.may_approve(actor(not_approver), case(mode))
    assert not rights.may_approve(actor("city.jtys.approver", "yudu.approver"), case(mode))


def test_a_window_items_county_handles_nothing_but_its_window() -> None:
    assert rights.may_handle(actor("city.zrzy.reviewer"), case(Mode.WINDOW))
    assert not rights.may_handle(actor("xingguo.reviewer", "xingguo.window"), case(Mode.WINDOW))
    assert not rights.may_handle(actor("city.zrzy.reviewer"), case(Mode.DIRECT))
    assert not rights.may_handle(actor("xingguo.supervisor"), case(Mode.DIRECT))


@pytest.mark.parametrize(("level", "handling"), [(0, "xingguo.reviewer"), (1, "city.zrzy.reviewer")])
def test_a_substantive_case_is_handled_where_it_stands(level: int, handling: str) -> None:
    both = {"xingguo.reviewer", "city.zrzy.reviewer"}
    standing = case(Mode.SUBSTANTIVE, level=level)
    assert {one for one in both if rights.may_handle(actor(one), standing)} == {handling}


def test_what_a_recall_took_over_is_handled_by_the_city() -> None:
    taken = case(Mode.DIRECT, level=1, taken_over_at=machine_now())
    assert rights.may_handle(actor("city.zrzy.reviewer"), taken)
    assert not rights.may_handle(actor("xingguo.reviewer"), taken)


def test_each_administrator_has_one_office() -> None:
    system, security, auditor = actor("admin.system"), actor("admin.security"), actor("admin.audit")
    offices = (system_rights.may_administer, system_rights.may_secure, system_rights.is_auditor)
    table = [[office(who) for office in offices] for who in (system, security, auditor)]
    assert table == [[True, False, False], [False, True, False], [False, False, True]]
