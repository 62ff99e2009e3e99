"""What the audit chain promises: sixteen tamperings are each found and named, and a changed paper is not given out."""
# ruff: noqa: S608 - the statements are the attacker's own.

import hashlib
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlmodel import Session, col, select

from bridge.witness import Witness
from models.audit import AuditEntry
from models.case import Applicant, Case, Verdict
from models.database import Database
from models.document import Certificate, Document
from models.notification import Notification
from models.task_outcome import TaskOutcome
from models.webhook import WebhookDelivery, WebhookEndpoint
from services.cases import decisions
from services.documents import certificates
from services.journal import audit, seals
from services.witness import heads
from services.witness.verification import Finding, verify
from settings import get_settings
from tests.databases import Databases
from tests.integration.web import Web, web_over

AT = datetime(2026, 9, 21, 2, 0, tzinfo=UTC)
KEPT_AS_IT_COMES = pytest.mark.sqlite("PostgreSQL keeps nothing in a column that is not of its type")
READS = 60
FORGED = b"\0" * 9
"""Bytes of a paper; statements name them, for the databases write them differently."""
SEAL = {"sealOrgan": "兴国县人民政府"}


@dataclass(frozen=True)
class Story:
    """One decided case in a database of its own, and the files its chain is witnessed in."""

    web: Web
    case_no: str
    task: int
    document: int
    certificate: str
    heads: Path


@dataclass
class Copy:
    """A copy to tamper with."""

    story: Story
    database: Database
    heads: Path

    def run(self, *statements: str) -> None:
        """Do what somebody with the database's password can do."""
        with self.database.engine.connect().execution_options(writing=True) as connection:
            for statement in statements:
                connection.execute(text(statement), {"forged": FORGED} if ":forged" in statement else {})
            connection.commit()

    def findings(self) -> list[Finding]:
        """Return what the verification says."""
        with self.database.reading() as session:
            return list(verify(session, self.heads))

    def places(self) -> set[tuple[str, str]]:
        """Return which rows and lines the verification names."""
        return {(one.place, one.key) for one in self.findings()}


