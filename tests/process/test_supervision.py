"""审管信息推送 on the real engine: every path of ``supervision-push``, to its in-time and its overdue end."""

from datetime import datetime
from typing import Any

import pytest

from tests.instance import Instance, eventually

pytestmark = pytest.mark.engine

AREA = "xingguo"
CITY, COUNTY = "city.zrzy.supervisor", "xingguo.supervisor"


def closed(instance: Instance, item: str = "W-01", **changes: Any) -> dict[str, Any]:
    """Return a case walked to its approval."""
    return instance.finish(instance.submit(item, AREA, **changes))


def push_to(instance: Instance, case_no: str, group: str) -> dict[str, Any]:
    """Return a case's push to a group, as the group sees it."""
    [found] = instance.api(group).get("/pushes", params={"case_no": case_no}).json()["items"]
    return dict(found)


def post(instance: Instance, username: str, push: dict[str, Any], action: str, **body: Any) -> Any:
    """Do something with a push; fail unless it is taken."""
    answer = instance.api(username).post(f"/pushes/{push['id']}/{action}", json=body or None)
    assert answer.is_success, answer.text
    return answer.json()


def tracking(instance: Instance, case_no: str) -> list[str]:
    """Return the states of the case's ``supervision-push`` instances."""
    found = instance.case(case_no)["process_instances"]
    return sorted(one["state"] for one in found if one["process_id"] == "supervision-push")


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def until_visited(instance: Instance, case_no: str, element: str) -> None:
    """Wait until a ``supervision-push`` instance of the case has been at an element."""

    def look() -> bool:
        for one in instance.case(case_no)["process_instances"]:
            if one["process_id"] == "supervision-push":
                seen = instance.api("admin.system").get(f"/process-instances/{one['key']}").json()
                if element in (*seen["active_elements"], *seen["completed_elements"]):
                    return True
        return False

    eventually(look, f"{element}: {instance.told(case_no)}")


def test_a_closed_case_is_pushed_at_once_to_the_city_and_the_county(instance: Instance) -> None:
    case = closed(instance)
    assert {(one["to"], one["role"]) for one in case["pushes"]} == {(CITY, "responsible"), (COUNTY, "follow_up")}
    for one in case["pushes"]:
        assert moment(case["closed_at"]) <= moment(one["pushed_at"]) <= moment(one["due_at"])
        assert one["on_time"]
        assert one["due_at"].endswith("T23:59:59+08:00")
    assert [one["event"] for one in case["timeline"]].count("push.sent") == 2


def test_a_direct_item_is_pushed_to_the_county_alone_and_a_denial_too(instance: Instance) -> None:
    case_no = instance.submit("D-01", AREA)
    case = instance.finish(case_no, Task_CountyDecide="deny")
    assert case["decision"] == "deny", case["opinions"]
    [only] = case["pushes"]
    assert (only["to"], only["decision"]) == (COUNTY, "deny")


def test_pushes_claimed_in_time_are_never_reminded_of(instance: Instance) -> None:
    case_no = closed(instance)["case_no"]
    city, county = push_to(instance, case_no, CITY), push_to(instance, case_no, COUNTY)
    assert post(instance, CITY, city, "claim")["claimed_at"] is not None
    assert tracking(instance, case_no) == ["active"]
    post(instance, COUNTY, county, "claim")
    eventually(lambda: tracking(instance, case_no) == ["completed"], "both claimed ends the tracking")
    instance.advance(days=16)
    for group in (CITY, COUNTY):
        seen = push_to(instance, case_no, group)
        assert (seen["reminded_at"], seen["escalated_at"]) == (None, None)


def test_an_unclaimed_push_is_reminded_of_when_due_then_reported_and_can_still_be_claimed(instance: Instance) -> None:
    case_no = closed(instance)["case_no"]
    city = push_to(instance, case_no, CITY)
    now = moment(instance.api("admin.system").get("/clock").json()["now"])
    instance.advance(seconds=(moment(city["due_at"]) - now).total_seconds() + 60)
    seen = push_to(instance, case_no, CITY)
    assert seen["reminded_at"] == city["due_at"]
    assert seen["escalated_at"] is None
    post(instance, CITY, city, "claim")
    until_visited(instance, case_no, "CatchEvent_ClaimedLate")
    instance.advance(days=16)
    county = push_to(instance, case_no, COUNTY)
    assert moment(county["escalated_at"]) > moment(county["due_at"])
    assert county["escalated_at"].endswith("T23:59:59+08:00")
    reported = instance.api("city.coordinator").get("/pushes", params={"state": "escalated"}).json()["items"]
    assert county["id"] in [one["id"] for one in reported]
    assert city["id"] not in [one["id"] for one in reported]
    post(instance, COUNTY, county, "claim")
    eventually(lambda: tracking(instance, case_no) == ["completed"], "claimed after the escalation")
    events = [one["event"] for one in instance.case(case_no)["timeline"]]
    assert (events.count("push.reminded"), events.count("push.escalated")) == (2, 1)


