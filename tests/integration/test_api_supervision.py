"""The ledger of supervision and policy notices through the API and the pages: who sees and does what."""

import base64
import hashlib
from collections.abc import Iterator
from typing import Any

import pytest
from sqlmodel import select

from models.audit import AuditEntry
from models.case import Case, Verdict
from models.outbox import OutboxCommand
from models.supervision import SupervisionPush
from services.cases import decisions, form_check
from services.supervision import pushes
from services.supervision.push_ledger import PushState
from tests.integration.closing import close
from tests.integration.people import sign_in
from tests.integration.web import Web
from tests.integration.web import web as web

CITY, COUNTY, APPROVER = "city.zrzy.supervisor", "xingguo.supervisor", "city.zrzy.approver"


def pushed(web: Web, verdict: Verdict = Verdict.APPROVE, **changes: Any) -> dict[str, dict[str, Any]]:
    """Close a window case and return its pushes by recipient."""
    case_no = web.submit(**changes)
    close(web, case_no, verdict)
    items = web.get("/pushes", "city.coordinator", case_no=case_no).json()["items"]
    return {one["to"]: one for one in items}


def test_closing_pushes_once_and_starts_one_tracking_however_often_the_job_runs(web: Web) -> None:
    push = pushed(web)[CITY]
    with web.database.transaction() as session:
        case = session.get_one(Case, push["case_no"])
        decisions.close(session, case.case_no)
        pushes.push(session, case)
    with web.database.reading() as session:
        rows = session.exec(select(SupervisionPush).where(SupervisionPush.case_no == push["case_no"])).all()
        key = f"message:approval-pushed:{push['case_no']}:pushed"
        queued = session.exec(select(OutboxCommand.payload).where(OutboxCommand.natural_key == key)).all()
    assert {one.recipient for one in rows} == {CITY, COUNTY}
    [message] = queued
    assert message["correlation_key"] == push["case_no"]
    assert [one["id"] for one in message["variables"]["pushes"]] == [f"push-{one.id}" for one in rows]
    assert "测试" not in str(message)


def test_a_push_is_seen_by_its_recipient_the_approver_and_the_coordinator_alone(web: Web) -> None:
    push = pushed(web)[CITY]
    for username in (CITY, APPROVER, "city.coordinator"):
        listed = web.get("/pushes", username, case_no=push["case_no"]).json()["items"]
        assert push["id"] in [one["id"] for one in listed], username
        assert web.get(f"/pushes/{push['id']}", username).status_code == 200
    for username in (COUNTY, "xingguo.window", "city.slj.supervisor", "city.jtys.approver"):
        listed = web.get("/pushes", username, case_no=push["case_no"]).json()["items"]
        assert push["id"] not in [one["id"] for one in listed], username
        assert web.get(f"/pushes/{push['id']}", username).status_code == 403
    assert web.get("/pushes", "admin.system").status_code == 403
    assert web.get("/pushes").status_code == 401
    assert web.get("/pushes/999999", CITY).status_code == 404
    assert web.get("/pushes/nonsense", CITY).status_code == 404


def test_the_supervisor_reads_whose_case_it_is_and_leaves_an_audit_entry(web: Web) -> None:
    push = pushed(web)[COUNTY]
    told = web.get(f"/pushes/{push['id']}", COUNTY).json()
    assert told["applicant"]["name"] == "测试申请人"
    assert told["sheet"]["documents"]
    masked = web.get(f"/pushes/{push['id']}", "city.coordinator").json()
    assert masked["applicant"]["name"] == "测****"
    with web.database.reading() as session:
        entries = session.exec(
            select(AuditEntry).where(AuditEntry.subject == push["case_no"], AuditEntry.action == "push.read")
        ).all()
    assert [one.actor for one in entries] == [COUNTY]


