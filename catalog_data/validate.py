"""Check a catalogue folder as a whole: what each file says about the others."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from catalog_data.guide import Guide
from catalog_data.guide_files import read_guides
from catalog_data.problems import Problem
from catalog_data.schema import (
    AreaRow,
    Catalogue,
    CatalogueTable,
    CountyReview,
    CountyUnitRow,
    Item,
    ResponsibilityRow,
    Source,
    Territory,
    UnitRow,
    Variant,
)
from catalog_data.tables import Located, Row, read_table
from models.catalogue import Mode, PowerKind, SupervisorLevel

DEFAULT_ROOT = Path(__file__).resolve().parent
ASSUMED = "assumed"

FIRST_LIST_COUNTS: dict[Mode, dict[PowerKind, int]] = {
    mode: dict(zip(PowerKind, counts, strict=True))
    for mode, counts in {
        Mode.DIRECT: (6, 2, 9, 3),
        Mode.SUBSTANTIVE: (20, 17, 7, 1),
        Mode.WINDOW: (41, 1, 8, 3),
    }.items()
}
"""Items by mode and power type in the annexes of 赣市府办发〔2022〕7号: 20 + 45 + 53 = 118."""

_PREFIX = {Mode.DIRECT: "D", Mode.SUBSTANTIVE: "S", Mode.WINDOW: "W"}


@dataclass
class Draft:
    """The rows read so far, each with its line, before they are known to fit together."""

    sources: list[Located[Source]]
    areas: list[Located[AreaRow]]
    territories: list[Located[Territory]]
    units: list[Located[UnitRow]]
    county_units: list[Located[CountyUnitRow]]
    county_review: list[Located[CountyReview]]
    items: list[Located[Item]]
    variants: list[Located[Variant]]
    responsibilities: list[Located[ResponsibilityRow]]
    guides: dict[str, Located[Guide]]
    unreadable_guides: set[str]


def validate(root: Path | None = None) -> list[Problem]:
    """Return every fault of the catalogue in ``root`` (our own by default), sorted by file and line."""
    return read_draft(root or DEFAULT_ROOT)[1]


def check_first_list(catalogue: Catalogue) -> list[Problem]:
    """Return where the counts differ from the first list's (118 items); a later list has others."""
    found = Counter((item.mode, item.power_kind) for item in catalogue.items)
    return [
        Problem(
            CatalogueTable.ITEMS,
            0,
            "power_type",
            f"{mode.label}的{kind.printed}应有 {count} 项，实有 {found[mode, kind]} 项",
        )
        for mode, counts in FIRST_LIST_COUNTS.items()
        for kind, count in counts.items()
        if found[mode, kind] != count
    ]


def read_draft(root: Path) -> tuple[Draft, list[Problem]]:
    """Read every file of a catalogue folder; return what was readable and all faults."""
    problems: list[Problem] = []

    def table(name: CatalogueTable, row_type: type[Row]) -> list[Located[Row]]:
        rows, faults = read_table(root, name, row_type)
        problems.extend(faults)
        return rows

    draft = Draft(
        sources=table(CatalogueTable.SOURCES, Source),
        areas=table(CatalogueTable.AREAS, AreaRow),
        territories=table(CatalogueTable.TERRITORIES, Territory),
        units=table(CatalogueTable.UNITS, UnitRow),
        county_units=table(CatalogueTable.COUNTY_UNITS, CountyUnitRow),
        county_review=table(CatalogueTable.COUNTY_REVIEW, CountyReview),
        items=table(CatalogueTable.ITEMS, Item),
        variants=table(CatalogueTable.VARIANTS, Variant),
        responsibilities=table(CatalogueTable.RESPONSIBILITY, ResponsibilityRow),
        guides={},
        unreadable_guides=set(),
    )
    broken_tables = {problem.file for problem in problems}
    draft.guides, faults = read_guides(root)
    draft.unreadable_guides = {fault.file for fault in faults}
    problems += faults
    problems += [fault for check in _CHECKS for fault in check(draft, broken_tables)]
    return draft, sorted(set(problems))


def _duplicates(name: str, column: str, rows: Iterable[Located[Any]], key: Callable[[Any], Any]) -> list[Problem]:
    first: dict[Any, int] = {}
    problems = []
    for row in rows:
        line = first.setdefault(key(row.value), row.line)
        if line != row.line:
            problems.append(Problem(name, row.line, column, f"与第{line}行重复"))
    return problems


