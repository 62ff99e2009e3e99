"""Read the catalogue: items in force, guides, areas and units, and who is responsible for an item."""

import unicodedata
from collections.abc import Set
from datetime import date
from typing import Any, Final

from pydantic import BaseModel
from sqlalchemy import bindparam
from sqlmodel import Session, col, func, select

from catalog_data.guide import Guide
from models.case import Case
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
from models.group import Group, Role
from models.recall import Recall
from models.unit_transfer import UnitTransfer, UnitTransferState
from models.working_calendar import china_date
from services.catalogue import reference
from services.clock import product_now
from services.errors import NotFound

UNNAMED_COUNTY_UNIT: Final = "县级承接单位"
"""What a county's unit is called where the list names none."""

OTHER_COUNTY_DEPARTMENT: Final = "县级行业监管部门（承办部门以外，待县级指定）"
"""Who supervises in a county where the department of the trade itself decides: nobody supervises its own decisions."""

_MODE_ORDER = {mode: position for position, mode in enumerate(Mode)}


class ItemView(BaseModel):
    """An item as ``GET /items`` shows it.

    ``areas`` is the territory as printed. Of these, ``locked_areas`` lack an agreement in force, and from
    ``recalled_areas`` the power is recalled on the given day.
    """

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
    recalled_areas: list[str]
    in_force_from: date | None
    version: int
    provenance: dict[str, Any]


class ResponsibilityView(BaseModel):
    """Who does what for one item in one area, as account groups (plan, section 四.五).

    ``answers`` answers for the result, ``answers_for_review`` for the county's substantive review.
    ``forwards`` signs the 审核转报件; ``follows_up`` is the county regulator beside the city's (四.六).
    ``recalled``: the power was recalled from the area, and the city unit does all of it.
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
    """The kind of seal the item names for its decisions; empty where ``paper_organs.csv`` names it."""
    answers: str
    answers_for_review: str | None
    supervises: str
    supervisor_name: str
    follows_up: str | None
    recalled: bool
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
    """Return the items in force on ``on``, in the order of the annexes.

    ``area`` keeps those delegated to it and not recalled from it on that day, ``q`` those whose code, names or unit
    contain each of its words, full or half width. ``agreements`` holds (area, item code) of every agreement in force
    on that day.
    """
    names = {one.code: one.name for one in session.exec(select(Unit)).all()}
    gone = recalled(session, on)
    words = _fold(q or "").split()
    views = []
    for item in items_in_force(session, on):
        name = names.get(item.unit, item.unit)
        if mode is not None and item.mode is not mode:
            continue
        taken = [place for place in item.areas if (place, item.code) in gone]
        if area is not None and (area not in item.areas or area in taken):
            continue
        if unit is not None and item.unit != unit:
            continue
        text = _fold(f"{item.code} {item.main_name} {item.sub_name} {name}")
        if all(word in text for word in words):
            views.append(_view(item, name, taken, agreements))
    return views


def items_in_force(session: Session, on: date) -> list[ItemVersion]:
    """Return the version of every item in force on ``on``, in the order of the annexes."""
    return sorted(_in_force(session, on), key=lambda one: (_MODE_ORDER[one.mode], one.row, one.code))


def recalled(session: Session, on: date) -> set[tuple[str, str]]:
    """Return every (area, item code) whose power is recalled on ``on``."""
    begun = select(Recall).where(col(Recall.effective_on) <= on)
    return {(one.area, one.item) for one in session.exec(begun).all() if one.withholds(on)}


def is_recalled(session: Session, area: str, item: str, on: date) -> bool:
    """Tell whether the area's power over the item is recalled on ``on``."""
    decided = select(Recall).where(Recall.area == area, Recall.item == item, col(Recall.effective_on) <= on)
    return any(one.withholds(on) for one in session.exec(decided).all())


