"""A bad catalogue file is refused with file, line and column, and every fault is named."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from catalog_data import CatalogueError, Problem, load_catalogue
from catalog_data.validate import DEFAULT_ROOT, validate


@pytest.fixture
def root(tmp_path: Path) -> Path:
    copy = tmp_path / "catalogue"
    shutil.copytree(DEFAULT_ROOT, copy, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    return copy


def edit(root: Path, name: str, old: str, new: str, count: int = 1) -> None:
    """Replace text in a file, making sure that it was there."""
    path = root / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, count), encoding="utf-8", newline="\n")


def rewrite(root: Path, name: str, change: Callable[[bytes], bytes]) -> None:
    path = root / name
    path.write_bytes(change(path.read_bytes()))


def only(root: Path) -> Problem:
    problems = validate(root)
    assert len(problems) == 1, "\n".join(map(str, problems))
    return problems[0]


@pytest.mark.parametrize(
    ("name", "old", "new", "row", "column", "message"),
    [
        ("items.csv", "D-02,direct,2,jtys", "D-02,direct,2,jtyz", 3, "unit", "没有这个市级单位：jtyz"),
        ("items.csv", "D-02,direct,", "D-02,directly,", 3, "mode", "只能是"),
        ("items.csv", "D-02,direct,2,", "D-02,direct,two,", 3, "row", "应为整数"),
        ("items.csv", "not_zones,2022-06-01", "not_zones,2022-06-31", 2, "in_force_from", "没有这一天"),
        ("items.csv", "not_zones,2022-06-01", "not_zones,2022/6/1", 2, "in_force_from", "2022-06-01"),
        ("items.csv", "not_zones,2022-06-01", "not_zones,", 2, "in_force_from", "其余必须写"),
        ("items.csv", "not_zones,2022-06-01", "nowhere,2022-06-01", 2, "territory", "没有这个适用范围"),
        ("items.csv", "公路工程质量核验和鉴定", "公路工程 质量核验和鉴定", 4, "main_name", "空格"),
        ("items.csv", "公路工程质量核验和鉴定", " 公路工程质量核验和鉴定", 4, "main_name", "首尾有空白"),
        ("items.csv", "D-02,direct,2,jtys", "D-02,direct,2,bwbb", 3, "unit", "不是审批单位"),
        ("items.csv", "printed,no,", "printed,maybe,", 2, "approval_filing", "只能是 yes 或 no"),
        ("territories.csv", "zhanggong,章贡区,zhanggong", "zhanggong,章贡区,zhangong", 4, "areas", "zhangong"),
        ("areas.csv", "nankang,南康区", "zhanggong,南康区", 3, "code", "与第2行重复"),
        ("variants.csv", "S-36,sub_name", "S-99,sub_name", 4, "item", "没有这个事项：S-99"),
        ("responsibility.csv", "S-24,city,lyj", "S-24,city,xyz", 45, "unit", "没有这个市级单位：xyz"),
        ("county_review.csv", "rongjiang,zrzy,zrzy", "rongjiang,zrzy,abc", 193, "county_unit", "没有单位 abc"),
        ("guides/W-01.yaml", "kind: original", "kind: paper", 9, "materials[0].kind", "original、copy、electronic"),
        ("guides/W-01.yaml", "copies: 1", "copies: '1'", 9, "materials[0].copies", "应为整数"),
        ("guides/W-01.yaml", "promised: 15", "promised: 25", 17, "limits", "承诺时限不得长于法定时限"),
        ("guides/W-01.yaml", "owner: zrzy", "owner: swj", 1, "owner", "应为事项的市级实施单位 zrzy"),
        ("guides/W-01.yaml", "version: 1", "version: 1\nversion: 2", 5, "version", "键重复"),
        ("guides/W-01.yaml", "on_site_check: false", "on_site_visit: false", 1, "on_site_check", "缺少"),
        ("guides/D-08.yaml", "kind: number", "kind: date", 10, "conditions[0].kind", "“date”不可用"),
        ("guides/D-08.yaml", "'>=2'", "二层以上", 8, "conditions[0]", "number 的 expected"),
        ("guides/D-08.yaml", "expected: false", "expected: 否", 14, "conditions[1]", "boolean 的 expected"),
        ("guides/S-23.yaml", "  - 抵押\n  otherwise", "  - 质押\n  otherwise", 8, "conditions[0]", "质押"),
        ("guides/W-21.yaml", "certificate: false", "certificate: true", 1, "", "certificate_kind 不一致"),
        ("guides/W-28.yaml", "of: [W-25,", "of: [W-99,", 1, "certificate.of", "没有这个事项：W-99"),
        ("guides/W-28.yaml", "  of: [W-25, W-26, W-27, W-28, W-29]\n", "", 43, "certificate", "须列明"),
        ("guides/W-28.yaml", "of: [W-25, W-26,", "of: [W-25, W-25,", 43, "certificate", "of 重复：W-25"),
        ("guides/W-28.yaml", "action: change", "action: renew", 1, "", "result.effect 应为 renew"),
        ("guides/W-28.yaml", "action: change", "action: swap", 44, "certificate.action", "只能是"),
        ("guides/W-28.yaml", "years: 5", "years: 5, until: 2030-01-01", 46, "certificate.validity", "之一"),
        ("guides/W-28.yaml", "key: warehouse", "key: premises", 43, "certificate", "fields 重复：premises"),
        ("guides/W-01.yaml", "source: project", "source: conditions.x", 1, "", "conditions.x"),
        ("guides/W-30.yaml", "  of: [W-25", "  validity: {years: 5}\n  of: [W-25", 41, "certificate", "注销证照"),
    ],
)  # fmt: skip
def test_a_fault_is_named_with_its_place(
    root: Path, name: str, old: str, new: str, row: int, column: str, message: str
) -> None:
    edit(root, name, old, new)
    problems = [problem for problem in validate(root) if problem.file == name]
    assert any((problem.row, problem.column) == (row, column) and message in problem.message for problem in problems), (
        "\n".join(map(str, problems))
    )


def test_every_fault_is_named_not_just_the_first(root: Path) -> None:
    edit(root, "items.csv", "D-02,direct,", "D-02,directly,")
    edit(root, "items.csv", "D-04,direct,4", "D-04,direct,four")
    edit(root, "areas.csv", "360732", "36073")
    edit(root, "guides/S-07.yaml", "version: 1", "version: one")
    with pytest.raises(CatalogueError) as refused:
        load_catalogue(root)
    places = {(problem.file, problem.row, problem.column) for problem in refused.value.problems}
    assert places == {
        ("items.csv", 3, "mode"),
        ("items.csv", 5, "row"),
        ("areas.csv", 15, "division_code"),
        ("guides/S-07.yaml", 4, "version"),
    }
    assert "items.csv 第3行 mode：" in str(refused.value)


def test_a_filing_that_would_yield_a_licence_is_refused(root: Path) -> None:
    edit(root, "guides/W-21.yaml", "certificate: false", "certificate: true")
    edit(root, "guides/W-21.yaml", "certificate_kind: none", "certificate_kind: licence")
    assert only(root) == Problem("guides/W-21.yaml", 1, "result.certificate", "备案不得以证照办结")


def test_a_filing_that_would_touch_a_certificate_is_refused(root: Path) -> None:
    path = root / "guides/W-21.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("effect: none", "effect: cancel"), encoding="utf-8")
    with path.open("a", encoding="utf-8") as file:
        file.write("certificate: {action: cancel, of: [W-25]}\n")
    assert only(root) == Problem("guides/W-21.yaml", 1, "certificate", "备案不产生也不处分证照")


def test_an_item_without_a_guide_is_refused(root: Path) -> None:
    (root / "guides/W-53.yaml").unlink()
    assert only(root) == Problem("items.csv", 119, "code", "缺少办事指南 guides/W-53.yaml")


def test_a_guide_without_an_item_is_refused(root: Path) -> None:
    text = (root / "guides/W-53.yaml").read_text(encoding="utf-8")
    (root / "guides/W-54.yaml").write_text(text.replace("code: W-53", "code: W-54"), encoding="utf-8")
    assert only(root) == Problem("guides/W-54.yaml", 1, "code", "没有这个事项：W-54")


def test_a_guide_under_another_items_file_name_is_refused(root: Path) -> None:
    edit(root, "guides/W-53.yaml", "code: W-53", "code: W-52")
    assert {(problem.file, problem.message) for problem in validate(root)} == {
        ("guides/W-53.yaml", "与文件名不符：W-52"),
        ("items.csv", "缺少办事指南 guides/W-53.yaml"),
    }


def test_an_item_without_a_supervisor_is_refused(root: Path) -> None:
    path = root / "responsibility.csv"
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join(line for line in lines if not line.startswith("W-53,")), encoding="utf-8")
    assert only(root) == Problem("responsibility.csv", 0, "item", "缺少事项 W-53 的监管单位")


def test_an_item_printed_twice_is_refused(root: Path) -> None:
    path = root / "items.csv"
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join([*lines, lines[-1]]), encoding="utf-8")
    assert {(problem.row, problem.column) for problem in validate(root)} == {(120, "code"), (120, "row")}


def test_a_file_that_begins_with_a_bom_is_refused(root: Path) -> None:
    rewrite(root, "areas.csv", lambda raw: b"\xef\xbb\xbf" + raw)
    assert "BOM" in only(root).message


def test_a_file_with_windows_line_ends_is_refused(root: Path) -> None:
    rewrite(root, "areas.csv", lambda raw: raw.replace(b"\n", b"\r\n"))
    assert (only(root).row, "LF" in only(root).message) == (1, True)


def test_a_file_in_another_encoding_is_refused_at_its_first_bad_line(root: Path) -> None:
    text = (root / "areas.csv").read_text(encoding="utf-8")
    (root / "areas.csv").write_bytes(text.encode("gb18030"))
    problem = only(root)
    assert (problem.row, "UTF-8" in problem.message) == (2, True)


def test_an_empty_file_is_refused(root: Path) -> None:
    rewrite(root, "variants.csv", lambda raw: b"")
    assert only(root) == Problem("variants.csv", 0, "", "文件是空的")


def test_a_file_with_a_header_only_is_refused(root: Path) -> None:
    rewrite(root, "variants.csv", lambda raw: raw.splitlines(keepends=True)[0])
    assert only(root) == Problem("variants.csv", 0, "", "只有表头，没有数据")


def test_a_missing_file_is_named(root: Path) -> None:
    (root / "units.csv").unlink()
    assert Problem("units.csv", 0, "", "文件不存在") in validate(root)
    assert all(problem.file in {"units.csv"} for problem in validate(root))


def test_a_missing_folder_is_refused_file_by_file(tmp_path: Path) -> None:
    problems = validate(tmp_path / "nowhere")
    assert {problem.file for problem in problems} >= {"items.csv", "areas.csv", "guides"}


def test_missing_extra_and_repeated_columns_are_named(root: Path) -> None:
    edit(root, "areas.csv", "code,name,kind,division_code,pseudo_code", "code,name,name,gb_code,pseudo_code")
    found = {(problem.column, problem.message) for problem in validate(root) if problem.file == "areas.csv"}
    assert found == {
        ("kind", "缺少这一列"),
        ("division_code", "缺少这一列"),
        ("gb_code", "没有这一列，请删去或改名"),
        ("name", "列名重复"),
    }


def test_a_row_with_too_many_cells_is_refused(root: Path) -> None:
    edit(root, "areas.csv", "dayu,大余县,county,360723,no", "dayu,大余县,county,360723,no,extra")
    assert Problem("areas.csv", 6, "", "应有 5 列，实有 6 列") in validate(root)


def test_an_unclosed_quote_is_refused(root: Path) -> None:
    edit(root, "areas.csv", "rongjiang,蓉江新区", 'rongjiang,"蓉江新区')
    assert any(problem.file == "areas.csv" and "CSV 格式错误" in problem.message for problem in validate(root))


def test_yaml_that_cannot_be_read_is_refused_at_its_line(root: Path) -> None:
    edit(root, "guides/W-01.yaml", "owner: zrzy", "owner: [zrzy")
    problem = only(root)
    assert (problem.file, "YAML 语法错误" in problem.message) == ("guides/W-01.yaml", True)
    assert problem.row > 0


def test_a_condition_that_depends_on_a_later_question_is_refused(root: Path) -> None:
    edit(root, "guides/S-29.yaml", "    project_kind:\n", "    another_question:\n")
    assert "指向其前没有的问题" in only(root).message


def test_a_condition_that_waits_for_an_impossible_answer_is_refused(root: Path) -> None:
    edit(root, "guides/S-27.yaml", "    - 年出栏生猪5000头及以上的畜禽养殖场、养殖小区\n", "    - 养牛场\n")
    assert "不可能的回答" in only(root).message
