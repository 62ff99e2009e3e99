"""Whatever is sent, the answer is a problem with a stable code, never a server error."""

import base64
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.web import Web
from tests.integration.web import web as web

WINDOW = "xingguo.window"
JSON = {"Content-Type": "application/json"}


def problem(answer: Any, status: int, code: str) -> dict[str, Any]:
    """Check that ``answer`` is the problem expected and return it."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    told = answer.json()
    assert (told["status"], told["code"]) == (status, code)
    assert told["title"]
    assert told["detail"]
    return dict(told)


def test_an_unknown_address_is_not_found(web: Web) -> None:
    problem(web.get("/nothing"), 404, "not_found")


def test_a_wrong_method_is_told_the_right_ones(web: Web) -> None:
    answer = web.client.put("/api/v1/cases", headers=web.headers(WINDOW))
    problem(answer, 405, "method_not_allowed")
    assert answer.headers["allow"] == "GET, POST"


def test_a_browser_gets_a_page_for_an_unknown_address(web: Web) -> None:
    answer = web.client.get("/nowhere", headers={"Accept": "text/html"})
    assert (answer.status_code, answer.headers["content-type"]) == (404, "text/html; charset=utf-8")


def test_english_is_spoken_on_request(web: Web) -> None:
    chinese = web.client.get("/api/v1/me").json()
    english = web.client.get("/api/v1/me", headers={"Accept-Language": "en-GB,zh;q=0.5"}).json()
    assert (chinese["title"], english["title"]) == ("请先登录", "Sign in first")
    assert chinese["code"] == english["code"]


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"[]",
        b"null",
        b'"text"',
        b"\xff\xfe",
        b'{"item": "\\ud800"}',
        b'{"project": "\\u0000"}',
        b'{"\\u0000": 1}',
        b'{"conditions": {"a": ' + b"9" * 400 + b"}}",
        b'{"conditions": {"a": 1e999}}',
        b'{"conditions": {"a": NaN}}',
        b'{"conditions": {"a": 99999999999999999999}}',
        b'{"conditions": ' + b'{"a":' * 40 + b"1" + b"}" * 40 + b"}",
        b"[" * 100_000,
    ],
)
def test_a_body_the_product_cannot_hold_is_refused(web: Web, body: bytes) -> None:
    headers = web.headers(WINDOW, **JSON, **{"Idempotency-Key": "bad"})
    told = problem(web.client.post("/api/v1/cases", content=body, headers=headers), 422, "invalid_input")
    assert told["errors"]


def test_a_body_that_is_not_json_is_refused(web: Web) -> None:
    answer = web.client.post("/api/v1/cases", content=b"a=1", headers=web.headers(WINDOW))
    problem(answer, 415, "unsupported_media_type")


def test_a_body_too_large_is_refused(web: Web) -> None:
    content = b'{"project": "' + b"x" * 1_100_000 + b'"}'
    headers = web.headers(WINDOW, **JSON, **{"Idempotency-Key": "large"})
    problem(web.client.post("/api/v1/cases", content=content, headers=headers), 413, "body_too_large")


@pytest.mark.parametrize(
    ("path", "parameters", "field"),
    [
        ("/tasks", {"limit": "0"}, "limit"),
        ("/tasks", {"limit": "201"}, "limit"),
        ("/tasks", {"limit": "9" * 5000}, "limit"),
        ("/tasks", {"limit": "ten"}, "limit"),
        ("/tasks", {"sort": "name"}, "sort"),
        ("/tasks", {"scope": "all"}, "scope"),
        ("/tasks", {"light": "blue"}, "light"),
        ("/tasks", {"cursor": "%%%"}, "cursor"),
        ("/tasks", {"cursor": "W10"}, "cursor"),
        ("/tasks", {"q": "\0"}, "q"),
        ("/tasks", {"q": "x" * 101}, "q"),
        ("/cases", {"cursor": "bm9uc2Vuc2U"}, "cursor"),
        ("/cases", {"state": "99"}, "state"),
        ("/cases", {"mode": "other"}, "mode"),
        ("/items", {"on": "2022-02-30"}, "on"),
        ("/items", {"on": "1654012800"}, "on"),
        ("/items", {"mode": "other"}, "mode"),
        ("/items", {"cursor": "AAAA"}, "cursor"),
        ("/processes", {"cursor": "AAAA"}, "cursor"),
        ("/responsibilities", {}, "item"),
    ],
)
def test_a_bad_parameter_is_named(web: Web, path: str, parameters: dict[str, str], field: str) -> None:
    told = problem(web.get(path, WINDOW, **parameters), 422, "invalid_input")
    assert field in [one["field"] for one in told["errors"]]


@pytest.mark.parametrize("key", ["x", "0", "-1", "1.5", "9223372036854775808", "9" * 100, "１２", "%00"])
@pytest.mark.parametrize("path", ["/tasks/{}", "/process-instances/{}", "/documents/{}"])
def test_a_key_that_cannot_be_is_not_found(web: Web, path: str, key: str) -> None:
    problem(web.get(path.format(key), WINDOW), 404, "not_found")


@pytest.mark.parametrize(
    "path",
    [
        "/items/W-99/guide",
        "/items/%00/guide",
        "/cases/nothing",
        "/processes/nothing/xml",
        "/processes/nothing/instances",
        "/responsibilities?item=W-01&area=nowhere",
        "/responsibilities?item=W-99&area=xingguo",
        "/public/cases/1?query_code=1",
        "/public/certificates/none",
        "/tasks/1",
        "/documents/1",
        "/process-instances/1",
    ],
)
def test_what_does_not_exist_is_not_found(web: Web, path: str) -> None:
    problem(web.get(path, WINDOW), 404, "not_found")


@pytest.mark.parametrize(
    ("path", "position"),
    [
        ("/tasks", ["2026-01-01T00:00:00+00:00", 10**30]),
        ("/tasks", ["0001-01-01T00:00:00+23:59", 1]),
        ("/tasks", ["9999-12-31T23:59:59-23:59", 1]),
        ("/tasks", ["yesterday", 1]),
        ("/tasks", [1, 1]),
        ("/cases", ["0001-01-01T00:00:00+23:59", "x"]),
        ("/cases", ["2026-01-01T00:00:00+00:00", "\0"]),
        ("/cases", ["2026-01-01T00:00:00+00:00", "\ud800"]),
        ("/processes/front-window/instances", [10**30]),
    ],
)
def test_a_forged_cursor_is_refused(web: Web, path: str, position: list[object]) -> None:
    web.process()
    cursor = base64.urlsafe_b64encode(json.dumps(position).encode()).decode().rstrip("=")
    told = problem(web.get(path, "city.coordinator", cursor=cursor), 422, "invalid_input")
    assert [one["field"] for one in told["errors"]] == ["cursor"]


@pytest.fixture(scope="module")
def lists(web: Web) -> list[tuple[str, str]]:
    """Return every list with a cursor and an account that may read it."""
    web.process()
    seal = web.post("/seals", "admin.system", json={"text": "某局专用章", "owner": "某局", "modes": ["direct"]}).json()[
        "id"
    ]
    described = web.client.get("/api/v1/openapi.json").json()["paths"]
    paths = [
        path.removeprefix("/api/v1").replace("{id}", str(seal) if "/seals/" in path else "front-window")
        for path, operations in described.items()
        if "cursor" in [one["name"] for one in operations.get("get", {}).get("parameters", [])]
    ]
    readers = ("city.coordinator", "admin.system", "admin.audit")
    found = [(path, next(name for name in readers if web.get(path, name).status_code == 200)) for path in paths]
    assert len(found) >= 20
    return found


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_cursor_is_refused_or_names_a_place_in_the_list(
    web: Web, lists: list[tuple[str, str]], data: st.DataObject
) -> None:
    path, reader = data.draw(st.sampled_from(lists))
    instants = st.datetimes(timezones=st.just(UTC)).map(datetime.isoformat)
    values = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=9) | instants
    position = data.draw(st.lists(values, max_size=3) | st.tuples(instants, values))
    forged = base64.urlsafe_b64encode(json.dumps(position).encode()).decode().rstrip("=")
    answer = web.get(path, reader, cursor=data.draw(st.text(max_size=40) | st.just(forged)))
    if answer.status_code != 200:
        told = problem(answer, 422, "invalid_input")
        assert [one["field"] for one in told["errors"]] == ["cursor"]


def test_empty_filters_are_no_filters(web: Web) -> None:
    parameters = {"q": "", "state": "", "mode": "", "area": "", "item": "", "sort": "", "cursor": ""}
    assert web.get("/cases", WINDOW, **parameters).status_code == 200
    assert web.get("/tasks", WINDOW, scope="", light="", sort="", cursor="", q="", case_no="").status_code == 200
    assert web.get("/items", mode="", area="", unit="", q="", on="").status_code == 200
