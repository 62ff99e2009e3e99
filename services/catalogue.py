"""Read the catalogue: items in force, guides, areas and units, and who is responsible for an item."""

import unicodedata
from collections.abc import Set
from datetime import date
from typing import Any

from pydantic import BaseModel
from sqlmodel import Session, col, func, select

from catalog_data.guide import Guide
from models.catalogue import (
    Area,
    CountyUnit,
    GuideVersion,
    ItemVersion,
    Mode,
    Responsibility,
    SupervisorLevel,
    Unit,
)
from models.recall import Recall, UnitTransfer, UnitTransferState
from services import reference
from services.catalogue_seeding import SeedReport, seed_catalogue
from services.errors import NotFound

__all__ = [
    "ItemView",
    "ResponsibilityView",
    "SeedReport",
    "areas",
    "county_unit",
    "get_guide",
    "get_item",
    "is_recalled",
    "item_version",
    "items_in_force",
    "latest_guide",
    "list_items",
    "parse_guide",
    "passed_on_to",
    "recalled",
    "responsibility",
    "reviewer_group",
    "seed_catalogue",
    "unit_name",
    "units",
]

_MODE_ORDER = {mode: position for position, mode in enumerate(Mode)}


class ItemView(BaseModel):
    """An item as ``GET /items`` shows it; ``locked_areas`` lack an agreement in force."""

    code: str
    mode: Mode
    row: int
    unit: str
    unit_name: str
    main_name: str
    sub_name: str
    power_type: str
    remark: str
    areas: list[str]
    locked_areas: list[str]
    in_force_from: date | None
    version: int
    provenance: dict[str, Any]


class ResponsibilityView(BaseModel):
    """Who does what for one item in one area, as account groups (plan, section 四.五).

    ``answers`` answers for the result, ``answers_for_review`` for the county's substantive review.
    ``forwards`` signs the 审核转报件; ``follows_up`` is the county regulator beside the city's (四.六).
    """

    item: str
    area: str
    mode: Mode
    accepts: str
    reviews: str
    review_unit_name: str
    forwards: str | None
    decides: str
    decision_unit_name: str
    seal: str
    """The kind of seal the item names for its decisions; empty where ``seal-and-signer`` names it."""
    answers: str
    answers_for_review: str | None
    supervises: str
    supervisor_name: str
    follows_up: str | None
    assumed: bool
    basis: str


def areas(session: Session) -> list[Area]:
    """Return the county-level areas in the plans' order."""
    return list(session.exec(select(Area).order_by(col(Area.position))).all())


def units(session: Session) -> list[Unit]:
    """Return the city units in the plans' order."""
    return list(session.exec(select(Unit).order_by(col(Unit.position))).all())


def unit_name(session: Session, code: str) -> str:
    """Return a city unit's name; raise ``NotFound`` for an unknown code."""
    unit = reference.unit(session, code)
    if unit is None:
        raise NotFound(f"没有这个市级单位：{code}", f"No such city unit: {code}")
    return unit.name


def list_items(
    session: Session,
    *,
    on: date,
    mode: Mode | None = None,
    area: str | None = None,
    unit: str | None = None,
    q: str | None = None,
    agreements: Set[tuple[str, str]] = frozenset(),
) -> list[ItemView]:
    """Return the items that count on ``on``, in the order of the annexes.

    ``area`` keeps those delegated to it, ``q`` those whose code, names or unit contain each of its words,
    full or half width. ``agreements`` holds (area, item code) of every agreement in force on that day.
    """
    names = {one.code: one.name for one in session.exec(select(Unit)).all()}
    gone = recalled(session, on)
    words = _fold(q or "").split()
    views = []
    for item in items_in_force(session, on):
        name = names.get(item.unit, item.unit)
        if mode is not None and item.mode is not mode:
            continue
        territory = [place for place in item.areas if (place, item.code) not in gone]
        if (area is not None and area not in territory) or (unit is not None and item.unit != unit):
            continue
        text = _fold(f"{item.code} {item.main_name} {item.sub_name} {name}")
        if all(word in text for word in words):
            views.append(_view(item, name, territory, agreements))
    return views


