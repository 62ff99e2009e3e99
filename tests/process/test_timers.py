"""Every timer of the receipt, the watch and the special procedures, walked on the engine's clock.

The instance is shared and its time only moves forward, so every date is taken from what the product tells; a county of
its own keeps the calendar changes from the other tests' cases.
"""

from datetime import date, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.instance import Instance

pytestmark = pytest.mark.engine

AREA, ITEM = "xunwu", "W-01"
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


def now(instance: Instance) -> datetime:
    return datetime.fromisoformat(instance.api("city.coordinator").get("/clock").json()["now"])


def go_to(instance: Instance, moment: datetime) -> None:
    seconds = (moment - now(instance)).total_seconds()
    if seconds > 0:
        instance.advance(seconds=seconds)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def day_of(text: str) -> date:
    return datetime.fromisoformat(text).date()


def just_after(text: str) -> datetime:
    return at(text) + timedelta(seconds=2)


def events(instance: Instance, case_no: str, event: str) -> list[str]:
    return [one["at"] for one in instance.case(case_no)["timeline"] if one["event"] == event]


def notices(instance: Instance, username: str, case_no: str) -> list[tuple[str, str]]:
    answer = instance.api(username).get("/notices", params={"case_no": case_no, "limit": 200})
    return [(one["kind"], one["signal"]) for one in answer.json()["items"]]


def working_days_ahead(instance: Instance, first: date, last: date) -> list[date]:
    """Return the working days after ``first`` up to ``last`` in the county."""
    found = []
    for year in range(first.year, last.year + 1):
        sheet = instance.api(f"{AREA}.window").get("/calendar", params={"area": AREA, "year": year}).json()
        found += [date.fromisoformat(one["date"]) for one in sheet["days"] if one["working"]]
    return [day for day in found if first < day <= last]


def close(instance: Instance, *days: date) -> dict[str, Any]:
    """Close the county's window on some days, as its approver."""
    body = {"area": AREA, "days": [{"date": str(day), "working": False, "reason": "窗口停办"} for day in days]}
    answer = instance.api(f"{AREA}.approver").post("/calendar", json=body)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def accepted(instance: Instance, item: str = ITEM, area: str = AREA, **values: Any) -> str:
    case_no = instance.submit(item, area)
    instance.complete(case_no, "Task_DecideAcceptance", "accept", **values)
    instance.until(case_no, lambda c: c["accepted_at"], "accepted")
    return case_no


def to_decision(instance: Instance, case_no: str) -> None:
    instance.complete(case_no, "Task_ConfirmReceipt", "done")
    instance.complete(case_no, "Task_CityReview", "agree")
    instance.task(case_no, "Task_CityDecide")


def pause(instance: Instance, case_no: str, days: int, kind: str = "检测", **more: Any) -> httpx.Response:
    body = {"kind": kind, "days": days, "reason": "需要", **more}
    return instance.api("city.zrzy.approver").post(f"/cases/{case_no}/special-procedures", json=body)


def test_a_day_the_window_is_closed_moves_the_receipt_limit_and_its_timer(instance: Instance) -> None:
    case_no = instance.submit(ITEM, AREA)
    task = instance.task(case_no, "Task_DecideAcceptance")
    due = instance.case(case_no)["acceptance_due_at"]
    assert task["due_at"] == due
    ahead = working_days_ahead(instance, now(instance).date(), day_of(due))
    assert len(ahead) == 5
    assert close(instance, ahead[2])["moved_cases"] >= 1
    moved = instance.case(case_no)["acceptance_due_at"]
    assert moved > due
    go_to(instance, just_after(due))
    assert instance.task(case_no, "Task_DecideAcceptance")["id"] == task["id"]
    assert events(instance, case_no, "case.accepted") == []
    go_to(instance, just_after(moved))
    case = instance.until(case_no, lambda c: c["deemed_accepted"], "deemed accepted")
    assert case["accepted_at"] == case["received_at"]
    assert events(instance, case_no, "case.accepted") == [moved]
    assert len(events(instance, case_no, "deadline.acceptance_warning")) >= 1
    assert ("reminder", "acceptance_warning") in notices(instance, f"{AREA}.window", case_no)
    assert ("supervision", "acceptance_overdue") in notices(instance, "city.coordinator", case_no)


