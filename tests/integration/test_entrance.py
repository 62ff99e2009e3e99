"""Before sign-in, over a real socket: sign-ins that wait hold up nobody, guessing is slowed, insiders see inside."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from sqlmodel import select

from models.case import Case
from models.database import Database
from services.accounts import passwords
from tests.databases import Databases
from tests.integration.listening import Listening, listening
from tests.integration.web import PASSWORD, Web, web_over

TOKEN = "figures-for-prometheus"
ELSEWHERE = {"X-Forwarded-For": "203.0.113.7"}


@pytest.fixture
def web(databases: Databases, tmp_path: Path) -> Iterator[Listening]:
    with listening(
        databases, tmp_path / "state", sign_in_room="8", trusted_proxies="127.0.0.1", metrics_token=TOKEN
    ) as served:
        yield served


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Check passwords without Argon2's cost, where only what follows is looked at."""
    monkeypatch.setattr(passwords, "verify", lambda stored, password: stored is not None and password == PASSWORD)


def test_a_signed_in_account_is_served_while_sign_ins_wait(web: Listening, monkeypatch: pytest.MonkeyPatch) -> None:
    """Forty sign-ins at once: those with room wait, the others are told to come back, and a read is answered."""
    signed_in = web.authorized("xingguo.window")
    checking, go_on, real = threading.Event(), threading.Event(), passwords.verify

    def held_up(stored: str | None, password: str) -> bool:
        checking.set()
        assert go_on.wait(60)
        return real(stored, password)

    monkeypatch.setattr(passwords, "verify", held_up)
    with ThreadPoolExecutor(40) as people:
        attempts = [people.submit(web.sign_in, "city.zrzy.approver") for _ in range(40)]
        assert checking.wait(60)
        try:
            for path in ("/api/v1/cases", "/api/v1/me"):
                assert web.client.get(path, headers=signed_in).status_code == 200
            assert not all(one.done() for one in attempts)
            assert web.client.get("/healthz").status_code == 200
        finally:
            go_on.set()
        answers = [one.result() for one in attempts]
    statuses = [answer.status_code for answer in answers]
    assert set(statuses) == {200, 429}
    assert statuses.count(200) >= 4
    for answer in answers:
        if answer.status_code == 429:
            assert answer.json()["code"] == "too_many_requests"
            assert int(answer.headers["retry-after"]) > 0


def test_another_address_finds_room_when_one_takes_all_it_may(web: Listening, monkeypatch: pytest.MonkeyPatch) -> None:
    go_on, real = threading.Event(), passwords.verify

    def held_up(stored: str | None, password: str) -> bool:
        assert go_on.wait(60)
        return real(stored, password)

    monkeypatch.setattr(passwords, "verify", held_up)
    refused = threading.Event()

    def sign_in() -> int:
        status = web.sign_in("city.zrzy.approver").status_code
        if status == 429:
            refused.set()
        return status

    with ThreadPoolExecutor(9) as people:
        flood = [people.submit(sign_in) for _ in range(8)]
        assert refused.wait(60)
        owner = people.submit(
            web.client.post,
            "/api/v1/login",
            json={"username": "xingguo.window", "password": PASSWORD},
            headers=ELSEWHERE,
        )
        go_on.set()
        assert owner.result().status_code == 200
        assert [one.result() for one in flood].count(200) == 4


def failed(web: Listening, username: str, headers: dict[str, str]) -> httpx.Response:
    body = {"username": username, "password": "wrong"}
    return web.client.post("/api/v1/login", json=body, headers=headers)