def items_in_force(session: Session, on: date) -> list[ItemVersion]:
    """Return the version of every item that counts on ``on``, in the order of the annexes."""
    return sorted(_in_force(session, on), key=lambda one: (_MODE_ORDER[one.mode], one.row, one.code))


def recalled(session: Session, on: date) -> set[tuple[str, str]]:
    """Return every (area, item code) whose power is recalled on ``on``."""
    begun = select(Recall).where(col(Recall.effective_on) <= on)
    return {(one.area, one.item) for one in session.exec(begun).all() if one.withholds(on)}


def is_recalled(session: Session, area: str, item: str, on: date) -> bool:
    """Tell whether the area's power over the item is recalled on ``on``."""
    decided = select(Recall).where(Recall.area == area, Recall.item == item, col(Recall.effective_on) <= on)
    return any(one.withholds(on) for one in session.exec(decided).all())


def county_unit(session: Session, item: ItemVersion, area: str, on: date | None = None) -> CountyUnit | None:
    """Return the county unit that handles an item in an area: by the latest second transfer (二次划转), else the list.

    ``on`` is the day a case is submitted; without it every transfer decided so far counts.
    """
    here = reference.county_units(session, area)
    moved = select(UnitTransfer).where(
        UnitTransfer.area == area, UnitTransfer.item == item.code, UnitTransfer.state != UnitTransferState.REVOKED
    )
    if on is not None:
        moved = moved.where(col(UnitTransfer.effective_on) <= on)
    latest = session.exec(moved.order_by(col(UnitTransfer.effective_on).desc(), col(UnitTransfer.id).desc())).first()
    if latest is not None:
        return next((unit for unit in here if unit.code == latest.to_unit), None)
    return next((unit for unit in here if item.unit in unit.handles), None)


def passed_on_to(mode: Mode, unit: CountyUnit | None) -> str | None:
    """Return the unit a case is passed on to (转办): one with accounts of its own, where it reviews in substance."""
    if mode is not Mode.SUBSTANTIVE or unit is None:
        return None
    return unit.code if unit.reviewer_group == reviewer_group(unit.area, unit.code) else None


def reviewer_group(area: str, review_unit: str | None) -> str:
    """Return the account group that reviews for an area, as the models name it."""
    return f"{area}.{review_unit}.reviewer" if review_unit is not None else f"{area}.reviewer"


def get_item(session: Session, code: str, on: date | None = None) -> ItemVersion | None:
    """Return the version of an item that counts on ``on``, or its latest one when no day is given."""
    versions = session.exec(
        select(ItemVersion).where(ItemVersion.code == code).order_by(col(ItemVersion.version).desc())
    ).all()
    return next((version for version in versions if on is None or version.in_force(on)), None)


def item_version(session: Session, code: str, version: int) -> ItemVersion | None:
    """Return one version of an item: the one a case keeps."""
    return session.exec(
        select(ItemVersion).where(ItemVersion.code == code, ItemVersion.version == version)
    ).one_or_none()


def get_guide(session: Session, code: str) -> GuideVersion | None:
    """Return the latest version of an item's guide."""
    return session.exec(
        select(GuideVersion).where(GuideVersion.code == code).order_by(col(GuideVersion.version).desc()).limit(1)
    ).first()


def latest_guide(session: Session, code: str) -> Guide | None:
    """Return the latest version of an item's guide, typed; None for an unknown item."""
    newest = session.exec(select(func.max(GuideVersion.version)).where(GuideVersion.code == code)).one()
    return reference.guide(session, code, newest) if newest is not None else None


def parse_guide(version: GuideVersion) -> Guide:
    """Return a stored guide, typed."""
    return Guide.model_validate(version.body)