def test_the_supplement_deadline_moves_with_the_calendar_and_then_ends_the_case(instance: Instance) -> None:
    case_no = instance.submit(ITEM, AREA)
    instance.complete(case_no, "Task_DecideAcceptance", "correct", "请补齐")
    case = instance.until(case_no, lambda c: c["supplement_due_at"], "correction asked")
    due = case["supplement_due_at"]
    close(instance, working_days_ahead(instance, now(instance).date(), day_of(due))[1])
    moved = instance.case(case_no)["supplement_due_at"]
    assert moved > due
    go_to(instance, just_after(due))
    assert instance.case(case_no)["closed_at"] is None
    go_to(instance, just_after(moved))
    case = instance.until(case_no, lambda c: c["closed_at"], "closed")
    assert (case["state"]["code"], case["closed_at"]) == (2, moved)


def test_an_answer_in_time_ends_the_watch_of_the_receipt(instance: Instance) -> None:
    case_no = accepted(instance)
    instance.until(
        case_no,
        lambda c: (
            [i["state"] for i in c["process_instances"] if i["process_id"] == "acceptance-watch"] == ["completed"]
        ),
        "acceptance-watch ended",
    )


def test_the_plan_of_a_special_procedure_moves_with_the_calendar_and_is_reminded_of_once(instance: Instance) -> None:
    case_no = accepted(instance)
    instance.complete(case_no, "Task_ConfirmReceipt", "done")
    begun = pause(instance, case_no, 4)
    assert begun.status_code == 201, begun.text
    planned = begun.json()["planned_end_at"]
    close(instance, working_days_ahead(instance, now(instance).date(), day_of(planned))[1])
    moved = instance.case(case_no)["special_procedures"][0]["planned_end_at"]
    assert moved > planned
    go_to(instance, just_after(planned))
    assert events(instance, case_no, "special_procedure.overdue") == []
    go_to(instance, just_after(moved))
    assert events(instance, case_no, "special_procedure.overdue") == [moved]
    assert ("reminder", "special_procedure_overdue") in notices(instance, "city.zrzy.reviewer", case_no)
    assert ("supervision", "special_procedure_overdue") in notices(instance, "city.coordinator", case_no)


def test_a_procedure_past_its_plan_moves_the_due_day_every_working_day(instance: Instance) -> None:
    case_no = accepted(instance)
    instance.complete(case_no, "Task_ConfirmReceipt", "done")
    begun = pause(instance, case_no, 1).json()
    planned = at(begun["planned_end_at"])
    seen = []
    for _ in range(10):
        go_to(instance, planned + timedelta(seconds=2))
        rows = instance.api("city.coordinator").get("/cases", params={"q": case_no}).json()["items"]
        seen.append(rows[0]["due_at"])
        planned += DAY
    assert len(set(seen)) >= 3
    assert seen == sorted(seen)
    ended = instance.api("city.zrzy.approver").post(f"/cases/{case_no}/special-procedures/{begun['id']}/end")
    assert ended.status_code == 200
    assert instance.case(case_no)["state"]["code"] == 10


