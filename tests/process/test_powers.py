"""Agreements, filings, recalls and lists on the real engine, each to its end in time and to its overdue end."""

import csv
import io
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from settings import PROJECT_ROOT
from tests.instance import Instance, eventually
from tests.process.asking import get, post, refusal, today

pytestmark = pytest.mark.engine

AREA, DIRECT, UNIT = "xingguo", "D-01", "jtys"
SUBSTANTIVE, SUBSTANTIVE_UNIT = "S-01", "xzsp"


def event_names(shown: dict[str, Any]) -> list[str]:
    """Return the events of an agreement, a recall or a list."""
    return [one["event"] for one in shown["events"]]


def substantive_item(instance: Instance) -> dict[str, Any]:
    """Return a substantive item of the area."""
    items = get(instance, "city.coordinator", f"/items?mode=substantive&area={AREA}")["items"]
    return next(one for one in items if one["code"] == SUBSTANTIVE)


def await_engine(instance: Instance, process_id: str, element_id: str, *, after: str) -> None:
    """Wait until the newest instance of a process has passed one element and stands at another.

    What is sent next is then caught there. The history is told a second later than it happens: without ``after`` an
    earlier visit could pass for this one.
    """

    def there() -> bool:
        newest, *_ = get(instance, "admin.system", f"/processes/{process_id}/instances?limit=1")["items"]
        told = get(instance, "admin.system", f"/process-instances/{newest['key']}")
        return after in told["completed_elements"] and element_id in told["active_elements"]

    eventually(there, f"{process_id} at {element_id}")


def agreement(instance: Instance, area: str, item: str, unit: str, begins: date) -> int:
    """Draft an agreement and have both sides sign it."""
    drafted = post(
        instance,
        "city.coordinator",
        "/agreements",
        201,
        area=area,
        unit=unit,
        items=[item],
        procedure="按审核审批程序办理",
        in_force_from=begins.isoformat(),
    )
    number = int(drafted["id"])
    assert drafted["state"] == "draft"
    post(instance, f"city.{unit}.approver", f"/agreements/{number}/sign")
    assert instance.api(f"city.{unit}.approver").post(f"/agreements/{number}/sign").json()["code"] == "already_signed"
    post(instance, f"{area}.approver", f"/agreements/{number}/sign")
    return number


def test_an_agreement_unlocks_its_items_on_its_day_and_locks_them_again(instance: Instance) -> None:
    area = "shangyou"
    unit = substantive_item(instance)["unit"]
    assert refusal(instance, SUBSTANTIVE, area) == "agreement_missing"
    begins = today(instance) + timedelta(days=2)
    number = agreement(instance, area, SUBSTANTIVE, unit, begins)
    assert get(instance, "city.coordinator", f"/agreements/{number}")["state"] == "signed"
    assert refusal(instance, SUBSTANTIVE, area) == "agreement_missing"
    instance.advance(days=2)

    def entered() -> dict[str, Any] | None:
        shown = get(instance, "city.coordinator", f"/agreements/{number}")
        return shown if "agreement.in_force" in event_names(shown) else None

    shown = eventually(entered, "the agreement's day in its history")
    assert shown["state"] == "in_force"
    came = next(one for one in shown["events"] if one["event"] == "agreement.in_force")
    assert datetime.fromisoformat(came["at"]).date() == begins
    assert refusal(instance, SUBSTANTIVE, area) == ""
    post(instance, f"city.{unit}.approver", f"/agreements/{number}/suspend", reason="整改")
    assert refusal(instance, SUBSTANTIVE, area) == "agreement_missing"
    post(instance, f"city.{unit}.approver", f"/agreements/{number}/resume", reason="整改完成")
    assert refusal(instance, SUBSTANTIVE, area) == ""
    await_engine(instance, "takeover-agreement", "Gateway_AwaitChange", after="CatchEvent_Resumed")
    ended = post(instance, "city.coordinator", f"/agreements/{number}/end", reason="期满")
    assert ended["state"] == "ended"
    assert refusal(instance, SUBSTANTIVE, area) == "agreement_missing"
    assert instance.api("city.coordinator").post(f"/agreements/{number}/resume").json()["code"] == "agreement_state"


