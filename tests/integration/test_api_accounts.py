"""People's accounts: opened, disabled and given posts by the administrators, and what everybody does with the own."""
# ruff: noqa: F401, F811 - pytest takes the imported fixture by its name.

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from freezegun import freeze_time
from sqlmodel import col, select

from models.account import Account
from models.audit import AuditEntry
from models.outbox import OutboxCommand
from services.journal import audit
from tests.databases import Databases
from tests.integration.people import AUDITOR, OWN, SECURITY, SYSTEM, granted, opened, person, problem, token
from tests.integration.web import PASSWORD, Web, serial, web, web_over

WINDOW = "xingguo.window"
EVERYBODY_ELSE = [SECURITY, AUDITOR, WINDOW, "xingguo.approver", "city.coordinator", "city.zrzy.approver"]


def entries(web: Web, subject: str, action: str) -> list[AuditEntry]:
    """Return what the audit trail says of somebody."""
    with web.database.reading() as session:
        query = select(AuditEntry).where(AuditEntry.subject == subject, AuditEntry.action == action)
        return list(session.exec(query.order_by(col(AuditEntry.id))).all())


def test_a_new_account_signs_in_with_its_one_time_password_and_must_change_it_first(web: Web) -> None:
    username, initial = opened(web)
    headers = token(web, username, initial)
    for path in ("/me", "/tasks", "/me/sessions", "/notices"):
        problem(web.client.get(f"/api/v1{path}", headers=headers), 403, "password_change_required")
    changed = web.client.post("/api/v1/me/password", json={"old": initial, "new": OWN}, headers=headers)
    assert changed.status_code == 204
    told = web.client.get("/api/v1/me", headers=headers).json()
    assert told == {"username": username, "display_name": "王某", "groups": []}
    assert web.post("/login", json={"username": username, "password": initial}).status_code == 401
    assert web.client.post("/api/v1/logout", headers=headers).status_code == 204
    assert web.client.get("/api/v1/me", headers=headers).status_code == 401


def test_a_one_time_password_may_be_left_unused_by_signing_out(web: Web) -> None:
    username, initial = opened(web)
    headers = token(web, username, initial)
    assert web.client.post("/api/v1/logout", headers=headers).status_code == 204


def test_the_one_time_password_stands_in_no_list_and_in_no_record(web: Web) -> None:
    username, initial = opened(web, phone="13812345678")
    row = web.get(f"/accounts/{username}", SYSTEM).json()
    assert row == {
        "username": username,
        "name": "王某",
        "phone": "138****5678",
        "active": True,
        "password_change_required": True,
        "groups": [],
    }
    [entry] = entries(web, username, "account.create")
    assert (entry.actor, entry.detail) == (SYSTEM, {"groups": []})
    with web.database.reading() as session:
        assert initial not in session.get_one(Account, username).password_hash
        assert audit.verify(session) == []


def test_several_people_hold_one_post_and_work_under_their_own_names(web: Web) -> None:
    first, second = person(web, WINDOW), person(web, WINDOW)
    case_no = web.post("/cases", first, json=web.body(), Idempotency_Key=f"key-{next(serial)}").json()["case_no"]
    task = web.task(case_no, WINDOW)
    assert web.post(f"/tasks/{task}/claim", second).status_code == 202
    assert web.get(f"/tasks/{task}", first).json()["assignee"] == second
    assert web.get(f"/cases/{case_no}", second).status_code == 200