def recalled_areas(session: Session, item: str, on: date) -> list[str]:
    """Return the areas an item's power is recalled from on ``on``."""
    decided = select(Recall).where(Recall.item == item, col(Recall.effective_on) <= on)
    return sorted({one.area for one in session.exec(decided).all() if one.withholds(on)})


def county_unit(session: Session, item: ItemVersion, area: str, on: date | None = None) -> CountyUnit | None:
    """Return the county unit that handles an item in an area: by the latest second transfer (二次划转), else the list.

    ``on`` is the day a case is submitted; without it every transfer decided so far counts. By the list it is the
    department that corresponds to the city unit, until a transfer moves the item (plan, section 四(八)).
    """
    here, day = reference.county_units(session, area), on or china_date(product_now(session))
    moved = select(UnitTransfer).where(
        UnitTransfer.area == area, UnitTransfer.item == item.code, UnitTransfer.state != UnitTransferState.REVOKED
    )
    if on is not None:
        moved = moved.where(col(UnitTransfer.effective_on) <= on)
    latest = session.exec(moved.order_by(col(UnitTransfer.effective_on).desc(), col(UnitTransfer.id).desc())).first()
    moved_to = next((unit for unit in here if latest is not None and unit.code == latest.to_unit), None)
    return reference.succession(here, moved_to or reference.by_list(here, item.unit, day), day)


def passed_on_to(mode: Mode, unit: CountyUnit | None) -> str | None:
    """Return the unit a case is passed on to (转办): one with accounts of its own, where it reviews in substance."""
    if mode is not Mode.SUBSTANTIVE or unit is None:
        return None
    return unit.code if unit.reviewer_group == reviewer_group(unit.area, unit.code) else None


def reviewer_group(area: str, review_unit: str | None) -> str:
    """Return the account group that reviews for an area, as the models name it."""
    return Group.of_area(area, Role.REVIEWER, review_unit).name


def find_item(session: Session, code: str, on: date | None = None) -> ItemVersion | None:
    """Return the version of an item in force on ``on``, or its latest one when no day is given."""
    versions = session.exec(
        select(ItemVersion).where(ItemVersion.code == code).order_by(col(ItemVersion.version).desc())
    ).all()
    return next((version for version in versions if on is None or version.in_force(on)), None)


def find_item_or_latest(session: Session, code: str, on: date) -> ItemVersion | None:
    """Return an item's version in force on a day, else its latest, for one that is not yet or no longer in force."""
    return find_item(session, code, on) or find_item(session, code)


def item_version(session: Session, code: str, version: int) -> ItemVersion | None:
    """Return one version of an item: the one a case keeps."""
    return session.exec(
        select(ItemVersion).where(ItemVersion.code == code, ItemVersion.version == version)
    ).one_or_none()