def test_an_agreement_names_only_items_that_can_be_taken_over(instance: Instance) -> None:
    body = {"area": AREA, "unit": UNIT, "items": [DIRECT], "procedure": "程序", "in_force_from": "2027-01-01"}
    assert instance.api("city.coordinator").post("/agreements", json=body).status_code == 422
    assert instance.api("ganxian.window").post("/agreements", json=body).status_code == 403


def test_a_county_decision_is_filed_questioned_answered_and_acknowledged(instance: Instance) -> None:
    case = instance.finish(instance.submit(DIRECT, AREA))
    (filing,) = case["filings"]
    number, city, county = filing["id"], f"city.{UNIT}.reviewer", f"{AREA}.reviewer"
    assert filing["state"] == "filed"
    assert instance.api("city.zrzy.reviewer").post(f"/filings/{number}/acknowledge").status_code == 403
    asked = post(instance, city, f"/filings/{number}/question", text="依据是什么？", answer_due_days=3)
    assert asked["state"] == "questioned"
    assert instance.api(city).post(f"/filings/{number}/acknowledge").json()["code"] == "filing_state"
    post(instance, county, f"/filings/{number}/answer", text="依据如下。")
    done = post(instance, city, f"/filings/{number}/acknowledge")
    assert done["state"] == "acknowledged"
    assert [one["overdue"] for one in done["questions"]] == [False]
    eventually(
        lambda: any(
            one["process_id"] == "county-filing" and one["state"] == "completed"
            for one in instance.case(case["case_no"])["process_instances"]
        ),
        "the end of county-filing",
    )


def test_a_filing_nobody_acknowledges_is_recalled_to_mind_and_a_late_answer_is_noted(instance: Instance) -> None:
    case = instance.finish(instance.submit(DIRECT, AREA))
    number = case["filings"][0]["id"]
    due = case["filings"][0]["due_at"]
    instance.advance(days=24)

    def reminded() -> dict[str, Any] | None:
        shown = get(instance, f"city.{UNIT}.approver", f"/filings/{number}")
        return shown if shown["reminders"] == 1 else None

    eventually(reminded, "the reminder")
    history = get(instance, "city.coordinator", "/power-events?subject=filing&limit=200")["items"]
    reminder = next(one for one in history if one["event"] == "filing.reminded" and one["subject_id"] == number)
    assert reminder["at"] == due
    post(instance, f"city.{UNIT}.approver", f"/filings/{number}/question", text="请说明", answer_due_days=1)
    instance.advance(days=5)
    shown = eventually(
        lambda: (
            found
            if (found := get(instance, "city.coordinator", f"/filings/{number}"))["questions"][0]["overdue"]
            else None
        ),
        "the overdue answer",
    )
    assert shown["state"] == "questioned"
    post(instance, f"{AREA}.approver", f"/filings/{number}/answer", text="说明如下")
    assert post(instance, f"city.{UNIT}.reviewer", f"/filings/{number}/acknowledge")["state"] == "acknowledged"


def proposal(instance: Instance, item: str, area: str) -> int:
    """Propose a recall and return its number."""
    reason = "审核质量不达标"
    return int(post(instance, "city.coordinator", "/recall-proposals", 201, item=item, area=area, reason=reason)["id"])


