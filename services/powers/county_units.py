"""The counties' units as dated data: added, renamed and ended in the running system (机构改革).

A new unit handles nothing at first: items come to it by a second transfer (二次划转), or all of another's when that one
ends and is succeeded by it. A running case keeps its unit; once that has ended, its successor acts in it. Nothing
is changed for days that have passed.
"""

import re
from datetime import date, timedelta
from typing import Final

from pydantic import BaseModel
from sqlmodel import Session, col, func, select

from models.case import Case
from models.catalogue import CountyUnit, Government
from models.group import Group, Role
from models.unit_transfer import UnitTransfer, UnitTransferState
from models.working_calendar import china_date
from services import locks
from services.accounts import power_rights
from services.accounts.actors import Actor
from services.catalogue import reference
from services.clock import product_now
from services.errors import Conflict, FieldProblem, InvalidInput, NotFound
from services.journal import audit
from services.paging import Order, Page, read

LONGEST_NAME: Final = 50
LONGEST_PAPER_NAME: Final = 60
_CODE: Final = re.compile(r"[a-z][a-z0-9]{1,15}")
_NAME: Final = re.compile(r"[一-鿿（）]{3,}")


class UnitEnded(Conflict):
    """The unit has ended, or is about to."""

    code, title, title_en = "county_unit_ended", "该部门已撤销或已定撤销之日", "The unit has ended or is about to"


class CountyUnitView(BaseModel):
    """A county's unit as of today; ``paper_name`` is what papers print, ``handles`` the city units it answers to.

    ``in_force_to`` is its last day, after which ``succeeded_by`` has its items.
    """

    id: int
    area: str
    code: str
    name: str
    paper_name: str
    belongs_to: Government
    reviewer_group: str
    handles: list[str]
    assumed: bool
    in_force_from: date | None
    in_force_to: date | None
    succeeded_by: str | None
    in_force: bool
    renames: list[dict[str, str]]


def list_units(
    session: Session, *, area: str | None = None, cursor: str | None = None, limit: int = 50
) -> Page[CountyUnitView]:
    """Return a page of units, by area or of all areas, those that ended among them."""
    query = select(CountyUnit)
    if area:
        query = query.where(CountyUnit.area == area)
    found = read(session, query, Order(CountyUnit.id), cursor, limit)
    today = china_date(product_now(session))
    return found.page(lambda unit: _view(session, unit, today))


def add(
    session: Session,
    actor: Actor,
    *,
    area: str,
    code: str,
    name: str,
    paper_name: str,
    belongs_to: Government,
    own_accounts: bool,
    begins_on: date | None,
    reason: str,
) -> CountyUnitView:
    """Add a unit from a day on; with ``own_accounts`` its reviewers are a group of their own (转办)."""
    power_rights.require_manage_units(actor, area)
    locks.acquire(session, f"county-units:{area}")
    today = china_date(product_now(session))
    begins = begins_on or today
    problems = _name_problems(session, area, name, paper_name) + _day_problems("begins_on", begins, today)
    if reference.area(session, area) is None:
        problems.append(FieldProblem("area", "没有这个县（市、区）"))
    if not _CODE.fullmatch(code):
        problems.append(FieldProblem("code", "应为2至16个小写字母和数字，以字母开头"))
    here = reference.county_units(session, area)
    if any(one.code == code for one in here):
        problems.append(FieldProblem("code", "该县（市、区）已有这个代码的部门"))
    if problems:
        raise InvalidInput(problems)
    unit = CountyUnit(
        area=area,
        code=code,
        name=name,
        paper_name=paper_name,
        belongs_to=belongs_to,
        reviewer_group=Group.of_area(area, Role.REVIEWER, code if own_accounts else None).name,
        assumed=False,
        in_force_from=begins,
        position=1 + (session.exec(select(func.max(CountyUnit.position))).one() or 0),
    )
    session.add(unit)
    session.flush()
    detail = {"name": name, "from": begins.isoformat(), "reason": reason}
    audit.append(session, actor.username, "county_unit.add", _subject(unit), detail, product_now(session))
    return _view(session, unit, today)