@pytest.mark.usefixtures("quick")
def test_the_owner_gets_in_while_somebody_else_guesses(web: Listening) -> None:
    assert web.sign_in("xingguo.window").status_code == 200
    answers = [failed(web, "xingguo.window", ELSEWHERE) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [401] * 5 + [429]
    assert 0 < int(answers[-1].headers["retry-after"]) <= 60
    assert web.sign_in("xingguo.window").status_code == 200


@pytest.mark.usefixtures("quick")
def test_spraying_reaches_the_security_administrators_notifications(web: Listening) -> None:
    for number in range(18):
        failed(web, f"account{number}", ELSEWHERE)
    assert failed(web, "account19", ELSEWHERE).status_code == 429
    token = web.authorized("admin.security")
    notifications = web.client.get("/api/v1/notices", headers=token).json()["items"]
    assert [one["subject"] for one in notifications] == ["sign_in"]
    assert "203.0.113.7" in notifications[0]["text"]
    page = web.client.get("/notices", headers={"Cookie": f"tongquan_session={token['Authorization'].split()[1]}"}).text
    assert "203.0.113.7" in page
    assert '<a href="/notices"' in page


@pytest.mark.usefixtures("quick")
def test_the_page_says_when_to_come_back(web: Listening) -> None:
    for _ in range(5):
        failed(web, "xingguo.window", ELSEWHERE)
    with httpx.Client(base_url=web.client.base_url, headers=ELSEWHERE, trust_env=False) as browser:
        browser.get("/login")
        form = {"username": "xingguo.window", "password": PASSWORD, "csrf": browser.cookies["tongquan_login"]}
        answer = browser.post("/login", data=form)
        assert answer.status_code == 429
        assert int(answer.headers["retry-after"]) > 0
        assert "登录尝试过于频繁" in answer.text
        huge = browser.post("/login", data=form | {"next": "a" * 100_000})
        assert huge.status_code == 400


@pytest.fixture
def public(databases: Databases, tmp_path: Path) -> Iterator[Web]:
    with web_over(databases, tmp_path / "state", trusted_proxies="127.0.0.1") as served:
        yield served


def code_of(database: Database, case_no: str) -> str:
    with database.reading() as session:
        return session.exec(select(Case.query_code).where(Case.case_no == case_no)).one()


def test_wrong_query_codes_are_slowed_down_and_right_ones_are_not(public: Web) -> None:
    case_no = public.submit()
    code = code_of(public.database, case_no)
    path = f"/public/cases/{case_no}"
    assert {public.get(path, query_code=code).status_code for _ in range(30)} == {200}
    wrong = [public.get(path, query_code="WRONG") for _ in range(11)]
    assert [answer.status_code for answer in wrong] == [404] * 10 + [429]
    assert wrong[-1].json()["code"] == "too_many_requests"
    assert int(wrong[-1].headers["retry-after"]) > 0
    assert public.get("/public/certificates/none").status_code == 429


def test_unknown_certificate_numbers_are_slowed_down(public: Web) -> None:
    answers = [public.get(f"/public/certificates/GZ-{number}").status_code for number in range(11)]
    assert answers == [404] * 10 + [429]


def test_a_case_guessed_at_from_many_addresses_is_shown_to_its_applicant(databases: Databases, tmp_path: Path) -> None:
    """Whoever has guessed wrong must wait; who comes for the first time is served."""
    with listening(databases, tmp_path / "state", trusted_proxies="127.0.0.1", public_case_limit="6/hour") as web:
        path = "/api/v1/public/cases/C-1"
        guessers = [{"X-Forwarded-For": f"203.0.113.{number}"} for number in range(8)]

        def guess(headers: dict[str, str]) -> int:
            return web.client.get(path, params={"query_code": "WRONG"}, headers=headers).status_code

        assert [guess(headers) for headers in guessers] == [404] * 8
        assert [guess(headers) for headers in guessers] == [429] * 8
        assert guess({"X-Forwarded-For": "203.0.113.99"}) == 404


def test_figures_and_what_is_missing_are_told_to_the_machine_itself_and_for_the_token(web: Listening) -> None:
    with_token = ELSEWHERE | {"Authorization": f"Bearer {TOKEN}"}
    for headers in ({}, with_token):
        assert "tongquan_cases" in web.client.get("/metrics", headers=headers).text
        assert web.client.get("/readyz", headers=headers).json()["checks"]
    for headers in (ELSEWHERE, ELSEWHERE | {"Authorization": "Bearer wrong"}, {"X-Forwarded-For": "127.0.0.1"}):
        assert web.client.get("/metrics", headers=headers).status_code == 401
        answer = web.client.get("/readyz", headers=headers)
        assert answer.status_code == 503
        assert answer.json() == {"ready": False, "mode": "development", "failing": [], "warnings": [], "checks": {}}
        assert web.client.get("/healthz", headers=headers).status_code == 200


def test_what_a_client_says_it_forwards_is_not_believed_without_a_trusted_proxy(
    databases: Databases, tmp_path: Path
) -> None:
    with listening(databases, tmp_path / "state") as web:
        answers = [failed(web, "nobody", {"X-Forwarded-For": f"203.0.113.{n}"}).status_code for n in range(6)]
        assert answers == [401] * 5 + [429]
        names = [failed(web, f"nobody{n}", {"X-Forwarded-For": f"198.51.100.{n}"}).status_code for n in range(6)]
        assert names == [401] * 5 + [429]


def test_an_empty_token_opens_nothing(databases: Databases, tmp_path: Path) -> None:
    with listening(databases, tmp_path / "state", trusted_proxies="127.0.0.1", metrics_token="") as web:
        for token in ("Bearer", "Bearer undefined", ""):
            assert web.client.get("/metrics", headers=ELSEWHERE | {"Authorization": token}).status_code == 401
