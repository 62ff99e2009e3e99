"""The catalogue through the API."""

from tests.integration.web import Web
from tests.integration.web import web as web


def test_all_items_are_listed_as_the_contract_has_them(web: Web) -> None:
    answer = web.get("/items").json()
    assert (len(answer["items"]), answer["next"]) == (118, None)
    assert set(answer["items"][0]) == {
        "code",
        "mode",
        "row",
        "unit",
        "unit_name",
        "main_name",
        "sub_name",
        "power_type",
        "remark",
        "areas",
        "locked_areas",
        "recalled_areas",
        "in_force_from",
        "version",
        "provenance",
    }


def test_pages_of_items_join_into_the_whole_list(web: Web) -> None:
    codes, cursor = [], ""
    while cursor is not None:
        page = web.get("/items", limit=50, cursor=cursor).json()
        codes += [item["code"] for item in page["items"]]
        cursor = page["next"]
    assert codes == [item["code"] for item in web.get("/items").json()["items"]]


def test_direct_items_count_from_their_date(web: Web) -> None:
    assert web.get("/items", mode="direct", on="2022-05-31").json()["items"] == []
    assert len(web.get("/items", mode="direct", on="2022-06-01").json()["items"]) == 20


def test_substantive_items_are_locked_without_an_agreement(web: Web) -> None:
    items = web.get("/items", mode="substantive", area="xingguo").json()["items"]
    assert items
    assert all("xingguo" in item["locked_areas"] for item in items)
    assert all("rongjiang" not in item["locked_areas"] for item in items)


def test_a_guide_has_every_part_the_contract_names(web: Web) -> None:
    guide = web.get("/items/W-01/guide").json()
    parts = {"conditions", "materials", "limits", "steps", "fees", "basis", "result", "redress", "version"}
    assert parts <= set(guide)
    assert {"statutory", "promised", "unit"} <= set(guide["limits"])
    assert {"name", "required", "copies", "kind"} <= set(guide["materials"][0])


def test_responsibilities_name_account_groups(web: Web) -> None:
    duty = web.get("/responsibilities", "xingguo.window", item="W-01", area="xingguo").json()
    assert duty["accepts"] == "xingguo.window"
    assert duty["decides"].startswith("city.")
    assert duty["supervises"].endswith(".supervisor")


def test_the_twenty_areas_are_listed(web: Web) -> None:
    assert len(web.get("/areas").json()["items"]) == 20
