"""The counties' units: a typical set in every area, and units that are added, renamed and ended by date."""

from datetime import date, timedelta

import pytest
from sqlmodel import Session, select

from models.audit import AuditEntry
from models.catalogue import Government, Mode
from models.working_calendar import china_date
from services.catalogue import in_force, reference
from services.clock import product_now
from services.documents import case_facts
from services.errors import Forbidden, InvalidInput
from services.journal import audit
from services.powers import county_units
from services.takeovers import unit_transfers
from tests.factories.cases import build_case
from tests.factories.powers import actor
from tests.factories.powers import session as session

LATER = timedelta(days=30)


def unit_of(session: Session, item: str, area: str, on: date | None = None) -> str:
    version = in_force.find_item(session, item)
    assert version is not None
    unit = in_force.county_unit(session, version, area, on)
    assert unit is not None
    return unit.code


def organ_of(session: Session, area: str, city_unit: str) -> str:
    """Return what papers call the unit that handles a city unit's items in an area."""
    case = build_case(
        case_no="C1",
        item_code="D-01",
        area=area,
        city_unit=city_unit,
        mode=Mode.DIRECT,
        received_at=product_now(session),
    )
    place = reference.area(session, area)
    assert place is not None
    return case_facts.county_organ(session, case, place.name)


def number_of(session: Session, area: str, code: str) -> int:
    return next(one.id or 0 for one in reference.county_units(session, area) if one.code == code)


def test_every_area_has_a_unit_for_every_city_unit_that_decides(session: Session) -> None:
    deciding = [unit.code for unit in in_force.units(session) if unit.deciding]
    today = china_date(product_now(session))
    for area in in_force.areas(session):
        here = reference.county_units(session, area.code)
        assert all(reference.by_list(here, unit, today) is not None for unit in deciding), area.code


@pytest.mark.parametrize(
    ("area", "city_unit", "organ"),
    [
        ("xingguo", "jtys", "兴国县交通运输局"),
        ("xingguo", "zjj", "兴国县住房和城乡建设局"),
        ("xingguo", "xzsp", "兴国县行政审批局"),
        ("xingguo", "zrzy", "兴国县自然资源局"),
        ("xingguo", "sthj", "赣州市兴国生态环境局"),
        ("ruijin", "scjg", "瑞金市市场监督管理局"),
        ("longnan", "xzsp", "龙南市行政审批局"),
        ("nankang", "zrzy", "赣州市自然资源局南康分局"),
        ("ganxian", "jtys", "赣县区交通运输局"),
        ("jingkai", "zjj", "赣州经开区住房和城乡建设局"),
        ("rongjiang", "zrzy", "蓉江新区自然资源分局"),
    ],
)
def test_a_countys_unit_is_named_as_its_kind_of_area_demands(
    session: Session, area: str, city_unit: str, organ: str
) -> None:
    assert organ_of(session, area, city_unit) == organ


def test_an_item_moves_to_the_approval_office_only_by_a_transfer(session: Session) -> None:
    assert unit_of(session, "D-01", "xingguo") == "jtys"
    chief = actor("xingguo.approver")
    unit_transfers.decide(
        session, chief, area="xingguo", item="D-01", unit="xzsp", effective_on=None, reason="二次划转"
    )
    assert unit_of(session, "D-01", "xingguo") == "xzsp"
    assert unit_of(session, "D-02", "xingguo") == "jtys"


def test_a_unit_has_its_new_name_from_its_day_on(session: Session) -> None:
    today = china_date(product_now(session))
    renamed = county_units.rename(
        session,
        actor("xingguo.approver"),
        number_of(session, "xingguo", "jtys"),
        name="县交通局",
        paper_name="",
        on=today + LATER,
        reason="机构改革",
    )
    assert renamed.name == "县交通运输局"
    unit = next(one for one in reference.county_units(session, "xingguo") if one.code == "jtys")
    area = reference.area(session, "xingguo")
    assert area is not None
    assert [unit.written(day, area) for day in (today, today + LATER)] == ["兴国县交通运输局", "兴国县交通局"]
    audit.write_now(session)
    entry = session.exec(select(AuditEntry).where(AuditEntry.action == "county_unit.rename")).one()
    assert entry.detail["reason"] == "机构改革"


