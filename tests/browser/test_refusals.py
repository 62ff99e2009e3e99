"""What the pages refuse, and how they say it."""

import itertools
import os
from collections.abc import Callable

from playwright.sync_api import expect

from tests.browser.staff import Staff
from tests.instance import PASSWORD, Instance

Arrive = Callable[[str | None], Staff]
numbers = itertools.count(700_000 + os.getpid() * 100)


def test_one_can_sign_in_and_reach_a_task_with_the_keyboard_alone(staff: Arrive, instance: Instance) -> None:
    case_no = instance.submit("W-01", "xunwu")
    instance.task(case_no, "Task_DecideAcceptance")
    page = staff(None).page
    page.goto(f"{instance.url}/?q={case_no}")
    page.keyboard.type("xunwu.window")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="待办任务")).to_be_visible()
    assert f"q={case_no}" in page.url
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="跳到主要内容")).to_be_focused()
    page.keyboard.press("Enter")
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.classList.contains('row-link')"):
            break
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="办理", exact=True)).to_be_visible()


def test_a_wrong_password_is_told_and_keeps_the_user_name(staff: Arrive) -> None:
    person = staff(None)
    person.open("/login")
    person.page.get_by_label("用户名").fill("xingguo.window")
    person.page.get_by_label("密码").fill("wrong-password")
    person.page.get_by_role("button", name="登录").click()
    expect(person.page.get_by_role("alert").filter(has_text="用户名或密码错误")).to_be_visible()
    expect(person.page.get_by_label("用户名")).to_have_value("xingguo.window")


def test_a_task_answered_in_two_windows_is_taken_once_and_refused_once(staff: Arrive, instance: Instance) -> None:
    case_no = instance.submit("W-01", "xingguo")
    task = instance.task(case_no, "Task_DecideAcceptance")
    first, second = staff("xingguo.window"), staff("xingguo.window")
    second.open(f"/tasks/{task['id']}")
    expect(second.page.get_by_role("button", name="提交")).to_be_enabled()
    first.answer_task(task["id"])
    with second.page.expect_navigation() as navigation:
        second.page.get_by_role("button", name="提交").click()
    assert navigation.value is not None
    assert navigation.value.status == 409
    expect(second.page.get_by_role("heading", name="该任务已经办结")).to_be_visible()
    told = [one for one in instance.case(case_no)["timeline"] if one["event"] == "task.completed"]
    assert len(told) == 1


def test_a_submission_sent_again_after_going_back_leads_to_the_same_case(staff: Arrive) -> None:
    window = staff("xingguo.window")
    window.fill_in_case("W-01", next(numbers), "重复提交")
    form = window.page.locator("#submission")
    fields = form.evaluate("form => [...new FormData(form).entries()]")
    case_no = window.submit_case()
    again = window.page.request.post(f"{window.url}/cases/new/W-01", form=dict(fields), max_redirects=0)
    assert again.status == 303
    assert f"/cases/{case_no}" in again.headers["location"]


def test_a_wrong_identity_number_is_told_at_its_field_and_nothing_typed_is_lost(staff: Arrive) -> None:
    window = staff("xingguo.window")
    window.fill_in_case("W-01", next(numbers), "证件号码有误")
    window.page.get_by_label("证件号码").fill("362101199001011234")
    window.page.get_by_role("button", name="提交接件").click()
    expect(window.page.locator("#problems")).to_contain_text("证件号码")
    number = window.page.get_by_label("证件号码")
    expect(number).to_have_attribute("aria-invalid", "true")
    expect(number).to_be_focused()
    expect(window.page.get_by_label("项目名称")).to_have_value("证件号码有误")


def test_another_countys_case_and_the_administration_are_forbidden_pages(staff: Arrive, instance: Instance) -> None:
    case_no = instance.submit("W-01", "ruijin")
    window = staff("xingguo.window")
    for path in (f"/cases/{case_no}", "/admin/processes"):
        assert window.open(path).status == 403
        expect(window.page.get_by_role("heading", name="没有权限")).to_be_visible()
    assert window.open("/no-such-page").status == 404
    expect(window.page.get_by_role("link", name="返回首页")).to_be_visible()


def test_a_post_without_the_forms_secret_is_refused_and_changes_nothing(staff: Arrive, instance: Instance) -> None:
    case_no = instance.submit("W-01", "xingguo")
    task = instance.task(case_no, "Task_DecideAcceptance")
    window = staff("xingguo.window")
    forged = window.page.request.post(
        f"{window.url}/tasks/{task['id']}/complete", form={"answer": '{"outcome":"accept"}'}
    )
    assert forged.status == 403
    assert instance.task(case_no, "Task_DecideAcceptance")["assignee"] is None


def test_pages_forbid_inline_script_and_foreign_frames(staff: Arrive) -> None:
    headers = staff(None).open("/login").headers
    policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
    assert policy["script-src"] == "'self'"
    assert policy["frame-ancestors"] == "'none'"
    assert headers["cache-control"] == "no-store"