def rename(
    session: Session, actor: Actor, unit_id: int, *, name: str, paper_name: str, on: date | None, reason: str
) -> CountyUnitView:
    """Rename a unit from a day on; papers of before keep the name of their day."""
    unit, today = _to_change(session, actor, unit_id)
    begins = on or today
    problems = _name_problems(session, unit.area, name, paper_name) + _day_problems("on", begins, today)
    if problems:
        raise InvalidInput(problems)
    others = [one for one in unit.renames if one["from"] != begins.isoformat()]
    unit.renames = [*others, {"from": begins.isoformat(), "name": name, "paper_name": paper_name}]
    session.add(unit)
    detail = {"name": name, "from": begins.isoformat(), "reason": reason}
    audit.append(session, actor.username, "county_unit.rename", _subject(unit), detail, product_now(session))
    return _view(session, unit, today)


def end(
    session: Session, actor: Actor, unit_id: int, *, on: date | None, successor: str | None, reason: str
) -> CountyUnitView:
    """End a unit: from the day ``on`` it is no longer, and ``successor`` has its items and its running cases.

    Only a unit that handles nothing and has no running case may end without a successor.
    """
    unit, today = _to_change(session, actor, unit_id)
    gone = on or today
    problems = _day_problems("on", gone, today)
    here = reference.county_units(session, unit.area)
    heir = next((one for one in here if one.code == successor), None)
    if successor and (heir is None or heir is unit or not heir.in_force(gone)):
        problems.append(FieldProblem("successor", "应为该日存在的本县（市、区）另一个部门"))
    elif not successor and _is_charged(session, unit):
        problems.append(FieldProblem("successor", "该部门承办事项或有在办件，应写明由哪个部门继续行使职权"))
    if problems:
        raise InvalidInput(problems)
    unit.in_force_to, unit.succeeded_by = gone - timedelta(days=1), successor or None
    session.add(unit)
    detail = {"on": gone.isoformat(), "successor": unit.succeeded_by, "reason": reason}
    audit.append(session, actor.username, "county_unit.end", _subject(unit), detail, product_now(session))
    return _view(session, unit, today)


def _to_change(session: Session, actor: Actor, unit_id: int) -> tuple[CountyUnit, date]:
    unit = locks.find_for_update(session, CountyUnit, unit_id)
    if unit is None:
        raise NotFound("没有这个县级部门", "No such county unit")
    power_rights.require_manage_units(actor, unit.area)
    locks.acquire(session, f"county-units:{unit.area}")
    if unit.in_force_to is not None:
        raise UnitEnded
    return unit, china_date(product_now(session))


def _is_charged(session: Session, unit: CountyUnit) -> bool:
    """Tell whether the unit handles items by the list or by a transfer, or has running cases."""
    moved = select(UnitTransfer.id).where(
        UnitTransfer.area == unit.area,
        UnitTransfer.to_unit == unit.code,
        UnitTransfer.state != UnitTransferState.REVOKED,
    )
    running = select(Case.case_no).where(Case.area == unit.area, Case.county_unit == unit.code, col(Case.is_open))
    return bool(unit.handles) or any(session.exec(query.limit(1)).first() is not None for query in (moved, running))


def _name_problems(session: Session, area: str, name: str, paper_name: str) -> list[FieldProblem]:
    problems = []
    if not _NAME.fullmatch(name) or len(name) > LONGEST_NAME:
        problems.append(FieldProblem("name", f"应为3至{LONGEST_NAME}个汉字"))
    place = reference.area(session, area)
    if place is not None and not paper_name and not name.startswith(place.kind.prefix):
        problems.append(FieldProblem("name", f"应以“{place.kind.prefix}”开头，或者另写文书上的全称"))
    if paper_name and (not _NAME.fullmatch(paper_name) or len(paper_name) > LONGEST_PAPER_NAME):
        problems.append(FieldProblem("paper_name", f"应为3至{LONGEST_PAPER_NAME}个汉字"))
    return problems


def _day_problems(field: str, day: date, today: date) -> list[FieldProblem]:
    return [FieldProblem(field, "不能早于今天")] if day < today else []


def _subject(unit: CountyUnit) -> str:
    return f"{unit.area}.{unit.code}"


def _view(session: Session, unit: CountyUnit, today: date) -> CountyUnitView:
    area = reference.area(session, unit.area)
    return CountyUnitView.model_validate(
        {
            **unit.model_dump(),
            "name": unit.called(today),
            "paper_name": unit.written(today, area) if area is not None else unit.called(today),
            "in_force": unit.in_force(today),
        }
    )