@pytest.mark.parametrize(("item", "area"), [(ITEM, AREA), ("D-07", AREA), ("S-30", "zhanggong")])
def test_a_decision_not_delivered_in_ten_days_is_reminded_of_and_the_watch_ends(
    instance: Instance, item: str, area: str
) -> None:
    case_no = accepted(instance, item, area)
    while not (decided := instance.case(case_no)["decided_at"]):
        for task in instance.case(case_no)["tasks"]:
            if task["element_id"].endswith("Decide"):
                decider = task["candidate_groups"][0]
                paused = instance.api(decider).post(
                    f"/cases/{case_no}/special-procedures", json={"kind": "鉴定", "days": 2, "reason": "需要"}
                )
                assert paused.status_code == 201, paused.text
                end = f"/cases/{case_no}/special-procedures/{paused.json()['id']}/end"
                assert instance.api(decider).post(end).status_code == 200
            instance.complete(case_no, task["element_id"], task["outcomes"][0]["value"])
            if task["element_id"].endswith("Decide"):
                instance.until(case_no, lambda c: c["decided_at"], "decided")
    case = instance.until(case_no, lambda c: c["delivery_due_at"], "decided")
    assert decided < case["delivery_due_at"]
    go_to(instance, just_after(case["delivery_due_at"]))
    assert len(events(instance, case_no, "deadline.delivery_overdue")) == 1
    assert ("reminder", "delivery_overdue") in notices(instance, f"{area}.window", case_no)
    instance.until(
        case_no,
        lambda c: [i["state"] for i in c["process_instances"] if i["process_id"] == "deadline-watch"] == ["completed"],
        "deadline-watch ended",
    )
    assert instance.finish(case_no)["state"]["code"] == 11


def test_what_was_tolerated_and_supplied_ends_in_its_own_state(instance: Instance) -> None:
    until = str((now(instance) + 8 * DAY).date())
    case_no = accepted(instance, tolerated_until=until, tolerated_materials="验资报告")
    case = instance.case(case_no)
    assert case["tolerance"] == {"materials": "验资报告", "until": f"{until}T23:59:59+08:00", "supplied_at": None}
    to_decision(instance, case_no)
    task = instance.task(case_no, "Task_CityDecide")
    approver = instance.api("city.zrzy.approver")
    early = approver.post(f"/tasks/{task['id']}/complete", json={"outcome": "approve"})
    assert (early.status_code, early.json()["code"]) == (409, "materials_outstanding")
    supplied = instance.api(f"{AREA}.window").post(
        f"/cases/{case_no}/materials",
        json={"materials": [{"name": "验资报告", "copies": 1, "kind": "original", "present": True}]},
    )
    assert supplied.status_code == 202, supplied.text
    go_to(instance, at(f"{until}T23:59:59+08:00") + MINUTE)
    closed = instance.finish(case_no)
    assert closed["state"] == {"code": 12, "name": "办结(容缺通过)"}


def test_what_was_tolerated_and_never_came_ends_the_examination(instance: Instance) -> None:
    until = str((now(instance) + 3 * DAY).date())
    case_no = accepted(instance, tolerated_until=until)
    instance.complete(case_no, "Task_ConfirmReceipt", "done")
    go_to(instance, at(f"{until}T00:00:00+08:00") + MINUTE)
    assert ("reminder", "tolerance_warning") in notices(instance, f"{AREA}.window", case_no)
    go_to(instance, at(f"{until}T23:59:59+08:00") + MINUTE)
    case = instance.until(case_no, lambda c: c["closed_at"] and not c["tasks"], "terminated")
    assert case["state"]["code"] == 14
    assert case["closed_at"] == f"{until}T23:59:59+08:00"
    assert case["decision"] is None
    assert "终止审查通知书" in {one["kind"] for one in case["documents"]}
    instance.until(
        case_no, lambda c: all(i["state"] != "active" for i in c["process_instances"]), "every instance ended"
    )


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"tolerated_until": "2026-01-01"}, "tolerated_until"),
        ({"tolerated_until": "2099-01-01"}, "tolerated_until"),
        ({"tolerated_materials": "验资报告"}, "tolerated_until"),
        ({"by_commitment": True}, "by_commitment"),
    ],
)
def test_a_promise_that_makes_no_sense_is_refused(instance: Instance, values: dict[str, Any], field: str) -> None:
    case_no = instance.submit(ITEM, AREA)
    task = instance.task(case_no, "Task_DecideAcceptance")
    answer = instance.api(f"{AREA}.window").post(
        f"/tasks/{task['id']}/complete", json={"outcome": "accept", "values": values}
    )
    assert answer.status_code == 422
    assert [one["field"] for one in answer.json()["errors"]] == [field]
    instance.complete(case_no, "Task_DecideAcceptance", "not_needed")


