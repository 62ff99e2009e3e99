"""Who is slowed down at the sign-in, seen and released by the security administrator; wrong old passwords count too."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlmodel import select

from models.audit import AuditEntry
from services.accounts import passwords
from tests.databases import Databases
from tests.integration.listening import Listening, listening
from tests.integration.people import OWN, problem
from tests.integration.web import PASSWORD

WINDOW, SECURITY = "xingguo.window", "admin.security"
OFFICE, STRANGER = "203.0.113.7", "2001:db8:1:2::9"
STRANGERS_NETWORK = "2001:db8:1:2::/64"


@pytest.fixture
def web(databases: Databases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Listening]:
    """Serve where passwords cost nothing, addresses are believed, and a busy machine outlasts no window."""
    monkeypatch.setattr(passwords, "verify", lambda stored, password: stored is not None and password == PASSWORD)
    limits_of = {"sign_in_account_limit": "5/hour", "sign_in_address_limit": "10/hour"}
    with listening(databases, tmp_path / "state", trusted_proxies="127.0.0.1", **limits_of) as served:
        yield served


def attempt(web: Listening, username: str, password: str, origin: str) -> httpx.Response:
    """Try to sign in from an address, as the trusted proxy passes it on."""
    body = {"username": username, "password": password}
    return web.client.post("/api/v1/login", json=body, headers={"X-Forwarded-For": origin})


def slow(web: Listening, username: str, origin: str) -> None:
    """Fail until the account has to wait."""
    answers = [attempt(web, username, "wrong", origin).status_code for _ in range(6)]
    assert answers == [401] * 5 + [429]


def limits(web: Listening) -> dict[str, Any]:
    answer = web.client.get("/api/v1/sign-in-limits", headers=web.authorized(SECURITY))
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def released(web: Listening, username: str, reason: str = "本人来电核实") -> httpx.Response:
    headers = web.authorized(SECURITY)
    return web.client.post(f"/api/v1/accounts/{username}/release", json={"reason": reason}, headers=headers)


def test_a_slowed_account_is_named_with_where_its_failures_came_from(web: Listening) -> None:
    assert limits(web) == {"accounts": [], "addresses": [], "sprayings": []}
    slow(web, WINDOW, STRANGER)
    [one] = limits(web)["accounts"]
    assert (one["username"], one["name"], one["address"]) == (WINDOW, "兴国县综合窗口", None)
    assert [(failed["address"], failed["count"]) for failed in one["failures"]] == [(STRANGERS_NETWORK, 5)]
    assert one["since"] < one["until"]


def test_where_the_account_is_known_the_limit_is_of_that_address_alone(web: Listening) -> None:
    assert attempt(web, WINDOW, PASSWORD, STRANGER).status_code == 200
    slow(web, WINDOW, STRANGER)
    [one] = limits(web)["accounts"]
    assert (one["username"], one["address"]) == (WINDOW, STRANGERS_NETWORK)
    assert attempt(web, WINDOW, PASSWORD, OFFICE).status_code == 200


def test_a_name_that_nobody_has_is_not_told(web: Listening) -> None:
    slow(web, "my own password typed here", OFFICE)
    answer = limits(web)
    assert [(one["username"], one["name"], one["failures"]) for one in answer["accounts"]] == [(None, None, [])]
    assert "typed here" not in str(answer)


def test_a_sprayed_and_slowed_address_is_told(web: Listening) -> None:
    for number in range(10):
        attempt(web, f"account{number}", "wrong", STRANGER)
    answer = limits(web)
    assert [one["address"] for one in answer["addresses"]] == [STRANGERS_NETWORK]
    assert [(one["address"], one["accounts"]) for one in answer["sprayings"]] == [(STRANGERS_NETWORK, 5)]


def test_a_released_account_signs_in_at_once_and_the_reason_is_written_down(web: Listening) -> None:
    slow(web, WINDOW, OFFICE)
    assert attempt(web, WINDOW, PASSWORD, OFFICE).status_code == 429
    problem(released(web, WINDOW, " "), 422, "invalid_input")
    assert released(web, WINDOW).status_code == 204
    assert attempt(web, WINDOW, PASSWORD, OFFICE).status_code == 200
    with web.database.reading() as session:
        entry = session.exec(select(AuditEntry).where(AuditEntry.action == "session.release")).one()
    assert (entry.actor, entry.subject, entry.detail) == (SECURITY, WINDOW, {"reason": "本人来电核实"})
    problem(released(web, WINDOW), 409, "not_slowed")
    problem(released(web, "nobody"), 404, "not_found")


def test_releasing_one_account_releases_no_other(web: Listening) -> None:
    slow(web, WINDOW, OFFICE)
    slow(web, "yudu.window", STRANGER)
    assert released(web, WINDOW).status_code == 204
    assert [one["username"] for one in limits(web)["accounts"]] == ["yudu.window"]


def test_nobody_but_the_security_administrator_sees_or_releases(web: Listening) -> None:
    for username in ("admin.system", "admin.audit", WINDOW):
        headers = web.authorized(username)
        assert web.client.get("/api/v1/sign-in-limits", headers=headers).status_code == 403
        assert web.client.post(f"/api/v1/accounts/{WINDOW}/release", json={}, headers=headers).status_code == 403
        cookie = {"Cookie": f"tongquan_session={headers['Authorization'].split()[1]}"}
        assert web.client.get("/admin/sign-ins", headers=cookie).status_code == 403


def test_the_page_shows_who_waits_and_releases(web: Listening) -> None:
    slow(web, WINDOW, STRANGER)
    cookie = {"Cookie": f"tongquan_session={web.authorized(SECURITY)['Authorization'].split()[1]}"}
    page = web.client.get("/admin/sign-ins", headers=cookie).text
    assert "兴国县综合窗口" in page
    assert STRANGERS_NETWORK in page
    assert '<a href="/admin/sign-ins" aria-current="page">登录安全</a>' in page
    secret = re.search(r'name="csrf" value="([^"]+)"', page)
    assert secret is not None
    path, fields = f"/admin/sign-ins/{WINDOW}/release", {"csrf": secret[1], "reason": "本人来电核实"}
    assert web.client.post(path, data=fields | {"csrf": "forged"}, headers=cookie).status_code == 403
    assert web.client.post(path, data=fields | {"reason": " "}, headers=cookie).status_code == 422
    done = web.client.post(path, data=fields, headers=cookie)
    assert (done.status_code, done.headers["location"]) == (303, "/admin/sign-ins?notice=sign_in_released")
    again = web.client.post(path, data=fields, headers=cookie)
    assert again.status_code == 409
    assert "该账号现在没有被减速" in again.text


def changed(web: Listening, headers: dict[str, str], old: str) -> httpx.Response:
    body = {"old": old, "new": OWN}
    return web.client.post("/api/v1/me/password", json=body, headers=headers)


def test_a_stolen_session_is_no_way_to_try_passwords(web: Listening) -> None:
    headers = web.authorized(WINDOW) | {"X-Forwarded-For": OFFICE}
    answers = [changed(web, headers, "wrong") for _ in range(6)]
    assert [one.status_code for one in answers] == [422] * 5 + [429]
    assert 0 < int(answers[-1].headers["retry-after"]) <= 3600
    assert answers[-1].json()["code"] == "too_many_requests"
    # Not even the right one is looked at, nor at the sign-in there; where the owner works nothing is slower.
    assert changed(web, headers, PASSWORD).status_code == 429
    assert attempt(web, WINDOW, PASSWORD, OFFICE).status_code == 429
    assert changed(web, web.authorized(WINDOW), PASSWORD).status_code == 204


def test_the_page_of_the_own_password_says_when_to_come_back(web: Listening) -> None:
    headers = {"X-Forwarded-For": OFFICE}
    headers["Cookie"] = f"tongquan_session={web.authorized(WINDOW)['Authorization'].split()[1]}"
    secret = re.search(r'name="csrf" value="([^"]+)"', web.client.get("/account", headers=headers).text)
    assert secret is not None
    fields = {"csrf": secret[1], "old": "wrong", "new": OWN, "again": OWN}
    answers = [web.client.post("/account/password", data=fields, headers=headers) for _ in range(6)]
    assert [one.status_code for one in answers] == [422] * 5 + [429]
    assert "登录尝试过于频繁" in answers[-1].text
    assert int(answers[-1].headers["retry-after"]) > 0
