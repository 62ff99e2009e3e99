"""The contract of ``/api/v1`` on a running instance: refusals in their order, and what bad input leaves behind."""

import hashlib
from typing import Any

import httpx
import pytest

from tests.instance import Instance, id_card

pytestmark = pytest.mark.engine


def post(instance: Instance, username: str, body: Any, key: str = "k") -> httpx.Response:
    return instance.api(username).post("/cases", json=body, headers={"Idempotency-Key": key})


def total(instance: Instance) -> int:
    """Count the cases of an area, page by page."""
    count, cursor = 0, None
    while True:
        parameters: dict[str, Any] = {"limit": 200} | ({"cursor": cursor} if cursor else {})
        page = instance.api("xingguo.window").get("/cases", params=parameters).json()
        count, cursor = count + len(page["items"]), page["next"]
        if cursor is None:
            return count


def test_refusals_come_in_the_order_of_the_contract(instance: Instance) -> None:
    good = instance.body("W-01", "xingguo")
    broken = {**good, "applicant": {**good["applicant"], "id_number": "123"}}
    anonymous = httpx.post(f"{instance.url}/api/v1/cases", json=broken)
    assert (anonymous.status_code, anonymous.headers["content-type"]) == (401, "application/problem+json")
    assert post(instance, "ganxian.window", broken).status_code == 403
    assert post(instance, "xingguo.reviewer", good).status_code == 403
    wrong = post(instance, "xingguo.window", {**broken, "item": "D-12"})
    assert wrong.status_code == 422
    assert [one["field"] for one in wrong.json()["errors"]] == ["applicant.id_number"]
    assert (
        post(instance, "xingguo.window", {**good, "item": "D-12", "conditions": {}}).json()["code"]
        == "item_not_delegated"
    )
    locked = instance.body("S-22", "xingguo")
    assert post(instance, "xingguo.window", locked).json()["code"] == "agreement_missing"


def test_a_direct_item_is_not_for_the_zones(instance: Instance) -> None:
    body = instance.body("D-01", "jingkai")
    answer = post(instance, "jingkai.window", body)
    assert (answer.status_code, answer.json()["code"]) == (409, "item_not_delegated")


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        (("applicant", "id_number"), "91350100M000100Y44", "applicant.id_number"),
        (("applicant", "phone"), "abc", "applicant.phone"),
        (("applicant", "kind"), "ghost", "applicant.kind"),
        (("applicant", "name"), "", "applicant.name"),
        (("item",), "W-99", "item"),
        (("materials",), [{"name": "x", "copies": -1, "kind": "original", "present": True}], "materials.0.copies"),
        (("materials",), "none", "materials"),
        (("stray",), 1, "stray"),
        (("conditions",), {"no_such_question": True}, "conditions.no_such_question"),
        (("project",), "字" * 201, "project"),
    ],
)
def test_bad_input_names_its_field_and_changes_nothing(
    instance: Instance, path: tuple[str, ...], value: Any, field: str
) -> None:
    before = total(instance)
    body = instance.body("W-01", "xingguo")
    target = body
    for step in path[:-1]:
        target = target[step]
    target[path[-1]] = value
    answer = post(instance, "xingguo.window", body)
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert field in [one["field"] for one in answer.json()["errors"]]
    assert total(instance) == before


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'"x"', b"\xff", b'{"area": "\\ud800"}', b"null"])
def test_a_body_that_is_no_json_object_is_one_clear_error(instance: Instance, content: bytes) -> None:
    client = instance.api("xingguo.window")
    headers = {"Idempotency-Key": "k", "Content-Type": "application/json"}
    answer = client.post("/cases", content=content, headers=headers)
    assert answer.status_code in (403, 422)
    assert answer.json()["code"]


def test_the_same_key_answers_with_the_same_case_and_another_body_is_refused(instance: Instance) -> None:
    body = instance.body("W-01", "xingguo")
    first = post(instance, "xingguo.window", body, "same-key")
    again = post(instance, "xingguo.window", body, "same-key")
    other = post(instance, "xingguo.window", {**body, "project": "另一个"}, "same-key")
    assert (first.status_code, again.status_code, other.status_code) == (201, 200, 409)
    assert first.json() == again.json()
    assert other.json()["code"] == "idempotency_conflict"
    duplicate = post(instance, "xingguo.window", body, "another-key")
    assert (duplicate.status_code, duplicate.json()["code"]) == (409, "duplicate_open_case")
    assert duplicate.json()["case_no"] == first.json()["case_no"]


def test_missing_materials_and_answers_never_refuse_a_submission(instance: Instance) -> None:
    body = instance.body("W-40", "xingguo", conditions={}, materials=[])
    answer = post(instance, "xingguo.window", body, "bare")
    assert answer.status_code == 201, answer.text
    case_no = answer.json()["case_no"]
    instance.task(case_no, "Task_DecideAcceptance")
    failed = [one for one in instance.case(case_no)["form_check"] if not one["passed"]]
    assert {one["rule"] for one in failed} == {"material", "condition"}


