"""The catalogue's rows that never change while a process runs: areas, city units, versions of guides.

They are kept in memory (``services/process_cache.py``) and belong to no session: read them, never change them.
The counties' units are read where they are needed: pages add, rename and end them (``county_units.py``).
"""

from collections.abc import Collection, Sequence
from datetime import date
from typing import Any, Final

from sqlalchemy import bindparam, tuple_
from sqlmodel import Session, col, select

from catalog_data.guide import Guide
from models.case import Case
from models.catalogue import Area, CountyUnit, GuideVersion, Unit
from models.working_calendar import china_date
from services.clock import product_now
from services.process_cache import ProcessCache

CITY: Final = "赣州市"


def area(session: Session, code: str) -> Area | None:
    """Return an area, or None for an unknown code."""
    return _areas.find(session, code)


def unit(session: Session, code: str) -> Unit | None:
    """Return a city unit, or None for an unknown code."""
    return _units.find(session, code)


def city_organ(session: Session, code: str) -> str:
    """Return a city unit's full name as papers print it, its code where it is unknown."""
    found = unit(session, code)
    return f"{CITY}{(found.name if found is not None else code).removeprefix('市')}"


_COUNTY_UNITS = (
    select(CountyUnit)
    .where(CountyUnit.area == bindparam("area"))
    .order_by(col(CountyUnit.position), col(CountyUnit.id))
)


def county_units(session: Session, area: str) -> Sequence[CountyUnit]:
    """Return every unit an area ever had, in the plans' order and then as they were added."""
    return session.exec(_COUNTY_UNITS, params={"area": area}).all()


def handling_unit(session: Session, case: Case) -> CountyUnit | None:
    """Return the county unit that handles a case today (承办部门): the one it keeps, else by the list.

    Where that unit has ended meanwhile it is the one that succeeded it (行政诉讼法 art. 26).
    """
    here, today = county_units(session, case.area), china_date(product_now(session))
    kept = case.county_unit or case.review_unit
    named = next((unit for unit in here if unit.code == kept), None)
    return succession(here, named or by_list(here, case.city_unit, today), today)


def by_list(here: Sequence[CountyUnit], city_unit: str, on: date) -> CountyUnit | None:
    """Return which of an area's units corresponds to a city unit on a day; one that ended still leads to its heir."""
    return next((unit for unit in here if city_unit in unit.handles and unit.has_begun(on)), None)


def succession(here: Sequence[CountyUnit], unit: CountyUnit | None, on: date) -> CountyUnit | None:
    """Return the unit itself, or whoever has its items once it has ended."""
    codes = {one.code: one for one in here}
    passed: set[str] = set()
    while unit is not None and unit.has_ended(on) and unit.succeeded_by in codes and unit.code not in passed:
        passed.add(unit.code)
        unit = codes[unit.succeeded_by]
    return unit


def guide_version(session: Session, code: str, version: int) -> GuideVersion | None:
    """Return one version of an item's guide: the one a case keeps."""
    return _guide_versions.find(session, (code, version))


def guide(session: Session, code: str, version: int) -> Guide | None:
    """Return one version of an item's guide, typed."""
    return _guides.find(session, (code, version))


def _read_areas(session: Session, codes: Collection[str]) -> dict[str, Area]:
    return {one.code: one for one in _detached(session, select(Area).where(col(Area.code).in_(codes)))}


def _read_units(session: Session, codes: Collection[str]) -> dict[str, Unit]:
    return {one.code: one for one in _detached(session, select(Unit).where(col(Unit.code).in_(codes)))}


def _read_guide_versions(session: Session, keys: Collection[tuple[str, int]]) -> dict[tuple[str, int], GuideVersion]:
    these = tuple_(col(GuideVersion.code), col(GuideVersion.version)).in_(keys)
    return {(one.code, one.version): one for one in _detached(session, select(GuideVersion).where(these))}


def _read_guides(session: Session, keys: Collection[tuple[str, int]]) -> dict[tuple[str, int], Guide]:
    return {key: Guide.model_validate(one.body) for key, one in _guide_versions.get_many(session, keys).items()}


def _detached(session: Session, query: Any) -> list[Any]:
    """Read rows detached from their session, so that nothing can expire them."""
    found = list(session.exec(query).all())
    for one in found:
        session.expunge(one)
    return found


_areas = ProcessCache(_read_areas)
_units = ProcessCache(_read_units)
_guide_versions = ProcessCache(_read_guide_versions)
_guides = ProcessCache(_read_guides)
