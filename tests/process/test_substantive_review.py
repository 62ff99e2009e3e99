"""下放实质性审核权 on the real engine: the county reviews and forwards a dossier, the city decides and seals."""

import pytest

from tests.instance import Instance

pytestmark = pytest.mark.engine


def reviewed(instance: Instance, item: str = "S-30", area: str = "zhanggong") -> str:
    """Bring a case to the city's review."""
    case_no = instance.submit(item, area)
    instance.complete(case_no, "Task_DecideAcceptance", "accept")
    instance.complete(case_no, "Task_CountyReview", "agree", "材料真实，符合条件")
    instance.complete(case_no, "Task_SignDossier", "forward", "同意转报")
    instance.complete(case_no, "Task_ConfirmDossier", "done")
    return case_no


def test_s22_in_rongjiang_goes_through_its_unit_to_the_citys_seal(instance: Instance) -> None:
    case_no = instance.submit("S-22", "rongjiang")
    people = []
    while not (case := instance.case(case_no))["closed_at"]:
        for task in case["tasks"]:
            people.append((task["element_id"], task["candidate_groups"][0]))
            instance.complete(case_no, task["element_id"], task["outcomes"][0]["value"])
    assert people == [
        ("Task_DecideAcceptance", "rongjiang.window"),
        ("Task_AssignToUnit", "rongjiang.window"),
        ("Task_InspectOnSite", "rongjiang.zrzy.reviewer"),
        ("Task_CountyReview", "rongjiang.zrzy.reviewer"),
        ("Task_SignDossier", "rongjiang.chief"),
        ("Task_ConfirmDossier", "city.zrzy.reviewer"),
        ("Task_CityReview", "city.zrzy.reviewer"),
        ("Task_CityDecide", "city.zrzy.approver"),
        ("Task_Deliver", "rongjiang.window"),
    ]
    assert case["state"]["code"] == 11
    decision = next(one for one in case["documents"] if one["kind"] == "准予行政许可决定书")
    assert decision["seal"].endswith("市级审批专用章")
    dossier = case["dossier"]
    assert dossier["received_by"] == "city.zrzy.reviewer"
    assert dossier["signature"]["account"] == "rongjiang.chief"
    assert dossier["on_site_check"]["inspector_one"] != dossier["on_site_check"]["inspector_two"]
    assert all(len(one["sha256"]) == 64 for one in dossier["materials"])
    events = [one["event"] for one in case["timeline"]]
    assert [events.count(one) for one in ("case.pushed", "case.forwarded", "case.decided")] == [1, 1, 1]


def test_what_the_city_returns_comes_back_to_the_county_reviewer_and_is_forwarded_anew(instance: Instance) -> None:
    case_no = reviewed(instance)
    instance.complete(case_no, "Task_CityReview", "return", "缺少安全评价意见")
    task = instance.task(case_no, "Task_CountyReview")
    assert task["candidate_groups"] == ["zhanggong.reviewer"]
    case = instance.case(case_no, "zhanggong.reviewer")
    assert case["dossier"]["return_reason"] == "缺少安全评价意见"
    assert case["level"] == 0
    instance.complete(case_no, "Task_CountyReview", "agree", "已补充意见")
    instance.complete(case_no, "Task_SignDossier", "forward")
    instance.complete(case_no, "Task_ConfirmDossier", "done")
    case = instance.finish(case_no)
    assert case["state"]["code"] == 11
    assert case["dossier"]["round"] == 2
    events = [one["event"] for one in case["timeline"]]
    assert (events.count("case.forwarded"), events.count("dossier.returned")) == (1, 1)


def test_the_chief_may_send_back_and_the_reviewer_may_ask_the_window(instance: Instance) -> None:
    case_no = instance.submit("S-30", "zhanggong")
    instance.complete(case_no, "Task_DecideAcceptance", "accept")
    instance.complete(case_no, "Task_CountyReview", "return", "请核对地址")
    instance.complete(case_no, "Task_HandleReturn", "done")
    instance.complete(case_no, "Task_CountyReview", "propose_deny", "不符合条件")
    instance.complete(case_no, "Task_SignDossier", "return", "理由不充分")
    instance.complete(case_no, "Task_CountyReview", "agree")
    instance.complete(case_no, "Task_SignDossier", "forward")
    instance.complete(case_no, "Task_ConfirmDossier", "done")
    instance.complete(case_no, "Task_CityReview", "propose_deny", "不符合")
    instance.complete(case_no, "Task_CityDecide", "return", "再审")
    instance.complete(case_no, "Task_CityReview", "agree")
    instance.complete(case_no, "Task_CityDecide", "deny", "不符合规划")
    case = instance.finish(case_no)
    assert case["state"]["code"] == 13
    assert case["certificates"] == []


def test_a_forwarded_case_can_still_be_withdrawn_and_paused(instance: Instance) -> None:
    case_no = reviewed(instance)
    instance.task(case_no, "Task_CityReview")
    begun = instance.api("city.xzsp.reviewer").post(
        f"/cases/{case_no}/special-procedures", json={"kind": "检测", "days": 2, "reason": "设备检测"}
    )
    assert begun.is_success, begun.text
    withdrawn = instance.api("zhanggong.window").post(f"/cases/{case_no}/withdraw", json={"reason": "变更方案"})
    assert withdrawn.is_success
    assert instance.until(case_no, lambda c: not c["tasks"], "tasks gone")["state"]["code"] == 14


@pytest.mark.parametrize(
    ("item", "granted", "denied"),
    [
        ("S-01", "行政确认决定书", "不予行政确认决定书"),
        ("S-37", "备案通知书", "不予备案通知书"),
        ("S-45", "办理结果通知书", "不予办理通知书"),
    ],
)
def test_each_power_type_ends_in_its_own_words(instance: Instance, item: str, granted: str, denied: str) -> None:
    approved = instance.finish(instance.submit(item, "zhanggong"))
    refused = instance.finish(instance.submit(item, "zhanggong"), Task_CityDecide="deny")
    assert granted in {one["kind"] for one in approved["documents"]}
    assert denied in {one["kind"] for one in refused["documents"]}


def test_a_county_without_an_agreement_cannot_accept(instance: Instance) -> None:
    body = instance.body("S-30", "xingguo")
    answer = instance.api("xingguo.window").post("/cases", json=body, headers={"Idempotency-Key": "locked"})
    assert (answer.status_code, answer.json()["code"]) == (409, "agreement_missing")