def test_the_county_is_heard_before_a_proposed_recall_is_decided(instance: Instance) -> None:
    item, area = "D-03", "anyuan"
    number = proposal(instance, item, area)
    order = {"item": item, "area": area, "reason": "决定收回", "in_flight": "finish"}
    early = instance.api("city.coordinator").post("/recalls", json=order)
    assert early.json()["code"] == "county_not_heard"
    post(instance, f"{area}.approver", f"/recall-proposals/{number}/statement", text="已整改")
    day = (today(instance) + timedelta(days=3)).isoformat()
    decided = post(instance, "city.coordinator", "/recalls", 201, **order, effective_on=day)
    assert (decided["id"], decided["state"]) == (number, "decided")
    assert refusal(instance, item, area) == ""
    instance.advance(days=3)
    shown = eventually(
        lambda: (
            found
            if (found := get(instance, "city.coordinator", f"/recalls/{number}"))["state"] == "effective"
            else None
        ),
        "the recall's day",
    )
    assert datetime.fromisoformat(shown["took_effect_at"]).date().isoformat() == day
    assert refusal(instance, item, area) == "item_not_delegated"
    listed = get(instance, "city.coordinator", f"/items?mode=direct&area={area}")["items"]
    assert item not in {one["code"] for one in listed}
    post(instance, "city.coordinator", f"/recalls/{number}/restore", reason="整改到位")
    assert refusal(instance, item, area) in ("", "duplicate_open_case")


def test_a_county_that_says_nothing_in_time_counts_as_heard_and_a_proposal_may_be_dropped(instance: Instance) -> None:
    number = proposal(instance, "D-04", "anyuan")
    due = get(instance, "city.coordinator", f"/recalls/{number}")["statement_due_at"]
    instance.advance(days=16)
    shown = eventually(
        lambda: (
            found if (found := get(instance, "city.coordinator", f"/recalls/{number}"))["state"] == "heard" else None
        ),
        "the end of the hearing",
    )
    lapsed = next(one for one in shown["events"] if one["event"] == "recall.hearing_lapsed")
    assert lapsed["at"] == due
    late = instance.api("anyuan.approver").post(f"/recall-proposals/{number}/statement", json={"text": "意见"})
    assert late.json()["code"] == "recall_state"
    dropped = post(instance, "city.coordinator", f"/recall-proposals/{number}/drop", reason="不再收回")
    assert dropped["state"] == "dropped"


def test_ten_cases_in_flight_go_on_with_the_city_none_lost_and_none_doubled(instance: Instance) -> None:
    item, area, unit = DIRECT, "yudu", UNIT
    numbers = [instance.submit(item, area) for _ in range(10)]
    for case_no in numbers[2:]:
        instance.complete(case_no, "Task_DecideAcceptance", "accept")
    for case_no in numbers[5:]:
        instance.complete(case_no, "Task_CountyReview", "agree")
    instance.complete(numbers[1], "Task_DecideAcceptance", "correct", "缺材料")
    instance.until(numbers[1], lambda c: c["state"]["code"] == 6, "补正")
    instance.complete(numbers[9], "Task_CountyDecide", "approve")
    for case_no in numbers[2:5]:
        instance.task(case_no, "Task_CountyReview")
    for case_no in numbers[5:9]:
        instance.task(case_no, "Task_CountyDecide")
    shown = get(instance, "city.coordinator", f"/recalls/preview?item={item}&area={area}")["items"]
    assert {one["case_no"] for one in shown} == set(numbers)
    assert [one["if_transfer"] for one in shown if one["case_no"] == numbers[9]] == ["finish"]
    order = {"item": item, "area": area, "reason": "收回", "in_flight": "transfer"}
    recalled = post(
        instance, f"city.{unit}.approver", "/recalls", 201, **order, effective_on=today(instance).isoformat()
    )
    assert recalled["state"] == "effective"
    assert sorted(one["case_no"] for one in recalled["cases"]) == sorted(numbers)
    transferred = numbers[:9]
    for case_no in transferred:
        case = instance.until(
            case_no,
            lambda c: any(one["process_id"] == "city-takeover" for one in c["process_instances"]),
            "the city's process",
        )
        assert case["level"] == 1
        assert not [one for one in case["tasks"] if one["candidate_groups"][0].startswith(f"{area}.")]
    materials = [{"name": "补充说明", "copies": 1, "kind": "original", "present": True}]
    supplied = instance.api(f"{area}.window").post(f"/cases/{numbers[1]}/materials", json={"materials": materials})
    assert supplied.is_success, supplied.text
    task = instance.task(numbers[1], "Task_DecideAfterCorrection")
    assert task["candidate_groups"] == [f"city.{unit}.reviewer"]
    for case_no in numbers:
        case = instance.finish(case_no)
        events = [one["event"] for one in case["timeline"]]
        for once in ("case.received", "case.accepted", "case.decided", "case.closed"):
            assert events.count(once) == 1, (case_no, events)
        assert events.count("case.transferred") == (1 if case_no in transferred else 0)
        decisions = [one for one in case["documents"] if "通知书" in one["kind"] and "备案" in one["kind"]]
        assert len(decisions) == 1
        assert ("市级审批专用章" in decisions[0]["seal"]) == (case_no in transferred)
        assert bool(case["filings"]) == (case_no not in transferred)
        by_city = {(f"city.{unit}.supervisor", "responsible"), (f"{area}.supervisor", "follow_up")}
        by_county = {(f"{area}.supervisor", "responsible")}
        pushed = {(one["to"], one["role"]) for one in case["pushes"]}
        assert pushed == (by_city if case_no in transferred else by_county)
        assert instance.api(f"city.{unit}.supervisor").get(f"/cases/{case_no}").is_success == (case_no in transferred)
        roots = [one for one in case["process_instances"] if one["process_id"] == "direct-devolution"]
        assert len(roots) == 1
    assert refusal(instance, item, area) == "item_not_delegated"


