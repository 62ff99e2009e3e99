"""The calendar over HTTP: the endpoints and the administrator's page, and what they refuse."""

import json
import re
from collections.abc import Iterator
from datetime import date, timedelta

import pytest
from httpx import Response

from tests.integration.web import PASSWORD, Web
from tests.integration.web import web as web

HEADER = "date,working,reason\n"


class Page:
    """The calendar's page as one account sees it."""

    def __init__(self, web: Web, username: str) -> None:
        self.client = web.client
        self.client.cookies.clear()
        sent = {"username": username, "password": PASSWORD, "csrf": self._secret("/login")}
        assert self.client.post("/login", data=sent).status_code == 200

    def text(self, **parameters: str | int) -> str:
        return str(self.client.get("/calendar", params=parameters).text)

    def enter(self, day: str, reason: str, working: str = "no") -> Response:
        data = {"csrf": self._secret("/calendar"), "area": "", "date": day, "working": working, "reason": reason}
        return self.client.post("/calendar/days", data=data)

    def upload(self, content: bytes, name: str = "days.csv") -> Response:
        data = {"csrf": self._secret("/calendar"), "area": ""}
        return self.client.post("/calendar/file", data=data, files={"file": (name, content, "text/csv")})

    def _secret(self, path: str) -> str:
        found = re.search(r'name="csrf" value="([^"]+)"', self.client.get(path).text)
        assert found is not None
        return found[1]


@pytest.fixture
def page(web: Web) -> Iterator[Page]:
    yield Page(web, "admin.system")
    web.client.cookies.clear()


def revisions(web: Web) -> list[int]:
    return [one["id"] for one in web.get("/calendar/history", "city.coordinator", limit=200).json()["items"]]


@pytest.mark.parametrize("reason", ["停\0电", "停电\n检修", "停\x1b[31m电", "停\u2028电", "停\ud800电"])
def test_a_reason_with_control_characters_is_refused(web: Web, reason: str) -> None:
    before = revisions(web)
    body = json.dumps({"days": [{"date": "2026-11-02", "working": False, "reason": reason}]})
    answer = web.client.post(
        "/api/v1/calendar",
        content=body,
        headers=web.headers("city.coordinator", **{"Content-Type": "application/json"}),
    )
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input"), answer.text
    assert revisions(web) == before


def test_the_history_is_read_page_by_page(web: Web) -> None:
    for number in range(5):
        body = {"days": [{"date": str(date(2026, 11, 2) + timedelta(number)), "working": False, "reason": "停办"}]}
        assert web.post("/calendar", "city.coordinator", json=body).status_code == 200
    first = web.get("/calendar/history", "city.coordinator", limit=2).json()
    assert [one["days"][0]["date"] for one in first["items"]] == ["2026-11-06", "2026-11-05"]
    second = web.get("/calendar/history", "city.coordinator", limit=2, cursor=first["next"]).json()
    assert [one["days"][0] for one in second["items"]] == [
        {"date": day, "before": "按公布安排", "after": "休息日（停办）"} for day in ("2026-11-04", "2026-11-03")
    ]
    assert web.get("/calendar/history", "city.coordinator", cursor="x").status_code == 422
    assert web.get("/calendar/history", "city.coordinator", limit=0).status_code == 422


def test_an_administrator_enters_a_day_and_reads_older_changes(web: Web, page: Page) -> None:
    for number in range(22):
        assert page.enter(str(date(2026, 12, 1) + timedelta(number)), f"停办{number}").status_code == 200
    text = page.text(year=2026)
    assert "休息日（停办21）" in text
    assert "休息日（停办1）" not in text
    older = re.search(r'href="(/calendar\?[^"]*cursor=[^"]+)"', text)
    assert older is not None
    shown = page.client.get(older[1].replace("&amp;", "&")).text
    assert "休息日（停办1）" in shown
    assert "最近的变更" in shown


@pytest.mark.parametrize("reason", ["停\0电", "停\x1b电"])
def test_a_day_with_control_characters_is_refused_on_the_page(web: Web, page: Page, reason: str) -> None:
    before = revisions(web)
    assert page.enter("2026-11-20", reason).status_code == 422
    assert page.upload(f"{HEADER}2026-11-20,no,{reason}\n".encode()).status_code == 422
    assert revisions(web) == before


def test_the_page_tells_what_a_year_lacks_and_when_nothing_changed(page: Page) -> None:
    assert "仍为暂定" not in page.text(year=2028)
    holidays = "".join(f"2028-01-{day:02},no,元旦\n" for day in range(1, 4))
    assert "缺春节、清明、劳动、端午、中秋、国庆，休息日还差 10 天" in page.upload((HEADER + holidays).encode()).text
    assert "没有改变" in page.upload((HEADER + holidays).encode()).text


def test_an_address_with_a_nul_is_refused(page: Page) -> None:
    assert page.client.get("/calendar?area=%00").status_code == 422
    assert page.client.get("/cases/%00").status_code == 404


def test_a_file_is_entered_whole_under_its_name(web: Web, page: Page) -> None:
    done = page.upload(f"{HEADER}2026-11-23,no,停办\n2026-11-24,no,停办\n".encode(), "停办.csv")
    assert done.status_code == 200
    newest = web.get("/calendar/history", "city.coordinator", limit=1).json()["items"][0]
    assert (newest["source"], len(newest["days"])) == ("停办.csv", 2)
