"""服务窗口前移 on the real engine: every path of ``front-window`` and of the processes it calls."""

from datetime import datetime
from typing import Any

import pytest

from tests.instance import Instance

pytestmark = pytest.mark.engine

AREA, ITEM = "xingguo", "W-01"


def accepted(instance: Instance, item: str = ITEM) -> str:
    """Submit a case and have the window accept it and the city confirm its receipt."""
    case_no = instance.submit(item, AREA)
    instance.complete(case_no, "Task_DecideAcceptance", "accept")
    instance.complete(case_no, "Task_ConfirmReceipt", "done")
    return case_no


def test_an_approved_case_ends_with_a_sealed_decision_and_a_certificate(instance: Instance) -> None:
    case = instance.finish(instance.submit(ITEM, AREA))
    assert case["state"] == {"code": 11, "name": "办结(通过)"}
    assert case["decision"] == "approve"
    kinds = {one["kind"]: one for one in case["documents"]}
    assert {"材料接收凭证", "受理通知书", "准予行政许可决定书", "送达回证"} <= set(kinds)
    assert "市自然资源局" in kinds["准予行政许可决定书"]["seal"]
    assert len(case["certificates"]) == 1
    events = [one["event"] for one in case["timeline"]]
    for once in ("case.received", "case.accepted", "case.forwarded", "case.decided", "case.closed"):
        assert events.count(once) == 1, events
    order = [datetime.fromisoformat(one["at"]) for one in case["timeline"]]
    assert order == sorted(order)


def test_every_person_is_the_right_one(instance: Instance) -> None:
    case_no = instance.submit(ITEM, AREA)
    expected = [
        ("Task_DecideAcceptance", "xingguo.window"),
        ("Task_ConfirmReceipt", "city.zrzy.reviewer"),
        ("Task_CityReview", "city.zrzy.reviewer"),
        ("Task_CityDecide", "city.zrzy.approver"),
        ("Task_Deliver", "xingguo.window"),
    ]
    for element, group in expected:
        task = instance.task(case_no, element)
        assert task["candidate_groups"] == [group]
        stranger = instance.api("ganxian.window").post(
            f"/tasks/{task['id']}/complete", json={"outcome": task["outcomes"][0]["value"]}
        )
        assert stranger.status_code == 403
        instance.complete(case_no, element, task["outcomes"][0]["value"])


def test_a_denied_case_has_a_written_refusal_and_no_certificate(instance: Instance) -> None:
    case_no = accepted(instance)
    instance.complete(case_no, "Task_CityReview", "propose_deny", "不符合规划")
    instance.complete(case_no, "Task_CityDecide", "deny", "不符合矿产资源规划")
    case = instance.finish(case_no)
    assert case["state"]["code"] == 13
    assert case["decision"] == "deny"
    assert "不予行政许可决定书" in {one["kind"] for one in case["documents"]}
    assert case["certificates"] == []


def test_a_correction_stops_everything_until_the_supplement_and_is_asked_once(instance: Instance) -> None:
    body = instance.body(ITEM, AREA)
    lacking = body["materials"][0]["name"]
    body["materials"][0]["present"] = False
    case_no = instance.submit(ITEM, AREA, materials=body["materials"])
    instance.task(case_no, "Task_DecideAcceptance")
    findings = instance.case(case_no)["form_check"]
    assert any(not one["passed"] and lacking in one["message"] for one in findings)
    task = instance.task(case_no, "Task_DecideAcceptance")
    bare = instance.api("xingguo.window").post(f"/tasks/{task['id']}/complete", json={"outcome": "accept"})
    assert (bare.status_code, bare.json()["code"]) == (409, "form_check_unmet")
    assert [one["field"] for one in bare.json()["errors"]] == ["materials"]
    instance.complete(case_no, "Task_DecideAcceptance", "correct", "请补齐", corrections=None)
    case = instance.until(case_no, lambda c: c["state"]["code"] == 6, "state 补正(开始)")
    assert "一次性补正告知书" in {one["kind"] for one in case["documents"]}
    assert not case["tasks"]
    supplied = instance.api("xingguo.window").post(
        f"/cases/{case_no}/materials",
        json={"materials": [{"name": lacking, "copies": 9, "kind": "original", "present": True}]},
    )
    assert supplied.is_success, supplied.text
    task = instance.task(case_no, "Task_DecideAfterCorrection")
    assert "correct" not in [one["value"] for one in task["outcomes"]]
    case = instance.finish(case_no)
    assert case["state"]["code"] == 11


