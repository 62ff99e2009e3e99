"""The reviewed files as they stand: the 118 items, their texts, territories, guides and supervisors."""

from collections import Counter
from datetime import date

import pytest

from catalog_data import load_catalogue
from catalog_data.guide import CertificateKind, Guide, LimitUnit
from catalog_data.schema import Catalogue, CatalogueTable, Item
from catalog_data.validate import DEFAULT_ROOT, check_first_list, validate
from models.catalogue import Mode, PowerKind, SupervisorLevel
from models.certificate import CertificateAction
from settings import PROJECT_ROOT

LISTED_AREAS = [
    "zhanggong", "nankang", "ganxian", "xinfeng", "dayu", "shangyou", "chongyi", "anyuan", "longnan", "dingnan",
    "quannan", "ningdu", "yudu", "xingguo", "huichang", "xunwu", "shicheng", "ruijin", "jingkai", "rongjiang",
]  # fmt: skip


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_catalogue()


@pytest.fixture(scope="module")
def items(catalogue: Catalogue) -> dict[str, Item]:
    return {item.code: item for item in catalogue.items}


def test_our_own_files_have_no_fault() -> None:
    assert validate() == []


def test_the_first_list_has_its_118_items_by_mode_and_power_type(catalogue: Catalogue) -> None:
    assert check_first_list(catalogue) == []
    assert Counter(item.power_kind for item in catalogue.items) == {
        PowerKind.LICENSE: 67,
        PowerKind.CONFIRMATION: 20,
        PowerKind.FILING: 24,
        PowerKind.OTHER: 7,
    }
    codes = [*(f"D-{n:02d}" for n in range(1, 21)), *(f"S-{n:02d}" for n in range(1, 46))]
    assert [item.code for item in catalogue.items] == codes + [f"W-{n:02d}" for n in range(1, 54)]


def test_a_list_with_an_item_too_few_differs_from_the_first_list(catalogue: Catalogue) -> None:
    fewer = Catalogue(**{**vars(catalogue), "items": catalogue.items[:-1]})
    assert [problem.message for problem in check_first_list(fewer)] == ["服务窗口前移的行政许可应有 41 项，实有 40 项"]


def test_forty_three_items_belong_to_the_approval_bureau(catalogue: Catalogue) -> None:
    assert sum(item.unit == "xzsp" for item in catalogue.items) == 43


def test_window_row_40_printed_on_two_pages_is_one_item_with_its_whole_text(items: dict[str, Item]) -> None:
    text = items["W-40"].sub_name
    assert text.startswith("(一)跨县(区)行政区域的项目(生态环境部、省生态环境厅审批项目除外);(二)")
    assert "6.黑色金属:采选项目;7.煤炭:煤炭开发项目;" in text
    assert text.endswith("(三)印刷电路板项目。(四)简化后的集控区入驻电镀项目。")


def test_the_citys_wording_prevails_over_the_other_plans(items: dict[str, Item]) -> None:
    assert items["S-34"].main_name == "农民合作社示范社认定"
    assert "住宅装修装饰" in items["S-36"].sub_name
    assert "农副食品加工" in items["S-45"].sub_name
    assert items["W-14"].power_kind is PowerKind.OTHER
    assert (items["S-42"].main_name, items["S-42"].remark) == ("承担国家法定计量检定机构任务授权", "市县同办")


def test_what_rongjiang_prints_differently_is_kept_as_variants(catalogue: Catalogue) -> None:
    kept = {(variant.item, variant.field): variant.value for variant in catalogue.variants}
    assert kept["S-34", "main_name"] == "农民专业合作社示范社认定"
    assert kept["W-14", "power_type"] == "其他行政权力-备案"
    assert {code for code, _ in kept} == {"S-34", "S-36", "S-42", "S-45", "W-14"}
    assert all(variant.plan == "rongjiang-2022-4" for variant in catalogue.variants)


def test_direct_rows_9_to_11_share_a_main_item_and_keep_their_printed_units(items: dict[str, Item]) -> None:
    assert {items[f"D-{n:02d}"].main_name for n in (9, 10, 11)} == {"基层法律服务工作者执业、变更、注销核准"}
    assert [items[f"D-{n:02d}"].unit for n in (9, 10, 11)] == ["xzsp", "sfj", "sfj"]


