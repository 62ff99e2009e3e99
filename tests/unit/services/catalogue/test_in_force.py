"""The catalogue in the database: seeded once, versioned by content, read by day, area and agreement."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, select

from catalog_data import Catalogue, load_catalogue
from models.catalogue import CountyUnit, GuideVersion, ItemVersion, Mode, Responsibility
from models.database import CHINA
from models.unit_transfer import UnitTransfer
from services.catalogue import in_force as service
from services.catalogue import reference
from services.catalogue.seeding import seed_catalogue
from services.errors import NotFound
from tests.databases import Databases, new

TODAY = date(2026, 9, 21)


@pytest.fixture(scope="module")
def files() -> Catalogue:
    return load_catalogue()


@pytest.fixture(scope="module")
def seeded(databases: Databases) -> Iterator[Engine]:
    with new(databases, seeded=True) as database:
        yield database.engine


@pytest.fixture
def session(seeded: Engine) -> Iterator[Session]:
    """Yield a session on the seeded database; what a test writes is rolled back."""
    with Session(seeded) as opened:
        yield opened
        opened.rollback()


def with_item(files: Catalogue, code: str, **changes: object) -> Catalogue:
    items = tuple(item.model_copy(update=changes) if item.code == code else item for item in files.items)
    return replace(files, items=items)


def with_guide(files: Catalogue, code: str, **changes: object) -> Catalogue:
    return replace(files, guides={**files.guides, code: files.guides[code].model_copy(update=changes)})


def test_seeding_writes_everything_once(session: Session, files: Catalogue) -> None:
    again = seed_catalogue(session, files)
    assert (again.written, again.unlisted) == (0, ())
    assert again.unchanged["item_version"] == again.unchanged["guide_version"] == 118
    assert len(session.exec(select(ItemVersion)).all()) == 118


def test_a_changed_text_becomes_a_new_version_and_the_old_one_stays(session: Session, files: Catalogue) -> None:
    report = seed_catalogue(session, with_item(files, "W-01", remark="更正"))
    assert (report.written, report.changed) == (1, {"item_version": 1})
    assert [item.version for item in session.exec(select(ItemVersion).where(ItemVersion.code == "W-01"))] == [
        1,
        2,
    ]
    old, new = service.item_version(session, "W-01", 1), service.find_item(session, "W-01", TODAY)
    assert old is not None
    assert new is not None
    assert (old.remark, new.version, new.remark) == ("县级受理市级审批", 2, "更正")


def test_a_later_list_counts_from_its_own_day(session: Session, files: Catalogue) -> None:
    later = with_item(files, "S-22", mode=Mode.DIRECT, in_force_from=date(2027, 1, 1))
    seed_catalogue(session, later)
    before = service.find_item(session, "S-22", date(2026, 12, 31))
    after = service.find_item(session, "S-22", date(2027, 1, 1))
    assert before is not None
    assert after is not None
    assert (before.version, before.mode, before.in_force_to) == (1, Mode.SUBSTANTIVE, date(2026, 12, 31))
    assert (after.version, after.mode) == (2, Mode.DIRECT)


def test_a_version_made_in_the_running_system_survives_the_next_seeding(session: Session, files: Catalogue) -> None:
    item = service.find_item(session, "W-02", None)
    assert item is not None
    content = item.model_dump(exclude={"id", "version", "source_digest"})
    session.add(ItemVersion(**content | {"areas": ["xingguo"]}, version=2))
    session.flush()
    assert seed_catalogue(session, files).written == 0
    latest = service.find_item(session, "W-02", TODAY)
    assert latest is not None
    assert (latest.version, latest.areas) == (2, ["xingguo"])


def test_a_changed_guide_becomes_a_new_version_that_knows_its_number(session: Session, files: Catalogue) -> None:
    seed_catalogue(session, with_guide(files, "W-01", on_site_check=True))
    latest = service.find_guide(session, "W-01")
    assert latest is not None
    guide = service.parse_guide(latest)
    assert (latest.version, guide.version, guide.on_site_check) == (2, 2, True)
    kept = reference.guide_version(session, "W-01", 1)
    assert kept is not None
    assert not service.parse_guide(kept).on_site_check


def test_a_guide_with_nothing_but_a_higher_number_is_no_new_version(session: Session, files: Catalogue) -> None:
    assert seed_catalogue(session, with_guide(files, "W-01", version=7)).written == 0


def test_an_item_that_left_the_files_is_reported_and_kept(session: Session, files: Catalogue) -> None:
    report = seed_catalogue(session, replace(files, items=files.items[:-1]))
    assert report.unlisted == ("W-53",)
    assert service.find_item(session, "W-53", TODAY) is not None


def test_a_stored_guide_reads_back_as_it_was_loaded(session: Session, files: Catalogue) -> None:
    for version in session.exec(select(GuideVersion)).all():
        assert service.parse_guide(version) == files.guides[version.code]


def test_the_list_follows_the_annexes(session: Session) -> None:
    codes = [item.code for item in service.list_items(session, on=TODAY)]
    assert len(codes) == 118
    assert (codes[0], codes[20], codes[65], codes[-1]) == ("D-01", "S-01", "W-01", "W-53")


@pytest.mark.parametrize(
    ("on", "count"),
    [(date(2022, 4, 30), 45), (date(2022, 5, 1), 98), (date(2022, 5, 31), 98), (date(2022, 6, 1), 118)],
)
def test_items_appear_on_the_day_they_take_effect(session: Session, on: date, count: int) -> None:
    assert len(service.list_items(session, on=on)) == count


@pytest.mark.parametrize(("area", "direct"), [("zhanggong", 20), ("xingguo", 10), ("jingkai", 0), ("rongjiang", 0)])
def test_an_area_sees_what_is_delegated_to_it(session: Session, area: str, direct: int) -> None:
    modes = [item.mode for item in service.list_items(session, on=TODAY, area=area)]
    assert [modes.count(mode) for mode in Mode] == [direct, 45, 53]


def test_filters_narrow_the_list_together(session: Session) -> None:
    found = service.list_items(session, on=TODAY, mode=Mode.WINDOW, unit="xzsp", q="医疗器械 注销")
    assert [item.code for item in found] == ["W-24", "W-30"]
    assert service.list_items(session, on=TODAY, mode=Mode.DIRECT, area="rongjiang") == []


@pytest.mark.parametrize("q", ["w-39", "水土保持方案审批（市级立项）", "水土保持方案审批(市级立项)"])
def test_a_search_minds_neither_case_nor_width(session: Session, q: str) -> None:
    assert [item.code for item in service.list_items(session, on=TODAY, q=q)] == ["W-39"]


def test_an_unknown_area_or_word_finds_nothing(session: Session) -> None:
    assert service.list_items(session, on=TODAY, area="nowhere") == []
    assert service.list_items(session, on=TODAY, q="%") == []


def test_a_substantive_item_is_locked_where_no_agreement_is_in_force(session: Session) -> None:
    signed = {("rongjiang", "S-22"), ("zhanggong", "S-22"), ("zhanggong", "W-01")}
    items = {item.code: item for item in service.list_items(session, on=TODAY, agreements=signed)}
    assert len(items["S-22"].locked_areas) == 18
    assert not {"rongjiang", "zhanggong"} & set(items["S-22"].locked_areas)
    assert len(items["S-23"].locked_areas) == 20
    assert items["W-01"].locked_areas == items["D-01"].locked_areas == []


def test_an_item_tells_where_it_was_printed(session: Session) -> None:
    item = next(item for item in service.list_items(session, on=TODAY) if item.code == "W-14")
    assert (item.unit_name, item.remark, item.version) == ("市自然资源局", "县级受理市级审批", 1)
    assert item.provenance["plan"] == "赣市府办发〔2022〕7号"
    assert (item.provenance["annex"], item.provenance["row"]) == (3, 14)
    assert item.provenance["variants"][0]["value"] == "其他行政权力-备案"
    assert item.provenance["variants"][0]["plan"] == "赣蓉办发〔2022〕4号"


def test_an_unknown_item_has_neither_version_nor_guide(session: Session) -> None:
    assert service.find_item(session, "W-99", None) is None
    assert service.find_guide(session, "W-99") is None
    with pytest.raises(NotFound):
        service.unit_name(session, "nowhere")


def test_a_direct_item_is_the_countys_from_window_to_supervisor(session: Session) -> None:
    view = service.responsibility(session, "D-01", "xingguo")
    assert (view.accepts, view.reviews, view.decides) == (
        "xingguo.window",
        "xingguo.reviewer",
        "xingguo.approver",
    )
    assert (view.answers, view.supervises, view.follows_up) == (
        "xingguo.approver",
        "xingguo.supervisor",
        None,
    )
    assert view.forwards is None
    assert (view.decision_unit_name, view.supervisor_name.startswith("县")) == ("县交通运输局", True)


def test_a_substantive_item_is_reviewed_by_the_county_and_decided_by_the_city(session: Session) -> None:
    view = service.responsibility(session, "S-24", "zhanggong")
    assert (view.accepts, view.reviews, view.forwards) == (
        "zhanggong.window", "zhanggong.reviewer", "zhanggong.chief",
    )  # fmt: skip
    assert view.decides == view.answers == "city.xzsp.approver"
    assert view.answers_for_review == "zhanggong.reviewer"
    assert (view.supervises, view.follows_up) == ("city.lyj.supervisor", "zhanggong.supervisor")
    assert (view.decision_unit_name, view.supervisor_name) == ("市行政审批局", "市林业局")


@pytest.mark.parametrize(
    ("item", "group"),
    [
        ("S-22", "rongjiang.zrzy.reviewer"),
        ("S-34", "rongjiang.nb.reviewer"),
        ("S-24", "rongjiang.xzsp.reviewer"),
    ],
)
def test_in_rongjiang_the_unit_of_the_trade_reviews(session: Session, item: str, group: str) -> None:
    assert service.responsibility(session, item, "rongjiang").reviews == group


def transfer(session: Session, item: str, unit: str, day: date) -> None:
    """Record that a unit of 蓉江新区 handles an item from a day on."""
    session.add(
        UnitTransfer(
            area="rongjiang",
            item=item,
            from_unit="zrzy",
            to_unit=unit,
            effective_on=day,
            reason="划转",
            decided_by="rongjiang.approver",
            decided_at=datetime(2026, 9, 20, 9, tzinfo=CHINA),
        )
    )
    session.flush()


def test_the_unit_of_the_day_reviews_and_of_two_transfers_on_one_day_the_later_counts(session: Session) -> None:
    transfer(session, "S-22", "nb", TODAY)
    transfer(session, "S-22", "sthj", TODAY)
    transfer(session, "S-22", "jfj", date(2027, 1, 1))
    days = [date(2026, 9, 20), TODAY, date(2027, 1, 1)]
    groups = [service.responsibility(session, "S-22", "rongjiang", day).reviews for day in days]
    assert groups == ["rongjiang.zrzy.reviewer", "rongjiang.sthj.reviewer", "rongjiang.jfj.reviewer"]


def test_a_case_is_passed_on_only_to_a_unit_with_accounts_of_its_own(session: Session) -> None:
    units = {one.code: one for one in session.exec(select(CountyUnit).where(CountyUnit.area == "rongjiang")).all()}
    assert service.passed_on_to(Mode.SUBSTANTIVE, units["zrzy"]) == "zrzy"
    assert service.passed_on_to(Mode.SUBSTANTIVE, units["czj"]) is None
    assert service.passed_on_to(Mode.WINDOW, units["zrzy"]) is None
    assert service.passed_on_to(Mode.SUBSTANTIVE, None) is None


def test_a_window_item_is_reviewed_and_decided_by_the_city(session: Session) -> None:
    view = service.responsibility(session, "W-25", "rongjiang")
    assert (view.accepts, view.reviews) == ("rongjiang.window", "city.xzsp.reviewer")
    assert (view.decides, view.supervises) == ("city.xzsp.approver", "city.scjg.supervisor")
    assert view.answers_for_review is None


def test_nobody_supervises_what_the_same_group_decided(session: Session) -> None:
    for item in service.list_items(session, on=TODAY):
        view = service.responsibility(session, item.code, item.areas[0])
        assert view.supervises != view.decides
        assert view.supervises.endswith(".supervisor")


@pytest.mark.parametrize(
    ("item", "area"),
    [("W-99", "xingguo"), ("W-01", "nowhere"), ("D-01", "rongjiang"), ("D-12", "xingguo")],
)
def test_responsibility_for_what_does_not_exist_is_not_found(session: Session, item: str, area: str) -> None:
    with pytest.raises(NotFound):
        service.responsibility(session, item, area)


def test_a_supervisor_changes_by_a_dated_version(session: Session) -> None:
    duty = session.exec(select(Responsibility).where(Responsibility.item == "W-39")).one()
    content = duty.model_dump(exclude={"id", "version", "source_digest"})
    changes = {"supervisor_unit": "sthj", "in_force_from": date(2027, 1, 1)}
    session.add(Responsibility(**content | changes, version=2))
    session.flush()
    assert service.responsibility(session, "W-39", "xingguo", TODAY).supervises == "city.slj.supervisor"
    later = service.responsibility(session, "W-39", "xingguo", date(2027, 1, 1))
    assert later.supervises == "city.sthj.supervisor"


def test_areas_come_in_the_plans_order(session: Session) -> None:
    areas = service.areas(session)
    assert (len(areas), areas[0].name, areas[-1].name) == (20, "章贡区", "蓉江新区")


def test_the_taking_over_county_units_are_marked_where_assumed(session: Session) -> None:
    units = session.exec(select(CountyUnit)).all()
    assert all(unit.assumed != (unit.area == "rongjiang") for unit in units)


def test_a_long_sub_item_is_cut_short_for_lists(session: Session) -> None:
    long, short = service.find_item(session, "W-40"), service.find_item(session, "S-28")
    assert long is not None
    assert short is not None
    assert len(long.short_name) < 80 < len(long.full_name)
    assert short.short_name == short.full_name == "燃气经营许可证核发（燃气经营许可证变更）"
