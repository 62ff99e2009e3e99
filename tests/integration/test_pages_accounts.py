"""The pages of the three administrators, and everybody's own account, as a browser without scripts uses them."""
# ruff: noqa: F401, F811 - pytest takes the imported fixture by its name.

import re
from typing import Any

import pytest

from tests.integration.people import AUDITOR, OWN, SECURITY, SYSTEM, granted, opened, person, sign_in
from tests.integration.web import PASSWORD, Web, serial, web

WINDOW = "xingguo.window"


def enter(web: Web, username: str, password: str) -> Any:
    """Sign in to the pages and return the page one lands on."""
    web.client.cookies.clear()
    fresh = re.search(r'name="csrf" value="([^"]+)"', web.client.get("/login").text)
    assert fresh is not None
    landed = web.client.post("/login", data={"username": username, "password": password, "csrf": fresh[1]})
    assert landed.status_code == 200, landed.text
    return landed


def secret(page: Any) -> str:
    """Return the secret of a page's forms."""
    found = re.search(r'name="csrf" value="([^"]+)"', page.text)
    assert found is not None
    return found[1]


def one_time_password(page: Any) -> str:
    """Return the password a page shows once."""
    found = re.search(r'一次性密码 <span class="mono">([^<]+)</span>', page.text)
    assert found is not None
    return found[1]


@pytest.mark.parametrize(
    ("username", "path", "heading"),
    [
        (SYSTEM, "/admin/accounts", "账号管理"),
        (SECURITY, "/admin/memberships", "岗位授权"),
        (AUDITOR, "/admin/audit", "审计查询"),
        (WINDOW, "/", "待办任务"),
    ],
)
def test_everybody_lands_on_their_own_work(web: Web, username: str, path: str, heading: str) -> None:
    landed = enter(web, username, PASSWORD)
    assert landed.url.path == path
    assert f"<h1>{heading}" in landed.text


PAGES = {
    SYSTEM: ["/admin/accounts"],
    SECURITY: ["/admin/memberships", "/admin/memberships/xingguo.window"],
    AUDITOR: ["/admin/audit", "/admin/audit.csv"],
}


@pytest.mark.parametrize("username", [*PAGES, WINDOW, "city.coordinator"])
def test_an_administrators_pages_are_closed_to_everybody_else(web: Web, username: str) -> None:
    sign_in(web, username)
    for holder, paths in PAGES.items():
        for path in paths:
            assert web.client.get(path).status_code == (200 if holder == username else 403), path
            linked = f'href="{path}"' in web.client.get("/account").text
            assert linked == (holder == username and path == paths[0]), path


def test_a_person_comes_from_the_first_page_to_the_last_to_work_at_a_window(web: Web) -> None:
    csrf = secret(enter(web, SYSTEM, PASSWORD))
    username = f"person{next(serial)}"
    fields = {"csrf": csrf, "username": username, "name": "赵某某", "phone": "13900001111"}
    initial = one_time_password(web.client.post("/admin/accounts", data=fields))
    assert initial not in web.client.get(f"/admin/accounts?q={username}").text
    csrf = secret(enter(web, SECURITY, PASSWORD))
    form = {"csrf": csrf, "groups": [WINDOW], "reason": "到岗"}
    given = web.client.post(f"/admin/memberships/{username}", data=form)
    assert "岗位已调整" in given.text
    landed = enter(web, username, initial)
    assert landed.url.path == "/account"
    assert "请先修改密码" in landed.text
    for path in ("/", "/cases", "/items"):
        assert web.client.get(path).url.path == "/account"
    asked = web.client.get("/notices/count", headers={"HX-Request": "true"})
    assert (asked.status_code, asked.headers["hx-redirect"]) == (401, "/account")
    csrf = secret(landed)
    unlike = {"csrf": csrf, "old": initial, "new": OWN, "again": "something else"}
    assert "不一致" in web.client.post("/account/password", data=unlike).text
    wrong = web.client.post("/account/password", data={**unlike, "old": "wrong", "again": OWN})
    assert (wrong.status_code, "当前密码不正确" in wrong.text) == (422, True)
    changed = web.client.post("/account/password", data={**unlike, "again": OWN})
    assert "密码已修改" in changed.text
    assert "兴国县综合窗口" in changed.text
    assert web.client.get("/cases/new").url.path == "/cases/new"


def test_colleagues_see_a_persons_name_where_the_record_has_the_account(web: Web) -> None:
    username, _ = opened(web, name="钱某某")
    granted(web, username, WINDOW)
    case_no = web.submit()
    task = web.task(case_no, WINDOW)
    web.post(f"/tasks/{task}/transfer", WINDOW, json={"to": username, "reason": "请办"})
    sign_in_anywhere(web, "xingguo.approver")
    assert "钱某某" in web.client.get(f"/cases/{case_no}").text


def test_a_visitor_whose_password_is_due_can_sign_out_and_do_nothing_else(web: Web) -> None:
    username, initial = opened(web)
    csrf = secret(enter(web, username, initial))
    assert web.client.post("/account/sessions/end-others", data={"csrf": csrf}).url.path == "/account"
    out = web.client.post("/logout", data={"csrf": csrf})
    assert out.url.path == "/login"


@pytest.mark.parametrize(
    ("username", "path", "fields"),
    [
        (SYSTEM, "/admin/accounts", {"username": "forged", "name": "x"}),
        (SYSTEM, "/admin/accounts/yudu.window/disable", {}),
        (SYSTEM, "/admin/accounts/yudu.window/reset-password", {}),
        (SECURITY, "/admin/memberships/yudu.window", {"groups": "yudu.window", "reason": "x"}),
        (SECURITY, "/admin/memberships/yudu.window/end-sessions", {}),
        (WINDOW, "/account/password", {"old": PASSWORD, "new": OWN, "again": OWN}),
        (WINDOW, "/account/sessions/end-others", {}),
    ],
)
def test_a_forged_form_does_nothing(web: Web, username: str, path: str, fields: dict[str, str]) -> None:
    sign_in_anywhere(web, username)
    assert web.client.post(path, data={**fields, "csrf": "forged"}).status_code == 403
    assert web.get("/me", "yudu.window").status_code == 200
    assert web.get("/accounts/forged", SYSTEM).status_code == 404


