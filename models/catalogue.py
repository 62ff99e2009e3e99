"""The catalogue (事项目录): areas, units, and the dated versions of items, guides and responsibilities.

List, mode, unit, territory and supervisor change over the years. Each change is a new version, never an edit,
and a case keeps the version in force when it was accepted. ``source_digest`` is the digest of the file
content a row came from; it is ``None`` for a row made in the running system, which a later seeding leaves alone.
"""

from datetime import date
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from models.database import choice

SHORT_SUB_NAME = 60
"""Characters of a sub-item's name kept in ``ItemVersion.short_name``."""


class Mode(StrEnum):
    """How the power was delegated (放权方式); it belongs to the sub-item."""

    DIRECT = "direct"
    """直接下放: the county accepts, reviews and decides."""
    SUBSTANTIVE = "substantive"
    """下放实质性审核权: the county reviews in substance, the city decides."""
    WINDOW = "window"
    """服务窗口前移: the county's window accepts, the city reviews and decides."""

    @property
    def label(self) -> str:
        """Return the term the plans use."""
        return _MODE_LABELS[self]

    @classmethod
    def decided_by_city(cls) -> frozenset["Mode"]:
        """Return the modes in which a city unit decides."""
        return frozenset({cls.SUBSTANTIVE, cls.WINDOW})


_MODE_LABELS = {Mode.DIRECT: "直接下放", Mode.SUBSTANTIVE: "下放实质性审核权", Mode.WINDOW: "服务窗口前移"}


class PowerKind(StrEnum):
    """What sort of power an item is; only ``LICENSE`` falls under the licensing law by itself."""

    LICENSE = "license"
    CONFIRMATION = "confirmation"
    FILING = "filing"
    OTHER = "other"

    @property
    def printed(self) -> str:
        """Return the power type (权力类型) as the plans print it."""
        return _PRINTED_POWER[self]

    @classmethod
    def from_printed(cls, power_type: str) -> "PowerKind":
        """Return the kind of a printed power type; raise ``ValueError`` for any other text."""
        for kind, printed in _PRINTED_POWER.items():
            if printed == power_type:
                return kind
        raise ValueError(f"未知的权力类型：{power_type}")


_PRINTED_POWER = {
    PowerKind.LICENSE: "行政许可",
    PowerKind.CONFIRMATION: "行政确认",
    PowerKind.FILING: "其他行政权力-备案",
    PowerKind.OTHER: "其他行政权力-其他",
}


class AreaKind(StrEnum):
    """The kind of a county-level area; a zone (功能区) has no code in GB/T 2260."""

    DISTRICT = "district"
    COUNTY = "county"
    CITY = "city"
    ZONE = "zone"

    @property
    def prefix(self) -> str:
        """Return the character with which the names of such an area's units begin."""
        return {AreaKind.COUNTY: "县", AreaKind.CITY: "市"}.get(self, "区")


class Area(SQLModel, table=True):
    """A county-level area; ``position`` keeps the plans' order, ``pseudo_code`` marks a code of ours."""

    code: str = Field(primary_key=True, max_length=32)
    name: str = Field(max_length=50)
    kind: AreaKind = Field(sa_type=choice(AreaKind))
    division_code: str = Field(max_length=6)
    pseudo_code: bool = False
    position: int
    source_digest: str | None = Field(default=None, max_length=64)


class Unit(SQLModel, table=True):
    """A city unit (市级单位); ``deciding`` units own items, the others only supervise."""

    code: str = Field(primary_key=True, max_length=32)
    name: str = Field(max_length=50)
    aliases: list[str] = Field(default_factory=list, sa_type=JSON)
    deciding: bool
    printed_in: str = Field(default="", max_length=64)
    position: int
    source_digest: str | None = Field(default=None, max_length=64)


class Government(StrEnum):
    """Whose department or branch a county unit is; that government reconsiders its acts (行政复议法 art. 24)."""

    COUNTY = "county"
    """A department of the county's own government."""
    CITY = "city"
    """A branch (派出机构) of a city bureau in the county, such as a 分局."""


class CountyUnit(SQLModel, table=True):
    """A county's unit; ``handles`` lists the city units whose items it reviews in that area.

    ``reviewer_group`` is the account group of its reviewers: the area's, unless the unit has its own (转办). The unit
    exists from ``in_force_from`` to ``in_force_to``, both days included; then ``succeeded_by``, another unit's code,
    has its items. ``renames`` are later names by date: ``{"from": "2027-01-01", "name": …, "paper_name": …}``.
    """

    __tablename__ = "county_unit"
    __table_args__ = (UniqueConstraint("area", "code", name="uq_county_unit_area_code"),)

    id: int | None = Field(default=None, primary_key=True)
    area: str = Field(max_length=32)
    code: str = Field(max_length=32)
    name: str = Field(max_length=50)
    """As the county calls it: 县交通运输局."""
    paper_name: str = Field(default="", max_length=100)
    """The whole name its papers bear, where it is not the area's name and the unit's (赣州市自然资源局章贡分局)."""
    belongs_to: Government = Field(default=Government.COUNTY, sa_type=choice(Government))
    reviewer_group: str = Field(max_length=128)
    handles: list[str] = Field(default_factory=list, sa_type=JSON)
    assumed: bool
    printed_in: str = Field(default="", max_length=64)
    in_force_from: date | None = None
    in_force_to: date | None = None
    succeeded_by: str | None = Field(default=None, max_length=32)
    renames: list[dict[str, str]] = Field(default_factory=list, sa_type=JSON)
    position: int
    source_digest: str | None = Field(default=None, max_length=64)

    def in_force(self, on: date) -> bool:
        """Tell whether the unit exists on ``on``."""
        return self.has_begun(on) and not self.has_ended(on)

    def has_begun(self, on: date) -> bool:
        """Tell whether the unit exists on ``on`` or did before."""
        return self.in_force_from is None or self.in_force_from <= on

    def has_ended(self, on: date) -> bool:
        """Tell whether the unit's last day was before ``on``."""
        return self.in_force_to is not None and self.in_force_to < on

    def called(self, on: date) -> str:
        """Return the unit's name on a day."""
        return self._names(on)[0]

    def written(self, on: date, area: Area) -> str:
        """Return the whole name that papers of a day bear: its own, else the area's followed by the unit's."""
        name, whole = self._names(on)
        if whole:
            return whole
        own = name.startswith(area.kind.prefix) and not name.startswith("市场")
        return f"{area.name}{name[1:] if own else name}"

    def _names(self, on: date) -> tuple[str, str]:
        begun = [one for one in self.renames if one["from"] <= on.isoformat()]
        latest = max(begun, key=lambda one: one["from"], default=None)
        return (latest["name"], latest["paper_name"]) if latest is not None else (self.name, self.paper_name)