def test_a_case_handed_over_can_still_be_withdrawn(instance: Instance) -> None:
    item, area = "D-02", "huichang"
    case_no = instance.submit(item, area)
    instance.complete(case_no, "Task_DecideAcceptance", "accept")
    instance.task(case_no, "Task_CountyReview")
    post(instance, "city.coordinator", "/recalls", 201, item=item, area=area, reason="收回", in_flight="transfer")
    instance.task(case_no, "Task_CityReview")
    answer = instance.api(f"{area}.window").post(f"/cases/{case_no}/withdraw", json={"reason": "不办了"})
    assert answer.is_success, answer.text
    case = instance.until(case_no, lambda c: c["closed_at"] and not c["tasks"], "withdrawn")
    assert case["state"]["code"] == 14
    instance.until(
        case_no,
        lambda c: all(one["state"] != "active" for one in c["process_instances"]),
        "the end of every process of the case",
    )


def test_a_recall_may_leave_the_cases_in_flight_with_the_county(instance: Instance) -> None:
    item, area = "D-02", "xunwu"
    case_no = instance.submit(item, area)
    instance.complete(case_no, "Task_DecideAcceptance", "accept")
    post(instance, "city.coordinator", "/recalls", 201, item=item, area=area, reason="收回", in_flight="finish")
    assert refusal(instance, item, area) == "item_not_delegated"
    case = instance.finish(case_no)
    assert case["state"]["code"] == 11
    assert case["level"] == 0


def test_a_new_list_is_reviewed_by_another_person_and_asks_for_the_citys_consent(instance: Instance) -> None:
    source = (PROJECT_ROOT / "catalog_data" / "items.csv").read_text(encoding="utf-8")
    rows = [one for one in csv.DictReader(io.StringIO(source)) if one["code"] == "D-05"]
    running = instance.submit("D-05", AREA)
    rows[0]["approval_filing"] = "yes"
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    unit = rows[0]["unit"]
    body = {"title": "清单调整", "in_force_from": today(instance).isoformat(), "csv": text.getvalue()}
    draft = post(instance, "city.xzsp.approver", "/list-drafts", 201, **body)
    (difference,) = draft["differences"]
    assert [one["field"] for one in difference["changes"]] == ["approval_filing"]
    number = draft["id"]
    post(instance, "city.xzsp.approver", f"/list-drafts/{number}/submit")
    assert instance.api("city.xzsp.approver").post(f"/list-drafts/{number}/publish").json()["code"] == "same_person"
    assert post(instance, "city.coordinator", f"/list-drafts/{number}/publish")["state"] == "published"
    case_no = instance.submit("D-05", AREA)
    instance.complete(case_no, "Task_DecideAcceptance", "accept")
    instance.complete(case_no, "Task_CountyReview", "agree")
    assert instance.task(case_no, "Task_CityConsent")["candidate_groups"] == [f"city.{unit}.reviewer"]
    instance.complete(case_no, "Task_CityConsent", "return", "再核实")
    instance.complete(case_no, "Task_CountyReview", "agree")
    instance.complete(case_no, "Task_CityConsent", "agree")
    case = instance.finish(case_no)
    assert case["filings"][0]["kind"] == "approval"
    assert case["filings"][0]["consented_by"] == f"city.{unit}.reviewer"
    old = instance.finish(running)
    assert "Task_CityConsent" not in {one["element_id"] for one in old["opinions"]}
    assert old["filings"][0]["kind"] == "report"