def test_only_the_recipients_claim_and_give_feedback_and_only_the_approver_answers(web: Web) -> None:
    push = pushed(web)[CITY]
    feedback = {"kind": "inspection", "text": "检查"}
    for username in (COUNTY, APPROVER, "city.coordinator"):
        assert web.post(f"/pushes/{push['id']}/claim", username).status_code == 403
        assert web.post(f"/pushes/{push['id']}/feedback", username, json=feedback).status_code == 403
    assert web.post(f"/pushes/{push['id']}/answer", APPROVER, json={"text": "早了"}).json()["code"] == "no_feedback"
    assert web.post(f"/pushes/{push['id']}/claim", CITY).status_code == 200
    assert web.post(f"/pushes/{push['id']}/claim", CITY).status_code == 200
    assert web.post(f"/pushes/{push['id']}/feedback", CITY, json=feedback).status_code == 201
    for username in (CITY, "xingguo.approver"):
        assert web.post(f"/pushes/{push['id']}/answer", username, json={"text": "收到"}).status_code == 403
    assert web.post(f"/pushes/{push['id']}/read", APPROVER).json()["feedback"]["read_by"] == APPROVER
    answered = web.post(f"/pushes/{push['id']}/answer", APPROVER, json={"text": "收到"}).json()
    assert answered["feedback"]["answer"] == "收到"
    again = web.post(f"/pushes/{push['id']}/answer", APPROVER, json={"text": "再答"})
    assert (again.status_code, again.json()["code"]) == (409, "no_feedback")


def test_who_decided_the_case_may_not_supervise_it(web: Web) -> None:
    case_no = web.submit()
    close(web, case_no, approver=CITY)
    [push] = web.get("/pushes", CITY, case_no=case_no).json()["items"]
    assert web.post(f"/pushes/{push['id']}/claim", CITY).status_code == 403


@pytest.mark.parametrize(
    "body",
    [{}, {"kind": "nonsense", "text": "x"}, {"kind": "penalty", "text": "  "}, {"kind": "penalty", "text": "x" * 2001}],
)
def test_faulty_feedback_is_refused(web: Web, body: dict[str, Any]) -> None:
    push = pushed(web)[CITY]
    assert web.post(f"/pushes/{push['id']}/feedback", CITY, json=body).status_code == 422


def test_the_ledgers_figures_and_filters_agree(web: Web) -> None:
    push = pushed(web)[CITY]
    web.post(f"/pushes/{push['id']}/feedback", CITY, json={"kind": "penalty", "text": "罚款"})
    figures = web.get("/push-figures", CITY).json()
    for state in ("waiting", "claimed", "feedback", "answered", "overdue", "escalated", "late"):
        listed = web.get("/pushes", CITY, state=state, limit=200).json()["items"]
        assert len(listed) == figures[state], state
    assert figures["pushed"] == figures["waiting"] + figures["claimed"]
    unanswered = web.get("/pushes", CITY, state="unanswered", limit=200).json()["items"]
    assert push["id"] in [one["id"] for one in unanswered]
    assert web.get("/pushes", CITY, state="nonsense").status_code == 422


def test_a_page_of_the_ledger_leads_to_the_next(web: Web) -> None:
    pushed(web), pushed(web)
    seen: list[int] = []
    cursor: Any = ""
    while cursor is not None:
        page = web.get("/pushes", CITY, limit=1, cursor=cursor).json()
        seen += [one["id"] for one in page["items"]]
        cursor = page["next"]
    assert seen == sorted(seen, reverse=True)
    assert len(seen) == web.get("/push-figures", CITY).json()["pushed"]


def test_a_restriction_is_found_at_the_form_check_but_not_asked_of_the_applicant(web: Web) -> None:
    body = web.body()
    push = pushed(web, applicant=body["applicant"])[CITY]
    web.post(f"/pushes/{push['id']}/feedback", CITY, json={"kind": "restriction", "text": "限制一年"})
    following, stranger = web.submit(applicant=body["applicant"]), web.submit()
    with web.database.transaction() as session:
        for case_no, expected in ((following, 1), (stranger, 0)):
            found = form_check.run(session, session.get_one(Case, case_no), 0)
            assert len([one for one in found if one.rule == "restriction"]) == expected
            assert form_check.missing_now(session, case_no) == []


