"""Who may bring a new list of items into force, through the API."""
# ruff: noqa: F401, F811 - pytest takes the imported fixture by its name.

import csv
import io

import pytest

from settings import PROJECT_ROOT
from tests.integration.web import Web, web

DRAFTER, LEAD, COORDINATOR = "city.zrzy.approver", "city.xzsp.approver", "city.coordinator"


def list_of_one() -> str:
    """Return one line of the seeded list as a list of its own."""
    source = (PROJECT_ROOT / "catalog_data" / "items.csv").read_text(encoding="utf-8")
    row = next(one for one in csv.DictReader(io.StringIO(source)) if one["code"] == "D-05")
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(row))
    writer.writeheader()
    writer.writerow(row)
    return text.getvalue()


def submitted(web: Web, drafter: str) -> str:
    """Draft a list, hand it in for review and return its address."""
    body = {"title": "清单调整", "in_force_from": "2099-01-01", "csv": list_of_one()}
    draft = web.post("/list-drafts", drafter, json=body)
    assert draft.status_code == 201, draft.text
    address = f"/list-drafts/{draft.json()['id']}"
    assert web.post(f"{address}/submit", drafter).status_code == 200
    return address


@pytest.mark.parametrize("step", ["publish", "reject"])
@pytest.mark.parametrize(
    "username", [DRAFTER, "city.xzsp.reviewer", "city.jtys.approver", "xingguo.approver", "admin.system"]
)
def test_only_the_lead_unit_decides_on_a_list(web: Web, step: str, username: str) -> None:
    address = submitted(web, DRAFTER)
    answer = web.post(f"{address}/{step}", username, json={"note": "意见"})
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")
    assert web.get(address, DRAFTER).json()["state"] == "review"


@pytest.mark.parametrize("step", ["publish", "reject"])
@pytest.mark.parametrize("username", [LEAD, COORDINATOR])
def test_whoever_drafted_a_list_does_not_decide_on_it(web: Web, step: str, username: str) -> None:
    address = submitted(web, username)
    answer = web.post(f"{address}/{step}", username, json={"note": "意见"})
    assert (answer.status_code, answer.json()["code"]) == (409, "same_person")
    assert web.get(address, username).json()["state"] == "review"


@pytest.mark.parametrize(("username", "drafter"), [(LEAD, DRAFTER), (COORDINATOR, LEAD), (LEAD, COORDINATOR)])
def test_the_lead_unit_and_the_coordinator_publish_what_others_drafted(web: Web, username: str, drafter: str) -> None:
    answer = web.post(f"{submitted(web, drafter)}/publish", username)
    assert answer.status_code == 200, answer.text
    assert (answer.json()["state"], answer.json()["reviewed_by"]) == ("published", username)
