"""Who may do what beside cases: powers, lists, guidance, supervision, tasks, and the system itself."""

from collections.abc import Callable

import pytest

from models.case import Case
from models.catalogue import Mode
from services.accounts import (
    publishing_rights,
    supervision_rights,
    system_rights,
    task_rights,
)
from services.accounts.actors import Actor
from services.errors import Forbidden
from tests.factories.cases import build_case
from tests.factories.named_rights import GROUPS, MAY
from tests.factories.powers import actor


@pytest.mark.parametrize("act", MAY)
def test_who_may_and_who_may_not(act: str) -> None:
    predicate, expected = MAY[act]
    assert {group for group in GROUPS if predicate(actor(group))} == expected


@pytest.mark.parametrize("group", sorted(set(GROUPS) - {"city.xzsp.approver", "city.coordinator"}))
def test_whoever_decides_on_no_list_publishes_none_not_even_another_persons(group: str) -> None:
    with pytest.raises(Forbidden):
        publishing_rights.require_publish_list(actor(group), "somebody")
    with pytest.raises(Forbidden):
        publishing_rights.require_publish_list(actor(group), group)


@pytest.mark.parametrize("group", ["city.xzsp.approver", "city.coordinator"])
def test_whoever_decides_on_lists_publishes_every_list_but_the_own(group: str) -> None:
    publishing_rights.require_publish_list(actor(group), "somebody")
    with pytest.raises(publishing_rights.SamePerson):
        publishing_rights.require_publish_list(actor(group), group)


def of_xingguo() -> Case:
    """Return a county-decided case of xingguo and 市自然资源局."""
    return build_case(
        case_no="1", mode=Mode.DIRECT, item_code="D-01", area="xingguo", city_unit="zrzy", review_unit="jfj"
    )


@pytest.mark.parametrize(
    ("group", "concerned"),
    [
        ("xingguo.window", True),
        ("xingguo.reviewer", True),
        ("xingguo.approver", True),
        ("xingguo.jfj.reviewer", True),
        ("city.zrzy.reviewer", True),
        ("city.zrzy.advisor", True),
        ("city.coordinator", True),
        ("xingguo.sgj.reviewer", False),
        ("yudu.approver", False),
        ("city.jtys.approver", False),
        ("admin.system", False),
        ("task-force", False),
        ("", False),
    ],
)
def test_a_task_is_for_groups_of_its_cases_area_unit_and_city_unit_alone(group: str, concerned: bool) -> None:
    case = of_xingguo()
    assert task_rights.concerns(group, case) is concerned
    assert task_rights.may_open(actor(group), [group], None, case) is concerned
    assert task_rights.may_open(actor(group), [], group, case) is concerned, (
        "an assignment from elsewhere opens nothing"
    )


def test_a_supervisor_works_on_a_task_only_of_what_the_unit_supervises_on_the_day() -> None:
    case, group = of_xingguo(), "city.slj.supervisor"
    assert not task_rights.may_open(actor(group), [group], None, case)
    supervises = Actor("x", "某人", frozenset({group}), frozenset({case.item_code}))
    assert task_rights.may_open(supervises, [group], None, case)


def test_a_foreign_candidate_group_opens_nothing_to_who_may_read_the_case_by_another() -> None:
    both = Actor("x", "某人", frozenset({"yudu.approver", "xingguo.window"}))
    assert not task_rights.may_open(both, ["yudu.approver"], None, of_xingguo())


def test_a_task_is_opened_by_its_candidates_and_its_assignee_and_kept_by_who_claimed_it() -> None:
    window, chief, case = actor("xingguo.window"), actor("xingguo.chief"), of_xingguo()
    assert task_rights.may_open(window, ["xingguo.window"], None, case)
    assert task_rights.may_open(chief, ["xingguo.window"], "xingguo.chief", case)
    assert not task_rights.may_open(chief, ["xingguo.window"], None, case)
    for require in (task_rights.require_not_taken, task_rights.require_release):
        require(window, None)
        require(window, "xingguo.window")
        with pytest.raises(Forbidden):
            require(window, "xingguo.chief")


def test_notice_of_policy_is_given_for_the_city_before_a_county() -> None:
    both = Actor("x", "某人", frozenset({"xingguo.supervisor", "city.zrzy.supervisor", "xingguo.window"}))
    assert supervision_rights.get_issuing_group(both).name == "city.zrzy.supervisor"
    with pytest.raises(Forbidden):
        supervision_rights.get_issuing_group(actor("xingguo.approver"))


def test_who_decided_a_case_does_not_supervise_it() -> None:
    supervisor = actor("xingguo.supervisor")
    supervision_rights.require_supervise(supervisor, "xingguo.supervisor", "somebody")
    with pytest.raises(Forbidden):
        supervision_rights.require_supervise(supervisor, "xingguo.supervisor", "xingguo.supervisor")
    with pytest.raises(Forbidden):
        supervision_rights.require_supervise(actor("yudu.approver"), "xingguo.supervisor", None)


def test_a_platform_acts_for_its_own_group_alone() -> None:
    assert supervision_rights.get_platform("city.slj.supervisor", "city.slj.supervisor") == "city.slj.supervisor"
    for acts_for in (None, "xingguo.supervisor"):
        with pytest.raises(Forbidden):
            supervision_rights.get_platform(acts_for, "city.slj.supervisor")
    assert supervision_rights.is_supervisors_group("city.slj.supervisor")
    assert not supervision_rights.is_supervisors_group("city.slj.approver")
    assert not supervision_rights.is_supervisors_group("supervisor")


@pytest.mark.parametrize("group", sorted(set(GROUPS) - {"admin.system"}))
def test_the_system_is_run_by_its_administrator_alone(group: str) -> None:
    offices = (
        system_rights.require_administrator,
        system_rights.require_retry_incidents,
        system_rights.require_manage_webhooks,
        system_rights.require_mend_feed,
        system_rights.require_manage_accounts,
    )
    for require in offices:
        require(actor("admin.system"))
        with pytest.raises(Forbidden):
            require(actor(group))


@pytest.mark.parametrize(
    ("require", "holder"),
    [
        (system_rights.require_manage_memberships, "admin.security"),
        (system_rights.require_guard_sign_ins, "admin.security"),
        (system_rights.require_read_audit, "admin.audit"),
    ],
)
def test_each_of_the_three_administrators_has_an_office_the_other_two_have_not(
    require: Callable[[Actor], None], holder: str
) -> None:
    require(actor(holder))
    for group in sorted(set(GROUPS) - {holder}):
        with pytest.raises(Forbidden):
            require(actor(group))