def ended(instance: Instance, process_id: str, before: int) -> None:
    """Wait until one more instance of a process has completed."""
    eventually(lambda: completed(instance, process_id) > before, f"the end of {process_id}")


def completed(instance: Instance, process_id: str) -> int:
    """Return how many instances of a process have completed."""
    shown = get(instance, "admin.system", f"/processes/{process_id}/instances?state=completed&limit=200")
    return len(shown["items"])


@pytest.mark.parametrize("steps", [["end"], ["sign", "end"], ["sign", "suspend", "end"]])
def test_an_agreement_may_end_at_every_stage(instance: Instance, steps: list[str]) -> None:
    unit = substantive_item(instance)["unit"]
    before = completed(instance, "takeover-agreement")
    begins = today(instance) + timedelta(days=400)
    body = {"area": "xinfeng", "unit": unit, "items": [SUBSTANTIVE], "procedure": "程序"}
    drafted = post(instance, "city.coordinator", "/agreements", 201, **body, in_force_from=begins.isoformat())
    for step in steps:
        for account in (f"city.{unit}.approver", "xinfeng.approver") if step == "sign" else ("city.coordinator",):
            post(instance, account, f"/agreements/{drafted['id']}/{step}")
    ended(instance, "takeover-agreement", before)


def test_a_proposal_may_be_dropped_and_a_recall_revoked_before_their_terms(instance: Instance) -> None:
    before = completed(instance, "delegation-recall")
    number = proposal(instance, "D-06", "dayu")
    post(instance, "city.coordinator", f"/recall-proposals/{number}/drop", reason="不再提出")
    ended(instance, "delegation-recall", before)
    day = (today(instance) + timedelta(days=300)).isoformat()
    order = {"item": "D-06", "area": "dayu", "reason": "收回", "in_flight": "transfer", "effective_on": day}
    decided = post(instance, "city.coordinator", "/recalls", 201, **order)
    post(instance, "city.coordinator", f"/recalls/{decided['id']}/restore", reason="撤销")
    ended(instance, "delegation-recall", before + 1)
    assert refusal(instance, "D-06", "dayu") == ""


def test_the_city_takes_over_a_supplemented_case_and_a_substantive_one_and_may_refuse_or_return(
    instance: Instance,
) -> None:
    item, area = "D-07", "longnan"
    case_no = instance.submit(item, area)
    instance.complete(case_no, "Task_DecideAcceptance", "correct", "缺材料")
    instance.until(case_no, lambda c: c["state"]["code"] == 6, "补正")
    materials = [{"name": "补充说明", "copies": 1, "kind": "original", "present": True}]
    instance.api(f"{area}.window").post(f"/cases/{case_no}/materials", json={"materials": materials})
    instance.task(case_no, "Task_DecideAfterCorrection")
    post(instance, "city.coordinator", "/recalls", 201, item=item, area=area, reason="收回", in_flight="transfer")
    eventually(
        lambda: instance.task(case_no, "Task_DecideAfterCorrection")["candidate_groups"][0].startswith("city.") or None,
        "the city's acceptance",
    )
    instance.complete(case_no, "Task_DecideAfterCorrection", "refuse", "仍不符合")
    case = instance.until(case_no, lambda c: c["closed_at"], "refused")
    assert case["state"]["code"] == 5

    area = "zhanggong"
    case_no = instance.submit(SUBSTANTIVE, area)
    instance.complete(case_no, "Task_DecideAcceptance", "accept")
    instance.until(case_no, lambda c: c["tasks"] and c["accepted_at"], "the county's work")
    recall = {"item": SUBSTANTIVE, "area": area, "reason": "收回", "in_flight": "transfer"}
    number = post(instance, "city.coordinator", "/recalls", 201, **recall)["id"]
    instance.complete(case_no, "Task_CityReview", "return", "请说明")
    instance.complete(case_no, "Task_HandleReturn", "done", "说明")
    instance.complete(case_no, "Task_CityReview", "propose_deny", "不符合")
    instance.complete(case_no, "Task_CityDecide", "return", "再核")
    instance.complete(case_no, "Task_CityReview", "agree")
    instance.complete(case_no, "Task_CityDecide", "deny", "不符合条件")
    assert instance.finish(case_no)["state"]["code"] == 13
    post(instance, "city.coordinator", f"/recalls/{number}/restore", reason="恢复")


