"""Account groups: their names taken apart and formed again."""

import pytest

from models.group import (
    ADMINISTRATORS,
    AUDIT_ADMINISTRATOR,
    COORDINATOR,
    SECURITY_ADMINISTRATOR,
    SYSTEM_ADMINISTRATOR,
    Group,
    Role,
    Scope,
    parse_groups,
)

NAMED = [
    ("xingguo.window", Group(Scope.AREA, Role.WINDOW, area="xingguo")),
    ("rongjiang.jfj.reviewer", Group(Scope.AREA, Role.REVIEWER, area="rongjiang", unit="jfj")),
    ("city.zrzy.approver", Group(Scope.CITY, Role.APPROVER, unit="zrzy")),
    ("city.coordinator", Group(Scope.CITY, Role.COORDINATOR)),
    ("admin.audit", Group(Scope.ADMIN, Role.AUDIT)),
]


@pytest.mark.parametrize(("name", "group"), NAMED)
def test_a_groups_name_is_taken_apart_and_formed_again(name: str, group: Group) -> None:
    assert Group.parse(name) == group
    assert (group.name, str(group), f"{group}") == (name, name, name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "window",
        "xingguo",
        "xingguo.king",
        "city.window",
        "city.zrzy.window",
        "city.zrzy.coordinator",
        "admin.window",
        "admin.x.system",
        "xingguo.coordinator",
        "xingguo.advisor",
        "a.b.c.window",
        ".window",
        "Xingguo.window",
    ],
)
def test_a_name_without_a_pattern_is_no_group(name: str) -> None:
    with pytest.raises(ValueError):
        Group.parse(name)


def test_groups_are_named_by_place_and_role() -> None:
    assert Group.of_area("xingguo", Role.CHIEF).name == "xingguo.chief"
    assert Group.of_area("rongjiang", Role.REVIEWER, "jfj").name == "rongjiang.jfj.reviewer"
    assert Group.of_city_unit("zrzy", Role.ADVISOR).name == "city.zrzy.advisor"


def test_the_groups_there_is_one_of_have_the_names_the_models_use() -> None:
    assert COORDINATOR.name == "city.coordinator"
    named = [SYSTEM_ADMINISTRATOR.name, SECURITY_ADMINISTRATOR.name, AUDIT_ADMINISTRATOR.name]
    assert named == ["admin.system", "admin.security", "admin.audit"]
    assert {group.name for group in ADMINISTRATORS} == set(named)


@pytest.mark.parametrize(("name", "group"), NAMED)
def test_the_names_of_a_place_begin_alike(name: str, group: Group) -> None:
    assert group.prefix == name.removesuffix(group.role)


def test_an_areas_reviewers_are_its_own_and_its_units() -> None:
    assert Group.parse("rongjiang.reviewer").reviews_in("rongjiang")
    assert Group.parse("rongjiang.jfj.reviewer").reviews_in("rongjiang")
    for name in ("rongjiang.chief", "xingguo.reviewer", "city.zrzy.reviewer"):
        assert not Group.parse(name).reviews_in("rongjiang")


def test_a_name_only_a_designer_uses_stands_for_no_group() -> None:
    assert parse_groups(("task-force", "xingguo.window")) == {Group.of_area("xingguo", Role.WINDOW)}
