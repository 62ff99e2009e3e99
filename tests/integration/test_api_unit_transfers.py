"""Second transfers (二次划转) through the API, without an engine."""
# ruff: noqa: F401, F811 - pytest takes the imported fixture by its name.

from typing import Any

import pytest

from tests.integration.web import Web, web

AREA, ITEM, HAS_IT, OTHER = "rongjiang", "S-22", "zrzy", "nb"
BOSS = "city.coordinator"


def order(unit: str, **changes: Any) -> dict[str, Any]:
    """Return the body of a transfer to a unit."""
    return {"area": AREA, "item": ITEM, "unit": unit, "reason": "比照市级清单划转", **changes}


@pytest.mark.parametrize("effective_on", [None, "2099-01-01"])
def test_a_transfer_to_the_unit_that_has_the_item_already_is_unprocessable(web: Web, effective_on: str | None) -> None:
    answer = web.post("/unit-transfers", BOSS, json=order(HAS_IT, effective_on=effective_on))
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")
    assert answer.json()["errors"] == [{"field": "unit", "message": "该事项已由这个部门承办"}]
    assert web.get("/unit-transfers", BOSS, area=AREA, item=ITEM).json()["items"] == []


def test_after_a_transfer_the_new_unit_is_the_one_that_has_it(web: Web) -> None:
    made = web.post("/unit-transfers", BOSS, json=order(OTHER))
    assert (made.status_code, made.json()["state"]) == (201, "effective")
    assert web.post("/unit-transfers", BOSS, json=order(OTHER)).status_code == 422
    back = web.post("/unit-transfers", f"{AREA}.approver", json=order(HAS_IT))
    assert (back.status_code, back.json()["from_unit"], back.json()["to_unit"]) == (201, OTHER, HAS_IT)