def notice_body(**changes: Any) -> dict[str, Any]:
    return {"title": "新规", "level": "national", "published_on": "2026-01-05", "items": ["W-01"], **changes}


def test_the_recipients_are_the_approvers_of_the_items_and_counties(web: Web) -> None:
    made = web.post("/policy-notices", CITY, json=notice_body(items=["W-01", "D-12"])).json()
    assert made["pending"] == [APPROVER, "zhanggong.approver"]
    assert {one["group"] for one in made["recipients"] if not one["required"]} >= {"xingguo.window", "zhanggong.window"}
    assert made["due_at"] == "2026-01-12T23:59:59+08:00"
    wide = web.post("/policy-notices", CITY, json=notice_body(items=["D-01"])).json()
    assert len(wide["pending"]) == 18
    own = web.post("/policy-notices", COUNTY, json=notice_body(items=["D-01"])).json()
    assert [one["group"] for one in own["recipients"]] == ["xingguo.approver", "xingguo.window"]


@pytest.mark.parametrize(
    "changes",
    [
        {"published_on": "2999-01-01"},
        {"published_on": "1900-01-01"},
        {"published_on": "gestern"},
        {"items": []},
        {"items": ["X-99"]},
        {"level": "county"},
        {"title": "  "},
        {"file": {"name": "x", "content_base64": "???"}},
        {"file": {"name": "x"}},
        {"surplus": 1},
    ],
)
def test_a_faulty_notice_is_refused(web: Web, changes: dict[str, Any]) -> None:
    assert web.post("/policy-notices", CITY, json=notice_body(**changes)).status_code == 422


def test_a_county_gives_notice_of_its_own_items_only(web: Web) -> None:
    assert web.post("/policy-notices", COUNTY, json=notice_body(items=["D-12"])).status_code == 422


@pytest.mark.parametrize("username", [APPROVER, "xingguo.window", "city.coordinator", "admin.system"])
def test_only_supervisors_give_notice_and_are_told_so_before_the_content(web: Web, username: str) -> None:
    assert web.post("/policy-notices", username, json={"nonsense": 1}).status_code == 403