def test_mode_belongs_to_the_sub_item(items: dict[str, Item]) -> None:
    assert items["S-28"].main_name == items["W-38"].main_name == "燃气经营许可证核发"
    assert (items["S-28"].mode, items["W-38"].mode) == (Mode.SUBSTANTIVE, Mode.WINDOW)
    assert items["S-27"].main_name == items["W-40"].main_name


def test_an_item_of_one_cell_has_no_sub_item(items: dict[str, Item]) -> None:
    assert (items["S-20"].main_name, items["S-20"].sub_name) == ("建设工程基础±0.00复验", "")
    assert items["W-39"].sub_name == ""
    assert items["W-53"].main_name == "权限内企业投资项目核准"


def test_territory_follows_the_note_and_the_remarks_of_annex_1(catalogue: Catalogue, items: dict[str, Item]) -> None:
    only_zhanggong = {f"D-{n:02d}" for n in (8, *range(12, 21))}
    for code, item in items.items():
        areas = catalogue.areas_of(item)
        if code in only_zhanggong:
            assert areas == ("zhanggong",)
            assert item.remark == "由章贡区行使"
        elif item.mode is Mode.DIRECT:
            assert list(areas) == LISTED_AREAS[:-2]
        else:
            assert list(areas) == LISTED_AREAS


def test_items_take_effect_on_their_modes_date(items: dict[str, Item]) -> None:
    dates = {mode: {item.in_force_from for item in items.values() if item.mode is mode} for mode in Mode}
    assert dates == {
        Mode.DIRECT: {date(2022, 6, 1)},
        Mode.SUBSTANTIVE: {None},
        Mode.WINDOW: {date(2022, 5, 1)},
    }


def test_zones_carry_a_marked_code_of_our_own(catalogue: Catalogue) -> None:
    assert {area.code for area in catalogue.areas if area.pseudo_code} == {"jingkai", "rongjiang"}
    named = {area.code: (area.name, area.division_code) for area in catalogue.areas}
    assert named["xingguo"] == ("兴国县", "360732")
    assert named["longnan"] == ("龙南市", "360783")


def test_the_county_supervises_direct_items_and_a_city_department_the_others(catalogue: Catalogue) -> None:
    modes = {item.code: item.mode for item in catalogue.items}
    duties = {duty.item: duty for duty in catalogue.responsibilities}
    assert all((duty.level is SupervisorLevel.COUNTY) == (modes[code] is Mode.DIRECT) for code, duty in duties.items())
    assert all(duty.unit != "xzsp" for duty in duties.values())
    assert [duties[code].unit for code in ("S-24", "S-28", "S-29", "W-25", "W-37", "W-40", "W-44")] == [
        "lyj", "cgj", "slj", "scjg", "swj", "sthj", "fgw",
    ]  # fmt: skip


def test_items_named_after_what_they_do_to_a_certificate_say_so(catalogue: Catalogue) -> None:
    found = {
        code: guide.certificate.action
        for code, guide in catalogue.guides.items()
        if guide.certificate is not None and guide.certificate.action.needs_certificate
    }
    words = {
        "变更": CertificateAction.CHANGE,
        "保留": CertificateAction.CHANGE,
        "延续": CertificateAction.RENEW,
        "换证": CertificateAction.RENEW,
        "补证": CertificateAction.REPLACE,
        "补发": CertificateAction.REPLACE,
        "注销": CertificateAction.CANCEL,
    }
    named = {
        item.code: action
        for item in catalogue.items
        if item.power_kind is not PowerKind.FILING
        for word, action in words.items()
        if word in item.sub_name
    }
    assert found == named


def test_a_family_may_bring_every_certificate_it_can_have_made(catalogue: Catalogue) -> None:
    for code, guide in catalogue.guides.items():
        rule = guide.certificate
        if rule is None or not rule.of:
            continue
        made = {one for one in rule.of if catalogue.guides[one].certificate is not None}
        assert made == set(rule.of)
        assert not rule.action.makes_certificate or code in rule.of


