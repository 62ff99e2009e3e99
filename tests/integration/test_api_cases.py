"""Cases through the API: the order of refusals, idempotency, who may read, and what the public sees."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update
from sqlmodel import col, select

from models.audit import AuditEntry
from models.case import Case
from models.document import Document, DocumentKind
from services.clock import product_now
from services.journal import audit
from tests.integration.people import sign_in
from tests.integration.web import Web
from tests.integration.web import web as web

WINDOW = "xingguo.window"


def submit(web: Web, body: Any, username: str | None = WINDOW, key: str = "k") -> Any:
    return web.post("/cases", username, json=body, Idempotency_Key=key)


def test_a_case_is_created_and_its_key_answers_with_the_same_one(web: Web) -> None:
    body = web.body()
    created, repeated = submit(web, body, key="once"), submit(web, body, key="once")
    assert (created.status_code, repeated.status_code) == (201, 200)
    assert created.json() == repeated.json()
    assert created.json()["state"] == {"code": 1, "name": "已接件"}
    assert created.headers["location"].endswith(f"/cases/{created.json()['case_no']}")
    other = submit(web, body | {"project": "别的项目"}, key="once")
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_conflict")


def test_the_open_case_of_a_duplicate_is_named(web: Web) -> None:
    body = web.body()
    first = submit(web, body, key="first").json()
    second = submit(web, body, key="second")
    assert (second.status_code, second.json()["code"]) == (409, "duplicate_open_case")
    assert second.json()["case_no"] == first["case_no"]


def test_nobody_is_told_what_is_wrong_before_signing_in(web: Web) -> None:
    assert submit(web, {"nonsense": True}, None).status_code == 401
    assert web.client.post("/api/v1/cases", content=b"{").status_code == 401


@pytest.mark.parametrize("username", ["yudu.window", "xingguo.reviewer", "city.coordinator", "admin.system"])
def test_only_the_areas_window_submits_however_faulty_the_body(web: Web, username: str) -> None:
    answer = submit(web, {"area": "xingguo", "nonsense": True}, username)
    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


def test_an_account_without_a_window_is_refused_whatever_it_sends(web: Web) -> None:
    headers = web.headers("xingguo.reviewer", **{"Content-Type": "application/json"})
    assert web.client.post("/api/v1/cases", content=b"{", headers=headers).status_code == 403


def test_faults_of_content_come_before_conflicts(web: Web) -> None:
    body = web.body()
    body["applicant"]["id_number"] = "362101199001010000"
    answer = submit(web, body | {"area": "xingguo", "item": "W-01"})
    assert answer.status_code == 422
    assert "applicant.id_number" in [one["field"] for one in answer.json()["errors"]]


def test_unknown_fields_are_named_however_deep(web: Web) -> None:
    body = web.body() | {"extra": 1}
    body["applicant"]["nick"] = "x"
    fields = [one["field"] for one in submit(web, body).json()["errors"]]
    assert fields == ["applicant.nick", "extra"]


@pytest.mark.parametrize("key", [None, "", "k" * 201])
def test_the_key_is_required_and_bounded(web: Web, key: str | None) -> None:
    headers = {} if key is None else {"Idempotency_Key": key}
    answer = web.post("/cases", WINDOW, json=web.body(), **headers)
    assert answer.status_code == 422
    assert [one["field"] for one in answer.json()["errors"]] == ["Idempotency-Key"]


def test_what_is_not_delegated_and_what_lacks_an_agreement_conflicts(web: Web) -> None:
    locked = submit(web, web.body("S-01"), key="locked")
    assert (locked.status_code, locked.json()["code"]) == (409, "agreement_missing")
    elsewhere = submit(web, web.body("D-12"), key="elsewhere")
    assert (elsewhere.status_code, elsewhere.json()["code"]) == (409, "item_not_delegated")


def test_missing_materials_and_answers_refuse_nothing(web: Web) -> None:
    assert submit(web, web.body(materials=[], conditions={}), key="bare").status_code == 201


def test_the_county_and_the_citys_unit_read_the_case_and_others_do_not(web: Web) -> None:
    case_no = web.submit()
    unit = web.get(f"/cases/{case_no}", WINDOW).json()["city_unit"]
    for username in ("xingguo.supervisor", f"city.{unit}.approver", "city.coordinator"):
        assert web.get(f"/cases/{case_no}", username).status_code == 200, username
    for username in ("yudu.window", "city.swj.reviewer", "admin.system", "admin.audit"):
        assert web.get(f"/cases/{case_no}", username).status_code == 403, username


def test_lists_hold_what_may_be_read_and_mask_the_applicant(web: Web) -> None:
    case_no = web.submit()
    mine = web.get("/cases", WINDOW, q=case_no).json()["items"]
    assert [row["case_no"] for row in mine] == [case_no]
    assert mine[0]["applicant_name"] != "测试申请人"
    assert web.get("/cases", "yudu.window", q=case_no).json()["items"] == []


def test_pages_of_cases_join_without_a_gap(web: Web) -> None:
    made = {web.submit(area="chongyi") for _ in range(5)}
    seen, cursor = [], ""
    while cursor is not None:
        page = web.get("/cases", "chongyi.window", limit=2, cursor=cursor).json()
        seen += [row["case_no"] for row in page["items"]]
        cursor = page["next"]
    assert len(seen) == len(set(seen))
    assert made <= set(seen)


def test_reading_personal_data_is_audited_and_the_chain_holds(web: Web) -> None:
    case_no = web.submit()
    assert web.get(f"/cases/{case_no}", WINDOW).json()["applicant"]["name"] == "测试申请人"
    masked = web.get(f"/cases/{case_no}", "city.coordinator").json()["applicant"]
    assert "测试申请人" not in masked.values()
    with web.database.reading() as session:
        readers = session.exec(
            select(AuditEntry.actor).where(AuditEntry.subject == case_no, AuditEntry.action == "case.read")
        ).all()
        assert readers == [WINDOW]
        assert audit.verify(session) == []


@pytest.mark.parametrize("username", ["city.coordinator", "city.zrzy.advisor", "xingguo.supervisor"])
def test_a_masked_name_is_found_by_no_search(web: Web, username: str) -> None:
    case_no = web.submit()
    found = {one["case_no"] for one in web.get("/cases", WINDOW, q="测试申请人", limit=200).json()["items"]}
    assert case_no in found
    assert web.get(f"/cases/{case_no}", username).json()["applicant"]["masked"] is True
    for told in ("测试申请人", "申请人"):
        assert web.get("/cases", username, q=told).json()["items"] == []
    assert [one["case_no"] for one in web.get("/cases", username, q=case_no).json()["items"]] == [case_no]


@pytest.mark.parametrize("username", ["city.coordinator", "city.zrzy.advisor"])
def test_papers_are_closed_to_whom_the_applicant_is_masked_for(web: Web, username: str) -> None:
    case_no = web.submit()
    document = web.get(f"/cases/{case_no}", username).json()["documents"][0]
    for purpose in ({}, {"purpose": "了解情况"}):
        assert web.get(f"/cases/{case_no}", username, **purpose).json()["applicant"]["masked"] is True
        refused = web.get(f"/documents/{document['id']}", username, **purpose)
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")


def test_a_supervisor_sees_whose_case_it_is_for_a_purpose_that_is_kept(web: Web) -> None:
    case_no, supervisor = web.submit(), "xingguo.supervisor"
    told = web.get(f"/cases/{case_no}", supervisor).json()
    assert told["applicant"]["name"] == "测****"
    paper = f"/documents/{told['documents'][0]['id']}"
    refused = web.get(paper, supervisor)
    assert (refused.status_code, refused.json()["code"]) == (403, "purpose_required")
    assert web.get(paper, supervisor, purpose="查").status_code == 422
    shown = web.get(f"/cases/{case_no}", supervisor, purpose="群众投诉核查").json()
    assert (shown["applicant"]["name"], shown["applicant"]["masked"]) == ("测试申请人", False)
    assert web.get(paper, supervisor, purpose="群众投诉核查").status_code == 200
    with web.database.reading() as session:
        entries = session.exec(
            select(AuditEntry)
            .where(AuditEntry.subject == case_no, AuditEntry.actor == supervisor)
            .order_by(col(AuditEntry.id))
        ).all()
    kept = [(one.action, one.detail["purpose"]) for one in entries]
    assert kept == [("case.read", "群众投诉核查"), ("document.read", "群众投诉核查")]


def test_the_page_asks_a_supervisor_for_the_purpose(web: Web) -> None:
    case_no = web.submit()
    document = web.get(f"/cases/{case_no}", WINDOW).json()["documents"][0]["id"]
    sign_in(web, "xingguo.supervisor")
    page = web.client.get(f"/cases/{case_no}").text
    assert "测试申请人" not in page
    assert 'name="purpose"' in page
    opened = web.client.get(f"/cases/{case_no}", params={"purpose": "群众投诉核查"}).text
    assert "测试申请人" in opened
    assert 'name="purpose"' not in opened
    asked = web.client.get(f"/documents/{document}")
    assert asked.status_code == 403
    assert 'name="purpose"' in asked.text
    assert web.client.get(f"/documents/{document}", params={"purpose": "群众投诉核查"}).content.startswith(b"%PDF")


def test_a_document_is_a_pdf_for_who_handles_its_case(web: Web) -> None:
    case_no = web.submit()
    document = web.get(f"/cases/{case_no}", WINDOW).json()["documents"][0]
    answer = web.get(f"/documents/{document['id']}", WINDOW)
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.content.startswith(b"%PDF")
    assert web.get(f"/documents/{document['id']}", "yudu.window").status_code == 403


def test_an_applicant_sees_the_case_with_the_query_code_only(web: Web) -> None:
    receipt = submit(web, web.body(), key="public").json()
    path = f"/public/cases/{receipt['case_no']}"
    assert web.get(path, query_code=receipt["query_code"]).json()["state"]["code"] == 1
    assert web.get(path, query_code="WRONG").status_code == 404


def test_an_applicant_opens_the_papers_addressed_to_them(web: Web) -> None:
    receipt = submit(web, web.body() | {"project": "opens_the_papers"}, key="opens_the_papers").json()
    path, code = f"/public/cases/{receipt['case_no']}", receipt["query_code"]
    paper = web.get(path, query_code=code).json()["documents"][0]
    opened = [web.get(f"{path}/documents/{paper['id']}", query_code=code) for _ in range(2)]
    assert all(one.status_code == 200 and one.content.startswith(b"%PDF") for one in opened)
    assert web.get(f"{path}/documents/{paper['id']}", query_code="WRONG").status_code == 404
    other = submit(web, web.body() | {"project": "strange"}, key="strange").json()
    strange = web.get(f"/public/cases/{other['case_no']}/documents/{paper['id']}", query_code=other["query_code"])
    assert strange.status_code == 404
    timeline = web.get(f"/cases/{receipt['case_no']}", WINDOW).json()["timeline"]
    assert [(one["actor"], one["event"]) for one in timeline if one["event"] == "document.opened"] == [
        ("applicant", "document.opened")
    ]


def test_the_dossier_stays_with_the_organs(web: Web) -> None:
    receipt = submit(web, web.body() | {"project": "dossier_stays"}, key="dossier_stays").json()
    path, code = f"/public/cases/{receipt['case_no']}", receipt["query_code"]
    with web.database.transaction() as session:
        paper = session.exec(select(Document).where(Document.case_no == receipt["case_no"])).one()
        number = paper.id
        session.exec(update(Document).where(col(Document.id) == number).values(kind=DocumentKind.DOSSIER.value))
    assert [one["id"] for one in web.get(path, query_code=code).json()["documents"]] == [None]
    assert web.get(f"{path}/documents/{number}", query_code=code).status_code == 404


def test_the_page_of_progress_wants_the_query_code_and_never_in_the_address(web: Web) -> None:
    receipt = submit(web, web.body() | {"project": "page_of_progress"}, key="page_of_progress").json()
    ask = web.client.get("/public/cases", params={"case_no": receipt["case_no"]})
    assert receipt["case_no"] in ask.text
    assert 'method="post"' in ask.text
    sent = {"case_no": receipt["case_no"], "query_code": receipt["query_code"].lower()}
    shown = web.client.post("/public/cases", data=sent)
    assert shown.status_code == 200
    assert "材料接收凭证" in shown.text
    assert web.body()["applicant"]["name"] not in shown.text
    wrong = web.client.post("/public/cases", data=sent | {"query_code": "WRONG"})
    assert (wrong.status_code, receipt["case_no"] in wrong.text) == (404, True)


def test_a_withdrawal_needs_a_reason_and_happens_once(web: Web) -> None:
    case_no = web.submit()
    assert web.post(f"/cases/{case_no}/withdraw", WINDOW, json={}).status_code == 422
    assert web.post(f"/cases/{case_no}/withdraw", "yudu.window", json={"reason": "x"}).status_code == 403
    done = web.post(f"/cases/{case_no}/withdraw", WINDOW, json={"reason": "申请人改变计划"})
    assert (done.status_code, done.json()["state"]["name"]) == (202, "已撤件")
    again = web.post(f"/cases/{case_no}/withdraw", WINDOW, json={"reason": "再次"})
    assert (again.status_code, again.json()["code"]) == (409, "case_closed")


def test_what_does_not_fit_the_cases_state_conflicts(web: Web) -> None:
    case_no = web.submit()
    unit = web.get(f"/cases/{case_no}", WINDOW).json()["city_unit"]
    approver = f"city.{unit}.approver"
    supplied = web.post(f"/cases/{case_no}/materials", WINDOW, json={"materials": [{"name": "申请书"}]})
    assert (supplied.status_code, supplied.json()["code"]) == (409, "not_awaiting_materials")
    begun = web.post(
        f"/cases/{case_no}/special-procedures", approver, json={"kind": "听证", "days": 5, "reason": "依申请"}
    )
    assert (begun.status_code, begun.json()["code"]) == (409, "case_not_running")
    extended = web.post(f"/cases/{case_no}/extension", approver, json={"days": 5, "reason": "案情复杂"})
    assert (extended.status_code, extended.json()["code"]) == (409, "case_not_running")
    ended = web.post(f"/cases/{case_no}/special-procedures/none/end", approver)
    assert ended.status_code == 404


def test_a_limit_that_has_run_out_is_not_extended(web: Web) -> None:
    case_no = web.submit()
    with web.database.transaction() as session:
        case, now = session.get_one(Case, case_no), product_now(session)
        approver = f"city.{case.city_unit}.approver"
        case.accepted_at, case.limit_days = now - timedelta(days=40), 20
        case.deadlines.due_at = now - timedelta(seconds=1)
    body = {"days": 5, "reason": "案情复杂"}
    over = web.post(f"/cases/{case_no}/extension", approver, json=body)
    assert (over.status_code, over.json()["code"]) == (409, "limit_over")
    with web.database.transaction() as session:
        session.get_one(Case, case_no).deadlines.due_at = product_now(session) + timedelta(days=1)
    assert web.post(f"/cases/{case_no}/extension", approver, json=body).status_code == 201


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "聚会", "days": 5, "reason": "x"},
        {"kind": "听证", "days": 0, "reason": "x"},
        {"kind": "听证", "days": "5", "reason": "x"},
        {"kind": "听证", "days": True, "reason": "x"},
        {"kind": "听证", "days": 5, "reason": " "},
        {"kind": "听证", "days": 5},
    ],
)
def test_a_special_procedures_content_is_checked(web: Web, body: dict[str, Any]) -> None:
    case_no = web.submit()
    assert web.post(f"/cases/{case_no}/special-procedures", WINDOW, json=body).status_code == 422