def test_the_document_is_kept_as_it_was_handed_in(web: Web) -> None:
    content = b"%PDF-1.7 " + bytes(range(256)) * 8_000
    file = {"name": "../../新规.pdf", "content_base64": base64.b64encode(content).decode()}
    made = web.post("/policy-notices", CITY, json=notice_body(file=file))
    assert made.status_code == 201, made.text
    stored = made.json()["file"]
    assert stored == {"name": "新规.pdf", "sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
    answer = web.get(f"/policy-notices/{made.json()['id']}/file", APPROVER)
    assert answer.content == content
    assert answer.headers["content-disposition"].startswith("attachment")
    without = web.post("/policy-notices", CITY, json=notice_body()).json()
    assert web.get(f"/policy-notices/{without['id']}/file", APPROVER).status_code == 404


def test_a_document_over_five_megabytes_is_refused(web: Web) -> None:
    file = {"name": "x", "content_base64": base64.b64encode(bytes(5 * 1024 * 1024 + 1)).decode()}
    assert web.post("/policy-notices", CITY, json=notice_body(file=file)).status_code == 422
    larger = {"name": "x", "content_base64": "A" * 8_000_000}
    assert web.post("/policy-notices", CITY, json=notice_body(file=larger)).status_code == 413


def test_only_the_recipients_acknowledge(web: Web) -> None:
    made = web.post("/policy-notices", CITY, json=notice_body()).json()
    path = f"/policy-notices/{made['id']}"
    for username in (CITY, "xingguo.approver", "city.coordinator"):
        assert web.post(f"{path}/acknowledge", username).status_code == 403
    assert made["id"] in [one["id"] for one in web.get("/policy-notices", APPROVER, pending=True).json()["items"]]
    first, again = web.post(f"{path}/acknowledge", APPROVER), web.post(f"{path}/acknowledge", APPROVER)
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json()["pending"] == []
    assert first.json()["completed_at"] == again.json()["completed_at"]
    assert made["id"] not in [one["id"] for one in web.get("/policy-notices", APPROVER, pending=True).json()["items"]]


def test_the_guide_names_the_notices_about_its_item_and_is_otherwise_as_it_was(web: Web) -> None:
    made = web.post("/policy-notices", CITY, json=notice_body(items=["W-03"], title="某办法")).json()
    guide = web.get("/items/W-03/guide").json()
    assert [(one["id"], one["title"]) for one in guide["notices"]] == [(made["id"], "某办法")]
    assert web.get("/items/W-04/guide").json()["notices"] == []
    assert {"conditions", "materials", "limits", "steps", "fees", "basis", "result", "redress"} <= set(guide)


@pytest.fixture
def pages(web: Web) -> Iterator[Web]:
    yield web
    web.client.cookies.clear()


def test_the_ledger_and_the_sheet_work_without_the_api(pages: Web) -> None:
    push = pushed(pages)[CITY]
    csrf = sign_in(pages, CITY)
    assert push["case_no"] in pages.client.get("/supervision").text
    assert "badge" in pages.client.get("/supervision/count").text
    path = f"/supervision/{push['id']}"
    assert "测试申请人" in pages.client.get(path).text
    assert pages.client.post(f"{path}/claim", data={}).status_code == 403
    assert "已认领" in pages.client.post(f"{path}/claim", data={"csrf": csrf}).text
    empty = pages.client.post(f"{path}/feedback", data={"csrf": csrf, "kind": "penalty", "text": " "})
    assert empty.status_code == 422
    given = pages.client.post(f"{path}/feedback", data={"csrf": csrf, "kind": "restriction", "text": "限制"})
    assert "生效中" in given.text
    csrf = sign_in(pages, APPROVER)
    assert "已答复" in pages.client.post(f"{path}/answer", data={"csrf": csrf, "text": "收到"}).text
    assert "审管信息推送" in pages.client.get(f"/cases/{push['case_no']}").text
    for state in (*(one.value for one in PushState), "nonsense"):
        assert pages.client.get("/supervision", params={"state": state}).status_code == 200


def test_a_notice_is_issued_and_acknowledged_on_pages(pages: Web) -> None:
    csrf = sign_in(pages, CITY)
    assert pages.client.get("/policy-notices/new").status_code == 200
    fields = {"csrf": csrf, "title": "某通知", "level": "city", "published_on": "2026-01-05", "items": "w-01、W-05"}
    faulty = pages.client.post("/policy-notices", data={**fields, "items": "X-1"}, files={"file": ("", b"")})
    assert (faulty.status_code, "没有这些事项" in faulty.text) == (422, True)
    made = pages.client.post("/policy-notices", data=fields, files={"file": ("通知.pdf", b"%PDF")})
    assert "已发出告知" in made.text
    assert "通知.pdf" in made.text
    csrf = sign_in(pages, APPROVER)
    assert pages.client.get("/policy-notices/new").status_code == 403
    assert "badge" in pages.client.get("/policy-notices/count").text
    assert "已签阅" in pages.client.post(f"{made.url.path}/acknowledge", data={"csrf": csrf}).text
    assert pages.client.get(f"{made.url.path}/file").content == b"%PDF"
    assert "某通知" in pages.client.get("/items/W-05").text


def test_the_administrator_registers_an_endpoint_and_sees_the_secret_once(pages: Web) -> None:
    csrf = sign_in(pages, "admin.system")
    made = pages.client.post(
        "/admin/webhooks", data={"csrf": csrf, "url": "https://example.com/hook", "events": ["push.*"]}
    )
    assert "whsec_" in made.text
    assert "whsec_" not in pages.client.get("/admin/webhooks").text
    faulty = pages.client.post("/admin/webhooks", data={"csrf": csrf, "url": "ftp://x", "events": []})
    assert faulty.status_code == 422
    [one] = pages.get("/webhooks", "admin.system").json()["items"]
    assert pages.client.post(f"/admin/webhooks/{one['id']}/delete", data={"csrf": csrf}).status_code == 200
    sign_in(pages, CITY)
    assert pages.client.get("/admin/webhooks").status_code == 403
