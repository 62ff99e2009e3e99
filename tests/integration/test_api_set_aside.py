"""What the feed could not take, through the API, the pages and the state of readiness."""
# ruff: noqa: F401, F811 - pytest takes the imported fixture by its name.

import itertools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlmodel import select

from bridge import set_aside
from bridge.projection.hooks import service_hooks
from bridge.projection.projector import Projector
from models.audit import AuditEntry
from models.engine_state import Heartbeat, ProcessDefinition
from models.set_aside import SetAsideRecord
from models.task import Task
from services.clock import machine_now
from tests.factories.bridge_records import Log, bulk, feed_over, form_record
from tests.integration.readiness import beat_everywhere, deploy_everything
from tests.integration.web import NOW, PASSWORD, Web, web

ADMINISTRATOR = "admin.system"
BOM_FORM = b'\xef\xbb\xbf{"id": "x", "components": []}'
keys = itertools.count(70_001)


@pytest.fixture(autouse=True)
def nothing_left(web: Web) -> Iterator[None]:
    yield
    with web.database.transaction() as session:
        for row in session.exec(select(SetAsideRecord)).all():
            session.delete(row)


def poison(web: Web, form_id: str) -> str:
    """Let the feed meet a form it cannot read; return the record's id."""
    key = next(keys)
    log = Log()
    record = form_record(log, key, form_id, BOM_FORM)
    record.position = key
    feed_over(web.database).apply(bulk(record))
    with web.database.reading() as session:
        return str(session.exec(select(SetAsideRecord.id).where(SetAsideRecord.subject_key == key)).one())


def mend(web: Web, key: str) -> None:
    """Put a readable form into the record, as a newer release would read the old one."""
    with web.database.transaction() as session:
        row = session.get_one(SetAsideRecord, int(key))
        good = bulk(form_record(Log(), row.subject_key or 0, row.name, BOM_FORM[3:])).records[0].raw
        row.raw = good


@contextmanager
def a_bridge(web: Web) -> Iterator[None]:
    """Carry out retries on a thread, as the bridge does."""
    stop = threading.Event()

    def work() -> None:
        projector = Projector(service_hooks())
        while not stop.wait(0.02):
            for key in set_aside.asked_for(web.database):
                set_aside.retry(web.database, projector, key)

    thread = threading.Thread(target=work)
    thread.start()
    yield
    stop.set()
    thread.join()


def test_the_list_tells_kind_name_reason_and_time_in_pages(web: Web) -> None:
    made = [poison(web, name) for name in ("one", "two", "three")]
    first = web.get("/set-aside", ADMINISTRATOR, limit=2).json()
    rest = web.get("/set-aside", ADMINISTRATOR, limit=2, cursor=first["next"]).json()
    assert [one["id"] for one in first["items"] + rest["items"]] == made
    assert rest["next"] is None
    told = first["items"][0]
    assert (told["kind"], told["name"], told["waiting"]) == ("FORM", "one", 0)
    assert told["reason"].startswith("表单 one 含有字节顺序标记（BOM）")
    assert told["at"].endswith("+08:00")


@pytest.mark.parametrize("account", ["city.coordinator", "admin.security", "admin.audit", "xingguo.window"])
def test_the_system_administrator_alone_sees_and_retries(web: Web, account: str) -> None:
    key = poison(web, "secret")
    assert web.get("/set-aside", account).status_code == 403
    assert web.post(f"/set-aside/{key}/retry", account).status_code == 403
    assert web.get("/set-aside").status_code == 401


def test_a_retry_that_succeeds_takes_the_record_off_the_list_and_is_audited(web: Web) -> None:
    key = poison(web, "mended")
    mend(web, key)
    with a_bridge(web):
        answer = web.post(f"/set-aside/{key}/retry", ADMINISTRATOR)
        assert answer.status_code == 200, answer.text
        assert answer.json()["retried_at"] is not None
        assert web.post(f"/set-aside/{key}/retry", ADMINISTRATOR).status_code == 404
    assert web.get("/set-aside", ADMINISTRATOR).json()["items"] == []
    with web.database.reading() as session:
        entry = session.exec(select(AuditEntry).where(AuditEntry.action == "set_aside.retry")).all()[-1]
        assert (entry.actor, entry.subject, entry.detail) == (ADMINISTRATOR, key, {"kind": "FORM", "name": "mended"})
        assert session.get_one(SetAsideRecord, int(key)).settled_at is not None


def test_a_retry_that_fails_is_told_with_its_code_and_stays(web: Web) -> None:
    key = poison(web, "still")
    with a_bridge(web):
        answer = web.post(f"/set-aside/{key}/retry", ADMINISTRATOR)
    assert (answer.status_code, answer.json()["code"]) == (409, "still_unreadable")
    assert "BOM" in answer.json()["detail"]
    assert [one["id"] for one in web.get("/set-aside", ADMINISTRATOR).json()["items"]] == [key]