def test_feedback_reaches_the_approver_who_answers_it_in_a_task(instance: Instance) -> None:
    case_no = closed(instance)["case_no"]
    push = push_to(instance, case_no, CITY)
    post(instance, CITY, push, "feedback", kind="inspection", text="现场检查未发现问题")
    task = instance.task(case_no, "Task_AnswerFeedback")
    assert task["candidate_groups"] == ["city.zrzy.approver"]
    instance.complete(case_no, "Task_AnswerFeedback", "done", "已知悉，继续关注")

    def answered() -> Any:
        feedback = push_to(instance, case_no, CITY)["feedback"]
        return feedback if feedback["answered_at"] else None

    told = eventually(answered, "the answer is recorded")
    assert (told["answer"], told["answered_by"]) == ("已知悉，继续关注", "city.zrzy.approver")
    eventually(lambda: "completed" in tracking(instance, case_no), "the feedback's instance is over")


def test_an_approver_who_does_not_answer_in_time_is_reminded_and_can_still_answer(instance: Instance) -> None:
    case_no = closed(instance)["case_no"]
    push = push_to(instance, case_no, CITY)
    given = post(instance, CITY, push, "feedback", kind="correction_order", text="责令限期改正")
    instance.task(case_no, "Task_AnswerFeedback")
    now = moment(instance.api("admin.system").get("/clock").json()["now"])
    instance.advance(seconds=(moment(given["answer_due_at"]) - now).total_seconds() + 60)
    seen = push_to(instance, case_no, CITY)["feedback"]
    assert seen["reminded_at"] == given["answer_due_at"]
    for group in ("city.zrzy.approver", "city.coordinator"):
        told = instance.api(group).get("/notices", params={"case_no": case_no}).json()["items"]
        assert [one["signal"] for one in told].count("feedback_overdue") == 1
    until_visited(instance, case_no, "EndEvent_ApproverReminded")
    instance.complete(case_no, "Task_AnswerFeedback", "done", "已督促改正")
    instance.until(case_no, lambda case: not case["tasks"], "the task is gone")


def test_feedback_answered_in_the_ledger_takes_the_task_off_the_list(instance: Instance) -> None:
    case_no = closed(instance)["case_no"]
    push = push_to(instance, case_no, COUNTY)
    for text in ("责令限期改正", "复查仍未改正"):
        post(instance, COUNTY, push, "feedback", kind="correction_order", text=text)
    eventually(lambda: len(instance.case(case_no)["tasks"]) == 2, "each feedback has its task")
    post(instance, "city.zrzy.approver", push, "read")
    post(instance, "city.zrzy.approver", push, "answer", text="已约谈申请人")
    instance.until(case_no, lambda case: not case["tasks"], "the tasks are gone")
    until_visited(instance, case_no, "EndEvent_AnsweredInLedger")
    assert [one["answer"] for one in push_to(instance, case_no, COUNTY)["feedbacks"]] == ["已约谈申请人"] * 2


def test_a_restriction_meets_the_applicants_next_application_until_it_is_lifted(instance: Instance) -> None:
    body = instance.body("W-01", AREA)
    case_no = closed(instance, applicant=body["applicant"])["case_no"]
    push = push_to(instance, case_no, CITY)
    given = post(instance, CITY, push, "feedback", kind="restriction", text="一年内限制申请")

    def checked() -> dict[str, Any]:
        following = instance.submit("W-01", AREA, applicant=body["applicant"])
        instance.task(following, "Task_DecideAcceptance")
        return instance.case(following, "xingguo.window")

    case = checked()
    [finding] = [one for one in case["form_check"] if one["rule"] == "restriction"]
    assert not finding["passed"]
    assert "一年内限制申请" in finding["message"]
    assert [one["text"] for one in case["restrictions"]] == ["一年内限制申请"]
    post(instance, CITY, push, f"feedback/{given['id']}/lift")
    case = checked()
    assert case["restrictions"] == []
    assert not [one for one in case["form_check"] if one["rule"] == "restriction"]