def test_the_tasks_of_whoever_leaves_go_back_to_their_groups_and_the_others_stay(web: Web) -> None:
    leaver = person(web, WINDOW, "xingguo.reviewer")
    case_no = web.submit()
    window, review, either = (
        web.task(case_no, *groups) for groups in ([WINDOW], ["xingguo.reviewer"], [WINDOW, "xingguo.reviewer"])
    )
    for task in (window, review, either):
        assert web.post(f"/tasks/{task}/claim", leaver).status_code == 202
    assert granted(web, leaver, "xingguo.reviewer").status_code == 200
    assert web.get(f"/tasks/{window}", WINDOW).json()["assignee"] is None
    assert web.get(f"/tasks/{either}", WINDOW).json()["assignee"] == leaver
    assert web.post(f"/tasks/{window}/claim", WINDOW).status_code == 202
    assert web.post(f"/accounts/{leaver}/disable", SYSTEM).status_code == 200
    assert {web.get(f"/tasks/{task}", "xingguo.reviewer").json()["assignee"] for task in (review, either)} == {None}
    told = [one["text"] for one in web.get(f"/cases/{case_no}", WINDOW).json()["timeline"]]
    assert sum("离岗" in one for one in told) == 3
    with web.database.reading() as session:
        orders = session.exec(select(OutboxCommand.payload).where(OutboxCommand.stream == case_no)).all()
    released = {one["key"] for one in orders if "assignee" in one and one["assignee"] is None}
    assert released == {int(window), int(review), int(either)}


@pytest.mark.parametrize("username", EVERYBODY_ELSE)
def test_only_the_system_administrator_keeps_accounts(web: Web, username: str) -> None:
    problem(web.post("/accounts", username, json={"nonsense": 1}), 403, "forbidden")
    for act in ("disable", "enable", "reset-password"):
        problem(web.post(f"/accounts/yudu.window/{act}", username), 403, "forbidden")
    assert web.get("/me", "yudu.window").status_code == 200


@pytest.mark.parametrize("username", [SYSTEM, *EVERYBODY_ELSE[1:]])
def test_only_the_security_administrator_gives_posts_and_ends_sessions(web: Web, username: str) -> None:
    headers = web.headers(username)
    put = web.client.put("/api/v1/accounts/yudu.window/memberships", json={"nonsense": 1}, headers=headers)
    problem(put, 403, "forbidden")
    problem(web.client.delete("/api/v1/accounts/yudu.window/sessions", headers=headers), 403, "forbidden")


@pytest.mark.parametrize("username", [AUDITOR, WINDOW, "city.coordinator"])
def test_the_accounts_are_seen_by_the_two_who_keep_them_alone(web: Web, username: str) -> None:
    for path in ("/accounts", "/accounts/admin.system"):
        problem(web.get(path, username), 403, "forbidden")
        assert {web.get(path, one).status_code for one in (SYSTEM, SECURITY)} == {200}


def test_nobody_unsigned_learns_of_accounts(web: Web) -> None:
    for path in ("/accounts", "/accounts/x", "/me/sessions", "/audit", "/audit.csv"):
        problem(web.get(path), 401, "unauthenticated")
    problem(web.post("/me/password", json={"old": "x", "new": OWN}), 401, "unauthenticated")


def test_the_list_is_searched_by_name_post_and_state_and_paged(web: Web) -> None:
    username, _ = opened(web, name="欧阳询")
    granted(web, username, "chongyi.chief")
    assert [one["username"] for one in web.get("/accounts", SYSTEM, q="欧阳").json()["items"]] == [username]
    chiefs = web.get("/accounts", SECURITY, group="chongyi.chief").json()["items"]
    assert {one["username"] for one in chiefs} == {"chongyi.chief", username}
    web.post(f"/accounts/{username}/disable", SYSTEM)
    assert username in [one["username"] for one in web.get("/accounts", SYSTEM, state="disabled").json()["items"]]
    assert web.get("/accounts", SYSTEM, state="active", q=username).json()["items"] == []
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = web.get("/accounts", SYSTEM, cursor=cursor, limit=50).json()
        seen += [one["username"] for one in page["items"]]
        cursor = page["next"]
    assert seen == sorted(set(seen))
    assert len(seen) > 150
    assert web.get("/accounts", SYSTEM, q="%").json()["items"] == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("username", "with space"),
        ("username", "王某"),
        ("username", ".hidden"),
        ("username", "x" * 65),
        ("username", "yudu.jyj.window"),
        ("username", "city.zrzy.reviewer"),
        ("name", " "),
        ("name", "王\n某"),
        ("phone", "call me"),
        ("surprise", "x"),
    ],
)
def test_a_faulty_account_is_refused_by_its_field(web: Web, field: str, value: str) -> None:
    body = {"username": "wang.faulty", "name": "王某", field: value}
    told = problem(web.post("/accounts", SYSTEM, json=body), 422, "invalid_input")
    assert field in [one["field"] for one in told["errors"]]