@pytest.fixture(scope="module")
def story(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    with web_over(databases, tmp_path_factory.mktemp("chain")) as web:
        witness = Witness(web.database, heads.file_of(get_settings()))
        case_no = web.submit()
        task = web.task(case_no, "xingguo.window")
        web.post(f"/tasks/{task}/claim", "xingguo.window")
        answer = {"outcome": "accept", "opinion": "材料齐全", "values": {}}
        done = web.post(f"/tasks/{task}/complete", "xingguo.window", json=answer)
        assert done.status_code == 202, done.text
        witness.look()
        with web.database.transaction() as session:
            approve(session, case_no)
        with web.database.transaction() as session:
            for _ in range(READS):
                audit.append(session, "li", "case.read", case_no, {}, AT)
        witness.look()
        with web.database.reading() as session:
            document = session.exec(select(Document.id).where(Document.case_no == case_no)).first()
            certificate = session.exec(select(Certificate.number)).one()
        assert document is not None
        yield Story(web, case_no, int(task), document, certificate, heads.file_of(get_settings()))


def approve(session: Session, case_no: str) -> None:
    """Decide the case and issue its certificate, as the jobs do."""
    case = session.get_one(Case, case_no)
    given = TaskOutcome(
        task_key=77,
        case_no=case_no,
        process_id="decision",
        element_id="Task_Decide",
        task_name="决定",
        account="xingguo.approver",
        outcome="approve",
        opinion="同意",
        decided_at=AT,
    )
    session.add(given)
    seals.seal(session, given)
    decisions.record(session, case_no, Verdict.APPROVE)
    if certificates.issue(session, case, AT) is None:
        pytest.fail("the item issues no certificate")


@pytest.fixture
def copy(databases: Databases, story: Story, tmp_path: Path) -> Iterator[Copy]:
    shutil.copy(story.heads, tmp_path / heads.FILE_NAME)
    with databases.twin(story.web.database, tmp_path) as database:
        yield Copy(story, database, tmp_path / heads.FILE_NAME)


def test_what_nobody_touched_is_whole(copy: Copy) -> None:
    assert copy.findings() == []


def newest(copy: Copy) -> int:
    with copy.database.reading() as session:
        return audit.head(session).id


def cut(copy: Copy, number: int) -> set[tuple[str, str]]:
    copy.run(f"DELETE FROM audit_entry WHERE id > {newest(copy) - number}")
    return {(heads.FILE_NAME, "2")}


def remove_middle(copy: Copy) -> set[tuple[str, str]]:
    copy.run("DELETE FROM audit_entry WHERE id = 9")
    return {("audit_entry", "10")}


def change_entry(change: str) -> Callable[[Copy], set[tuple[str, str]]]:
    def tamper(copy: Copy) -> set[tuple[str, str]]:
        where = newest(copy) - 5
        copy.run(f"UPDATE audit_entry SET {change} WHERE id = {where}")
        return {("audit_entry", str(where))}

    return tamper


def exchange(copy: Copy) -> set[tuple[str, str]]:
    last = newest(copy)
    copy.run(
        f"UPDATE audit_entry SET id = -1 WHERE id = {last - 1}",
        f"UPDATE audit_entry SET id = {last - 1} WHERE id = {last}",
        f"UPDATE audit_entry SET id = {last} WHERE id = -1",
    )
    return {("audit_entry", str(last - 1)), ("audit_entry", str(last))}


def compute_anew(copy: Copy) -> set[tuple[str, str]]:
    with copy.database.transaction() as session:
        previous = audit.GENESIS
        for entry in session.exec(select(AuditEntry).order_by(col(AuditEntry.id))).all():
            if entry.action == "case.submit":
                entry.actor = "somebody.else"
            entry.previous = previous
            entry.digest = previous = audit._digest(
                entry.id, entry.at, entry.actor, entry.action, entry.subject, entry.detail, previous
            )
            session.add(entry)
    with copy.database.reading() as session:
        assert audit.verify(session) == []
    return {(heads.FILE_NAME, "1"), (heads.FILE_NAME, "2")}


def row(table: str, change: str, where: str, key: str) -> Callable[[Copy], set[tuple[str, str]]]:
    def tamper(copy: Copy) -> set[tuple[str, str]]:
        told = {name: getattr(copy.story, name) for name in ("case_no", "task", "document", "certificate")}
        copy.run(f'UPDATE "{table}" SET {change} WHERE {where.format(**told)}')
        return {(table, key.format(**told))}

    return tamper


TAMPERINGS: dict[str, Callable[[Copy], set[tuple[str, str]]]] = {
    "the newest entry deleted": lambda copy: cut(copy, 1),
    "the newest fifty deleted": lambda copy: cut(copy, 50),
    "all entries deleted": lambda copy: cut(copy, newest(copy)),
    "one in the middle deleted": remove_middle,
    "an actor changed": change_entry("actor = 'wang'"),
    "a detail changed": change_entry("""detail = '{"more": 1}'"""),
    "a time changed": change_entry("at = '2020-01-01 00:00:00.000000'"),
    "the order changed": exchange,
    "the whole chain computed anew": compute_anew,
    "an opinion changed": row("task_outcome", "opinion = '材料不全'", "task_key = {task}", "{task}"),
    "an outcome changed": row("task_outcome", "outcome = 'refuse'", "task_key = {task}", "{task}"),
    "the decision changed": row("case", "decision = 'deny'", "case_no = '{case_no}'", "{case_no}"),
    "a paper changed": row("document", "pdf = :forged", "id = {document}", "{document}"),
    "a line of the timeline changed": row(
        "timeline_entry",
        "text = '补正'",
        "case_no = '{case_no}' AND natural_key = 'case.received'",
        "{case_no}/case.received",
    ),
    "the applicant changed": row("applicant", "name = '另一人'", "case_no = '{case_no}'", "{case_no}"),
    "a certificate changed": row("certificate", "holder = '另一人'", "number = '{certificate}'", "{certificate}"),
}


@pytest.mark.parametrize("name", TAMPERINGS)
def test_each_of_sixteen_tamperings_is_found_and_named(copy: Copy, name: str) -> None:
    assert len(TAMPERINGS) == 16
    expected = TAMPERINGS[name](copy)
    assert expected <= copy.places()


@pytest.mark.parametrize("name", [name for name in TAMPERINGS if name.endswith("changed") and "the order" not in name])
def test_a_changed_row_is_named_and_no_other_beside_it(copy: Copy, name: str) -> None:
    assert TAMPERINGS[name](copy) == copy.places()


def test_the_part_that_differs_is_named(copy: Copy) -> None:
    copy.run(f"UPDATE task_outcome SET opinion = '材料不全' WHERE task_key = {copy.story.task}")
    assert [one.reason for one in copy.findings()] == ["办理意见的内容与审计链不符（opinion）"]


def test_a_row_removed_and_a_row_put_in_are_named(copy: Copy) -> None:
    number = copy.story.case_no
    copy.run(
        f"DELETE FROM task_outcome WHERE task_key = {copy.story.task}",
        "INSERT INTO timeline_entry (case_no, natural_key, at, actor, event, text)"
        f" VALUES ('{number}', 'forged', '2026-09-21 01:00:00.000000', 'li', 'x', 'y')",
    )
    assert copy.places() == {("task_outcome", str(copy.story.task)), ("timeline_entry", f"{number}/forged")}


def test_a_paper_changed_with_its_digest_in_the_row_is_still_found(copy: Copy) -> None:
    copy.run(f"UPDATE document SET pdf = :forged, sha256 = 'forged' WHERE id = {copy.story.document}")
    assert ("document", str(copy.story.document)) in copy.places()


@pytest.mark.parametrize(
    ("table", "change"),
    [
        ("case", "decision = 'perhaps'"),
        pytest.param("document", "body = '{{'", marks=KEPT_AS_IT_COMES),
        pytest.param("document", "pdf = CAST(X'FF' AS TEXT)", marks=KEPT_AS_IT_COMES),
    ],
)
def test_a_row_that_cannot_be_read_is_named(copy: Copy, table: str, change: str) -> None:
    number = copy.story.case_no
    copy.run(f"UPDATE \"{table}\" SET {change} WHERE case_no = '{number}'")
    assert copy.places() == {(table, number)}


@KEPT_AS_IT_COMES
def test_an_entry_that_cannot_be_read_is_told(copy: Copy) -> None:
    copy.run("UPDATE audit_entry SET detail = '{{' WHERE id = 9")
    assert [one.place for one in copy.findings()] == ["audit_entry"]


def test_a_seal_cannot_be_written_without_the_key(copy: Copy) -> None:
    """Whoever changes an opinion, its seal and the chain has no digest that fits: it is keyed."""
    copy.run(f"UPDATE task_outcome SET opinion = '材料不全' WHERE task_key = {copy.story.task}")
    with copy.database.transaction() as session:
        forged = {f"task_outcome:{copy.story.task}": {"opinion": "0" * 32}}
        audit.append(session, "system", seals.ACTION, copy.story.case_no, {"key": "x", "rows": forged}, AT)
    assert ("task_outcome", str(copy.story.task)) in copy.places()


def test_entries_that_follow_a_cut_do_not_hide_it(copy: Copy) -> None:
    cut(copy, 50)
    with copy.database.transaction() as session:
        for _ in range(60):
            audit.append(session, "li", "case.read", "K", {}, AT)
    with copy.database.reading() as session:
        heads.record(session, copy.heads)
    assert copy.places() == {(heads.FILE_NAME, "2")}


def test_a_head_nobody_signed_and_a_lost_file_are_named(copy: Copy) -> None:
    lines = copy.heads.read_text().splitlines()
    copy.heads.write_text("\n".join([lines[0].replace('"id": ', '"id": 1'), "nonsense", lines[1]]) + "\n")
    assert copy.places() == {(heads.FILE_NAME, "1"), (heads.FILE_NAME, "2")}
    copy.heads.unlink()
    assert copy.places() == {(heads.FILE_NAME, "0")}


def test_a_head_is_written_once_closed_to_others_and_offered_to_who_asked(copy: Copy) -> None:
    with copy.database.transaction() as session:
        for name, events in (("whe_a", ["audit.head"]), ("whe_b", ["push.*"])):
            session.add(
                WebhookEndpoint(
                    id=name, url="https://example.com", events=events, sealed_secret="", created_by="x", created_at=AT
                )
            )
        audit.append(session, "li", "case.read", "K", {}, AT)
    witness = Witness(copy.database, copy.heads)
    witness.look()
    witness.look()
    assert len(copy.heads.read_text().splitlines()) == 3
    with copy.database.reading() as session:
        sent = session.exec(select(WebhookDelivery)).one()
        assert (sent.endpoint_id, sent.event) == ("whe_a", "audit.head")
        assert audit.head(session).digest in sent.body
    copy.heads.unlink()
    witness.look()
    assert copy.heads.stat().st_mode & 0o777 == 0o600


def test_the_chain_holds_no_personal_data(story: Story) -> None:
    with story.web.database.reading() as session:
        applicant = session.get_one(Applicant, story.case_no)
        told = "".join(str(entry.detail) for entry in session.exec(select(AuditEntry)))
    assert not [one for one in (applicant.name, applicant.id_number, applicant.phone, "材料齐全") if one in told]


def test_what_stood_before_is_sealed_once_and_guarded_from_then_on(copy: Copy) -> None:
    """A database of the release before: its entries have no seals, and no anchor."""
    with copy.database.transaction() as session:
        kept = [
            one for one in session.exec(select(AuditEntry).order_by(col(AuditEntry.id))) if one.action == "case.read"
        ]
        told = [(one.actor, one.action, one.subject, one.detail, one.at) for one in kept]
    copy.run("DELETE FROM audit_entry")
    with copy.database.transaction() as session:
        for entry in told:
            audit.append(session, *entry)
    copy.heads.unlink()
    with copy.database.transaction() as session:
        assert seals.anchor(session)
    with copy.database.transaction() as session:
        assert not seals.anchor(session)
    with copy.database.reading() as session:
        heads.record(session, copy.heads)
    assert copy.findings() == []
    copy.run(f"UPDATE applicant SET phone = '1' WHERE case_no = '{copy.story.case_no}'")
    assert copy.places() == {("applicant", copy.story.case_no)}


def test_what_is_rolled_back_is_not_sealed(copy: Copy) -> None:
    number = copy.story.case_no
    with copy.database.transaction() as session:
        try:
            with session.begin_nested():
                change(session, number)
                raise TimeoutError
        except TimeoutError:
            pass
        audit.append(session, "li", "case.read", number, {}, AT)
    assert copy.findings() == []


def change(session: Session, case_no: str) -> None:
    case = session.get_one(Case, case_no)
    case.decision = Verdict.DENY
    session.add(case)
    seals.seal(session, case, "decision")
    audit.append(session, "li", "case.read", case_no, {}, AT)


def test_a_changed_paper_is_not_given_out_and_the_auditors_are_told(databases: Databases, tmp_path: Path) -> None:
    with web_over(databases, tmp_path) as web:
        case_no = web.submit()
        document = web.get(f"/cases/{case_no}", "xingguo.window").json()["documents"][0]["id"]
        assert web.get(f"/documents/{document}", "xingguo.window").status_code == 200
        forged = b"%PDF-forged"
        with web.database.transaction() as session:
            stored = session.get_one(Document, document)
            stored.pdf, stored.sha256 = forged, hashlib.sha256(forged).hexdigest()
            session.add(stored)
            forgery = {f"document:{document}": {"pdf": stored.sha256}}
            audit.append(session, "system", seals.ACTION, case_no, {"key": "x", "rows": forgery}, AT)
        for _ in range(2):
            answer = web.get(f"/documents/{document}", "xingguo.window")
            assert (answer.status_code, answer.json()["code"]) == (500, "document_tampered")
            assert forged not in answer.content
        with web.database.reading() as session:
            told = session.exec(select(Notification).where(Notification.to_group == "admin.audit")).one()
            entries = session.exec(select(AuditEntry).where(AuditEntry.action == "document.tampered")).all()
        assert (told.case_no, told.signal, len(entries)) == (case_no, "document.tampered", 2)
        assert entries[0].actor == "xingguo.window"
        assert "tongquan_tampered_documents 1.0" in web.client.get("/metrics").text
        listed = web.get("/notices", "admin.audit").json()["items"]
        assert [one["signal"] for one in listed] == ["document.tampered"]