def test_without_a_bridge_the_retry_is_kept_for_it(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.set_aside_retries.PATIENCE_SECONDS", 0.2)
    key = poison(web, "alone")
    answer = web.post(f"/set-aside/{key}/retry", ADMINISTRATOR)
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert set_aside.asked_for(web.database) == [int(key)]


@pytest.mark.parametrize("key", ["0", "999999", "x", "99999999999999999999"])
def test_an_unknown_record_is_not_found(web: Web, key: str) -> None:
    assert web.post(f"/set-aside/{key}/retry", ADMINISTRATOR).status_code == 404


def test_the_page_lists_retries_and_counts(web: Web) -> None:
    key = poison(web, "paged")
    sign_in(web)
    page = web.client.get("/admin/set-aside")
    assert "表单 paged 含有字节顺序标记" in page.text
    assert ">1</span>" in web.client.get("/admin/set-aside/count").text
    csrf = page.text.split('name="csrf" value="')[1].split('"')[0]
    with a_bridge(web):
        failed = web.client.post(f"/admin/set-aside/{key}/retry", data={"csrf": csrf})
        assert "仍然无法读取" in failed.text
        mend(web, key)
        done = web.client.post(f"/admin/set-aside/{key}/retry", data={"csrf": csrf})
    assert "没有搁置的记录" in done.text
    assert "已读取" in done.text
    web.client.cookies.clear()


def sign_in(web: Web) -> None:
    """Open a session of pages for the system administrator."""
    page = web.client.get("/login")
    csrf = page.text.split('name="csrf" value="')[1].split('"')[0]
    answer = web.client.post("/login", data={"username": ADMINISTRATOR, "password": PASSWORD, "csrf": csrf})
    assert answer.status_code == 200, answer.text


def test_a_set_aside_record_is_a_warning_that_names_it_and_the_page(web: Web) -> None:
    deploy_everything(web)
    beat_everywhere(web, machine_now())
    poison(web, "acceptance")
    answer = web.client.get("/readyz")
    told = answer.json()
    assert (answer.status_code, told["failing"], told["warnings"]) == (200, [], ["set_aside"])
    assert told["checks"]["set_aside"]["ok"] is True
    for word in ("1 条", "表单 acceptance", "/admin/set-aside"):
        assert word in told["checks"]["set_aside"]["reason"]


@pytest.mark.parametrize(
    ("detail", "told"),
    [
        ({"error": "KeyError /x.py:1"}, "没有写入成功"),
        ({"error": "", "lag_seconds": 61.0}, "滞后 61 秒"),
    ],
)
def test_a_feed_that_fails_or_lags_is_not_ready_though_it_lives(web: Web, detail: dict[str, Any], told: str) -> None:
    deploy_everything(web)
    beat_everywhere(web, machine_now())
    with web.database.transaction() as session:
        session.merge(Heartbeat(component="feed", at=machine_now(), detail=detail))
    answer = web.client.get("/readyz")
    assert (answer.status_code, answer.json()["failing"]) == (503, ["feed"])
    assert told in answer.json()["checks"]["feed"]["reason"]


def test_a_process_deleted_in_the_engine_is_missed_unless_another_version_is_there(web: Web) -> None:
    deploy_everything(web)
    beat_everywhere(web, machine_now())
    with web.database.transaction() as session:
        row = session.exec(select(ProcessDefinition).where(ProcessDefinition.process_id == "acceptance")).one()
        row.deleted_at = NOW
        key = row.key
    answer = web.client.get("/readyz")
    assert (answer.status_code, answer.json()["failing"]) == (503, ["processes"])
    reason = answer.json()["checks"]["processes"]["reason"]
    assert "已从引擎中删除" in reason
    assert "acceptance" in reason
    listed = [one["id"] for one in web.get("/processes", ADMINISTRATOR, limit=200).json()["items"]]
    assert "acceptance" not in listed
    with web.database.transaction() as session:
        row = session.get_one(ProcessDefinition, key)
        session.merge(ProcessDefinition(**{**row.model_dump(), "key": key + 5000, "version": 2, "deleted_at": None}))
    assert web.client.get("/readyz").json()["failing"] == []


def test_a_task_whose_form_cannot_be_read_is_shown_and_not_completed(web: Web) -> None:
    case_no = web.submit()
    task = web.task(case_no, "xingguo.window")
    poison(web, "unreadable")
    with web.database.transaction() as session:
        key = session.exec(select(SetAsideRecord.subject_key)).one()
        session.get_one(Task, int(task)).form_key = key
    told = web.get(f"/tasks/{task}", "xingguo.window").json()
    assert (told["form"], told["outcomes"]) == (None, [])
    assert "表单无法读取" in told["form_fault"]
    answer = web.post(f"/tasks/{task}/complete", "xingguo.window", json={"outcome": "done"})
    assert (answer.status_code, answer.json()["code"]) == (409, "form_unreadable")
