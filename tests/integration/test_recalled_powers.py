"""Recalled powers as the API and the pages show them, without an engine."""

from typing import Any

from tests.integration.web import Web
from tests.integration.web import web as web


def page(web: Web, username: str, path: str) -> str:
    """Return a page as the account sees it."""
    token = web.headers(username)["Authorization"].removeprefix("Bearer ")
    answer = web.client.get(path, headers={"Cookie": f"tongquan_session={token}"})
    assert answer.status_code == 200, answer.text
    return str(answer.text)


def recall(web: Web, item: str, area: str) -> dict[str, Any]:
    """Recall a power at once."""
    body = {"item": item, "area": area, "reason": "整改", "in_flight": "transfer"}
    answer = web.post("/recalls", "city.coordinator", json=body)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def test_the_guides_page_says_the_power_is_recalled_and_offers_no_submission(web: Web) -> None:
    before = page(web, "nankang.window", "/items/D-05")
    assert "在南康区接件" in before
    assert "已收回" not in before
    recall(web, "D-05", "nankang")
    after = page(web, "nankang.window", "/items/D-05")
    assert "南康区 · 已收回" in after
    assert "在南康区接件" not in after
    assert "在赣县区接件" in page(web, "ganxian.window", "/items/D-05")
    assert "/cases/new/D-05" not in page(web, "nankang.window", "/cases/new?area=nankang")


def test_the_list_and_the_matrix_tell_of_a_recall_on_its_day(web: Web) -> None:
    effective = recall(web, "D-06", "nankang")["effective_on"]
    shown = next(one for one in web.get("/items", mode="direct").json()["items"] if one["code"] == "D-06")
    assert "nankang" in shown["areas"]
    assert shown["recalled_areas"] == ["nankang"]
    codes = [one["code"] for one in web.get("/items", mode="direct", area="nankang").json()["items"]]
    assert "D-06" not in codes
    duty = web.get("/responsibilities", "nankang.window", item="D-06", area="nankang", on=effective).json()
    assert (duty["recalled"], duty["decides"]) == (True, "city.jtys.approver")
    duty = web.get("/responsibilities", "nankang.window", item="D-06", area="nankang", on="2026-01-01").json()
    assert (duty["recalled"], duty["decides"]) == (False, "nankang.approver")


def test_a_recall_stands_among_the_countys_notifications_with_the_way_to_it(web: Web) -> None:
    number = recall(web, "D-04", "nankang")["id"]
    shown = web.get("/notices", "nankang.chief", unread="true").json()["items"]
    mine = next(one for one in shown if (one["subject"], one["subject_id"]) == ("recall", number))
    assert (mine["case_no"], mine["area"], mine["link"]) == (None, "nankang", f"/powers/recalls/{number}")
    listed = page(web, "nankang.chief", "/notices")
    assert f'href="/powers/recalls/{number}"' in listed
    assert "收回权限" in listed
    assert "收回 南康区 的 D-04" in page(web, "nankang.chief", mine["link"])
    assert web.post(f"/notices/{mine['id']}/read", "nankang.chief").json()["read"]
    again = web.get("/notices", "nankang.chief", unread="true").json()["items"]
    assert mine["id"] not in [one["id"] for one in again]


def test_the_cases_of_a_recall_are_named_to_those_concerned_alone(web: Web) -> None:
    case_no = web.submit("D-03", "nankang")
    number = recall(web, "D-03", "nankang")["id"]
    for username in ("nankang.approver", "city.jtys.reviewer", "city.coordinator"):
        shown = web.get(f"/recalls/{number}", username).json()
        assert [one["case_no"] for one in shown["cases"]] == [case_no], username
    for username in ("ganxian.approver", "city.zrzy.approver"):
        shown = web.get(f"/recalls/{number}", username).json()
        assert (shown["cases"], shown["case_count"]) == ([], 1), username
        [listed] = web.get("/recalls", username, item="D-03").json()["items"]
        assert listed["cases"] == []
        assert case_no not in page(web, username, f"/powers/recalls/{number}")
    assert case_no in page(web, "nankang.approver", f"/powers/recalls/{number}")
    for path in (f"/recalls/{number}", "/recalls", "/power-events"):
        for username in ("admin.system", "admin.security", "admin.audit"):
            assert web.get(path, username).status_code == 403, path


def test_the_ledger_tells_of_filings_and_questions_only_to_their_county_and_unit(web: Web) -> None:
    asked = web.post("/questions", "nankang.window", json={"item": "D-01", "text": "怎么办？"}).json()["id"]
    number = recall(web, "D-02", "nankang")["id"]

    def read(username: str) -> set[tuple[str, int]]:
        shown = web.get("/power-events", username, limit=200).json()["items"]
        return {(one["subject"], one["subject_id"]) for one in shown}

    for username in ("nankang.reviewer", "city.jtys.advisor", "city.coordinator"):
        assert ("consultation", asked) in read(username), username
    for username in ("ganxian.reviewer", "city.zrzy.advisor"):
        assert ("consultation", asked) not in read(username), username
        assert ("recall", number) in read(username), username
    assert "咨询D-01" not in page(web, "ganxian.reviewer", "/powers/ledger?subject=consultation")
    assert "咨询D-01" in page(web, "nankang.reviewer", "/powers/ledger?subject=consultation")
