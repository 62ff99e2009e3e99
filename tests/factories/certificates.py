"""Certificates of a holder in a seeded database, issued by decided cases, and the cases that act on them."""

from collections.abc import Iterator
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from freezegun import freeze_time
from sqlmodel import Session, col, select

from models.case import ApplicantKind, Case, CaseState, IdentityType, Verdict
from models.catalogue import GuideVersion
from models.database import CHINA
from models.document import Certificate
from models.task_outcome import TaskOutcome, TaskOutcomeStatus
from services.accounts.actors import Actor
from services.cases import submission
from services.cases.submission_input import ApplicantInput, CaseSubmission
from services.certificates import content, effects
from services.documents import signing
from settings import get_settings
from tests.databases import Databases, new

AREA = "xingguo"
ISSUED = datetime(2026, 3, 2, 10, tzinfo=CHINA)
WINDOW = Actor("xingguo.window", "窗口", frozenset({"xingguo.window"}))
APPROVER = Actor("city.xzsp.approver", "审批", frozenset({"city.xzsp.approver"}))
ADMINISTRATOR = Actor("admin.system", "系统", frozenset({"admin.system"}))
HOLDER = "91360732MA35F0T650"
STRANGER = "91360700MA35A2BB0W"

_serial = count(1)


@pytest.fixture
def session(databases: Databases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    """Yield a session over a seeded database, with keys of its own, on the day the first certificates are issued."""
    monkeypatch.setenv("TONGQUAN_STATE_DIR", str(tmp_path))
    get_settings.cache_clear()
    signing.forget_key()
    with new(databases, tmp_path, seeded=True) as database, freeze_time(ISSUED), database.transaction() as opened:
        yield opened
    get_settings.cache_clear()
    signing.forget_key()


def submitted(session: Session, item: str, number: str | None = None, holder: str = HOLDER, **changes: Any) -> Case:
    """Submit a case of an organisation at the county's window; its project makes it unique."""
    serial = next(_serial)
    body = CaseSubmission(
        item=item,
        area=AREA,
        applicant=ApplicantInput(
            kind=ApplicantKind.ORGANIZATION,
            name="兴国县某某医疗器械有限公司",
            id_type=IdentityType.USCC,
            id_number=holder,
            phone="07975300000",
        ),
        certificate_number=number,
        **{"project": f"项目{serial}", **changes},
    )
    receipt, _ = submission.submit(session, WINDOW, f"certificates-{serial}", body)
    return session.get_one(Case, receipt.case_no)


def approved(session: Session, case: Case, at: datetime = ISSUED, **given: Any) -> Certificate | None:
    """Approve a case with what the approver says of the certificate, carry it out and close it."""
    settled = content.settle(session, case, Verdict.APPROVE.value, given or None)
    session.add(
        TaskOutcome(
            task_key=next(_serial),
            case_no=case.case_no,
            process_id="front-window",
            element_id="Task_CityDecide",
            task_name="作出审批决定",
            account=APPROVER.username,
            outcome=Verdict.APPROVE.value,
            outcome_label="准予",
            opinion="",
            form_values={content.CERTIFICATE: settled} if settled is not None else {},
            status=TaskOutcomeStatus.RECORDED,
            decided_at=at,
        )
    )
    case.decision, case.decided_at = Verdict.APPROVE, at
    session.flush()
    made = effects.carry_out(session, case, at)
    close(session, case, CaseState.CLOSED_APPROVED)
    return made


def issued(session: Session, item: str = "W-25", **given: Any) -> Certificate:
    """Return a new certificate of the usual holder."""
    made = approved(session, submitted(session, item), **given)
    assert made is not None
    return made


def close(session: Session, case: Case, state: CaseState) -> None:
    """End a case."""
    case.is_open, case.state = False, state
    session.add(case)
    session.flush()


def ruled(session: Session, case: Case, **rule: Any) -> None:
    """Let a case keep a guide of its own, whose ``certificate`` differs in some parts."""
    newest = session.exec(
        select(GuideVersion).where(GuideVersion.code == case.item_code).order_by(col(GuideVersion.version).desc())
    ).first()
    assert newest is not None
    # Versions are kept in memory for as long as the process runs, so each guide takes a number of its own.
    version = 10_000 + next(_serial)
    body = {**newest.body, "version": version, "certificate": {**newest.body["certificate"], **rule}}
    session.add(GuideVersion(**{**newest.model_dump(exclude={"id"}), "version": version, "body": body}))
    case.guide_version = version
    session.flush()
