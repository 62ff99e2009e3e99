"""Anybody can check a paper; a seal that may not be used stops the paper, which is issued once it may be again."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader
from sqlalchemy import update
from sqlmodel import Session, col, select

from models.case import Case
from models.document import Document
from models.signature import ElectronicSeal
from papers import Paper, render_pdf
from services.documents import store, verification
from services.signatures.registry import Purpose
from services.signatures.sealing import SealedPaper
from tests.databases import Databases
from tests.factories.signatures import judged
from tests.integration.web import Web, web_over

ADMINISTRATOR = "admin.system"
WINDOW = "xingguo.window"


@pytest.fixture
def web(databases: Databases, tmp_path: Path) -> Iterator[Web]:
    with web_over(databases, tmp_path) as served:
        yield served


def receipt(web: Web, case_no: str) -> tuple[dict[str, Any], bytes]:
    """Return the receipt of a case, as its case lists it and as it is read."""
    (listed,) = web.get(f"/cases/{case_no}", WINDOW).json()["documents"]
    answer = web.get(f"/documents/{listed['id']}", WINDOW)
    assert answer.status_code == 200, answer.text
    return listed, answer.content


def verified(web: Web, content: bytes) -> dict[str, Any]:
    answer = web.client.post("/api/v1/public/verify", files={"file": ("paper.pdf", content)})
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def the_seal(web: Web) -> int:
    (found,) = web.get("/seals", ADMINISTRATOR).json()["items"]
    return int(found["id"])


def test_every_paper_is_signed_and_a_stock_validator_trusts_it_with_the_published_root(web: Web) -> None:
    listed, pdf = receipt(web, web.submit())
    trust = web.get("/public/trust")
    assert trust.status_code == 200
    found = judged(pdf, trust.text)
    assert found.bottom_line, found.pretty_print_details()
    assert verified(web, pdf) == {
        "ours": True,
        "untouched": True,
        "number": listed["number"],
        "kind": "材料接收凭证",
        "state": "signed",
        "state_name": "已签名",
    }


def test_a_changed_copy_is_ours_and_not_untouched(web: Web) -> None:
    listed, pdf = receipt(web, web.submit())
    inside = pdf.index(b"stream\n") + 40
    signature = pdf.index(b"/Contents <") + 200
    for place in (inside, signature):
        changed = pdf[:place] + bytes([pdf[place] ^ 1]) + pdf[place + 1 :]
        told = verified(web, changed)
        assert (told["ours"], told["untouched"], told["state"]) == (True, False, "altered"), place
        assert told["number"] == listed["number"]
    assert verified(web, pdf + b"\n% more")["untouched"] is False
    reader = PdfReader(io.BytesIO(pdf))
    assert len(reader.pages) == 1


def test_a_foreign_file_is_not_ours_and_asking_again_and_again_is_slowed_down(
    databases: Databases, tmp_path: Path
) -> None:
    with web_over(databases, tmp_path, public_address_limit="3/minute") as web:
        for _ in range(3):
            told = verified(web, b"%PDF-1.7 of somebody else")
            assert (told["ours"], told["untouched"], told["number"]) == (False, False, None)
        answer = web.client.post("/api/v1/public/verify", files={"file": ("paper.pdf", b"%PDF-1.7")})
        assert (answer.status_code, answer.json()["code"]) == (429, "too_many_requests")


def test_a_file_beyond_the_bound_is_refused_before_it_is_read(web: Web) -> None:
    large = b"%PDF-1.7" + bytes(verification.LARGEST_FILE + 64 * 1024)
    answer = web.client.post("/api/v1/public/verify", files={"file": ("paper.pdf", large)})
    assert answer.status_code == 413


def test_a_paper_issued_before_papers_were_signed_is_known_and_said_to_be_unsigned(
    web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The release before stored what was drawn, and no digest of what a signature covers."""

    def unsigned(_session: Session, paper: Paper, _case_no: str, _kind: str, _purpose: Purpose) -> SealedPaper:
        return SealedPaper(render_pdf(paper), "")

    monkeypatch.setattr(store.sealing, "seal_paper", unsigned)
    listed, pdf = receipt(web, web.submit())
    told = verified(web, pdf)
    assert (told["ours"], told["untouched"], told["state"]) == (True, True, "unsigned")
    assert told["number"] == listed["number"]
    assert verified(web, pdf + b"x")["ours"] is False