def test_a_taken_name_is_refused(web: Web) -> None:
    username, _ = opened(web)
    body = {"username": username, "name": "另一人"}
    problem(web.post("/accounts", SYSTEM, json=body), 409, "account_exists")


def test_a_disabled_account_loses_its_sessions_and_gets_them_not_back(web: Web) -> None:
    username = person(web, WINDOW)
    answer = web.post(f"/accounts/{username}/disable", SYSTEM)
    assert (answer.json()["active"], answer.json()["groups"]) == (False, [WINDOW])
    problem(web.get("/me", username), 401, "unauthenticated")
    assert web.post("/login", json={"username": username, "password": OWN}).status_code == 401
    assert web.post(f"/accounts/{username}/disable", SYSTEM).status_code == 200
    assert web.post(f"/accounts/{username}/enable", SYSTEM).json()["active"] is True
    problem(web.get("/me", username), 401, "unauthenticated")
    assert web.client.get("/api/v1/me", headers=token(web, username, OWN)).json()["groups"] == [WINDOW]
    assert [len(entries(web, username, f"account.{act}")) for act in ("disable", "enable")] == [1, 1]


def test_a_reset_password_is_a_one_time_password_and_ends_sessions(web: Web) -> None:
    username = person(web, WINDOW)
    answer = web.post(f"/accounts/{username}/reset-password", SYSTEM)
    assert answer.headers["cache-control"] == "no-store"
    problem(web.get("/me", username), 401, "unauthenticated")
    assert web.post("/login", json={"username": username, "password": OWN}).status_code == 401
    headers = token(web, username, answer.json()["initial_password"])
    problem(web.client.get("/api/v1/tasks", headers=headers), 403, "password_change_required")
    assert len(entries(web, username, "account.reset_password")) == 1


def test_nobody_does_it_to_the_own_account(web: Web) -> None:
    for act in ("disable", "enable", "reset-password"):
        problem(web.post(f"/accounts/{SYSTEM}/{act}", SYSTEM), 409, "own_account")
    problem(granted(web, SECURITY, SECURITY), 409, "own_account")


@pytest.mark.parametrize("username", [SECURITY, AUDITOR])
def test_the_system_administrator_does_not_take_over_another_administrators_account(web: Web, username: str) -> None:
    problem(web.post(f"/accounts/{username}/reset-password", SYSTEM), 409, "separation_of_duties")
    assert web.get("/me", username).status_code == 200


@pytest.mark.parametrize("path", ["disable", "enable", "reset-password"])
def test_an_unknown_account_is_not_found(web: Web, path: str) -> None:
    problem(web.post(f"/accounts/nobody/{path}", SYSTEM), 404, "not_found")
    problem(granted(web, "nobody"), 404, "not_found")
    problem(web.get("/accounts/nobody", SYSTEM), 404, "not_found")


def test_posts_hold_from_the_next_request_on_and_are_written_down_with_their_reason(web: Web) -> None:
    username = person(web, WINDOW)
    assert granted(web, username, "yudu.window", "yudu.reviewer").json()["groups"] == ["yudu.reviewer", "yudu.window"]
    assert web.get("/me", username).json()["groups"] == ["yudu.reviewer", "yudu.window"]
    problem(web.post("/cases", username, json=web.body(), Idempotency_Key="k"), 403, "forbidden")
    entry = entries(web, username, "account.memberships")[-1]
    assert entry.actor == SECURITY
    assert entry.detail == {
        "added": ["yudu.reviewer", "yudu.window"],
        "removed": [WINDOW],
        "reason": "岗位调整",
    }
    before = len(entries(web, username, "account.memberships"))
    assert granted(web, username, "yudu.window", "yudu.reviewer").status_code == 200
    assert len(entries(web, username, "account.memberships")) == before


