"""Account groups (岗位账号组): what a name such as ``xingguo.window`` means, and how it is formed.

The models of ``bpmn/`` name the same groups as candidates; in Python a group's name is formed here and nowhere else.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from typing import Final


class Scope(StrEnum):
    """Where a group acts: in one area, for the city, or on the system itself."""

    AREA = "area"
    CITY = "city"
    ADMIN = "admin"


class Role(StrEnum):
    """What a member of a group does (DESIGN §6)."""

    WINDOW = "window"
    REVIEWER = "reviewer"
    CHIEF = "chief"
    APPROVER = "approver"
    SUPERVISOR = "supervisor"
    ADVISOR = "advisor"
    COORDINATOR = "coordinator"
    SYSTEM = "system"
    SECURITY = "security"
    AUDIT = "audit"

    @classmethod
    def handling(cls) -> frozenset["Role"]:
        """Return the roles that handle a case and therefore see its applicant without stating a purpose."""
        return _HANDLING


_HANDLING: Final = frozenset({Role.WINDOW, Role.REVIEWER, Role.CHIEF, Role.APPROVER})
_AREA_ROLES: Final = frozenset({Role.WINDOW, Role.REVIEWER, Role.CHIEF, Role.APPROVER, Role.SUPERVISOR})
_CITY_UNIT_ROLES: Final = frozenset({Role.REVIEWER, Role.APPROVER, Role.SUPERVISOR, Role.ADVISOR})
_ADMIN_ROLES: Final = frozenset({Role.SYSTEM, Role.SECURITY, Role.AUDIT})
_CODE: Final = re.compile(r"[a-z][a-z0-9_-]*")


@dataclass(frozen=True)
class Group:
    """An account group: ``xingguo.window``, ``rongjiang.qjfj.reviewer``, ``city.zrzy.approver``.

    ``unit`` is a county unit with accounts of its own where the scope is an area, else a city unit. ``str`` gives the
    name, which ``parse`` reads back.
    """

    scope: Scope
    role: Role
    area: str | None = None
    unit: str | None = None

    @staticmethod
    def of_area(area: str, role: Role, unit: str | None = None) -> "Group":
        """Return an area's group, or that of one of its units with accounts of its own."""
        return Group(Scope.AREA, role, area=area, unit=unit)

    @staticmethod
    def of_city_unit(unit: str, role: Role) -> "Group":
        """Return a city unit's group."""
        return Group(Scope.CITY, role, unit=unit)

    @staticmethod
    def is_name(text: str) -> bool:
        """Tell whether a text follows a group's pattern."""
        try:
            Group.parse(text)
        except ValueError:
            return False
        return True

    @staticmethod
    @lru_cache(maxsize=4096)
    def parse(name: str) -> "Group":
        """Return the group called ``name``; raise ``ValueError`` for a name that follows no pattern."""
        place, *middle, last = name.split(".")
        if len(middle) > 1 or not all(_CODE.fullmatch(part) for part in (place, *middle)):
            raise ValueError(f"unknown group {name!r}")
        role, unit = Role(last), middle[0] if middle else None
        match place:
            case Scope.ADMIN if unit is None and role in _ADMIN_ROLES:
                return Group(Scope.ADMIN, role)
            case Scope.CITY if unit is None and role is Role.COORDINATOR:
                return Group(Scope.CITY, role)
            case Scope.CITY if unit is not None and role in _CITY_UNIT_ROLES:
                return Group(Scope.CITY, role, unit=unit)
            case Scope.CITY | Scope.ADMIN:
                raise ValueError(f"unknown group {name!r}")
            case _ if role in _AREA_ROLES:
                return Group(Scope.AREA, role, area=place, unit=unit)
        raise ValueError(f"unknown group {name!r}")

    @property
    def name(self) -> str:
        """Return the group's name, as accounts and tasks carry it."""
        return f"{self.prefix}{self.role.value}"

    @property
    def prefix(self) -> str:
        """Return the prefix shared by all groups of the same area or unit: ``xingguo.``, ``city.zrzy.``."""
        parts = (self.area or self.scope.value, self.unit)
        return "".join(f"{part}." for part in parts if part is not None)

    def reviews_in(self, area: str) -> bool:
        """Tell whether the group reviews for an area: the area's own reviewers, or those of one of its units."""
        return self.area == area and self.role is Role.REVIEWER

    def __str__(self) -> str:
        return self.name


COORDINATOR: Final = Group(Scope.CITY, Role.COORDINATOR)
"""The coordinator of the city's lead unit (市级统筹协调员)."""
SYSTEM_ADMINISTRATOR: Final = Group(Scope.ADMIN, Role.SYSTEM)
"""系统管理员."""
SECURITY_ADMINISTRATOR: Final = Group(Scope.ADMIN, Role.SECURITY)
"""安全保密管理员."""
AUDIT_ADMINISTRATOR: Final = Group(Scope.ADMIN, Role.AUDIT)
"""安全审计员."""
ADMINISTRATORS: Final = frozenset({SYSTEM_ADMINISTRATOR, SECURITY_ADMINISTRATOR, AUDIT_ADMINISTRATOR})
"""The three administrators, who hold no other role (三员分立)."""


def parse_groups(names: Iterable[str]) -> frozenset[Group]:
    """Return the groups of ``names`` that follow a pattern; a name only a designer uses is left out."""
    return _parsed(frozenset(names))


@lru_cache(maxsize=4096)
def _parsed(names: frozenset[str]) -> frozenset[Group]:
    parsed = set()
    for name in names:
        try:
            parsed.add(Group.parse(name))
        except ValueError:
            continue
    return frozenset(parsed)