def test_a_unit_that_ends_is_succeeded_from_its_day_on(session: Session) -> None:
    today = china_date(product_now(session))
    chief, number = actor("xingguo.approver"), number_of(session, "xingguo", "swj")
    with pytest.raises(InvalidInput):
        county_units.end(session, chief, number, on=today + LATER, successor=None, reason="机构改革")
    county_units.end(session, chief, number, on=today + LATER, successor="fgw", reason="机构改革")
    assert unit_of(session, "W-16", "xingguo", today + LATER - timedelta(days=1)) == "swj"
    assert unit_of(session, "W-16", "xingguo", today + LATER) == "fgw"
    with pytest.raises(county_units.UnitEnded):
        county_units.rename(session, chief, number, name="县商贸局", paper_name="", on=None, reason="更名")


def test_the_papers_of_a_running_case_are_the_successors_once_its_unit_has_ended(session: Session) -> None:
    assert organ_of(session, "xingguo", "swj") == "兴国县商务局"
    number = number_of(session, "xingguo", "swj")
    county_units.end(session, actor("xingguo.approver"), number, on=None, successor="fgw", reason="机构改革")
    assert organ_of(session, "xingguo", "swj") == "兴国县发展和改革委员会"


def test_a_new_unit_handles_nothing_until_a_transfer(session: Session) -> None:
    added = county_units.add(
        session,
        actor("city.coordinator"),
        area="xingguo",
        code="sjj",
        name="县数据局",
        paper_name="",
        belongs_to=Government.COUNTY,
        own_accounts=False,
        begins_on=None,
        reason="新设",
    )
    assert (added.paper_name, added.handles, added.reviewer_group) == ("兴国县数据局", [], "xingguo.reviewer")
    chief = actor("xingguo.approver")
    unit_transfers.decide(session, chief, area="xingguo", item="D-01", unit="sjj", effective_on=None, reason="划转")
    assert unit_of(session, "D-01", "xingguo") == "sjj"
    assert in_force.responsibility(session, "D-01", "xingguo").decision_unit_name == "县数据局"


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"code": "jtys"}, "code"),
        ({"code": "县"}, "code"),
        ({"name": "数据局"}, "name"),
        ({"name": "=县数据局"}, "name"),
        ({"begins_on": date(2022, 1, 1)}, "begins_on"),
    ],
)
def test_a_unit_that_cannot_be_is_refused(session: Session, changes: dict[str, object], field: str) -> None:
    given: dict[str, object] = {
        "area": "xingguo",
        "code": "sjj",
        "name": "县数据局",
        "paper_name": "",
        "belongs_to": Government.COUNTY,
        "own_accounts": False,
        "begins_on": None,
        "reason": "新设",
    }
    with pytest.raises(InvalidInput) as refused:
        county_units.add(session, actor("xingguo.approver"), **{**given, **changes})  # type: ignore[arg-type]
    assert {one.field for one in refused.value.problems} == {field}


def test_a_county_leaves_anothers_units_alone(session: Session) -> None:
    number = number_of(session, "yudu", "swj")
    with pytest.raises(Forbidden):
        county_units.end(session, actor("xingguo.approver"), number, on=None, successor="fgw", reason="-")


def test_a_unit_cannot_take_over_before_it_exists(session: Session) -> None:
    chief = actor("xingguo.approver")
    today = china_date(product_now(session))
    county_units.add(
        session,
        chief,
        area="xingguo",
        code="sjj",
        name="县数据局",
        paper_name="",
        belongs_to=Government.COUNTY,
        own_accounts=False,
        begins_on=today + LATER,
        reason="新设",
    )
    with pytest.raises(InvalidInput):
        unit_transfers.decide(session, chief, area="xingguo", item="D-01", unit="sjj", effective_on=None, reason="划转")
