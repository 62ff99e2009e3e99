"""The audit trail for the audit administrator: searched, paged, exported, and every reading an entry itself."""

import csv
import io
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import event

from models.database import Database
from services.accounts import audit_reading
from services.accounts.actors import Actor
from services.accounts.audit_reading import AuditFilter
from services.journal import audit
from tests.databases import Databases
from tests.integration.web import Web, web_over

AUDITOR = "admin.audit"
READER = Actor(AUDITOR, "安全审计员", frozenset({AUDITOR}))
FIRST = datetime(2026, 9, 1, 0, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def web(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Web]:
    """Serve a database whose audit trail begins with what is searched here."""
    with web_over(databases, tmp_path_factory.mktemp("audit")) as served:
        with served.database.transaction() as session:
            for day in range(10):
                at = FIRST + timedelta(days=day)
                audit.append(session, "wang.wu", "case.read", f"case-{day}", {"day": day}, at)
                audit.append(session, "li.si", "account.memberships", "zhao.liu", {"reason": f"轮岗{day}"}, at)
            audit.append(session, "=cmd", "case.read", "+1", {}, FIRST)
        yield served


def rows(web: Web, **filters: Any) -> list[dict[str, Any]]:
    """Return the entries a search finds, but those of the searches themselves."""
    answer = web.get("/audit", AUDITOR, limit=200, **filters)
    assert answer.status_code == 200, answer.text
    return [one for one in answer.json()["items"] if one["object"] != "audit" and one["actor"] != AUDITOR]


@pytest.mark.parametrize("username", ["admin.system", "admin.security", "city.coordinator", "xingguo.approver"])
def test_nobody_but_the_audit_administrator_reads_the_trail(web: Web, username: str) -> None:
    for path in ("/audit", "/audit.csv"):
        answer = web.get(path, username)
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


def test_entries_are_found_by_actor_object_and_day(web: Web) -> None:
    assert [one["object"] for one in rows(web, actor="wang.wu")] == [f"case-{day}" for day in range(9, -1, -1)]
    assert [one["actor"] for one in rows(web, object="case-3")] == ["wang.wu"]
    assert {
        one["detail"]["day"] for one in rows(web, actor="wang.wu", **{"from": "2026-09-03", "to": "2026-09-05"})
    } == {
        2,
        3,
        4,
    }
    assert rows(web, actor="wang.wu", object="zhao.liu") == []


def test_a_day_is_a_day_in_china(web: Web) -> None:
    with web.database.transaction() as session:
        audit.append(session, "late", "case.read", "x", {}, datetime(2026, 9, 20, 15, 59, 59, tzinfo=UTC))
        audit.append(session, "late", "case.read", "y", {}, datetime(2026, 9, 20, 16, 0, tzinfo=UTC))
    assert [one["object"] for one in rows(web, actor="late", **{"from": "2026-09-20", "to": "2026-09-20"})] == ["x"]
    assert [one["object"] for one in rows(web, actor="late", **{"from": "2026-09-21", "to": "2026-09-21"})] == ["y"]


def test_words_are_looked_for_in_every_text_of_an_entry_and_taken_literally(web: Web) -> None:
    assert [one["detail"] for one in rows(web, q="轮岗7")] == [{"reason": "轮岗7"}]
    assert len(rows(web, q="wang")) == 10
    assert len(rows(web, q="memberships", actor="li.si")) == 10
    assert [one["object"] for one in rows(web, q="case-4")] == ["case-4"]
    assert rows(web, q="轮岗%") == []
    assert rows(web, q="case_4") == []


def test_the_whole_trail_is_paged_through_while_it_grows(web: Web) -> None:
    seen: list[int] = []
    cursor: str | None = ""
    while cursor is not None:
        page = web.get("/audit", AUDITOR, cursor=cursor, limit=7).json()
        seen += [one["id"] for one in page["items"]]
        cursor = page["next"]
    assert seen == list(range(max(seen), 0, -1))


def test_a_page_that_is_read_is_one_entry_however_many_rows_it_has(web: Web) -> None:
    def readings() -> int:
        entries = web.get("/audit", AUDITOR, actor=AUDITOR, limit=200).json()["items"]
        return sum(one["action"] == "audit.read" for one in entries)

    before = readings()
    assert len(web.get("/audit", AUDITOR, limit=15).json()["items"]) == 15
    assert readings() == before + 2


def test_every_reading_is_written_down_with_what_was_looked_for(web: Web) -> None:
    web.get("/audit", AUDITOR, actor="wang.wu", **{"from": "2026-09-03"})
    newest = web.get("/audit", AUDITOR, limit=1).json()["items"][0]
    assert (newest["actor"], newest["action"], newest["object"]) == (AUDITOR, "audit.read", "audit")
    assert newest["detail"] == {"actor": "wang.wu", "from": "2026-09-03"}
    with web.database.reading() as session:
        assert audit.verify(session) == []


@pytest.mark.parametrize(("name", "value"), [("from", "yesterday"), ("to", "2026-02-30"), ("q", "x" * 101)])
def test_a_faulty_filter_is_refused_by_its_name(web: Web, name: str, value: str) -> None:
    for path in ("/audit", "/audit.csv"):
        answer = web.get(path, AUDITOR, **{name: value})
        assert answer.status_code == 422
        assert [one["field"] for one in answer.json()["errors"]] == [name]


@pytest.mark.parametrize("days", [{"from": "0001-01-01"}, {"to": "9999-12-31"}, {"from": "", "to": ""}])
def test_the_first_and_the_last_day_of_all_are_no_fault(web: Web, days: dict[str, str]) -> None:
    assert len(rows(web, actor="wang.wu", **days)) == 10


def test_the_export_is_what_the_search_finds_and_no_cell_is_a_formula(web: Web) -> None:
    answer = web.get("/audit.csv", AUDITOR, actor="=cmd")
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.content.startswith(b"\xef\xbb\xbf")
    [found] = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert (found["actor"], found["object"]) == ("'=cmd", "'+1")
    everything = list(csv.DictReader(io.StringIO(web.get("/audit.csv", AUDITOR).content.decode("utf-8-sig"))))
    assert [int(one["id"]) for one in everything] == list(range(int(everything[0]["id"]), 0, -1))
    assert everything[0]["action"] == "audit.export"


def test_the_export_is_read_in_batches_with_no_transaction_open_between_them(
    web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audit_reading, "EXPORT_BATCH", 5)
    parts = audit_reading.export(web.database, READER, AuditFilter(actor="wang.wu"))
    next(parts)
    first = next(parts)
    with web.database.transaction() as session:
        audit.append(session, "wang.wu", "case.read", "later", {}, FIRST)
    assert b"later" not in first + b"".join(parts)
    assert web.database.engine.pool.checkedout() == 0  # type: ignore[attr-defined]


@pytest.mark.sqlite("PostgreSQL plans by what a table holds, and these are small")
def test_a_search_by_actor_object_or_day_reads_an_index(web: Web) -> None:
    for wanted, index in (
        (AuditFilter(actor="x"), "ix_audit_entry_actor"),
        (AuditFilter(subject="x"), "ix_audit_entry_subject"),
    ):
        assert index in plan(web.database, wanted)
    assert "TEMP B-TREE" not in plan(web.database, AuditFilter())


def plan(database: Database, wanted: AuditFilter) -> str:
    """Return how SQLite reads what a search finds."""
    asked: list[tuple[str, Any]] = []
    event.listen(database.engine, "before_cursor_execute", lambda *seen: asked.append((seen[2], seen[3])))
    with database.reading() as session:
        audit_reading.search(session, READER, wanted)
        statement, parameters = asked[-1]
        steps = session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
    return "\n".join(str(step[-1]) for step in steps)
