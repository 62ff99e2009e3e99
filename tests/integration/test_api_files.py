"""Files through the API: handed in, bound to a material or an opinion, read as the papers of their case."""
# ruff: noqa: F401, F811 - pytest takes the imported fixture by its name.

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from freezegun import freeze_time
from sqlmodel import col, select

from api.housekeeping import remove_expired_files
from api.pages.visitors import SESSION_COOKIE
from connectors.storage import store_at
from models.audit import AuditEntry
from models.notification import Notification
from models.stored_file import StoredFile
from services.clock import machine_now
from services.files import receiving
from services.journal import seals
from settings import get_settings
from tests.factories.files import REFUSED, TAKEN, pdf
from tests.integration.web import Web, web

WINDOW, OTHER = "xingguo.window", "yudu.window"
KEY = "Idempotency-Key"


def upload(web: Web, account: str | None = WINDOW, content: bytes | None = None, name: str = "申请书.pdf") -> Any:
    """Hand in a file and return the answer."""
    given = content if content is not None else pdf(name)
    return web.client.post(
        "/api/v1/files", files={"file": (name, given, "application/x-unknown")}, headers=web.headers(account)
    )


def uploaded(web: Web, account: str = WINDOW, content: bytes | None = None) -> dict[str, Any]:
    """Hand in a file that is taken."""
    answer = upload(web, account, content)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def submitted(web: Web, *files: dict[str, Any]) -> str:
    """Submit a case whose first material comes with files, and return its number."""
    body = web.body()
    body["materials"][0]["files"] = [one["id"] for one in files]
    return web.submit(materials=body["materials"])


def page(web: Web, address: str, account: str) -> Any:
    """Return a page as an account sees it."""
    web.headers(account)
    return web.client.get(address, headers={"cookie": f"{SESSION_COOKIE}={web.tokens[account]}"})


def test_a_file_is_told_by_its_content_and_read_back(web: Web) -> None:
    file = uploaded(web, content=TAKEN["image/png"])
    assert (file["name"], file["media_type"], file["size"]) == ("申请书.pdf", "image/png", len(TAKEN["image/png"]))
    got = web.get(f"/files/{file['id']}", WINDOW)
    assert got.content == TAKEN["image/png"]
    assert got.headers["content-disposition"].startswith("attachment;")
    shown = web.get(f"/files/{file['id']}", WINDOW, preview=1)
    assert (shown.headers["content-type"], shown.headers["x-content-type-options"]) == ("image/png", "nosniff")
    assert shown.headers["content-disposition"].startswith("inline;")


@pytest.mark.parametrize("what", sorted(REFUSED))
def test_other_content_is_415_and_nothing_is_kept(web: Web, what: str) -> None:
    before = kept()
    refused = upload(web, content=REFUSED[what])
    assert (refused.status_code, refused.json()["code"]) == (415, "file_type_not_allowed")
    assert kept() == before


def test_an_empty_file_is_422_and_another_body_415(web: Web) -> None:
    assert upload(web, content=b"").status_code == 422
    assert web.post("/files", WINDOW, json={"file": "x"}).status_code == 415
    headers = web.headers(WINDOW)
    assert web.client.post("/api/v1/files", files={"other": ("a.pdf", pdf())}, headers=headers).status_code == 422
    assert web.client.post("/api/v1/files", data={"file": "text"}, headers=headers).status_code in (415, 422)