def test_the_city_takes_over_a_window_case_and_may_stop_its_clock_and_leave_it_undelivered(instance: Instance) -> None:
    item, area = "W-06", "shicheng"
    case_no = instance.submit(item, area)
    instance.task(case_no, "Task_DecideAcceptance")
    recall = {"item": item, "area": area, "reason": "承接不到位", "in_flight": "transfer"}
    number = post(instance, "city.coordinator", "/recalls", 201, **recall)["id"]
    case = instance.until(
        case_no,
        lambda c: [one for one in c["tasks"] if one["candidate_groups"][0].startswith("city.")],
        "the city works on it",
    )
    instance.complete(case_no, case["tasks"][0]["element_id"], "accept")
    instance.task(case_no, "Task_CityReview")
    handler = f"city.{case['city_unit']}.reviewer"
    begun = instance.api(handler).post(
        f"/cases/{case_no}/special-procedures", json={"kind": "检测", "days": 3, "reason": "现场检测"}
    )
    assert begun.is_success, begun.text
    ended = instance.api(handler).post(f"/cases/{case_no}/special-procedures/{begun.json()['id']}/end")
    assert ended.is_success, ended.text

    def at_delivery() -> bool:
        open_tasks = instance.case(case_no)["tasks"]
        if "Task_Deliver" in [task["element_id"] for task in open_tasks]:
            return True
        for task in open_tasks:
            instance.complete(case_no, task["element_id"], task["outcomes"][0]["value"])
        return False

    eventually(at_delivery, f"{case_no} to be delivered")
    instance.advance(days=40)
    assert instance.finish(case_no)["state"]["code"] == 11
    post(instance, "city.coordinator", f"/recalls/{number}/restore", reason="整改到位")


def test_a_special_procedure_under_way_is_watched_over_after_the_city_took_the_case(instance: Instance) -> None:
    item, area = "D-09", "quannan"
    case_no = instance.submit(item, area)
    instance.complete(case_no, "Task_DecideAcceptance", "accept")
    instance.task(case_no, "Task_CountyReview")
    begun = post(
        instance,
        f"{area}.reviewer",
        f"/cases/{case_no}/special-procedures",
        201,
        kind="检测",
        days=3,
        reason="现场检测",
    )
    post(instance, "city.coordinator", "/recalls", 201, item=item, area=area, reason="收回", in_flight="transfer")
    instance.task(case_no, "Task_CityReview")
    await_engine(instance, "special-procedure", "Gateway_AwaitProcedureEnd", after="StartEvent_SpecialProcedureBegun")
    instance.advance(days=10)
    told = [one["event"] for one in instance.case(case_no)["timeline"]]
    assert told.count("special_procedure.overdue") == 1
    handler = instance.task(case_no, "Task_CityReview")["candidate_groups"][0]
    post(instance, handler, f"/cases/{case_no}/special-procedures/{begun['id']}/end")
    assert instance.finish(case_no)["state"]["code"] == 11