def _check_duplicates(draft: Draft, _broken: set[str]) -> list[Problem]:
    table = CatalogueTable
    return [
        *_duplicates(table.SOURCES, "code", draft.sources, lambda r: r.code),
        *_duplicates(table.AREAS, "code", draft.areas, lambda r: r.code),
        *_duplicates(table.AREAS, "name", draft.areas, lambda r: r.name),
        *_duplicates(table.AREAS, "division_code", draft.areas, lambda r: r.division_code),
        *_duplicates(table.TERRITORIES, "code", draft.territories, lambda r: r.code),
        *_duplicates(table.UNITS, "code", draft.units, lambda r: r.code),
        *_duplicates(table.UNITS, "name", draft.units, lambda r: r.name),
        *_duplicates(table.COUNTY_UNITS, "code", draft.county_units, lambda r: (r.area, r.code)),
        *_duplicates(table.COUNTY_REVIEW, "city_unit", draft.county_review, lambda r: (r.area, r.city_unit)),
        *_duplicates(table.ITEMS, "code", draft.items, lambda r: r.code),
        *_duplicates(table.ITEMS, "row", draft.items, lambda r: (r.plan, r.annex, r.row)),
        *_duplicates(table.VARIANTS, "field", draft.variants, lambda r: (r.item, r.field, r.plan)),
        *_duplicates(table.RESPONSIBILITY, "item", draft.responsibilities, lambda r: r.item),
    ]


def _unknown(name: str, column: str, line: int, what: str, code: str, known: set[str]) -> list[Problem]:
    return [] if code in known else [Problem(name, line, column, f"没有这个{what}：{code}")]


def _check_references(draft: Draft, broken: set[str]) -> list[Problem]:
    """Check codes that name rows of other tables, unless the other table is broken itself."""
    table = CatalogueTable
    areas = {row.value.code for row in draft.areas}
    units = {row.value.code for row in draft.units}
    sources = {row.value.code for row in draft.sources}
    territories = {row.value.code for row in draft.territories}
    items = {row.value.code for row in draft.items}
    county_units = {(row.value.area, row.value.code) for row in draft.county_units}
    found: list[Problem] = []

    def refer(to: CatalogueTable, known: set[str], what: str, name: str, line: int, column: str, code: str) -> None:
        if to not in broken:
            found.extend(_unknown(name, column, line, what, code, known))

    for line, territory in ((row.line, row.value) for row in draft.territories):
        if territory.areas != ("*",):
            for code in territory.areas:
                refer(table.AREAS, areas, "县（市、区）", table.TERRITORIES, line, "areas", code)
        if not territory.areas:
            found.append(Problem(table.TERRITORIES, line, "areas", "不能为空"))
    for line, unit in ((row.line, row.value) for row in draft.units):
        if unit.printed_in != ASSUMED:
            refer(table.SOURCES, sources, "方案", table.UNITS, line, "printed_in", unit.printed_in)
    for line, county in ((row.line, row.value) for row in draft.county_units):
        refer(table.AREAS, areas, "县（市、区）", table.COUNTY_UNITS, line, "area", county.area)
        if county.printed_in != ASSUMED:
            refer(table.SOURCES, sources, "方案", table.COUNTY_UNITS, line, "printed_in", county.printed_in)
    for line, review in ((row.line, row.value) for row in draft.county_review):
        refer(table.UNITS, units, "市级单位", table.COUNTY_REVIEW, line, "city_unit", review.city_unit)
        if table.COUNTY_UNITS not in broken and (review.area, review.county_unit) not in county_units:
            found.append(
                Problem(table.COUNTY_REVIEW, line, "county_unit", f"{review.area} 没有单位 {review.county_unit}")
            )
    for line, item in ((row.line, row.value) for row in draft.items):
        refer(table.UNITS, units, "市级单位", table.ITEMS, line, "unit", item.unit)
        refer(table.TERRITORIES, territories, "适用范围", table.ITEMS, line, "territory", item.territory)
        refer(table.SOURCES, sources, "方案", table.ITEMS, line, "plan", item.plan)
    for line, variant in ((row.line, row.value) for row in draft.variants):
        refer(table.ITEMS, items, "事项", table.VARIANTS, line, "item", variant.item)
        refer(table.SOURCES, sources, "方案", table.VARIANTS, line, "plan", variant.plan)
    for line, duty in ((row.line, row.value) for row in draft.responsibilities):
        refer(table.ITEMS, items, "事项", table.RESPONSIBILITY, line, "item", duty.item)
        if duty.level is SupervisorLevel.CITY:
            refer(table.UNITS, units, "市级单位", table.RESPONSIBILITY, line, "unit", duty.unit)
    return found


