"""政策文件告知 on the real engine: every path of ``policy-notice``, to its in-time and its overdue end."""

from datetime import datetime
from typing import Any

import pytest

from tests.instance import Instance, eventually

pytestmark = pytest.mark.engine

SUPERVISOR = "city.zrzy.supervisor"
CITY, COUNTY = "city.zrzy.approver", "zhanggong.approver"


def now_of(instance: Instance) -> datetime:
    return datetime.fromisoformat(instance.api("admin.system").get("/clock").json()["now"])


def issue(instance: Instance, *items: str, **changes: Any) -> dict[str, Any]:
    """Register a policy document published today."""
    body = {"title": "矿产资源管理新规", "level": "national", "items": list(items), **changes}
    body.setdefault("published_on", f"{now_of(instance):%Y-%m-%d}")
    answer = instance.api(SUPERVISOR).post("/policy-notices", json=body)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def seen(instance: Instance, notice: dict[str, Any]) -> dict[str, Any]:
    return dict(instance.api(SUPERVISOR).get(f"/policy-notices/{notice['id']}").json())


def acknowledge(instance: Instance, notice: dict[str, Any], *groups: str) -> None:
    for group in groups:
        answer = instance.api(group).post(f"/policy-notices/{notice['id']}/acknowledge")
        assert answer.status_code == 200, answer.text


def advance_to(instance: Instance, instant: str, seconds: float) -> None:
    instance.advance(seconds=(datetime.fromisoformat(instant) - now_of(instance)).total_seconds() + seconds)


def visited(instance: Instance, element: str) -> int:
    """Return how many finished instances of the process have been at an element."""
    api, count = instance.api("admin.system"), 0
    for one in api.get("/processes/policy-notice/instances", params={"state": "completed"}).json()["items"]:
        count += element in api.get(f"/process-instances/{one['key']}").json()["completed_elements"]
    return count


def test_a_notice_acknowledged_in_time_ends_without_a_reminder(instance: Instance) -> None:
    notice = issue(instance, "W-01", "D-12")
    assert [one["group"] for one in notice["recipients"] if one["required"]] == [CITY, COUNTY]
    before = visited(instance, "CatchEvent_AllAcknowledged")
    told = eventually(lambda: [one for one in seen(instance, notice)["recipients"] if one["notified_at"]], "notified")
    assert {one["notified_at"] for one in told} == {notice["issued_at"]}
    acknowledge(instance, notice, CITY)
    assert seen(instance, notice)["completed_at"] is None
    acknowledge(instance, notice, COUNTY)
    assert seen(instance, notice)["completed_at"] is not None
    eventually(lambda: visited(instance, "CatchEvent_AllAcknowledged") > before, "the process ended in time")
    instance.advance(days=20)
    assert (seen(instance, notice)["reminded_at"], seen(instance, notice)["escalated_at"]) == (None, None)


def test_a_notice_nobody_reads_is_reminded_of_when_due_and_ends_when_it_is_read(instance: Instance) -> None:
    notice, before = issue(instance, "W-01"), visited(instance, "CatchEvent_AcknowledgedLate")
    advance_to(instance, notice["due_at"], -60)
    assert seen(instance, notice)["reminded_at"] is None
    instance.advance(seconds=120)
    assert seen(instance, notice)["reminded_at"] == notice["due_at"]
    acknowledge(instance, notice, CITY)
    eventually(lambda: visited(instance, "CatchEvent_AcknowledgedLate") > before, "the process ended late")
    instance.advance(days=10)
    assert seen(instance, notice)["escalated_at"] is None


def test_a_notice_still_unread_is_reported_to_the_coordinator(instance: Instance) -> None:
    notice, before = issue(instance, "W-01"), visited(instance, "CatchEvent_AcknowledgedAfterEscalation")
    advance_to(instance, notice["due_at"], 20 * 86_400)
    told = seen(instance, notice)
    assert told["reminded_at"] == notice["due_at"]
    assert datetime.fromisoformat(told["escalated_at"]) > datetime.fromisoformat(notice["due_at"])
    assert told["pending"] == [CITY]
    acknowledge(instance, notice, CITY)
    eventually(lambda: visited(instance, "CatchEvent_AcknowledgedAfterEscalation") > before, "the process ended")


def test_a_notice_given_too_late_is_overdue_from_the_start(instance: Instance) -> None:
    notice = issue(instance, "W-01", published_on="2026-01-05")
    assert (notice["due_at"], notice["on_time"]) == ("2026-01-12T23:59:59+08:00", False)
    told = eventually(lambda: seen(instance, notice)["reminded_at"], "reminded at once")
    assert datetime.fromisoformat(told) == datetime.fromisoformat(notice["issued_at"])


def test_a_notice_stands_on_the_guide_and_in_the_cases_of_its_item(instance: Instance) -> None:
    notice = issue(instance, "W-10", title="勘查管理办法")
    guide = instance.api(SUPERVISOR).get("/items/W-10/guide").json()
    assert notice["id"] in [one["id"] for one in guide["notices"]]
    case = instance.case(instance.submit("W-10", "xingguo"))
    assert "勘查管理办法" in [one["title"] for one in case["policy_notices"]]