def find_guide(session: Session, code: str) -> GuideVersion | None:
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

    Without ``on`` the latest versions count, and no recall. Raises ``NotFound`` for an item, an area or a pair of
    them that the catalogue does not know.
    """
    item = find_item(session, item_code, on)
    if item is None:
        raise NotFound(f"没有这个事项：{item_code}", f"No such item: {item_code}")
    if reference.area(session, area) is None:
        raise NotFound(f"没有这个县（市、区）：{area}", f"No such area: {area}")
    if area not in item.areas:
        raise NotFound("该县（市、区）不承接本事项", "The item is not delegated to this area")
    duty = _duty(session, item_code, on)
    gone = on is not None and is_recalled(session, area, item.code, on)
    by_city = gone or item.mode in Mode.decided_by_city()
    county_reviews = not gone and item.mode is not Mode.WINDOW
    forwarded = not gone and item.mode is Mode.SUBSTANTIVE
    review_group, review_unit = _county_reviewer(session, item, area, on)
    city_unit = unit_name(session, item.unit)
    city_reviewer = Group.of_city_unit(item.unit, Role.REVIEWER).name
    decides = (Group.of_city_unit(item.unit, Role.APPROVER) if by_city else Group.of_area(area, Role.APPROVER)).name
    in_county = Group.of_area(area, Role.SUPERVISOR).name
    city_supervises = gone or duty.level is SupervisorLevel.CITY
    supervisor = duty.supervisor_unit if duty.level is SupervisorLevel.CITY else item.unit
    trade = unit_name(session, supervisor) if city_supervises else _county_supervisor(session, item, area, on)
    return ResponsibilityView(
        item=item.code,
        area=area,
        mode=item.mode,
        accepts=city_reviewer if gone else Group.of_area(area, Role.WINDOW).name,
        reviews=review_group if county_reviews else city_reviewer,
        review_unit_name=review_unit if county_reviews else city_unit,
        forwards=Group.of_area(area, Role.CHIEF).name if forwarded else None,
        decides=decides,
        decision_unit_name=city_unit if by_city else review_unit,
        seal=item.seal,
        answers=decides,
        answers_for_review=review_group if forwarded else None,
        supervises=Group.of_city_unit(supervisor, Role.SUPERVISOR).name if city_supervises else in_county,
        supervisor_name=trade,
        follows_up=in_county if city_supervises else None,
        recalled=gone,
        assumed=duty.assumed,
        basis=duty.basis,
    )


_DUTIES = (
    select(Responsibility).where(Responsibility.item == bindparam("item")).order_by(col(Responsibility.version).desc())
)


def supervisors(session: Session, case: Case) -> tuple[str, str | None]:
    """Return who supervises a case, and who follows up in the county, by the matrix of the day it was handed in.

    That is the day whose item version, and so whose mode, the case keeps. A county's case that the city took over is
    supervised by the city unit's office, and followed up in the county. A list that no longer has the item or the area
    leaves its running cases supervised: then the first responsibility on record applies, and the county's supervisor
    where there was none.
    """
    in_county = Group.of_area(case.area, Role.SUPERVISOR).name
    if case.supervised_by_city_unit:
        return Group.of_city_unit(case.city_unit, Role.SUPERVISOR).name, in_county
    on = china_date(case.received_at)
    versions = session.exec(_DUTIES, params={"item": case.item_code}).all()
    duty = next((one for one in versions if one.in_force(on)), versions[-1] if versions else None)
    if duty is None or duty.level is not SupervisorLevel.CITY:
        return in_county, None
    return Group.of_city_unit(duty.supervisor_unit, Role.SUPERVISOR).name, in_county


def _in_force(session: Session, on: date) -> list[ItemVersion]:
    latest: dict[str, ItemVersion] = {}
    for item in session.exec(select(ItemVersion).order_by(col(ItemVersion.version))).all():
        if item.in_force(on):
            latest[item.code] = item
    return list(latest.values())


def _view(item: ItemVersion, name: str, taken: list[str], agreements: Set[tuple[str, str]]) -> ItemView:
    locked = [area for area in item.areas if item.mode is Mode.SUBSTANTIVE and (area, item.code) not in agreements]
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
        areas=list(item.areas),
        locked_areas=locked,
        recalled_areas=taken,
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
    if unit is None:
        return reviewer_group(area, None), UNNAMED_COUNTY_UNIT
    return unit.reviewer_group, unit.called(on or china_date(product_now(session)))


def _county_supervisor(session: Session, item: ItemVersion, area: str, on: date | None) -> str:
    """Return the county's department that supervises an item: the trade's own, where it does not decide itself.

    Where it does, or where the county's approval office decides and no trade is named, another department of the county
    supervises; which one the plans do not say.
    """
    day = on or china_date(product_now(session))
    here = reference.county_units(session, area)
    trade = reference.succession(here, reference.by_list(here, item.unit, day), day)
    decider = county_unit(session, item, area, on)
    if trade is None or decider is None or trade.code == decider.code:
        return OTHER_COUNTY_DEPARTMENT
    return trade.called(day)


def _fold(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()