def test_a_file_beyond_the_limit_is_413(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    before = kept()
    monkeypatch.setattr(web.client.app.state.settings, "file_max_mb", 1)  # type: ignore[attr-defined]
    large = upload(web, content=b"%PDF-1.7" + b"x" * 1024 * 1024)
    assert (large.status_code, large.json()["code"]) == (413, "body_too_large")
    huge = upload(web, content=b"%PDF-1.7" + b"x" * 3 * 1024 * 1024)
    assert huge.status_code == 413
    assert kept() == before


def test_whoever_hands_in_without_end_is_stopped_and_goes_on_once_a_case_has_the_files(
    web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = "shangyou.window"
    first = uploaded(web, account)
    monkeypatch.setattr(receiving, "MOST_WAITING", 2)
    uploaded(web, account)
    refused = upload(web, account)
    assert (refused.status_code, refused.json()["code"]) == (429, "too_many_requests")
    assert int(refused.headers["retry-after"]) > 0
    assert upload(web, "longnan.window").status_code == 201, "others are not held up"
    body = web.body(area="shangyou")
    body["materials"][0]["files"] = [first["id"]]
    assert web.post("/cases", account, json=body, Idempotency_Key="bound").status_code == 201
    assert upload(web, account).status_code == 201
    monkeypatch.setattr(receiving, "MOST_WAITING_BYTES_IN_LARGEST", 0)
    assert upload(web, account).status_code == 429


def test_administrators_and_strangers_hand_in_nothing(web: Web) -> None:
    assert upload(web, None).status_code == 401
    assert upload(web, "admin.system").status_code == 403


def test_before_it_belongs_to_a_case_a_file_is_its_uploaders_alone(web: Web) -> None:
    file = uploaded(web)
    assert web.get(f"/files/{file['id']}", OTHER).status_code == 403
    assert web.get(f"/files/{file['id']}", "admin.audit").status_code == 403
    assert web.get(f"/files/{file['id']}").status_code == 401
    assert web.get("/files/unknown", WINDOW).status_code == 404


def test_a_material_has_its_files_and_the_readers_of_the_case_read_them(web: Web) -> None:
    file = uploaded(web)
    case_no = submitted(web, file)
    [material, *others] = web.get(f"/cases/{case_no}", "city.zrzy.reviewer").json()["materials"]
    assert material["files"] == [file]
    assert all(one["files"] == [] for one in others)
    assert web.get(f"/files/{file['id']}", "city.zrzy.reviewer").status_code == 200
    assert web.get(f"/files/{file['id']}", OTHER).status_code == 403
    with web.database.reading() as session:
        reads = select(AuditEntry.actor).where(AuditEntry.action == "file.read", AuditEntry.subject == case_no)
        assert session.exec(reads).all() == ["city.zrzy.reviewer"]


def test_files_are_opened_by_the_rule_of_papers(web: Web) -> None:
    file = uploaded(web)
    case_no = submitted(web, file)
    address = f"/files/{file['id']}"
    for masked in ("city.zrzy.advisor", "city.coordinator"):
        assert web.get(f"/cases/{case_no}", masked).status_code == 200
        assert web.get(address, masked).status_code == 403
        assert web.get(address, masked, purpose="专项检查").status_code == 403
    supervisor = "xingguo.supervisor"
    refused = web.get(address, supervisor)
    assert (refused.status_code, refused.json()["code"]) == (403, "purpose_required")
    assert web.get(address, supervisor, purpose="x").status_code == 422
    assert web.get(address, supervisor, purpose="专项检查", preview=1).status_code == 200
    with web.database.reading() as session:
        query = select(AuditEntry).where(AuditEntry.action == "file.read", AuditEntry.subject == case_no)
        [entry] = session.exec(query).all()
    assert (entry.actor, entry.detail) == (supervisor, {"file": file["id"], "purpose": "专项检查"})


def test_the_page_of_a_case_links_files_for_who_may_open_them_and_asks_a_supervisor_why(web: Web) -> None:
    file = uploaded(web)
    case_no = submitted(web, file)
    link = f'href="/files/{file["id"]}?preview=1'
    assert f'{link}"' in page(web, f"/cases/{case_no}", WINDOW).text
    assert link not in page(web, f"/cases/{case_no}", "city.coordinator").text
    assert file["name"] in page(web, f"/cases/{case_no}", "city.coordinator").text
    supervisor = "xingguo.supervisor"
    assert f"{link}&amp;purpose=" in page(web, f"/cases/{case_no}?purpose=检查", supervisor).text
    asked = page(web, f"/files/{file['id']}?preview=1", supervisor)
    assert asked.status_code == 403
    assert '<input type="hidden" name="preview" value="1">' in asked.text


def test_the_same_content_is_kept_once_under_two_names(web: Web) -> None:
    content = pdf("twice")
    first, before = uploaded(web, content=content), kept()
    second = upload(web, content=content, name="副本.pdf").json()
    assert first["sha256"] == second["sha256"]
    assert first["id"] != second["id"]
    assert kept() == before


@pytest.mark.parametrize("fault", ["unknown", "somebody else's", "used", "twice", "absent material"])
def test_a_file_that_cannot_be_bound_is_422_and_makes_no_case(web: Web, fault: str) -> None:
    body, place = web.body(), "materials.0.files.0"
    ids = [uploaded(web)["id"]]
    if fault == "unknown":
        ids = ["no-such-file"]
    elif fault == "somebody else's":
        ids = [uploaded(web, OTHER)["id"]]
    elif fault == "used":
        file = uploaded(web)
        submitted(web, file)
        ids = [file["id"]]
    elif fault == "twice":
        ids, place = ids * 2, "materials.0.files.1"
    else:
        body["materials"][0]["present"], place = False, "materials.0.files"
    body["materials"][0]["files"] = ids
    refused = web.post("/cases", WINDOW, json=body, Idempotency_Key=f"fault-{fault}")
    assert refused.status_code == 422, refused.text
    assert [one["field"] for one in refused.json()["errors"]] == [place]


def test_the_same_submission_again_is_the_same_case_though_its_files_are_bound(web: Web) -> None:
    body = web.body()
    body["materials"][0]["files"] = [uploaded(web)["id"]]
    first = web.post("/cases", WINDOW, json=body, Idempotency_Key="again-with-files")
    again = web.post("/cases", WINDOW, json=body, Idempotency_Key="again-with-files")
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["case_no"] == again.json()["case_no"]
    body["materials"][0]["files"] = []
    other = web.post("/cases", WINDOW, json=body, Idempotency_Key="again-with-files")
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_conflict")


def test_an_opinion_has_its_files(web: Web) -> None:
    case_no = web.submit()
    file = uploaded(web)
    answer = {"outcome": "accept", "opinion": "见附件", "files": [file["id"]]}
    task = web.task(case_no, WINDOW)
    assert web.post(f"/tasks/{task}/complete", WINDOW, json={**answer, "files": ["none"]}).status_code == 422
    assert web.post(f"/tasks/{task}/complete", WINDOW, json=answer).status_code == 202
    [opinion] = web.get(f"/cases/{case_no}", WINDOW).json()["opinions"]
    assert opinion["files"] == [file]


def test_a_file_bound_to_no_case_is_gone_after_a_day(web: Web) -> None:
    lone, used = uploaded(web, content=pdf("lone")), uploaded(web, content=pdf("used"))
    case_no = submitted(web, used)
    with freeze_time(machine_now() + timedelta(days=1, seconds=1)):
        web.tokens.clear()
        assert web.get(f"/files/{lone['id']}", WINDOW).status_code == 404
        assert web.get(f"/files/{used['id']}", WINDOW).status_code == 200
        assert web.get(f"/cases/{case_no}", WINDOW).json()["materials"][0]["files"] == [used]
        assert remove_expired_files(web.database, store_at(get_settings().files_dir)) >= 1
    web.tokens.clear()
    digests = {path.parent.name + path.name for path in kept()}
    assert lone["sha256"] not in digests
    assert used["sha256"] in digests
    with web.database.reading() as session:
        assert session.get(StoredFile, lone["id"]) is None


@pytest.mark.parametrize("damage", ["changed", "gone"])
def test_content_that_was_changed_is_withheld_and_the_auditors_are_told(web: Web, damage: str) -> None:
    file = uploaded(web, content=pdf(damage))
    case_no = submitted(web, file)
    [place] = [path for path in kept() if path.parent.name + path.name == file["sha256"]]
    if damage == "changed":
        place.write_bytes(place.read_bytes()[:-1] + b"!")
    else:
        place.unlink()
    answer = web.get(f"/files/{file['id']}", WINDOW)
    assert (answer.status_code, answer.json()["code"]) == (500, "file_tampered")
    with web.database.reading() as session:
        told = select(Notification.case_no).where(col(Notification.signal) == "file.tampered")
        assert case_no in session.exec(told).all()


def test_the_audit_chain_vouches_for_a_file_s_row(web: Web) -> None:
    file = uploaded(web, content=pdf("sealed"))
    case_no = submitted(web, file)
    with web.database.transaction() as session:
        assert [one for one in seals.verify(session) if one.table == "stored_file"] == []
        row = session.get_one(StoredFile, file["id"])
        row.sha256 = "0" * 64
        session.flush()
        assert [(one.table, one.key) for one in seals.verify(session)] == [("stored_file", file["id"])]
        session.rollback()
    assert case_no


def kept() -> list[Path]:
    """Return every content that is kept."""
    return sorted(path for path in get_settings().files_dir.rglob("*") if path.is_file())
