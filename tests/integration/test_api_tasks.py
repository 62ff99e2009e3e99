"""Tasks through the API: whose they are, and completing them once."""

from typing import Any

import pytest

from models.task import FormVersion, Task
from tests.integration.web import FORM, FORM_KEY, Web
from tests.integration.web import web as web

WINDOW = "xingguo.window"
ACCEPT = {"outcome": "accept", "opinion": "材料齐全", "values": {}}


def ids(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [task["id"] for task in answer.json()["items"]]


def test_a_task_is_on_its_groups_list_only(web: Web) -> None:
    case_no = web.submit()
    task = web.task(case_no, WINDOW)
    listed = web.get("/tasks", WINDOW, case_no=case_no).json()["items"]
    assert [one["id"] for one in listed] == [task]
    assert listed[0]["outcomes"][0] == {"value": "accept", "label": "受理"}
    assert listed[0]["candidate_groups"] == [WINDOW]
    assert ids(web.get("/tasks", "yudu.window", case_no=case_no)) == []
    assert web.get(f"/tasks/{task}", "yudu.window").status_code == 403


def test_claiming_moves_a_task_to_ones_own_and_releasing_back(web: Web) -> None:
    case_no = web.submit()
    task = web.task(case_no, WINDOW)
    assert web.post(f"/tasks/{task}/claim", WINDOW).json()["assignee"] == WINDOW
    assert ids(web.get("/tasks", WINDOW, scope="mine", case_no=case_no)) == [task]
    assert web.post(f"/tasks/{task}/release", WINDOW).status_code == 202
    assert ids(web.get("/tasks", WINDOW, scope="mine", case_no=case_no)) == []


def test_completing_is_done_at_once_and_only_once(web: Web) -> None:
    case_no = web.submit()
    task = web.task(case_no, WINDOW)
    assert web.post(f"/tasks/{task}/complete", WINDOW, json=ACCEPT).status_code == 202
    assert ids(web.get("/tasks", WINDOW, case_no=case_no)) == []
    again = web.post(f"/tasks/{task}/complete", WINDOW, json=ACCEPT)
    assert (again.status_code, again.json()["code"]) == (409, "task_closed")


def test_a_strangers_completion_is_forbidden(web: Web) -> None:
    task = web.task(web.submit(), WINDOW)
    assert web.post(f"/tasks/{task}/complete", "yudu.window", json=ACCEPT).status_code == 403


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"outcome": "perhaps"},
        {"outcome": 1},
        {"outcome": "accept", "values": {"unknown": 1}},
        {"outcome": "accept", "values": []},
        {"outcome": "accept", "opinion": "x" * 4001},
        {"outcome": "accept", "more": 1},
    ],
)
def test_an_answer_the_form_does_not_know_is_refused(web: Web, body: dict[str, Any]) -> None:
    task = web.task(web.submit(), WINDOW)
    answer = web.post(f"/tasks/{task}/complete", WINDOW, json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")


def test_a_required_field_left_empty_is_named_and_the_task_stays_open(web: Web) -> None:
    with web.database.transaction() as session:
        asking = {"type": "textfield", "key": "basis", "label": "依据", "validate": {"required": True}}
        definition = {**FORM, "components": [*FORM["components"], asking]}
        session.add(FormVersion(form_key=FORM_KEY + 1, form_id="acceptance", version=2, definition=definition))
    case_no = web.submit()
    task = web.task(case_no, WINDOW)
    with web.database.transaction() as session:
        session.get_one(Task, int(task)).form_key = FORM_KEY + 1
    for values in ({}, {"basis": ""}, {"basis": None}):
        answer = web.post(f"/tasks/{task}/complete", WINDOW, json={**ACCEPT, "values": values})
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_input")
        assert answer.json()["errors"] == [{"field": "values.basis", "message": "必填"}]
    assert ids(web.get("/tasks", WINDOW, case_no=case_no)) == [task]
    filled = web.post(f"/tasks/{task}/complete", WINDOW, json={**ACCEPT, "values": {"basis": "第十二条"}})
    assert filled.status_code == 202


def test_a_task_tells_its_form(web: Web) -> None:
    task = web.task(web.submit(), WINDOW)
    form = web.get(f"/tasks/{task}", WINDOW).json()["form"]
    assert set(form) == {"schema", "data"}
    assert form["schema"]["components"][0]["key"] == "outcome"


def test_pages_of_tasks_join_in_order_both_ways(web: Web) -> None:
    made = [web.task(web.submit(area="anyuan"), "anyuan.window") for _ in range(5)]
    for sort, expected in (("due_at", made), ("-created_at", made[::-1])):
        seen, cursor = [], ""
        while cursor is not None:
            page = web.get("/tasks", "anyuan.window", sort=sort, limit=2, cursor=cursor).json()
            seen += [task["id"] for task in page["items"]]
            cursor = page["next"]
        assert seen == expected


def test_a_task_is_handed_to_a_candidate_only(web: Web) -> None:
    task = web.task(web.submit(), WINDOW, "xingguo.reviewer")
    refused = web.post(f"/tasks/{task}/transfer", WINDOW, json={"to": "yudu.window", "reason": "轮岗"})
    assert refused.status_code == 422
    handed = web.post(f"/tasks/{task}/transfer", WINDOW, json={"to": "xingguo.reviewer", "reason": "轮岗"})
    assert (handed.status_code, handed.json()["assignee"]) == (202, "xingguo.reviewer")


def test_open_tasks_are_counted(web: Web) -> None:
    before = web.get("/tasks/count", "shicheng.window").json()["group"]
    web.task(web.submit(area="shicheng"), "shicheng.window")
    assert web.get("/tasks/count", "shicheng.window").json()["group"] == before + 1