@pytest.mark.parametrize(
    "group",
    [
        "nowhere.window",
        "xingguo.boss",
        "city.nowhere.approver",
        "city.slj.approver",
        "rongjiang.zrzy.chief",
        "admin.root",
    ],
)
def test_a_post_the_catalogue_does_not_know_is_refused(web: Web, group: str) -> None:
    username, _ = opened(web)
    told = problem(granted(web, username, WINDOW, group), 422, "invalid_input")
    assert [one["field"] for one in told["errors"]] == ["groups"]
    assert web.get(f"/accounts/{username}", SECURITY).json()["groups"] == []


@pytest.mark.parametrize("reason", ["", "   ", "x" * 501, None])
def test_a_change_of_posts_needs_a_reason(web: Web, reason: str | None) -> None:
    username, _ = opened(web)
    body = {"groups": [WINDOW], "reason": reason}
    answer = web.client.put(f"/api/v1/accounts/{username}/memberships", json=body, headers=web.headers(SECURITY))
    told = problem(answer, 422, "invalid_input")
    assert [one["field"] for one in told["errors"]] == ["reason"]


@pytest.mark.parametrize("pair", [(SYSTEM, SECURITY), (SECURITY, AUDITOR), (SYSTEM, AUDITOR)])
def test_nobody_holds_two_of_the_three_administrators(web: Web, pair: tuple[str, str]) -> None:
    username, _ = opened(web)
    problem(granted(web, username, *pair), 409, "separation_of_duties")
    assert granted(web, username, pair[0]).status_code == 200
    problem(granted(web, username, *pair), 409, "separation_of_duties")
    assert web.get(f"/accounts/{username}", SECURITY).json()["groups"] == [pair[0]]


def test_an_administrator_holds_no_post_beside_the_office(web: Web) -> None:
    username, _ = opened(web)
    problem(granted(web, username, AUDITOR, WINDOW), 409, "administrators_exclusive")


@pytest.fixture
def alone(databases: Databases, tmp_path: Path) -> Iterator[Web]:
    """Serve a database whose administrators are not those of the other tests."""
    with web_over(databases, tmp_path) as served:
        yield served


def test_the_last_holder_of_an_administrators_office_stays(alone: Web) -> None:
    problem(granted(alone, AUDITOR), 409, "last_administrator")
    problem(alone.post(f"/accounts/{AUDITOR}/disable", SYSTEM), 409, "last_administrator")
    second, _ = opened(alone)
    assert granted(alone, second, AUDITOR).status_code == 200
    assert alone.post(f"/accounts/{AUDITOR}/disable", SYSTEM).status_code == 200
    problem(granted(alone, second), 409, "last_administrator")
    problem(granted(alone, second, WINDOW), 409, "last_administrator")
    assert granted(alone, AUDITOR).json()["groups"] == []


def test_the_own_password_is_changed_with_the_old_one_and_every_other_session_ends(web: Web) -> None:
    username = person(web)
    other = token(web, username, OWN)
    changed = web.post("/me/password", username, json={"old": OWN, "new": "another of my own"})
    assert changed.status_code == 204
    problem(web.client.get("/api/v1/me", headers=other), 401, "unauthenticated")
    assert web.get("/me", username).status_code == 200
    assert web.post("/login", json={"username": username, "password": OWN}).status_code == 401
    token(web, username, "another of my own")


def test_a_wrong_old_password_changes_nothing_and_is_written_down(web: Web) -> None:
    username = person(web)
    told = problem(
        web.post("/me/password", username, json={"old": "wrong", "new": "another of my own"}), 422, "invalid_input"
    )
    assert [one["field"] for one in told["errors"]] == ["old"]
    assert len(entries(web, username, "password.refuse")) == 1
    token(web, username, OWN)


@pytest.mark.parametrize("new", ["short", "1234567890", "Password123", "aaaaaaaaaaaa", "tongquan-demo", OWN, "x" * 257])
def test_a_poor_new_password_is_refused(web: Web, new: str) -> None:
    username = person(web)
    told = problem(web.post("/me/password", username, json={"old": OWN, "new": new}), 422, "invalid_input")
    assert [one["field"] for one in told["errors"]] == ["new"]
    told = problem(web.post("/me/password", username, json={"old": OWN, "new": f"{username}!!"}), 422, "invalid_input")
    assert [one["field"] for one in told["errors"]] == ["new"]


