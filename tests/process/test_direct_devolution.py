"""直接下放 on the real engine: the county reviews and decides, the city nowhere."""

import pytest

from tests.instance import Instance

pytestmark = pytest.mark.engine


def test_the_county_reviews_decides_and_seals(instance: Instance) -> None:
    case_no = instance.submit("D-12", "zhanggong")
    people = []
    while not (case := instance.case(case_no))["closed_at"]:
        for task in case["tasks"]:
            people.append((task["element_id"], task["candidate_groups"]))
            instance.complete(case_no, task["element_id"], task["outcomes"][0]["value"])
    assert people == [
        ("Task_DecideAcceptance", ["zhanggong.window"]),
        ("Task_CountyReview", ["zhanggong.reviewer"]),
        ("Task_CountyDecide", ["zhanggong.approver"]),
        ("Task_Deliver", ["zhanggong.window"]),
    ]
    assert case["state"]["code"] == 11
    assert case["level"] == 0
    assert not any("市级审批专用章" in one["seal"] for one in case["documents"])


def test_the_county_may_deny_and_the_redress_is_the_countys(instance: Instance) -> None:
    case_no = instance.submit("D-07", "xingguo")
    instance.complete(case_no, "Task_DecideAcceptance", "accept")
    instance.complete(case_no, "Task_CountyReview", "propose_deny", "超采伐限额")
    instance.complete(case_no, "Task_CountyDecide", "deny", "超采伐限额")
    case = instance.finish(case_no)
    assert case["state"]["code"] == 13
    assert "不予行政许可决定书" in {one["kind"] for one in case["documents"]}


def test_returns_go_to_the_window_and_back_to_the_reviewer(instance: Instance) -> None:
    case_no = instance.submit("D-01", "xingguo")
    instance.complete(case_no, "Task_DecideAcceptance", "accept")
    instance.complete(case_no, "Task_CountyReview", "return", "请核对招标编号")
    instance.complete(case_no, "Task_HandleReturn", "done", "已核对")
    instance.complete(case_no, "Task_CountyReview", "agree")
    instance.complete(case_no, "Task_CountyDecide", "return", "补充审查意见")
    instance.complete(case_no, "Task_CountyReview", "agree")
    case = instance.finish(case_no)
    assert case["state"]["code"] == 11
    assert "备案通知书" in {one["kind"] for one in case["documents"]}


def test_a_direct_case_can_be_withdrawn_and_paused(instance: Instance) -> None:
    case_no = instance.submit("D-07", "ganxian")
    instance.complete(case_no, "Task_DecideAcceptance", "accept")
    reviewer = instance.api("ganxian.reviewer")
    task = instance.task(case_no, "Task_CountyReview")
    begun = reviewer.post(
        f"/cases/{case_no}/special-procedures", json={"kind": "鉴定", "days": 3, "reason": "林权鉴定"}
    )
    assert begun.is_success, begun.text
    assert instance.case(case_no)["state"]["code"] == 9
    withdrawn = instance.api("ganxian.window").post(f"/cases/{case_no}/withdraw", json={"reason": "不办了"})
    assert withdrawn.is_success
    case = instance.case(case_no)
    assert (case["state"]["code"], case["tasks"]) == (14, []), "nothing waits for the engine's word"
    late = reviewer.post(f"/tasks/{task['id']}/complete", json={"outcome": "agree", "opinion": "同意", "values": {}})
    assert (late.status_code, late.json()["code"]) == (409, "task_closed")


@pytest.mark.parametrize(("item", "granted"), [("D-05", "行政确认决定书"), ("D-03", "办理结果通知书")])
def test_each_power_type_has_its_own_words(instance: Instance, item: str, granted: str) -> None:
    case = instance.finish(instance.submit(item, "xingguo"))
    kinds = {one["kind"] for one in case["documents"]}
    assert granted in kinds
    assert not any("许可" in kind for kind in kinds)


@pytest.mark.parametrize(
    ("item", "denied"), [("D-05", "不予行政确认决定书"), ("D-03", "不予办理通知书"), ("D-01", "不予备案通知书")]
)
def test_each_power_type_is_refused_in_its_own_words(instance: Instance, item: str, denied: str) -> None:
    case = instance.finish(instance.submit(item, "xingguo"), Task_CountyDecide="deny")
    assert denied in {one["kind"] for one in case["documents"]}