class ItemVersion(SQLModel, table=True):
    """One version of an item (事项), texts as printed in the city's plan.

    It is in force from ``in_force_from`` (``None``: no date of its own, the agreement's applies) to
    ``in_force_to``, both days included. Of several versions in force on a day the highest applies.
    ``provenance`` names plan, annex and row and keeps 蓉江新区's variants.
    """

    __tablename__ = "item_version"
    __table_args__ = (
        UniqueConstraint("code", "version", name="uq_item_version_code_version"),
        Index("ix_item_version_mode_row", "mode", "row"),
    )

    id: int | None = Field(default=None, primary_key=True)
    code: str = Field(max_length=32)
    version: int
    mode: Mode = Field(sa_type=choice(Mode))
    row: int
    unit: str = Field(max_length=32)
    main_name: str
    sub_name: str = ""
    power_type: str = Field(max_length=32)
    power_kind: PowerKind = Field(sa_type=choice(PowerKind))
    remark: str = ""
    areas: list[str] = Field(default_factory=list, sa_type=JSON)
    in_force_from: date | None = None
    in_force_to: date | None = None
    approval_filing: bool = False
    """报批: the city's consent is asked before the county decides."""
    seal: str = Field(default="", max_length=64)
    """The kind of seal on the decision, such as 市级审批专用章; empty where ``paper_organs.csv`` names it."""
    provenance: dict[str, Any] = Field(default_factory=dict, sa_type=JSON)
    source_digest: str | None = Field(default=None, max_length=64)

    @property
    def full_name(self) -> str:
        """Return the main item's name with the sub-item's in brackets; a sub-item that repeats it stands alone."""
        return _named(self.main_name, self.sub_name)

    @property
    def short_name(self) -> str:
        """Return the full name for a list or a title, a long sub-item (W-40 has 600 characters) truncated."""
        if len(self.sub_name) <= SHORT_SUB_NAME:
            return self.full_name
        return _named(self.main_name, f"{self.sub_name[:SHORT_SUB_NAME]}…")

    def in_force(self, on: date) -> bool:
        """Tell whether this version counts on ``on``."""
        started = self.in_force_from is None or self.in_force_from <= on
        return started and (self.in_force_to is None or on <= self.in_force_to)


def _named(main: str, sub: str) -> str:
    if not sub:
        return main
    return sub if sub.startswith(main) else f"{main}（{sub}）"


class GuideVersion(SQLModel, table=True):
    """One version of an item's service guide (办事指南), owned by the city unit.

    ``body`` is a ``catalog_data.guide.Guide`` as JSON. ``published_on`` is empty while the guide is an
    example the city unit has not published.
    """

    __tablename__ = "guide_version"
    __table_args__ = (UniqueConstraint("code", "version", name="uq_guide_version_code_version"),)

    id: int | None = Field(default=None, primary_key=True)
    code: str = Field(max_length=32)
    version: int
    body: dict[str, Any] = Field(sa_type=JSON)
    published_on: date | None = None
    source_digest: str | None = Field(default=None, max_length=64)


class SupervisorLevel(StrEnum):
    """Whether the county's or the city's industry department supervises."""

    COUNTY = "county"
    CITY = "city"


class Responsibility(SQLModel, table=True):
    """One version of who supervises an item (责任矩阵); ``supervisor_unit`` is empty for the county."""

    __table_args__ = (UniqueConstraint("item", "version", name="uq_responsibility_item_version"),)

    id: int | None = Field(default=None, primary_key=True)
    item: str = Field(max_length=32)
    version: int
    level: SupervisorLevel = Field(sa_type=choice(SupervisorLevel))
    supervisor_unit: str = Field(default="", max_length=32)
    assumed: bool
    basis: str = ""
    in_force_from: date | None = None
    in_force_to: date | None = None
    source_digest: str | None = Field(default=None, max_length=64)

    def in_force(self, on: date) -> bool:
        """Tell whether this version counts on ``on``."""
        started = self.in_force_from is None or self.in_force_from <= on
        return started and (self.in_force_to is None or on <= self.in_force_to)