def test_everybody_sees_and_ends_their_own_sessions(web: Web) -> None:
    username = person(web)
    second, third = token(web, username, OWN), token(web, username, OWN)
    listed = web.get("/me/sessions", username).json()["items"]
    assert [one["current"] for one in listed] == [False, False, True]
    newest = listed[0]["id"]
    assert web.client.delete(f"/api/v1/me/sessions/{newest}", headers=web.headers(username)).status_code == 204
    problem(web.client.get("/api/v1/me", headers=third), 401, "unauthenticated")
    assert web.client.get("/api/v1/me", headers=second).status_code == 200
    assert web.client.delete("/api/v1/me/sessions", headers=web.headers(username)).status_code == 204
    problem(web.client.get("/api/v1/me", headers=second), 401, "unauthenticated")
    assert [one["current"] for one in web.get("/me/sessions", username).json()["items"]] == [True]


@pytest.mark.parametrize("session_id", ["", "%", "x" * 16, "%" * 16, "_" * 16])
def test_another_persons_session_and_a_made_up_one_are_not_found(web: Web, session_id: str) -> None:
    username, other = person(web), person(web)
    theirs = web.get("/me/sessions", other).json()["items"][0]["id"]
    for one in (theirs, session_id or "0"):
        answer = web.client.delete(f"/api/v1/me/sessions/{one}", headers=web.headers(username))
        problem(answer, 404, "not_found")
    assert web.get("/me", other).status_code == 200


def test_the_security_administrator_ends_a_persons_sessions(web: Web) -> None:
    username = person(web, WINDOW)
    answer = web.client.delete(f"/api/v1/accounts/{username}/sessions", headers=web.headers(SECURITY))
    assert answer.status_code == 204
    problem(web.get("/me", username), 401, "unauthenticated")
    assert entries(web, username, "account.end_sessions")[0].detail == {"sessions": 1}


def test_an_unused_session_ends_and_a_used_one_lasts_to_its_whole_length(databases: Databases, tmp_path: Path) -> None:
    start = datetime(2026, 9, 21, 1, tzinfo=UTC)
    with web_over(databases, tmp_path, session_idle_minutes="30", session_hours="2") as served:
        with freeze_time(start):
            served.headers(WINDOW)
            idle = token(served, WINDOW, PASSWORD)
        for minute in (29, 58, 87, 116):
            with freeze_time(start + timedelta(minutes=minute)):
                assert served.get("/me", WINDOW).status_code == 200
        with freeze_time(start + timedelta(minutes=30)):
            problem(served.client.get("/api/v1/me", headers=idle), 401, "unauthenticated")
            assert len(served.get("/me/sessions", WINDOW).json()["items"]) == 1
        with freeze_time(start + timedelta(hours=2)):
            problem(served.get("/me", WINDOW), 401, "unauthenticated")


def test_the_policy_of_the_inspections_asks_for_kinds_of_characters_and_a_change_in_ninety_days(
    databases: Databases, tmp_path: Path
) -> None:
    start = datetime(2026, 9, 21, 1, tzinfo=UTC)
    with web_over(databases, tmp_path, password_policy="mlps") as served:
        with freeze_time(start):
            username, initial = opened(served)
            headers = token(served, username, initial)
            poor = served.client.post("/api/v1/me/password", json={"old": initial, "new": OWN}, headers=headers)
            problem(poor, 422, "invalid_input")
            good = {"old": initial, "new": "A password of 2026"}
            assert served.client.post("/api/v1/me/password", json=good, headers=headers).status_code == 204
        with freeze_time(start + timedelta(days=89)):
            headers = token(served, username, "A password of 2026")
            assert served.client.get("/api/v1/me", headers=headers).status_code == 200
        with freeze_time(start + timedelta(days=90)):
            headers = token(served, username, "A password of 2026")
            problem(served.client.get("/api/v1/me", headers=headers), 403, "password_change_required")
