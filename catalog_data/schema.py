"""The rows of the catalogue's tables and the catalogue as a whole, typed and immutable."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from catalog_data.guide import Guide
from models.catalogue import AreaKind, Government, Mode, PowerKind, SupervisorLevel


class CatalogueTable(StrEnum):
    """The CSV files of a catalogue folder."""

    SOURCES = "sources.csv"
    AREAS = "areas.csv"
    TERRITORIES = "territories.csv"
    UNITS = "units.csv"
    COUNTY_UNITS = "county_units.csv"
    COUNTY_REVIEW = "county_review.csv"
    ITEMS = "items.csv"
    VARIANTS = "variants.csv"
    RESPONSIBILITY = "responsibility.csv"


def _yes_or_no(value: Any) -> bool:
    if value not in ("yes", "no"):
        raise ValueError("只能是 yes 或 no")
    return bool(value == "yes")


def _iso_date(value: Any) -> date:
    if not isinstance(value, str) or not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        raise ValueError("日期应写作 2022-06-01")
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise ValueError("没有这一天") from None


def _date_or_empty(value: Any) -> date | None:
    return None if value == "" else _iso_date(value)


def _without_spaces(value: str) -> str:
    if re.search(r"\s", value):
        raise ValueError("照印文字中不应有空格或换行")
    return value


def _words(value: Any) -> tuple[str, ...]:
    return tuple(str(value).split())


Code = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,31}$")]
ItemCode = Annotated[str, Field(pattern=r"^[A-Z]-[0-9]{2,3}$")]
Text = Annotated[str, Field(min_length=1)]
Printed = Annotated[str, Field(min_length=1), BeforeValidator(_without_spaces)]
PrintedOrEmpty = Annotated[str, BeforeValidator(_without_spaces)]
YesNo = Annotated[bool, BeforeValidator(_yes_or_no)]
IsoDate = Annotated[date, BeforeValidator(_iso_date)]
DateOrEmpty = Annotated[date | None, BeforeValidator(_date_or_empty)]
Words = Annotated[tuple[str, ...], BeforeValidator(_words)]


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Source(_Row):
    """A plan the catalogue is transcribed from."""

    code: Code
    title: Text
    number: Text
    issuer: Text
    issued_on: IsoDate


class AreaRow(_Row):
    """A county-level area; ``pseudo_code`` marks a code of our own (a zone has none in GB/T 2260)."""

    code: Code
    name: Text
    kind: AreaKind
    division_code: Annotated[str, Field(pattern=r"^[0-9]{4}[0-9Z][0-9]$")]
    pseudo_code: YesNo


class Territory(_Row):
    """A named set of areas; ``areas`` is ``*`` for all or the codes separated by spaces."""

    code: Code
    name: Text
    areas: Words
    source: Text


class UnitRow(_Row):
    """A city unit; ``printed_in`` names the plan, or is ``assumed``."""

    code: Code
    name: Text
    aliases: Words
    deciding: YesNo
    printed_in: Text


class CountyUnitRow(_Row):
    """A county's unit; with ``own_accounts`` its reviewers are a group of their own.

    ``paper_name`` is the whole name its papers bear, empty where that is the area's name followed by the unit's.
    """

    area: Code
    code: Code
    name: Text
    paper_name: str
    belongs_to: Government
    own_accounts: YesNo
    printed_in: Text


class CountyReview(_Row):
    """Which county unit reviews the items of a city unit (转办) in an area."""

    area: Code
    city_unit: Code
    county_unit: Code
    source: Text


class Item(_Row):
    """An item (事项) as printed in the city's plan; an empty ``sub_name`` means it has one name only."""

    code: ItemCode
    mode: Mode
    row: Annotated[int, Field(ge=1, le=9_999)]
    unit: Code
    main_name: Printed
    sub_name: PrintedOrEmpty
    power_type: Literal["行政许可", "行政确认", "其他行政权力-备案", "其他行政权力-其他"]
    remark: PrintedOrEmpty
    territory: Code
    in_force_from: DateOrEmpty
    in_force_source: Literal["printed", "decision", "agreement"]
    approval_filing: YesNo
    plan: Code
    annex: Annotated[int, Field(ge=1)]
    note: str
    seal: Annotated[str, Field(pattern=r"^([^\s=+@-][^\s]{0,38}章)?$")] = ""
    """The kind of seal on the item's decisions, such as 市级审批专用章; empty where ``paper_organs.csv`` names it."""

    @model_validator(mode="after")
    def _seal_of_who_decides(self) -> Self:
        """Keep the city's seal for what the city decides, and the county's for what the county does."""
        if self.seal.startswith("市级" if self.mode is Mode.DIRECT else "县级"):
            raise ValueError("用章与放权方式不符：直接下放由县级用章，其余由市级用章")
        return self

    @property
    def power_kind(self) -> PowerKind:
        """Return the kind of power."""
        return PowerKind.from_printed(self.power_type)


class Variant(_Row):
    """How another plan prints a field of an item; the item's own text prevails."""

    item: ItemCode
    field: Literal["unit", "main_name", "sub_name", "power_type", "remark"]
    value: str
    plan: Code
    annex: Annotated[int, Field(ge=1)]
    note: str


class ResponsibilityRow(_Row):
    """Who supervises an item; ``unit`` is a city unit, empty when the county supervises."""

    item: ItemCode
    level: SupervisorLevel
    unit: str
    assumed: YesNo
    basis: Text


@dataclass(frozen=True)
class Catalogue:
    """Everything the files of one folder say, checked; items in the order of their file."""

    sources: tuple[Source, ...]
    areas: tuple[AreaRow, ...]
    territories: tuple[Territory, ...]
    units: tuple[UnitRow, ...]
    county_units: tuple[CountyUnitRow, ...]
    county_review: tuple[CountyReview, ...]
    items: tuple[Item, ...]
    variants: tuple[Variant, ...]
    responsibilities: tuple[ResponsibilityRow, ...]
    guides: Mapping[str, Guide]

    def areas_of(self, item: Item) -> tuple[str, ...]:
        """Return the codes of the areas the item is delegated to, in the plans' order."""
        named = next(t.areas for t in self.territories if t.code == item.territory)
        return tuple(area.code for area in self.areas if named == ("*",) or area.code in named)

    def variants_of(self, item_code: str) -> tuple[Variant, ...]:
        """Return what other plans print differently for the item."""
        return tuple(variant for variant in self.variants if variant.item == item_code)
