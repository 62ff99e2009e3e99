"""Rights: by role and area and unit."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlmodel import Session, select

from models.case import Case
from models.catalogue import Mode
from services.accounts import rights, system_rights
from services.accounts.actors import Actor
from services.clock import machine_now
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
    assert rights.may_see_personal_data(supervisor, taken)
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


def test_who_only_advises_or_coordinates_sees_no_personal_data() -> None:
    window = case(Mode.WINDOW)
    seeing = {group for group in READERS if rights.may_see_personal_data(actor(group), window)}
    assert seeing == {"xingguo.window", "xingguo.supervisor", "city.zrzy.reviewer", "city.zrzy.approver"}


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
    assert rights.may_handle(actor("xingguo.reviewer"), case(Mode.SUBSTANTIVE))
    assert rights.may_handle(actor("city.zrzy.reviewer"), case(Mode.SUBSTANTIVE))
    assert not rights.may_handle(actor("city.zrzy.reviewer"), case(Mode.DIRECT))
    assert not rights.may_handle(actor("xingguo.supervisor"), case(Mode.DIRECT))


def test_each_administrator_has_one_office() -> None:
    system, security, auditor = actor("admin.system"), actor("admin.security"), actor("admin.audit")
    offices = (system_rights.may_administer, system_rights.may_secure, system_rights.is_auditor)
    table = [[office(who) for office in offices] for who in (system, security, auditor)]
    assert table == [[True, False, False], [False, True, False], [False, False, True]]