def test_the_county_and_the_city_have_shares_that_never_pass_the_promise(instance: Instance) -> None:
    case_no = accepted(instance, "S-01", "zhanggong")
    review = instance.task(case_no, "Task_CountyReview")
    case = instance.case(case_no)
    assert case["clock"]["limit"] == 30
    assert review["due_at"] == case["review_due_at"] < case["promised_due_at"] < case["due_at"]
    promised, shared = case["promised_due_at"], at(case["review_due_at"])
    go_to(instance, at(promised) - timedelta(hours=1))
    assert len(events(instance, case_no, "deadline.forwarding_late")) == 1
    assert ("supervision", "forwarding_late") in notices(instance, "city.coordinator", case_no)
    go_to(instance, just_after(promised))
    assert events(instance, case_no, "deadline.review_overdue") == [(shared + timedelta(seconds=1)).isoformat()]
    assert instance.task(case_no, "Task_CountyReview")["light"] == "red"
    assert events(instance, case_no, "deadline.overdue") == []
    instance.complete(case_no, "Task_CountyReview", "agree")
    instance.complete(case_no, "Task_SignDossier", "forward")
    instance.complete(case_no, "Task_ConfirmDossier", "done")
    decision = instance.task(case_no, "Task_CityReview")
    assert decision["due_at"] == instance.case(case_no)["decision_due_at"] == promised
    assert instance.finish(case_no)["overdue_at"] is None


def test_a_hearing_keeps_the_laws_distances_and_an_impartial_officer(instance: Instance) -> None:
    case_no = accepted(instance)
    instance.complete(case_no, "Task_ConfirmReceipt", "done")
    today = now(instance).date()
    ahead = working_days_ahead(instance, today, today + 60 * DAY)

    def refused(code: str, status: int = 409, **more: Any) -> None:
        answer = pause(instance, case_no, 15, "听证", **more)
        assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text

    refused("hearing_dates", held_on=str(ahead[3]))
    refused("hearing_dates", held_on=str(ahead[25]))
    refused("invalid_input", 422, held_on=str(ahead[16]))
    refused("hearing_dates", told_on=str(today - 30 * DAY), requested_on=str(today))
    refused("invalid_input", 422, requested_on=str(today + DAY))
    refused("invalid_input", 422, presiding_officer="nobody.here")
    wrong = pause(instance, case_no, 3, "检验", held_on=str(ahead[8]))
    assert wrong.status_code == 422
    task = instance.task(case_no, "Task_CityReview")
    assert instance.api("city.zrzy.reviewer").post(f"/tasks/{task['id']}/claim").is_success
    refused("presiding_officer_reviewed", presiding_officer="city.zrzy.reviewer")
    begun = pause(instance, case_no, 15, "听证", held_on=str(ahead[8]), presiding_officer="city.zrzy.approver")
    assert begun.status_code == 201, begun.text
    end = f"/cases/{case_no}/special-procedures/{begun.json()['id']}/end"
    assert instance.api("city.zrzy.approver").post(end).status_code == 200
    instance.complete(case_no, "Task_CityReview", "agree")
    decide = instance.task(case_no, "Task_CityDecide")
    own = instance.api("city.zrzy.approver").post(f"/tasks/{decide['id']}/complete", json={"outcome": "approve"})
    assert (own.status_code, own.json()["code"]) == (409, "presiding_officer_reviewed")


