"""A case through the pages, from the window to its decision."""

import itertools
import os
import re
import time
from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser.staff import Staff
from tests.instance import DEADLINE_SECONDS, Instance

Arrive = Callable[[str | None], Staff]
numbers = itertools.count(500_000 + os.getpid() * 100)


def test_a_case_goes_through_the_pages_from_the_window_to_its_approval(staff: Arrive, instance: Instance) -> None:
    people: dict[str, Staff] = {"xingguo.window": staff("xingguo.window")}
    window = people["xingguo.window"]
    window.fill_in_case("W-01", next(numbers), "页面全程办理")
    case_no = window.submit_case()
    expect(window.page.locator(".case-head .query-code")).to_have_text(re.compile(r"^[0-9A-Z]{8}$"))
    receipt = window.page.get_by_role("link", name="打开材料接收凭证").get_attribute("href")
    pdf = window.page.request.get(f"{instance.url}{receipt}")
    assert pdf.headers["content-type"] == "application/pdf"
    assert pdf.body().startswith(b"%PDF")

    walked = []
    deadline = time.monotonic() + 4 * DEADLINE_SECONDS
    while (case := instance.case(case_no))["closed_at"] is None:
        assert time.monotonic() < deadline, instance.told(case_no)
        for task in case["tasks"]:
            group = task["candidate_groups"][0]
            person = people.get(group) or people.setdefault(group, staff(group))
            person.answer_task(task["id"])
            walked.append(task["element_id"])
    assert walked[0] == "Task_DecideAcceptance"
    assert len(walked) == len(set(walked))

    window.open(f"/cases/{case_no}")
    expect(window.page.locator(".case-head")).to_contain_text("办结(通过)")
    expect(window.page.locator(".case-head")).to_contain_text("准予")
    expect(window.page.get_by_role("heading", name="当前环节").locator("xpath=../..")).to_contain_text("没有待办环节")
    expect(window.page.locator(".timeline")).to_contain_text("受理")


def test_a_returned_dossier_tells_the_next_person_why(staff: Arrive, instance: Instance) -> None:
    case_no = instance.submit("W-01", "xingguo")
    instance.complete(case_no, "Task_DecideAcceptance", "accept")
    instance.complete(case_no, "Task_ConfirmReceipt", "done")
    review = instance.task(case_no, "Task_CityReview")
    staff(review["candidate_groups"][0]).answer_task(review["id"], "退回", "坐标与图件不一致")
    back = instance.task(case_no, "Task_HandleReturn")
    person = staff(back["candidate_groups"][0])
    person.open(f"/tasks/{back['id']}")
    expect(person.page.get_by_text("本件曾被退回")).to_be_visible()
    expect(person.page.locator(".notice-warn")).to_contain_text("坐标与图件不一致")


def test_what_the_form_check_found_is_offered_as_the_list_to_correct(staff: Arrive, instance: Instance) -> None:
    body = instance.body("W-01", "xingguo")
    lacking = body["materials"][0]
    lacking["present"] = False
    case_no = instance.submit("W-01", "xingguo", materials=body["materials"])
    task = instance.task(case_no, "Task_DecideAcceptance")
    window = staff("xingguo.window")
    window.open(f"/tasks/{task['id']}")
    window.page.get_by_role("button", name="提交", exact=True).click()
    expect(window.page.locator("#problems")).to_contain_text(lacking["name"])
    window.page.locator("#form").get_by_label("一次性告知补正", exact=True).check()
    listed = window.page.get_by_label("需要补正的内容")
    expect(listed).to_have_value(re.compile(lacking["name"]))
    listed.fill("申请书须由法定代表人签字")
    window.page.get_by_role("button", name="提交", exact=True).click()
    expect(window.page.get_by_text("已提交。")).to_be_visible()
    [answer] = [one for one in instance.case(case_no)["opinions"] if one["task"] == task["name"]]
    assert answer["outcome"] == "correct"
    instance.until(case_no, lambda case: case["state"]["code"] == 6, "state 补正(开始)")


def test_a_claim_in_the_list_changes_the_row_and_the_counters_without_a_reload(
    staff: Arrive, instance: Instance
) -> None:
    case_no = instance.submit("W-01", "huichang")
    task = instance.task(case_no, "Task_DecideAcceptance")
    window = staff("huichang.window")
    window.open(f"/?q={case_no}")
    row = window.page.locator(f"#task-{task['id']}")
    mine = window.page.get_by_role("link", name=re.compile("^我的"))
    before = int(mine.locator(".count").inner_text())
    row.get_by_role("button", name=re.compile("^认领")).click()
    expect(row).to_contain_text("本人")
    expect(row.get_by_role("link", name=re.compile("^办理"))).to_be_visible()
    expect(mine.locator(".count")).to_have_text(str(before + 1))


def test_the_open_case_page_shows_the_next_step_by_itself_and_draws_where_it_stands(
    staff: Arrive, instance: Instance
) -> None:
    case_no = instance.submit("W-01", "xingguo")
    instance.task(case_no, "Task_DecideAcceptance")
    window = staff("xingguo.window")
    window.open(f"/cases/{case_no}")
    window.page.locator("#diagram").scroll_into_view_if_needed()
    active = window.page.locator("#diagram .active[data-element-id=CallActivity_Acceptance]")
    expect(active).to_be_visible(timeout=15_000)
    instance.complete(case_no, "Task_DecideAcceptance", "accept")
    name = instance.task(case_no, "Task_ConfirmReceipt")["name"]
    expect(window.page.locator(".steps-now")).to_contain_text(name, timeout=15_000)
    done = window.page.locator("#diagram .done[data-element-id=CallActivity_Acceptance]")
    expect(done).to_be_visible(timeout=15_000)