def test_a_task_refuses_unknown_outcomes_and_strangers(instance: Instance) -> None:
    case_no = instance.submit("W-01", "xingguo")
    task = instance.task(case_no, "Task_DecideAcceptance")
    window = instance.api("xingguo.window")
    path = f"/tasks/{task['id']}"
    assert window.post(f"{path}/complete", json={"outcome": "approve"}).status_code == 422
    assert window.post(f"{path}/complete", json={}).status_code == 422
    assert window.post(f"{path}/complete", json={"outcome": "accept", "values": {"stray": 1}}).status_code == 422
    assert instance.api("city.zrzy.reviewer").post(f"{path}/claim").status_code == 403
    assert window.post("/tasks/1/claim").status_code == 404
    assert window.post("/tasks/no-number/claim").status_code in (404, 422)
    assert window.post(f"{path}/claim").is_success
    mine = window.get("/tasks", params={"scope": "mine", "case_no": case_no}).json()["items"]
    assert [one["id"] for one in mine] == [task["id"]]
    assert window.post(f"{path}/release").json()["assignee"] is None
    assert instance.case(case_no)["state"]["code"] == 1


def test_lists_are_paged_by_cursor_without_gaps_or_repeats(instance: Instance) -> None:
    for _ in range(3):
        instance.submit("W-10", "xingguo")
    client = instance.api("xingguo.window")
    whole = [one["case_no"] for one in client.get("/cases", params={"limit": 200}).json()["items"]]
    paged, cursor = [], None
    while len(paged) < len(whole):
        page = client.get("/cases", params={"limit": 2} | ({"cursor": cursor} if cursor else {})).json()
        paged += [one["case_no"] for one in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert paged == whole
    assert client.get("/cases", params={"cursor": "forged"}).status_code == 422
    assert client.get("/cases", params={"limit": 201}).status_code == 422


def test_a_county_sees_its_own_cases_only_and_personal_data_is_masked_in_lists(instance: Instance) -> None:
    case_no = instance.submit("W-01", "xingguo")
    assert instance.api("ganxian.window").get(f"/cases/{case_no}").status_code == 403
    assert instance.api("xingguo.window").get("/cases/nothing").status_code == 404
    row = next(
        one
        for one in instance.api("xingguo.window").get("/cases", params={"q": case_no}).json()["items"]
        if one["case_no"] == case_no
    )
    assert "测试申请人" not in str(row)


def test_a_document_is_a_pdf_with_the_digest_the_case_tells(instance: Instance) -> None:
    case = instance.case(instance.submit("W-01", "xingguo"), "xingguo.window")
    document = case["documents"][0]
    answer = instance.api("xingguo.window").get(f"/documents/{document['id']}")
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.content.startswith(b"%PDF")
    assert hashlib.sha256(answer.content).hexdigest() == document["sha256"]
    assert instance.api("ganxian.window").get(f"/documents/{document['id']}").status_code == 403


def test_the_public_sees_a_case_with_its_query_code_only(instance: Instance) -> None:
    body = instance.body("W-01", "xingguo")
    receipt = post(instance, "xingguo.window", body, "public").json()
    url = f"{instance.url}/api/v1/public/cases/{receipt['case_no']}"
    shown = httpx.get(url, params={"query_code": receipt["query_code"]})
    assert shown.status_code == 200
    assert body["applicant"]["id_number"] not in shown.text
    assert httpx.get(url, params={"query_code": "WRONG"}).status_code == 404


def test_the_catalogue_and_responsibilities_are_as_the_plan_prints_them(instance: Instance) -> None:
    client = instance.api("xingguo.window")
    items = client.get("/items").json()["items"]
    assert len(items) == 118
    by_code = {one["code"]: one for one in items}
    assert by_code["D-12"]["areas"] == ["zhanggong"]
    assert set(by_code["S-01"]["areas"]) - set(by_code["S-01"]["locked_areas"]) == {"rongjiang", "zhanggong"}
    assert (by_code["W-38"]["mode"], by_code["S-28"]["mode"]) == ("window", "substantive")
    answer = client.get("/responsibilities", params={"item": "W-01", "area": "xingguo"}).json()
    assert answer["decides"] == "city.zrzy.approver"


def test_the_machine_answers_about_itself(instance: Instance) -> None:
    assert httpx.get(f"{instance.url}/healthz").status_code == 200
    assert httpx.get(f"{instance.url}/readyz").status_code == 200
    assert "tongquan" in httpx.get(f"{instance.url}/metrics").text
    clock = httpx.get(f"{instance.url}/api/v1/clock").json()
    assert clock["controlled"] is True
    assert clock["now"].endswith("+08:00")
    window = instance.api("xingguo.window")
    assert window.post("/clock/advance", json={"seconds": 1}).status_code == 403
    admin = instance.api("admin.system")
    for bad in (-1, 0, "soon", None, 1e300):
        assert admin.post("/clock/advance", json={"seconds": bad}).status_code == 422
    assert admin.get("/openapi.json").json()["openapi"].startswith("3.1")


def test_processes_and_instances_are_told(instance: Instance) -> None:
    case_no = instance.submit("W-01", "xingguo")
    instance.task(case_no, "Task_DecideAcceptance")
    admin = instance.api("admin.system")
    assert "front-window" in {one["id"] for one in admin.get("/processes").json()["items"]}
    assert admin.get("/processes/front-window/xml").text.startswith("<?xml")
    root = instance.until(
        case_no, lambda c: any(i["process_id"] == "acceptance" for i in c["process_instances"]), "called instance known"
    )["process_instances"][0]
    told = admin.get(f"/process-instances/{root['key']}").json()
    assert told["case_no"] == case_no
    assert told["process_id"] == "front-window"
    assert admin.get("/process-instances/1").status_code == 404


def test_an_id_card_helper_makes_valid_numbers() -> None:
    from datetime import date

    from models.case import IdentityType
    from models.identity import identity_error

    assert all(identity_error(IdentityType.ID_CARD, id_card(n), date(2026, 1, 1)) is None for n in range(1, 2000, 37))
