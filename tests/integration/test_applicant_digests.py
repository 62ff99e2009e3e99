"""Applicants are told apart by a keyed digest, in a database of the release before and under another key too."""

import base64
import hashlib
from pathlib import Path

import pytest
from sqlalchemy import update
from sqlmodel import col, select

from models.case import Applicant, Case
from models.supervision import FeedbackKind, PushRole, SupervisionFeedback, SupervisionPush
from services import setup
from services.cases import applicant_digests
from settings import get_settings
from tests.databases import Databases
from tests.integration.web import NOW, Web, web_over


def digest_of(web: Web, case_no: str) -> str:
    with web.database.reading() as session:
        return session.get_one(Case, case_no).applicant_digest


def plain_digest(web: Web, case_no: str) -> str:
    """Return the digest that the release before would have stored."""
    with web.database.reading() as session:
        one = session.get_one(Applicant, case_no)
        return hashlib.sha256(f"{one.id_type.value}:{one.id_number}".encode()).hexdigest()


def test_the_digest_stored_is_none_that_can_be_tried(databases: Databases, tmp_path: Path) -> None:
    with web_over(databases, tmp_path) as web:
        case_no = web.submit()
        assert plain_digest(web, case_no)[:32] not in digest_of(web, case_no)


@pytest.mark.parametrize("changed", ["the release before", "another key"])
def test_what_was_stored_before_is_made_anew_and_a_duplicate_still_found(
    databases: Databases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changed: str
) -> None:
    with web_over(databases, tmp_path) as web:
        body = web.body()
        case_no = web.post("/cases", "xingguo.window", json=body, Idempotency_Key="first").json()["case_no"]
        if changed == "another key":
            former_key = (tmp_path / "keys" / "data.key").read_text().strip()
            monkeypatch.setenv("TONGQUAN_DATA_KEY", f"{base64.b64encode(b'n' * 32).decode()},{former_key}")
            get_settings.cache_clear()
        else:
            with web.database.transaction() as session:
                former = update(Case).where(col(Case.case_no) == case_no)
                session.exec(former.values(applicant_digest=plain_digest(web, case_no)))
        former_digest = digest_of(web, case_no)
        setup.prepare(get_settings())
        assert digest_of(web, case_no) != former_digest
        again = web.post("/cases", "xingguo.window", json=body, Idempotency_Key="second")
        assert (again.status_code, again.json().get("code")) == (409, "duplicate_open_case")
        replayed = web.post("/cases", "xingguo.window", json=body, Idempotency_Key="first")
        assert (replayed.status_code, replayed.json()["case_no"]) == (200, case_no)
        with web.database.transaction() as session:
            assert applicant_digests.renew(session, "", 10) is None


def test_feedback_on_an_applicant_keeps_to_the_applicant(databases: Databases, tmp_path: Path) -> None:
    with web_over(databases, tmp_path) as web:
        case_no = web.submit()
        with web.database.transaction() as session:
            case = session.get_one(Case, case_no)
            case.applicant_digest = "plain"
            session.add(case)
            session.flush()
            push = SupervisionPush(
                case_no=case_no,
                recipient="xingguo.supervisor",
                role=PushRole.RESPONSIBLE,
                approver_group="xingguo.approver",
                pushed_at=NOW,
                due_at=NOW,
                escalate_at=NOW,
            )
            session.add(push)
            session.flush()
            session.add(
                SupervisionFeedback(
                    push_id=push.id,
                    kind=FeedbackKind.RESTRICTION,
                    text="x",
                    applicant_digest="plain",
                    given_by="xingguo.supervisor",
                    given_at=NOW,
                )
            )
        with web.database.transaction() as session:
            assert applicant_digests.renew(session, "", 10) == case_no
        with web.database.reading() as session:
            assert session.exec(select(SupervisionFeedback.applicant_digest)).one() == digest_of(web, case_no)