def test_what_nobody_said_is_asked_for(instance: Instance) -> None:
    case_no = instance.submit(ITEM, AREA)
    task = instance.task(case_no, "Task_DecideAcceptance")
    window = instance.api("xingguo.window")

    def code(**answer: Any) -> tuple[int, str]:
        refused = window.post(f"/tasks/{task['id']}/complete", json=answer)
        return refused.status_code, refused.json()["code"]

    assert code(outcome="refuse", opinion=" ") == (422, "reason_required")
    assert code(outcome="not_needed") == (422, "reason_required")
    assert code(outcome="correct", values={"corrections": []}) == (422, "corrections_required")
    assert instance.task(case_no, "Task_DecideAcceptance")["id"] == task["id"]
    instance.complete(case_no, "Task_DecideAcceptance", "accept")


def test_a_supplement_that_never_comes_ends_the_case(instance: Instance) -> None:
    case_no = instance.submit(ITEM, AREA)
    instance.complete(case_no, "Task_DecideAcceptance", "correct", "请补齐")
    instance.until(case_no, lambda c: c["state"]["code"] == 6, "state 补正(开始)")
    instance.advance(days=70)
    case = instance.until(case_no, lambda c: c["closed_at"], "closed")
    assert case["state"]["code"] == 2
    assert case["closed_at"] == case["supplement_due_at"]


@pytest.mark.parametrize(
    ("outcome", "state", "document"), [("refuse", 5, "不予受理决定书"), ("not_needed", 4, "不受理告知书")]
)
def test_the_window_may_refuse(instance: Instance, outcome: str, state: int, document: str) -> None:
    case_no = instance.submit(ITEM, AREA)
    instance.complete(case_no, "Task_DecideAcceptance", outcome, "不属于本机关职权范围")
    case = instance.until(case_no, lambda c: c["closed_at"], "closed")
    assert case["state"]["code"] == state
    assert document in {one["kind"] for one in case["documents"]}
    assert case["accepted_at"] is None


@pytest.mark.parametrize("outcome", ["refuse", "not_needed"])
def test_the_window_may_refuse_after_a_correction(instance: Instance, outcome: str) -> None:
    case_no = instance.submit(ITEM, AREA)
    instance.complete(case_no, "Task_DecideAcceptance", "correct")
    instance.until(case_no, lambda c: c["state"]["code"] == 6, "state 补正(开始)")
    materials = [{"name": "补充说明", "copies": 1, "kind": "original", "present": True}]
    instance.api("xingguo.window").post(f"/cases/{case_no}/materials", json={"materials": materials})
    instance.complete(case_no, "Task_DecideAfterCorrection", outcome, "仍不符合")
    case = instance.until(case_no, lambda c: c["closed_at"], "closed")
    assert case["state"]["code"] == (5 if outcome == "refuse" else 4)


def test_silence_for_five_working_days_accepts_from_the_day_of_receipt(instance: Instance) -> None:
    case_no = instance.submit(ITEM, AREA)
    instance.task(case_no, "Task_DecideAcceptance")
    due = instance.case(case_no)["acceptance_due_at"]
    instance.advance(days=14)
    instance.task(case_no, "Task_ConfirmReceipt")
    case = instance.case(case_no)
    assert case["deemed_accepted"] is True
    assert case["accepted_at"] == case["received_at"]
    assert case["state"]["code"] == 8
    accepted_event = next(one for one in case["timeline"] if one["event"] == "case.accepted")
    assert accepted_event["at"] == due
    assert instance.finish(case_no)["state"]["code"] == 11


def test_silence_after_a_correction_accepts_too(instance: Instance) -> None:
    case_no = instance.submit(ITEM, AREA)
    instance.complete(case_no, "Task_DecideAcceptance", "correct")
    instance.until(case_no, lambda c: c["state"]["code"] == 6, "state 补正(开始)")
    materials = [{"name": "补充说明", "copies": 1, "kind": "original", "present": True}]
    instance.api("xingguo.window").post(f"/cases/{case_no}/materials", json={"materials": materials})
    instance.task(case_no, "Task_DecideAfterCorrection")
    instance.advance(days=14)
    case = instance.until(case_no, lambda c: c["deemed_accepted"], "deemed accepted")
    assert case["accepted_at"] > case["received_at"]


