"""How answers travel: kept by nobody unless they are nobody's, and by https alone in production."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.routing import iter_route_contexts

from api.pages.visitors import SESSION_COOKIE
from services import keys
from services.accounts import passwords, registration
from services.documents import signing
from settings import Settings
from tests.databases import Databases
from tests.integration.web import PASSWORD, Web, web_over
from tests.integration.web import web as web

HSTS = "strict-transport-security"
SIGNED_IN = ("xingguo.window", "city.zrzy.approver", "admin.system")

OWN_RULE = {"/diagrams/{key}/xml": "private, max-age=3600"}
"""A deployed model never changes and tells of nobody; only the browser keeps it."""


def addresses(web: Web, case_no: str, task: str, instance: int) -> Iterator[tuple[str, str, str]]:
    """Yield method, route and an address of it, of something that exists where that is easily said."""
    known = {"case_no": case_no, "task": task, "key": str(instance), "code": "W-01", "area": "xingguo"}
    for context in iter_route_contexts(web.client.app.routes):  # type: ignore[attr-defined]
        for method in sorted(context.methods or ()):
            path = re.sub(r"\{(\w+)(:\w+)?\}", lambda name: known.get(name[1], "1"), context.path)
            yield method, context.path, path


def test_no_answer_is_kept_by_a_cache(web: Web) -> None:
    case_no = web.submit()
    task = web.task(case_no, "xingguo.window")
    instance = web.process(case_no)
    wrong: list[str] = []
    answered: set[int] = set()
    walked = 0
    for username in (None, *SIGNED_IN):
        for method, route, path in addresses(web, case_no, task, instance):
            if route.endswith("/logout"):
                continue
            headers = web.headers(username)
            web.client.cookies.clear()
            if username is not None:
                web.client.cookies.set(SESSION_COOKIE, web.tokens[username])
            answer = web.client.request(method, path, headers=headers, follow_redirects=False)
            walked += 1
            answered.add(answer.status_code)
            told = answer.headers.get("cache-control", "")
            if told != OWN_RULE.get(route) and "no-store" not in told:
                wrong.append(f"{username} {method} {path} {answer.status_code}: {told!r}")
    web.client.cookies.clear()
    assert not wrong
    assert walked > 400
    assert {200, 401, 403, 404, 422} <= answered


@pytest.mark.parametrize("path", ["/nowhere", "/api/v1/nothing", "/api/v1/cases"])
def test_refusals_are_not_kept_either(web: Web, path: str) -> None:
    assert web.client.delete(path).headers["cache-control"] == "no-store"


def test_static_files_keep_their_validators(web: Web) -> None:
    answer = web.client.get("/static/css/base.css")
    assert answer.status_code == 200
    assert "no-store" not in answer.headers.get("cache-control", "")
    assert answer.headers["etag"]


@pytest.fixture
def production(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    """Serve a production instance; in its database somebody has chosen the published password."""
    folder = tmp_path_factory.mktemp("production")
    signing.make_key(folder)
    keys.make_data_key(Settings(state_dir=folder))
    with web_over(
        databases,
        folder,
        environment="production",
        web_host="0.0.0.0",  # noqa: S104
        public_url="https://spj.example",
    ) as served:
        with served.database.transaction() as session:
            registration.create_account(session, "zhang.san", "张三", "a password of one's own", ["xingguo.window"])
            hashed = passwords.hash_password(PASSWORD)
            registration.add(session, "li.si", "李四", hashed, frozenset({"xingguo.window"}))
        yield served


def test_production_asks_for_https_for_a_year(production: Web) -> None:
    for path in ("/login", "/api/v1/me", "/static/css/base.css", "/healthz"):
        assert production.client.get(path).headers[HSTS] == "max-age=31536000", path


def test_the_session_of_a_site_declared_to_be_https_is_secure(production: Web) -> None:
    cookies = production.client.get("/login").headers["set-cookie"]
    assert "Secure" in cookies


@pytest.mark.parametrize(
    ("environment", "url", "asked"),
    [
        ("production", "http://testserver", False),
        ("production", "https://testserver", True),
        ("development", "https://testserver", False),
    ],
)
def test_https_is_asked_for_only_in_production_and_over_https(
    databases: Databases, tmp_path_factory: pytest.TempPathFactory, environment: str, url: str, asked: bool
) -> None:
    folder = tmp_path_factory.mktemp("mode")
    signing.make_key(folder)
    keys.make_data_key(Settings(state_dir=folder))
    with web_over(databases, folder, environment=environment) as served:
        answer = served.client.get(f"{url}/healthz")
    assert (HSTS in answer.headers) is asked


def test_the_published_password_opens_nothing_in_production(production: Web) -> None:
    def status(username: str, password: str) -> Any:
        body = {"username": username, "password": password}
        return production.client.post("/api/v1/login", json=body).status_code

    assert status("zhang.san", "a password of one's own") == 200
    assert status("li.si", PASSWORD) == 401
    assert status("xingguo.window", PASSWORD) == 401


def test_production_says_so(production: Web) -> None:
    told = production.client.get("/readyz").json()
    assert (told["mode"], told["warnings"]) == ("production", [])
    assert "演示环境" not in production.client.get("/login").text


def test_a_demonstration_that_others_reach_is_warned_of(
    databases: Databases, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with web_over(databases, tmp_path_factory.mktemp("exposed"), web_host="0.0.0.0") as exposed:  # noqa: S104
        told = exposed.client.get("/readyz").json()
        page = exposed.client.get("/login").text
    assert (told["mode"], told["warnings"]) == ("development", ["mode"])
    assert "演示环境" in page


def test_a_demonstration_on_this_machine_alone_is_quiet(web: Web) -> None:
    told = web.client.get("/readyz").json()
    assert (told["mode"], told["warnings"]) == ("development", [])
    assert "ribbon" not in web.client.get("/login").text
