"""Signing in by OIDC with a real provider, over HTTP: who it vouches for and has an account gets in, nobody else."""

import re
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import httpx
import pytest
from sqlmodel import select

from models.account import AccessToken, Account, SignInMethod
from models.audit import AuditEntry
from models.database import Database
from services.accounts import passwords
from services.entrance import identity_provider
from tests.databases import Databases
from tests.identity_provider import ANSWER_SECONDS, Provider, answer_of, new_browser, providing, sign_in
from tests.integration.listening import Listening, listening
from tests.integration.web import PASSWORD

WINDOW = "xingguo.window"
STRANGER = "li.si"


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    with providing() as one:
        yield one


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for the provider as long as the tests wait for the product: the machine may be busy."""
    monkeypatch.setattr(identity_provider, "CONNECT_SECONDS", ANSWER_SECONDS)
    monkeypatch.setattr(identity_provider, "ANSWER_SECONDS", ANSWER_SECONDS)


@pytest.fixture
def web(databases: Databases, tmp_path: Path, provider: Provider) -> Iterator[Listening]:
    with listening(databases, tmp_path / "state", **provider.settings) as served:
        yield served


@pytest.fixture
def browser(web: Listening) -> Iterator[httpx.Client]:
    with new_browser(str(web.client.base_url)) as one:
        yield one


def entries(database: Database, action: str) -> list[tuple[str, str, dict[str, Any]]]:
    with database.reading() as session:
        found = session.exec(select(AuditEntry).where(AuditEntry.action == action)).all()
        return [(one.actor, one.subject, one.detail) for one in found]


def is_signed_in(browser: httpx.Client) -> bool:
    return browser.get("/account").status_code == 200


def require_refused(browser: httpx.Client, answer: httpx.Response, status: int, words: str) -> None:
    """Check that an answer is the sign-in page that says why, and that nobody is signed in."""
    assert answer.status_code == status, answer.text
    assert words in answer.text
    assert 'name="password"' in answer.text
    assert not is_signed_in(browser)


def test_who_the_provider_vouches_for_is_signed_in_and_comes_to_where_they_wanted(
    web: Listening, browser: httpx.Client
) -> None:
    assert "使用统一身份认证登录" in browser.get("/login").text
    answer = sign_in(browser, WINDOW, "/items")
    assert (answer.status_code, answer.headers["location"]) == (303, "/items")
    page = browser.get("/account").text
    assert WINDOW in page
    assert entries(web.database, "session.open") == [(WINDOW, WINDOW, {"from": "127.0.0.1", "by": "oidc"})]
    with web.database.reading() as session:
        [opened] = session.exec(select(AccessToken)).all()
        assert (opened.username, opened.method) == (WINDOW, SignInMethod.OIDC)


def test_a_claim_in_the_id_token_is_as_good_as_one_of_userinfo(provider: Provider, browser: httpx.Client) -> None:
    provider.tell("in-id-token", True)
    try:
        assert sign_in(browser, WINDOW).status_code == 303
    finally:
        provider.tell("in-id-token", False)


def test_a_session_opened_by_oidc_ends_like_any_other(databases: Databases, tmp_path: Path, provider: Provider) -> None:
    with (
        listening(databases, tmp_path / "state", session_idle_minutes="30", **provider.settings) as web,
        new_browser(str(web.client.base_url)) as browser,
    ):
        sign_in(browser, WINDOW)
        assert is_signed_in(browser)
        with web.database.transaction() as session:
            [opened] = session.exec(select(AccessToken)).all()
            opened.seen_at -= timedelta(minutes=31)
            session.add(opened)
        assert not is_signed_in(browser)


def test_signing_out_leads_to_the_provider_and_back(web: Listening, provider: Provider, browser: httpx.Client) -> None:
    sign_in(browser, WINDOW)
    secret = re.search(r'name="csrf" value="([^"]+)"', browser.get("/account").text)
    assert secret is not None
    left = browser.post("/logout", data={"csrf": secret[1]})
    assert left.status_code == 200
    assert not is_signed_in(browser)
    there = re.search(r'url=([^"]+)"', left.text)
    assert there is not None
    address = there[1].replace("&amp;", "&")
    assert address.startswith(provider.issuer)
    asked = browser.get(address)
    assert asked.status_code == 200, asked.text
    form = dict(re.findall(r'name="(\w+)" value="([^"]*)"', asked.text))
    action = re.search(r'action="([^"]+)"', asked.text)
    assert action is not None
    back = browser.post(action[1], data=form | {"logout": "yes"})
    assert back.headers["location"] == urljoin(str(web.client.base_url), "/login/oidc/signed-out")
    assert "您已安全退出" in browser.get(back.headers["location"], follow_redirects=True).text
    # The session at the provider is over too: it asks who it is.
    assert 'name="login"' in browser.get("/login/oidc", follow_redirects=True).text


def test_who_has_no_account_here_gets_none_and_the_administrator_is_told(web: Listening, browser: httpx.Client) -> None:
    answer = sign_in(browser, STRANGER)
    require_refused(browser, answer, 403, f"统一身份认证的用户“{STRANGER}”在本系统没有可用账号")
    with web.database.reading() as session:
        assert session.get(Account, STRANGER) is None
    refusal = {"from": "127.0.0.1", "by": "oidc", "reason": "not_admitted"}
    assert entries(web.database, "session.refuse") == [("system", STRANGER, refusal)]
    sign_in(browser, STRANGER)
    told = web.client.get("/api/v1/notices", headers=web.authorized("admin.security")).json()["items"]
    assert [one["subject"] for one in told] == ["sign_in"]
    assert STRANGER in told[0]["text"]


def test_a_disabled_account_does_not_get_in(web: Listening, browser: httpx.Client) -> None:
    with web.database.transaction() as session:
        account = session.get_one(Account, WINDOW)
        account.active = False
        session.add(account)
    require_refused(browser, sign_in(browser, WINDOW), 403, "没有可用账号")


WRONG_TOKENS: dict[str, dict[str, Any]] = {
    "nonce": {"claims": {"nonce": "another"}},
    "audience": {"claims": {"aud": "another client"}},
    "two audiences without azp": {"claims": {"aud": ["tongquan", "another client"]}},
    "issuer": {"claims": {"iss": "https://sso.example.com"}},
    "expired": {"claims": {"exp": int(time.time()) - 3600}},
    "forged": {"forged": True},
    "unsigned": {"unsigned": True},
}


def test_an_id_token_that_proves_nothing_opens_nothing(
    web: Listening, provider: Provider, browser: httpx.Client
) -> None:
    for what, wrong in WRONG_TOKENS.items():
        address = answer_of(browser, WINDOW)
        provider.tell("next", wrong)
        require_refused(browser, browser.get(address), 401, "统一身份认证的结果无效或已过期")
        actor, subject, detail = entries(web.database, "session.refuse")[-1]
        assert (actor, subject, detail["by"]) == ("system", "oidc", "oidc"), what
        assert detail["reason"].startswith("ID token: "), what
    assert len(entries(web.database, "session.refuse")) == len(WRONG_TOKENS)
    assert sign_in(browser, WINDOW).status_code == 303


def test_an_answer_with_another_state_or_in_another_browser_opens_nothing(
    web: Listening, browser: httpx.Client
) -> None:
    address = answer_of(browser, WINDOW)
    with new_browser(str(web.client.base_url)) as another:
        require_refused(another, another.get(address), 401, "结果无效或已过期")
        answer_of(another, "zhanggong.window")
        require_refused(another, another.get(address), 401, "结果无效或已过期")
    changed = re.sub(r"state=[^&]+", "state=another", address)
    require_refused(browser, browser.get(changed), 401, "结果无效或已过期")


def test_an_answer_opens_a_session_once(browser: httpx.Client) -> None:
    address = answer_of(browser, WINDOW)
    begun = browser.cookies["tongquan_oidc"]
    assert browser.get(address).status_code == 303
    browser.cookies.clear()
    browser.cookies.set("tongquan_oidc", begun)
    require_refused(browser, browser.get(address), 401, "结果无效或已过期")


def test_an_answer_of_another_issuer_opens_nothing(browser: httpx.Client) -> None:
    changed = re.sub(r"iss=[^&]+", "iss=https%3A%2F%2Fsso.example.com", answer_of(browser, WINDOW))
    require_refused(browser, browser.get(changed), 401, "结果无效或已过期")


def test_whoever_goes_on_sending_answers_must_wait(databases: Databases, tmp_path: Path, provider: Provider) -> None:
    settings = provider.settings | {"sign_in_address_limit": "10/hour"}
    with listening(databases, tmp_path / "state", **settings) as web, new_browser(str(web.client.base_url)) as browser:
        answers = [browser.get("/login/oidc/callback", params={"code": "a", "state": "b"}) for _ in range(11)]
    assert [one.status_code for one in answers] == [401] * 10 + [429]
    assert 0 < int(answers[-1].headers["retry-after"]) <= 3600


def test_without_the_provider_the_page_says_so_and_passwords_work(databases: Databases, tmp_path: Path) -> None:
    with providing() as gone:
        settings = gone.settings
    with listening(databases, tmp_path / "state", **settings) as web, new_browser(str(web.client.base_url)) as browser:
        require_refused(browser, browser.get("/login/oidc"), 503, "统一身份认证暂时无法连接")
        assert web.sign_in(WINDOW).status_code == 200


def test_a_provider_that_goes_away_under_way_is_named_and_not_taken_for_a_refusal(
    databases: Databases, tmp_path: Path
) -> None:
    with (
        providing() as going,
        listening(databases, tmp_path / "state", **going.settings) as web,
        new_browser(str(web.client.base_url)) as browser,
    ):
        address = answer_of(browser, WINDOW)
        going.stop()
        require_refused(browser, browser.get(address), 503, "统一身份认证暂时无法连接")
        assert entries(web.database, "session.refuse") == []


def test_passwords_may_be_the_administrators_alone(databases: Databases, tmp_path: Path, provider: Provider) -> None:
    settings = provider.settings | {"password_sign_in": "administrators"}
    with listening(databases, tmp_path / "state", **settings) as web, new_browser(str(web.client.base_url)) as browser:
        assert "三员用密码登录" in browser.get("/login").text
        refused, wrong = web.sign_in(WINDOW), web.sign_in(WINDOW, "wrong")
        assert (refused.status_code, refused.text) == (401, wrong.text)
        detail = {"from": "127.0.0.1", "reason": "password_off"}
        assert (WINDOW, WINDOW, detail) in entries(web.database, "session.refuse")
        for administrator in ("admin.system", "admin.security", "admin.audit"):
            assert web.sign_in(administrator, PASSWORD).status_code == 200
        assert sign_in(browser, WINDOW).status_code == 303


def test_a_password_due_for_a_change_holds_up_only_who_signs_in_with_it(web: Listening, browser: httpx.Client) -> None:
    with web.database.transaction() as session:
        account = session.get_one(Account, WINDOW)
        account.password_hash, account.password_one_time = passwords.hash_password(PASSWORD), True
        session.add(account)
    sign_in(browser, WINDOW)
    assert browser.get("/cases").status_code == 200
    assert web.client.get("/api/v1/cases", headers=web.authorized(WINDOW)).status_code == 403


def test_without_a_provider_there_is_no_such_address(databases: Databases, tmp_path: Path) -> None:
    with listening(databases, tmp_path / "state") as web:
        assert "统一身份认证" not in web.client.get("/login").text
        for path in ("/login/oidc", "/login/oidc/callback"):
            assert web.client.get(path).status_code == 404