def test_a_suspended_seal_stops_the_paper_and_resumed_it_goes_on_with_the_next_number(web: Web) -> None:
    first, _ = receipt(web, web.submit())
    seal = the_seal(web)
    suspended = web.post(f"/seals/{seal}/suspend", ADMINISTRATOR, json={"reason": "印章遗失"})
    assert suspended.json()["state"] == "suspended"
    body = web.body()
    refused = web.post("/cases", WINDOW, json=body, Idempotency_Key="once")
    assert (refused.status_code, refused.json()["code"], refused.json()["reason"]) == (409, "seal_refused", "suspended")
    assert "印章遗失" in refused.json()["detail"]
    assert "印章管理" in refused.json()["detail"]
    with web.database.reading() as session:
        assert len(session.exec(select(Case)).all()) == 1, "nothing of the submission is kept"
        assert len(session.exec(select(Document)).all()) == 1
    uses = web.get(f"/seals/{seal}/uses", ADMINISTRATOR).json()["items"]
    assert [(one["outcome"], one["reason"]) for one in uses] == [("refused", "suspended"), ("sealed", "")]
    assert web.post(f"/seals/{seal}/resume", ADMINISTRATOR).json()["state"] == "active"
    accepted = web.post("/cases", WINDOW, json=body, Idempotency_Key="once")
    assert accepted.status_code == 201
    second, pdf = receipt(web, accepted.json()["case_no"])
    assert int(second["number"][-6:-1]) == int(first["number"][-6:-1]) + 1, "no number was lost"
    assert judged(pdf, web.get("/public/trust").text).bottom_line
    audited = web.get("/audit", "admin.audit", q="seal.").json()["items"]
    assert {"seal.suspend", "seal.refused", "seal.resume"} <= {one["action"] for one in audited}


def test_an_expired_seal_is_renewed_and_what_it_signed_before_stays_valid(web: Web) -> None:
    _, former = receipt(web, web.submit())
    seal = the_seal(web)
    before = web.get(f"/seals/{seal}", ADMINISTRATOR).json()
    with web.database.transaction() as session:
        session.execute(update(ElectronicSeal).values(valid_until=col(ElectronicSeal.valid_from)))
    assert web.get(f"/seals/{seal}", ADMINISTRATOR).json()["expired"] is True
    refused = web.post("/cases", WINDOW, json=web.body(), Idempotency_Key="expired")
    assert (refused.status_code, refused.json()["reason"]) == (409, "expired")
    renewed = web.post(f"/seals/{seal}/renew", ADMINISTRATOR).json()
    assert (renewed["expired"], renewed["serial"] != before["serial"]) == (False, True)
    _, pdf = receipt(web, web.submit())
    roots = web.get("/public/trust").text
    assert judged(pdf, roots).bottom_line
    assert judged(former, roots).bottom_line


def test_a_seal_is_limited_to_items(web: Web) -> None:
    web.submit()
    seal = the_seal(web)
    unknown = web.client.put(
        f"/api/v1/seals/{seal}/scope", json={"items": ["Z-99"], "modes": []}, headers=web.headers(ADMINISTRATOR)
    )
    assert (unknown.status_code, unknown.json()["errors"][0]["field"]) == (422, "items")
    limited = web.client.put(
        f"/api/v1/seals/{seal}/scope", json={"items": ["W-06"], "modes": []}, headers=web.headers(ADMINISTRATOR)
    )
    assert limited.json()["items"] == ["W-06"]
    refused = web.post("/cases", WINDOW, json=web.body("W-01"), Idempotency_Key="other")
    assert (refused.status_code, refused.json()["reason"]) == (409, "other_item")
    web.submit("W-06")


def test_a_seal_is_registered_once(web: Web) -> None:
    seal = {"text": "兴国县行政审批局业务专用章", "owner": "兴国县行政审批局", "modes": ["direct"]}
    made = web.post("/seals", ADMINISTRATOR, json=seal)
    assert (made.status_code, made.json()["modes"], made.json()["used"]) == (201, ["direct"], 0)
    again = web.post("/seals", ADMINISTRATOR, json=seal)
    assert (again.status_code, again.json()["code"]) == (409, "seal_registered")
    assert web.get("/seals", ADMINISTRATOR, q="业务").json()["items"] == [made.json()]


def test_a_seals_key_is_encrypted_and_never_shown(web: Web) -> None:
    web.submit()
    with web.database.reading() as session:
        stored = session.connection().exec_driver_sql("SELECT private_key FROM electronic_seal").scalar_one()
        assert session.exec(select(ElectronicSeal)).one().private_key.startswith("-----BEGIN PRIVATE KEY-----")
    assert stored.startswith("v1.")
    assert "PRIVATE" not in stored
    assert "private" not in web.get("/seals", ADMINISTRATOR).text
