"""How a case's process begins: once, whatever is repeated, and only when it is accepted does it go on."""

from typing import Any

import pytest

from models.case import Case
from services.cases import submission
from tests.instance import Instance

pytestmark = pytest.mark.engine

MODES = [("W-01", "xingguo"), ("D-07", "xingguo"), ("S-30", "zhanggong")]


@pytest.mark.parametrize(("item", "area"), MODES)
def test_a_repeated_start_message_ends_at_once_and_changes_nothing(instance: Instance, item: str, area: str) -> None:
    case_no = instance.submit(item, area)
    instance.task(case_no, "Task_DecideAcceptance")
    with instance.database.transaction() as session:
        submission.request_start(session, session.get_one(Case, case_no), attempt=9)
    assert instance.finish(case_no)["state"]["code"] == 11
    case = instance.until(
        case_no,
        lambda c: len(roots(c)) == 2 and {one["state"] for one in roots(c)} == {"completed"},
        "the second instance ended",
    )
    assert [one["event"] for one in case["timeline"]].count("case.accepted") == 1
    assert len(case["tasks"]) == 0


def roots(case: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the case's instances of a mode process."""
    return [
        one
        for one in case["process_instances"]
        if one["process_id"] in ("front-window", "direct-devolution", "substantive-review")
    ]


@pytest.mark.parametrize(("item", "area"), MODES)
def test_a_case_that_is_not_accepted_goes_no_further(instance: Instance, item: str, area: str) -> None:
    case_no = instance.submit(item, area)
    instance.complete(case_no, "Task_DecideAcceptance", "refuse", "不属于本机关职权范围")
    case = instance.until(case_no, lambda c: c["closed_at"], "closed")
    assert case["state"]["code"] == 5
    instance.until(case_no, lambda c: {one["state"] for one in roots(c)} == {"completed"}, "process ended")
    assert {one["process_id"] for one in case["process_instances"]} & {"push-to-city", "issuance"} == set()
