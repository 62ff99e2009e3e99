"""Second transfer (二次划转) on the real engine: cases in flight move to the new unit, none lost, none doubled."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.instance import Instance
from tests.process.asking import get, post, today
from tests.process.unit_transfer_steps import AREA, ITEM, NEW, NEW_GROUP, OLD, OLD_GROUP, drive, effective

pytestmark = pytest.mark.engine


def order(unit: str, in_flight: str, **changes: Any) -> dict[str, Any]:
    """Return the body of a transfer to a unit."""
    return {"area": AREA, "item": ITEM, "unit": unit, "reason": "比照市级清单划转", "in_flight": in_flight, **changes}


def test_cases_in_flight_move_to_the_new_unit_on_its_day_none_lost_and_none_doubled(instance: Instance) -> None:
    received, at_window, at_review, at_chief, at_city, decided = (instance.submit(ITEM, AREA) for _ in range(6))
    drive(instance, at_window, "Task_AssignToUnit")
    held = drive(instance, at_review, "Task_CountyReview")
    assert held["candidate_groups"] == [OLD_GROUP]
    instance.api(OLD_GROUP).post(f"/tasks/{held['id']}/claim").raise_for_status()
    drive(instance, at_chief, "Task_SignDossier")
    drive(instance, at_city, "Task_CityReview")
    drive(instance, decided, "Task_Deliver")
    everyone = {received, at_window, at_review, at_chief, at_city, decided}

    shown = get(instance, f"{AREA}.approver", f"/unit-transfers/preview?item={ITEM}&area={AREA}&unit={NEW}")["items"]
    foreseen = {one["case_no"]: one["if_transfer"] for one in shown if one["case_no"] in everyone}
    moved, away = {received, at_window, at_review, at_chief}, {at_city, decided}
    assert foreseen == dict.fromkeys(moved, "move_unit") | dict.fromkeys(away, "with_city")

    day = today(instance) + timedelta(days=2)
    number = post(
        instance, f"{AREA}.approver", "/unit-transfers", 201, **order(NEW, "transfer", effective_on=day.isoformat())
    )["id"]
    again = instance.api("city.coordinator").post("/unit-transfers", json=order("cyzs", "finish"))
    assert again.json()["code"] == "unit_transfer_pending"
    assert instance.task(at_review, "Task_CountyReview")["candidate_groups"] == [OLD_GROUP]
    instance.advance(days=2)

    carried_out = effective(instance, number)
    assert datetime.fromisoformat(carried_out["took_effect_at"]).date() == day
    recorded = [one for one in carried_out["cases"] if one["case_no"] in everyone]
    assert {one["case_no"]: one["disposition"] for one in recorded} == foreseen
    assert len(recorded) == len(everyone)
    assert {one["from_unit"] for one in recorded} == {OLD}

    task = instance.task(at_review, "Task_CountyReview")
    assert (task["id"], task["candidate_groups"], task["assignee"]) == (held["id"], [NEW_GROUP], None)
    refused = instance.api(OLD_GROUP).post(f"/tasks/{task['id']}/complete", json={"outcome": "agree", "opinion": ""})
    assert refused.status_code == 403
    instance.complete(at_chief, "Task_SignDossier", "return", "补充核查")
    instance.complete(at_city, "Task_CityReview", "return", "材料不全")
    for case_no in (received, at_window, at_chief, at_city):
        assert drive(instance, case_no, "Task_CountyReview")["candidate_groups"] == [NEW_GROUP], case_no
    for case_no in sorted(everyone):
        case = instance.finish(case_no)
        events = [one["event"] for one in case["timeline"]]
        for once in ("case.received", "case.accepted", "case.decided", "case.closed"):
            assert events.count(once) == 1, (case_no, events)
        assert events.count("case.unit_changed") == (0 if case_no == decided else 1)
        assert len([one for one in case["process_instances"] if one["process_id"] == "substantive-review"]) == 1
    later = get(instance, "city.coordinator", f"/unit-transfers/{number}")["cases"]
    assert {one["case_no"]: one["disposition"] for one in later if one["case_no"] in away} == {
        at_city: "move_unit",
        decided: "with_city",
    }


def test_cases_in_flight_may_stay_with_the_old_unit_while_new_ones_go_to_the_new(instance: Instance) -> None:
    present = str(
        next(one for one in get(instance, "city.coordinator", f"/unit-transfers?area={AREA}")["items"])["to_unit"]
    )
    running = instance.submit(ITEM, AREA)
    number = post(instance, "city.coordinator", "/unit-transfers", 201, **order("cyzs", "finish"))["id"]
    (row,) = [one for one in effective(instance, number)["cases"] if one["case_no"] == running]
    assert row["disposition"] == "keep_unit"
    fresh = instance.submit(ITEM, AREA)
    groups = [drive(instance, one, "Task_CountyReview")["candidate_groups"] for one in (running, fresh)]
    assert groups == [[f"{AREA}.{present}.reviewer"], [f"{AREA}.cyzs.reviewer"]]


def test_a_transfer_revoked_before_its_day_moves_nothing(instance: Instance) -> None:
    case_no = instance.submit(ITEM, AREA)
    group = drive(instance, case_no, "Task_CountyReview")["candidate_groups"]
    day = (today(instance) + timedelta(days=2)).isoformat()
    number = post(instance, "city.coordinator", "/unit-transfers", 201, **order(OLD, "transfer", effective_on=day))[
        "id"
    ]
    post(instance, "city.coordinator", f"/unit-transfers/{number}/revoke", reason="改期")
    instance.advance(days=3)
    assert get(instance, "city.coordinator", f"/unit-transfers/{number}")["cases"] == []
    assert instance.task(case_no, "Task_CountyReview")["candidate_groups"] == group