def _check_items(draft: Draft, _broken: set[str]) -> list[Problem]:
    """Check the rules inside an item's row: code, row and mode agree, and only a deciding unit owns items."""
    deciding = {row.value.code: row.value.deciding for row in draft.units}
    found = []
    for line, item in ((row.line, row.value) for row in draft.items):
        if item.code != f"{_PREFIX[item.mode]}-{item.row:02d}":
            expected = f"{_PREFIX[item.mode]}-{item.row:02d}"
            found.append(Problem(CatalogueTable.ITEMS, line, "code", f"与方式、序号不符，应为 {expected}"))
        if deciding.get(item.unit) is False:
            found.append(Problem(CatalogueTable.ITEMS, line, "unit", f"{item.unit} 不是审批单位"))
        if (item.in_force_from is None) != (item.in_force_source == "agreement"):
            message = "随承接协议生效的事项不写日期，其余必须写"
            found.append(Problem(CatalogueTable.ITEMS, line, "in_force_from", message))
    return found


def _check_responsibilities(draft: Draft, broken: set[str]) -> list[Problem]:
    """Check that every item has a supervisor at the level its mode asks for (plan, section 四.五)."""
    table = CatalogueTable
    modes = {row.value.code: (row.line, row.value.mode) for row in draft.items}
    found = []
    for line, duty in ((row.line, row.value) for row in draft.responsibilities):
        if (duty.level is SupervisorLevel.COUNTY) != (duty.unit == ""):
            found.append(Problem(table.RESPONSIBILITY, line, "unit", "市级监管须写单位，县级监管不写"))
        if duty.item in modes:
            by_county = modes[duty.item][1] is Mode.DIRECT
            if by_county != (duty.level is SupervisorLevel.COUNTY):
                found.append(Problem(table.RESPONSIBILITY, line, "level", "直接下放由县级监管，其余由市级监管"))
    supervised = {row.value.item for row in draft.responsibilities}
    if table.RESPONSIBILITY not in broken:
        found += [
            Problem(table.RESPONSIBILITY, 0, "item", f"缺少事项 {code} 的监管单位")
            for code in modes
            if code not in supervised
        ]
    return found


def _check_guides(draft: Draft, broken: set[str]) -> list[Problem]:
    """Check that items and guides pair off, and that a guide fits its item's unit and power type."""
    items = {row.value.code: row.value for row in draft.items}
    found = []
    for name, guide in ((name, located.value) for name, located in draft.guides.items()):
        if name != f"guides/{guide.code}.yaml":
            found.append(Problem(name, 1, "code", f"与文件名不符：{guide.code}"))
        item = items.get(guide.code)
        if item is None:
            if CatalogueTable.ITEMS not in broken:
                found.append(Problem(name, 1, "code", f"没有这个事项：{guide.code}"))
            continue
        if guide.owner != item.unit:
            found.append(Problem(name, 1, "owner", f"应为事项的市级实施单位 {item.unit}"))
        if item.power_kind is PowerKind.FILING and guide.result.certificate:
            found.append(Problem(name, 1, "result.certificate", "备案不得以证照办结"))
        if item.power_kind is PowerKind.FILING and guide.certificate is not None:
            found.append(Problem(name, 1, "certificate", "备案不产生也不处分证照"))
        if guide.certificate is not None and CatalogueTable.ITEMS not in broken:
            found += [
                Problem(name, 1, "certificate.of", f"没有这个事项：{code}")
                for code in guide.certificate.of
                if code not in items
            ]
    present = {located.value.code for located in draft.guides.values()}
    for row in draft.items:
        code = row.value.code
        if code not in present and f"guides/{code}.yaml" not in draft.unreadable_guides:
            found.append(Problem(CatalogueTable.ITEMS, row.line, "code", f"缺少办事指南 guides/{code}.yaml"))
    return found


_CHECKS = (_check_duplicates, _check_references, _check_items, _check_responsibilities, _check_guides)