def test_a_dossier_returned_to_a_county_that_lost_the_power_stays_with_the_city(instance: Instance) -> None:
    item, area = "S-30", "zhanggong"
    case_no = instance.submit(item, area)
    instance.complete(case_no, "Task_DecideAcceptance", "accept")
    instance.complete(case_no, "Task_CountyReview", "agree", "符合条件")
    instance.complete(case_no, "Task_SignDossier", "forward", "同意转报")
    instance.complete(case_no, "Task_ConfirmDossier", "done")
    instance.task(case_no, "Task_CityReview")
    recall = {"item": item, "area": area, "reason": "收回", "in_flight": "transfer"}
    number = post(instance, "city.coordinator", "/recalls", 201, **recall)["id"]
    (row,) = [
        one for one in get(instance, "city.coordinator", f"/recalls/{number}")["cases"] if one["case_no"] == case_no
    ]
    assert row["disposition"] == "with_city"
    instance.complete(case_no, "Task_CityReview", "return", "材料需核实")
    case = instance.until(
        case_no,
        lambda c: [one for one in c["tasks"] if one["process_id"] == "city-takeover"],
        "the city goes on",
    )
    assert all(task["candidate_groups"][0].startswith("city.") for task in case["tasks"])
    instance.complete(case_no, "Task_CityReview", "agree")
    instance.complete(case_no, "Task_CityDecide", "approve")
    assert instance.finish(case_no)["state"]["code"] == 11
    (row,) = [
        one for one in get(instance, "city.coordinator", f"/recalls/{number}")["cases"] if one["case_no"] == case_no
    ]
    assert row["disposition"] == "transfer"
    post(instance, "city.coordinator", f"/recalls/{number}/restore", reason="恢复")


def test_what_the_county_answered_at_the_moment_of_a_recall_is_carried_out_once(instance: Instance) -> None:
    item, area = "D-09", "xinfeng"
    numbers = [instance.submit(item, area) for _ in range(3)]
    for case_no in numbers:
        instance.task(case_no, "Task_DecideAcceptance")
    refused, corrected, accepted = numbers
    instance.complete(refused, "Task_DecideAcceptance", "refuse", "不属于本机关职权")
    instance.complete(corrected, "Task_DecideAcceptance", "correct", "缺材料")
    instance.complete(accepted, "Task_DecideAcceptance", "accept")
    recall = {"item": item, "area": area, "reason": "收回", "in_flight": "transfer"}
    shown = post(instance, "city.coordinator", "/recalls", 201, **recall)
    touched = {one["case_no"]: one["disposition"] for one in shown["cases"]}
    assert (touched.get(refused, "finish"), touched[corrected], touched[accepted]) == ("finish", "transfer", "transfer")
    case = instance.until(refused, lambda c: c["closed_at"], "the county's refusal")
    assert (case["state"]["code"], case["level"]) == (5, 0)
    instance.task(accepted, "Task_CityReview")
    case = instance.case(accepted)
    assert [one["event"] for one in case["timeline"]].count("case.accepted") == 1
    assert next(one for one in case["timeline"] if one["event"] == "case.accepted")["actor"] == f"{area}.window"
    case = instance.until(
        corrected, lambda c: c["state"]["code"] == 6 and _in_city(c), "the correction in the city's hands"
    )
    assert [one["event"] for one in case["timeline"]].count("case.correction_requested") == 1
    materials = [{"name": "补充说明", "copies": 1, "kind": "original", "present": True}]
    instance.api(f"{area}.window").post(f"/cases/{corrected}/materials", json={"materials": materials})
    task = instance.task(corrected, "Task_DecideAfterCorrection")
    assert task["candidate_groups"] == ["city.xzsp.reviewer"]
    for case_no in (accepted, corrected):
        assert instance.finish(case_no)["state"]["code"] == 11
        assert instance.case(case_no)["level"] == 1


def _in_city(case: dict[str, Any]) -> bool:
    return any(one["process_id"] == "city-takeover" for one in case["process_instances"])
