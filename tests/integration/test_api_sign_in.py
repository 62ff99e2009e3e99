"""Signing in, tokens, and what failures leave behind."""

import pytest
from sqlmodel import select

from models.account import AccessToken, Account
from models.audit import AuditEntry
from tests.integration.web import PASSWORD, Web
from tests.integration.web import web as web

WRONG = {"username": "xingguo.window", "password": "wrong"}


def test_a_token_opens_what_is_closed_without_it(web: Web) -> None:
    assert web.get("/me").status_code == 401
    answer = web.get("/me", "xingguo.window")
    assert answer.json() == {
        "username": "xingguo.window",
        "display_name": "兴国县综合窗口",
        "groups": ["xingguo.window"],
    }


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer nonsense", "Basic eDp5", "Bearer ünïcode"])
def test_a_bad_token_is_unauthenticated_and_says_how_to_authenticate(web: Web, header: str) -> None:
    answer = web.client.get("/api/v1/me", headers={"Authorization": header.encode()})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "unauthenticated"


def test_wrong_password_and_unknown_name_get_the_same_answer(web: Web) -> None:
    unknown = web.post("/login", json={"username": "nobody", "password": "wrong"})
    wrong = web.post("/login", json=WRONG)
    assert {unknown.status_code, wrong.status_code} == {401}
    assert unknown.text == wrong.text


def test_a_failure_is_audited_though_the_answer_is_an_error(web: Web) -> None:
    web.post("/login", json=WRONG | {"username": "dayu.window"})
    with web.database.reading() as session:
        entries = session.exec(select(AuditEntry).where(AuditEntry.subject == "dayu.window")).all()
        assert [(one.action, one.detail) for one in entries] == [("session.refuse", {"from": "127.0.0.1"})]


def test_a_stored_password_cost_what_the_low_memory_profile_asks_for(web: Web) -> None:
    with web.database.reading() as session:
        stored = session.get_one(Account, "xingguo.window").password_hash
    assert stored.split("$")[1:4] == ["argon2id", "v=19", "m=65536,t=3,p=4"]


def test_signing_out_ends_the_token(web: Web) -> None:
    token = web.post("/login", json={"username": "xinfeng.window", "password": PASSWORD}).json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    assert web.client.post("/api/v1/logout", headers=headers).status_code == 204
    assert web.client.get("/api/v1/me", headers=headers).status_code == 401


def test_no_token_stands_in_the_database(web: Web) -> None:
    web.headers("xingguo.window")
    with web.database.reading() as session:
        assert session.get(AccessToken, web.tokens["xingguo.window"]) is None


@pytest.mark.parametrize(
    "username",
    [
        "rongjiang.chief",
        "city.zrzy.approver",
        "city.xzsp.advisor",
        "city.slj.supervisor",
        "city.coordinator",
        "admin.system",
        "admin.security",
        "admin.audit",
    ],
)
def test_every_kind_of_demonstration_account_signs_in(web: Web, username: str) -> None:
    assert web.get("/me", username).json()["groups"] == [username]