def sign_in_anywhere(web: Web, username: str) -> str:
    """Sign in to the pages and return the secret of their forms."""
    return secret(enter(web, username, PASSWORD))


def test_accounts_are_disabled_enabled_and_reset_on_the_page(web: Web) -> None:
    username = person(web, WINDOW)
    csrf = sign_in_anywhere(web, SYSTEM)
    base = f"/admin/accounts/{username}"
    assert "已停用" in web.client.post(f"{base}/disable", data={"csrf": csrf}).text
    assert web.get("/me", username).status_code == 401
    assert "账号已启用" in web.client.post(f"{base}/enable", data={"csrf": csrf}).text
    initial = one_time_password(web.client.post(f"{base}/reset-password", data={"csrf": csrf}))
    assert enter(web, username, initial).url.path == "/account"


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"username": "王", "name": "王某"}, "字母、数字"),
        ({"username": "admin.system", "name": "王某"}, "不能与岗位账号组同名"),
        ({"username": "person.x", "name": "王某", "phone": "无"}, "应为电话号码"),
    ],
)
def test_a_faulty_account_comes_back_with_what_is_wrong_beside_the_field(
    web: Web, fields: dict[str, str], told: str
) -> None:
    csrf = sign_in_anywhere(web, SYSTEM)
    answer = web.client.post("/admin/accounts", data={"csrf": csrf, **fields})
    assert (answer.status_code, told in answer.text) == (422, True)
    assert f'value="{fields["username"]}"' in answer.text


def test_the_page_offers_no_reset_the_administrator_may_not_do(web: Web) -> None:
    sign_in_anywhere(web, SYSTEM)
    page = web.client.get("/admin/accounts").text
    offered = set(re.findall(r"/admin/accounts/([^/\"]+)/reset-password", page))
    assert "anyuan.window" in offered
    assert not offered & {SYSTEM, SECURITY, AUDITOR}


def test_a_refused_change_of_posts_comes_back_as_it_was_ticked(web: Web) -> None:
    username, _ = opened(web)
    csrf = sign_in_anywhere(web, SECURITY)
    form = {"csrf": csrf, "groups": [SYSTEM, AUDITOR], "reason": "试试"}
    refused = web.client.post(f"/admin/memberships/{username}", data=form)
    assert (refused.status_code, "三员分立" in refused.text) == (409, True)
    assert refused.text.count(" checked>") == 2
    empty = web.client.post(f"/admin/memberships/{username}", data={"csrf": csrf, "groups": [WINDOW], "reason": " "})
    assert (empty.status_code, 'id="error-reason"' in empty.text) == (422, True)
    assert web.get(f"/accounts/{username}", SECURITY).json()["groups"] == []


def test_a_refused_click_says_why_and_not_that_somebody_was_faster(web: Web) -> None:
    csrf = sign_in_anywhere(web, SYSTEM)
    refused = web.client.post(f"/admin/accounts/{AUDITOR}/reset-password", data={"csrf": csrf})
    assert (refused.status_code, "请在服务器上重置" in refused.text) == (409, True)
    assert "他人办理" not in refused.text


def test_the_picker_offers_every_post_once_under_its_place(web: Web) -> None:
    sign_in_anywhere(web, SECURITY)
    page = web.client.get(f"/admin/memberships/{WINDOW}").text
    offered = re.findall(r'name="groups" value="([^"]+)"', page)
    assert len(offered) == len(set(offered)) > 150
    assert {WINDOW, SYSTEM, "city.coordinator", "city.zrzy.advisor", "city.slj.supervisor"} <= set(offered)
    assert re.findall(r'value="([^"]+)" checked', page) == [WINDOW]


def test_ones_own_sessions_are_ended_on_the_page(web: Web) -> None:
    username = person(web, WINDOW)
    landed = enter(web, username, OWN)
    csrf = secret(landed)
    listed = web.client.get("/account").text
    [other] = re.findall(r"/account/sessions/([0-9a-f]+)/end", listed)
    assert web.client.post(f"/account/sessions/{other}/end", data={"csrf": csrf}).status_code == 200
    assert web.get("/me", username).status_code == 401
    assert web.client.post("/account/sessions/end-others", data={"csrf": csrf}).url.path == "/account"


def test_the_audit_page_searches_exports_and_refuses_a_day_that_is_none(web: Web) -> None:
    username, _ = opened(web)
    sign_in_anywhere(web, AUDITOR)
    page = web.client.get("/admin/audit", params={"object": username}).text
    assert "account.create" in page
    assert f"/admin/audit.csv?object={username}" in page
    exported = web.client.get("/admin/audit.csv", params={"object": username}).content.decode("utf-8-sig")
    assert [line.split(",")[3] for line in exported.splitlines()] == ["action", "account.create"]
    refused = web.client.get("/admin/audit", params={"from": "2026-02-30"})
    assert (refused.status_code, "起始日期：应为日期" in refused.text) == (422, True)
    assert "没有符合条件的记录" in web.client.get("/admin/audit", params={"q": "no such word"}).text


def test_an_account_without_a_post_is_told_so(web: Web) -> None:
    username = person(web)
    landed = enter(web, username, OWN)
    assert landed.url.path == "/account"
    assert "尚未授予岗位" in landed.text