def test_a_filing_never_ends_in_a_certificate(catalogue: Catalogue) -> None:
    for item in catalogue.items:
        guide = catalogue.guides[item.code]
        if item.power_kind is PowerKind.FILING:
            assert guide.certificate_kind is CertificateKind.NONE
            assert guide.result.name == "备案通知书"


def test_limits_follow_the_power_type(catalogue: Catalogue, items: dict[str, Item]) -> None:
    for code, guide in catalogue.guides.items():
        assert guide.limits.unit is LimitUnit.WORKING_DAY
        assert guide.limits.assumed
        if items[code].power_kind is PowerKind.LICENSE:
            assert guide.limits.statutory == 20
    assert {catalogue.guides[f"S-{n:02d}"].limits.statutory for n in range(1, 13)} == {30}


def test_redress_goes_to_the_government_above_the_one_that_decides(
    catalogue: Catalogue, items: dict[str, Item]
) -> None:
    for code, guide in catalogue.guides.items():
        county = items[code].mode is Mode.DIRECT
        assert guide.redress.organ == ("所在县（市、区）人民政府" if county else "赣州市人民政府")
        assert (guide.redress.reconsideration_days, guide.redress.litigation_months) == (60, 6)


def test_fees_and_basis_are_left_to_the_city_units(catalogue: Catalogue) -> None:
    assert all(guide.fees.pending and guide.basis.pending for guide in catalogue.guides.values())
    assert "《森林法》第57条第三款" in catalogue.guides["D-07"].basis.text


def test_every_material_is_marked_as_an_example(catalogue: Catalogue) -> None:
    for guide in catalogue.guides.values():
        assert len(guide.materials) >= 3
        assert all(material.assumed for material in guide.materials)
        assert any(material.required for material in guide.materials)


@pytest.mark.parametrize(
    ("code", "keys"),
    [
        ("D-07", ["outside_forest_law_57_3_and_rules_32"]),
        ("D-08", ["lowest_floor", "high_column_or_base"]),
        ("S-22", ["low_grade_mark"]),
        ("S-27", ["project_kind", "annual_pigs"]),
        ("S-29", ["project_kind", "dam_height_m"]),
        ("S-36", ["registered_by_city"]),
        ("S-44", ["cross_county_in_same_city"]),
        ("W-39", ["approved_at_city_level"]),
        (
            "W-40",
            ["project_kind", "cross_county", "report_book_required", "approved_by_ministry_or_province"],
        ),
        ("W-46", ["within_city_authority", "approved_above"]),
    ],
)
def test_the_limits_a_sub_item_states_are_asked_at_acceptance(catalogue: Catalogue, code: str, keys: list[str]) -> None:
    assert [condition.key for condition in catalogue.guides[code].conditions] == keys


def test_the_choices_of_row_40_repeat_the_printed_list_word_for_word(
    catalogue: Catalogue, items: dict[str, Item]
) -> None:
    listed = [option for option in catalogue.guides["W-40"].conditions[0].options if option.startswith("(二)")]
    assert len(listed) == 14
    assert all(option.removeprefix("(二)") in items["W-40"].sub_name for option in listed)


def test_rongjiang_passes_cases_on_to_units_of_its_own(catalogue: Catalogue) -> None:
    passed_on = {review.city_unit: review.county_unit for review in catalogue.county_review}
    assert (passed_on["zrzy"], passed_on["nyny"], passed_on["jyj"]) == ("zrzy", "nb", "sgj")
    deciding = {unit.code for unit in catalogue.units if unit.deciding}
    assert set(passed_on) == deciding


def test_the_reference_page_names_every_table_column_and_guide_block() -> None:
    page = (PROJECT_ROOT / "docs/reference/catalogue.md").read_text(encoding="utf-8")
    for table in CatalogueTable:
        header = (DEFAULT_ROOT / table).read_text(encoding="utf-8").splitlines()[0]
        assert f"`{header}`" in page
    assert [block for block in Guide.model_fields if f"`{block}`" not in page] == []