def responsibility(session: Session, item_code: str, area: str, on: date | None = None) -> ResponsibilityView:
    """Return who accepts, reviews, decides, answers for and supervises an item in an area.

    Without ``on`` the latest versions count. Raises ``NotFound`` for an item, an area or a pair of them that
    the catalogue does not know.
    """
    item = get_item(session, item_code, on)
    if item is None:
        raise NotFound(f"没有这个事项：{item_code}", f"No such item: {item_code}")
    if reference.area(session, area) is None:
        raise NotFound(f"没有这个县（市、区）：{area}", f"No such area: {area}")
    if area not in item.areas:
        raise NotFound("该县（市、区）不承接本事项", "The item is not delegated to this area")
    duty = _duty(session, item_code, on)
    by_city = item.mode in Mode.decided_by_city()
    county_reviews = item.mode is not Mode.WINDOW
    review_group, review_unit = _county_reviewer(session, item, area, on)
    city_unit = unit_name(session, item.unit)
    decides = f"city.{item.unit}.approver" if by_city else f"{area}.approver"
    city_supervises = duty.level is SupervisorLevel.CITY
    return ResponsibilityView(
        item=item.code,
        area=area,
        mode=item.mode,
        accepts=f"{area}.window",
        reviews=review_group if county_reviews else f"city.{item.unit}.reviewer",
        review_unit_name=review_unit if county_reviews else city_unit,
        forwards=f"{area}.chief" if item.mode is Mode.SUBSTANTIVE else None,
        decides=decides,
        decision_unit_name=city_unit if by_city else "县级审批单位",
        seal=item.seal,
        answers=decides,
        answers_for_review=review_group if item.mode is Mode.SUBSTANTIVE else None,
        supervises=f"city.{duty.supervisor_unit}.supervisor" if city_supervises else f"{area}.supervisor",
        supervisor_name=unit_name(session, duty.supervisor_unit) if city_supervises else "县级行业主管部门",
        follows_up=f"{area}.supervisor" if city_supervises else None,
        assumed=duty.assumed,
        basis=duty.basis,
    )


def supervisors(session: Session, item_code: str, area: str, on: date) -> tuple[str, str | None]:
    """Return who supervises an item's cases of a day in an area, and who follows up there.

    A list that no longer has the item or the area leaves its running cases supervised: then the first duty there was
    counts, and the county's supervisor where there was none.
    """
    versions = session.exec(
        select(Responsibility).where(Responsibility.item == item_code).order_by(col(Responsibility.version).desc())
    ).all()
    duty = next((one for one in versions if one.in_force(on)), versions[-1] if versions else None)
    in_county = f"{area}.supervisor"
    if duty is None or duty.level is not SupervisorLevel.CITY:
        return in_county, None
    return f"city.{duty.supervisor_unit}.supervisor", in_county


def _in_force(session: Session, on: date) -> list[ItemVersion]:
    latest: dict[str, ItemVersion] = {}
    for item in session.exec(select(ItemVersion).order_by(col(ItemVersion.version))).all():
        if item.in_force(on):
            latest[item.code] = item
    return list(latest.values())


def _view(item: ItemVersion, name: str, territory: list[str], agreements: Set[tuple[str, str]]) -> ItemView:
    locked = [area for area in territory if item.mode is Mode.SUBSTANTIVE and (area, item.code) not in agreements]
    return ItemView(
        code=item.code,
        mode=item.mode,
        row=item.row,
        unit=item.unit,
        unit_name=name,
        main_name=item.main_name,
        sub_name=item.sub_name,
        power_type=item.power_type,
        remark=item.remark,
        areas=territory,
        locked_areas=locked,
        in_force_from=item.in_force_from,
        version=item.version,
        provenance=item.provenance,
    )


def _duty(session: Session, item_code: str, on: date | None) -> Responsibility:
    versions = session.exec(
        select(Responsibility).where(Responsibility.item == item_code).order_by(col(Responsibility.version).desc())
    ).all()
    for version in versions:
        if on is None or version.in_force(on):
            return version
    raise NotFound(f"事项 {item_code} 没有监管单位", f"Nobody supervises item {item_code}")


def _county_reviewer(session: Session, item: ItemVersion, area: str, on: date | None) -> tuple[str, str]:
    """Return the group and the name of the county unit that reviews an item in an area."""
    unit = county_unit(session, item, area, on)
    return (unit.reviewer_group, unit.name) if unit is not None else (f"{area}.reviewer", "县级承接单位")


def _fold(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()
