"""The posts (岗位) of city and counties: every account group the catalogue's areas and units give, with its name."""

from collections.abc import Iterable
from typing import Final

from sqlmodel import Session, col, select

from models.catalogue import Area, CountyUnit, Unit
from models.group import AUDIT_ADMINISTRATOR, COORDINATOR, SECURITY_ADMINISTRATOR, SYSTEM_ADMINISTRATOR, Group, Role

_AREA_ROLES: Final = {
    Role.WINDOW: "综合窗口",
    Role.REVIEWER: "承办人",
    Role.CHIEF: "首席代表",
    Role.APPROVER: "审批人",
    Role.SUPERVISOR: "监管人员",
}
_CITY_ROLES: Final = {
    Role.REVIEWER: "承办人",
    Role.APPROVER: "审批人",
    Role.SUPERVISOR: "监管人员",
    Role.ADVISOR: "业务指导员",
}
_CITY_WIDE: Final = {
    COORDINATOR: "市级统筹协调员",
    SYSTEM_ADMINISTRATOR: "系统管理员",
    SECURITY_ADMINISTRATOR: "安全保密管理员",
    AUDIT_ADMINISTRATOR: "安全审计员",
}


def every_post(session: Session) -> dict[str, str]:
    """Return the name of every post by its group's name: city-wide ones, areas, city units."""
    areas = session.exec(select(Area).order_by(col(Area.position))).all()
    county_units = session.exec(select(CountyUnit).order_by(col(CountyUnit.position))).all()
    city_units = session.exec(select(Unit).order_by(col(Unit.position))).all()
    return posts_of(areas, county_units, city_units)


def posts_of(areas: Iterable[Area], county_units: Iterable[CountyUnit], city_units: Iterable[Unit]) -> dict[str, str]:
    """Return the name of every post these places give; a unit that only supervises has only supervisors."""
    names = {group.name: label for group, label in _CITY_WIDE.items()}
    for area in areas:
        names.update(
            {Group.of_area(area.code, role).name: f"{area.name}{label}" for role, label in _AREA_ROLES.items()}
        )
    for unit in county_units:
        names.setdefault(unit.reviewer_group, f"{unit.name}{_AREA_ROLES[Role.REVIEWER]}")
    for city_unit in city_units:
        roles = _CITY_ROLES if city_unit.deciding else {Role.SUPERVISOR: _CITY_ROLES[Role.SUPERVISOR]}
        names.update(
            {Group.of_city_unit(city_unit.code, role).name: f"{city_unit.name}{label}" for role, label in roles.items()}
        )
    return names