def test_what_the_city_returns_comes_back_to_the_window_with_the_reason(instance: Instance) -> None:
    case_no = accepted(instance)
    instance.complete(case_no, "Task_CityReview", "return", "请核对图件坐标")
    returned = instance.task(case_no, "Task_HandleReturn")
    assert returned["candidate_groups"] == ["xingguo.window"]
    assert "请核对图件坐标" in [one["opinion"] for one in instance.case(case_no, "xingguo.window")["opinions"]]
    instance.complete(case_no, "Task_HandleReturn", "done", "已核对")
    instance.complete(case_no, "Task_CityReview", "agree")
    instance.complete(case_no, "Task_CityDecide", "return", "再核")
    instance.complete(case_no, "Task_CityReview", "agree")
    assert instance.finish(case_no)["state"]["code"] == 11


@pytest.mark.parametrize("accept_first", [False, True])
def test_a_withdrawn_case_ends_at_once_and_its_tasks_with_it(instance: Instance, accept_first: bool) -> None:
    case_no = accepted(instance) if accept_first else instance.submit(ITEM, AREA)
    element = "Task_CityReview" if accept_first else "Task_DecideAcceptance"
    task = instance.task(case_no, element)
    answer = instance.api("xingguo.window").post(f"/cases/{case_no}/withdraw", json={"reason": "项目取消"})
    assert answer.is_success, answer.text
    case = instance.until(case_no, lambda c: not c["tasks"], "tasks gone")
    assert case["state"]["code"] == (14 if accept_first else 2)
    late = instance.api(task["candidate_groups"][0]).post(
        f"/tasks/{task['id']}/complete", json={"outcome": task["outcomes"][0]["value"]}
    )
    assert late.status_code == 409
    assert late.json()["code"] == "task_closed"
    again = instance.api("xingguo.window").post(f"/cases/{case_no}/withdraw", json={"reason": "项目取消"})
    assert again.status_code == 409
    instance.until(case_no, lambda c: "终止审查通知书" in {d["kind"] for d in c["documents"]}, "notice of termination")


def test_a_filing_ends_in_a_filing_notice_and_never_in_a_licence(instance: Instance) -> None:
    case = instance.finish(instance.submit("W-16", AREA))
    kinds = {one["kind"] for one in case["documents"]}
    assert "备案通知书" in kinds
    assert not any("许可" in kind for kind in kinds)
    assert case["certificates"] == []


def test_a_task_can_be_completed_once(instance: Instance) -> None:
    case_no = instance.submit(ITEM, AREA)
    task = instance.task(case_no, "Task_DecideAcceptance")
    window = instance.api("xingguo.window")
    first = window.post(f"/tasks/{task['id']}/complete", json={"outcome": "accept", "opinion": "", "values": {}})
    second = window.post(f"/tasks/{task['id']}/complete", json={"outcome": "refuse", "opinion": "", "values": {}})
    assert first.status_code == 202
    assert (second.status_code, second.json()["code"]) == (409, "task_closed")
    assert task["id"] not in [one["id"] for one in instance.case(case_no)["tasks"]]
    instance.task(case_no, "Task_ConfirmReceipt")


def test_special_procedures_stop_the_clock_and_the_decision(instance: Instance) -> None:
    case_no = accepted(instance)
    instance.complete(case_no, "Task_CityReview", "agree")
    task = instance.task(case_no, "Task_CityDecide")
    before = instance.case(case_no)
    approver = instance.api("city.zrzy.approver")
    begun = approver.post(
        f"/cases/{case_no}/special-procedures", json={"kind": "专家评审", "days": 10, "reason": "需专家论证"}
    )
    assert begun.status_code == 201, begun.text
    paused = instance.case(case_no)
    assert paused["state"]["code"] == 9
    assert paused["due_at"] > before["due_at"]
    refused = approver.post(f"/tasks/{task['id']}/complete", json={"outcome": "approve"})
    assert (refused.status_code, refused.json()["code"]) == (409, "case_paused")
    assert instance.task(case_no, "Task_CityDecide")["light"] == "paused"
    ended = approver.post(f"/cases/{case_no}/special-procedures/{begun.json()['id']}/end")
    assert ended.is_success, ended.text
    assert instance.case(case_no)["due_at"] == before["due_at"]
    assert instance.finish(case_no)["state"]["code"] == 11