@pytest.mark.parametrize("kind", ["听证", "招标", "拍卖", "检验", "检测", "检疫", "鉴定", "专家评审"])
def test_each_statutory_kind_is_told_in_writing_and_several_may_follow(instance: Instance, kind: str) -> None:
    case_no = accepted(instance)
    instance.complete(case_no, "Task_ConfirmReceipt", "done")
    for _ in range(2):
        begun = pause(instance, case_no, 5, kind)
        assert begun.status_code == 201, begun.text
        end = f"/cases/{case_no}/special-procedures/{begun.json()['id']}/end"
        assert instance.api("city.zrzy.approver").post(end).status_code == 200
    kinds = [one["kind"] for one in instance.case(case_no)["documents"]]
    assert kinds.count("特别程序告知书") == 2


def test_a_limit_that_ran_out_cannot_be_extended(instance: Instance) -> None:
    case_no = accepted(instance)
    instance.complete(case_no, "Task_ConfirmReceipt", "done")
    go_to(instance, just_after(instance.case(case_no)["due_at"]))
    answer = instance.api("city.zrzy.approver").post(f"/cases/{case_no}/extension", json={"days": 5, "reason": "复杂"})
    assert (answer.status_code, answer.json()["code"]) == (409, "limit_over")
    assert instance.finish(case_no)["overdue_at"] is not None


def test_who_may_change_the_calendar_and_a_faulty_day_changes_nothing(instance: Instance) -> None:
    def sheet() -> list[dict[str, Any]]:
        return list(
            instance.api("city.coordinator").get("/calendar", params={"area": AREA, "year": 2026}).json()["days"]
        )

    before = sheet()
    day = {"date": "2026-12-31", "working": False, "reason": "测试"}
    for username, body, status in [
        (f"{AREA}.window", {"area": AREA, "days": [day]}, 403),
        (f"{AREA}.approver", {"days": [day]}, 403),
        ("ganxian.approver", {"area": AREA, "days": [day]}, 403),
        ("city.coordinator", {"area": "nowhere", "days": [day]}, 404),
        ("city.coordinator", {"area": AREA, "days": [day, day]}, 422),
        ("city.coordinator", {"area": AREA, "days": [day, {**day, "date": "2026-12-30", "reason": ""}]}, 422),
        ("city.coordinator", {"area": AREA, "days": [{**day, "working": "no"}]}, 422),
    ]:
        answer = instance.api(username).post("/calendar", json=body)
        assert answer.status_code == status, answer.text
    assert sheet() == before
    assert set(before[-1]) == {"date", "working", "reason", "provisional", "source"}


def test_a_change_is_remembered_with_what_held_before_and_can_be_taken_back(instance: Instance) -> None:
    coordinator = instance.api("city.coordinator")

    def enter(working: bool | None, reason: str) -> int | None:
        body = {"area": AREA, "days": [{"date": "2025-03-03", "working": working, "reason": reason}]}
        revision: int | None = coordinator.post("/calendar", json=body).json()["revision"]
        return revision

    first = enter(False, "停电")
    assert enter(False, "停电") is None
    second = enter(None, "")
    found = {one["id"]: one for one in coordinator.get("/calendar/history", params={"area": AREA}).json()["items"]}
    assert first is not None
    assert second is not None
    assert found[first]["days"] == [{"date": "2025-03-03", "before": "按公布安排", "after": "休息日（停电）"}]
    assert found[second]["days"] == [{"date": "2025-03-03", "before": "休息日（停电）", "after": "按公布安排"}]
    assert found[second]["changed_by"] == "city.coordinator"


def test_a_notice_is_read_by_each_account_for_itself(instance: Instance) -> None:
    coordinator = instance.api("city.coordinator")
    unread = coordinator.get("/notices", params={"unread": True}).json()["items"]
    if not unread:
        pytest.skip("no notice was sent before: run the whole module")
    first = unread[0]
    assert coordinator.post(f"/notices/{first['id']}/read").json()["read"] is True
    assert instance.api("xunwu.window").post(f"/notices/{first['id']}/read").status_code == 403
    again = coordinator.get("/notices", params={"unread": True}).json()["items"]
    assert first["id"] not in [one["id"] for one in again]
