"""A running case with its clock: W-01 in xingguo, accepted on a Monday before the National Day holidays."""

from collections.abc import Iterator
from datetime import date, datetime
from itertools import count
from typing import Any

import pytest
from freezegun import freeze_time
from sqlmodel import Session, select

from models.case import Applicant, ApplicantKind, Case, CaseState, IdentityType
from models.catalogue import GuideVersion, Mode
from models.database import CHINA
from models.task_outcome import TaskOutcome, TaskOutcomeStatus
from models.working_calendar import end_of_day
from services.accounts.actors import Actor
from services.deadlines import case_deadlines
from tests.databases import Databases, new

ACCEPTED = datetime(2026, 9, 21, 9, tzinfo=CHINA)
DUE = end_of_day(date(2026, 10, 26))
"""The case's last instant: twenty working days after."""
REVIEWER = Actor("city.zrzy.reviewer", "审查", frozenset({"city.zrzy.reviewer"}))
APPROVER = Actor("city.zrzy.approver", "审批", frozenset({"city.zrzy.approver"}))
WINDOW = Actor("xingguo.window", "窗口", frozenset({"xingguo.window"}))

_guide_versions = count(100)


@pytest.fixture
def session(databases: Databases) -> Iterator[Session]:
    """Yield a session over a seeded database."""
    with new(databases, seeded=True) as database, Session(database.engine, expire_on_commit=False) as opened:
        yield opened


@pytest.fixture
def case(session: Session) -> Case:
    """Return a case of W-01 in xingguo, accepted on 21 September 2026 with twenty working days."""
    made = Case(
        case_no="3607322026092100001",
        query_code="Q",
        item_code="W-01",
        item_version=1,
        guide_version=1,
        item_name="事项",
        mode=Mode.WINDOW,
        power_kind="license",
        power_type="行政许可",
        area="xingguo",
        city_unit="zrzy",
        applicant_digest="d",
        submitted_by="xingguo.window",
        state=CaseState.IN_DEPARTMENT,
        received_at=ACCEPTED,
        accepted_at=ACCEPTED,
        limit_days=20,
        promised_days=20,
        process_id="front-window",
    )
    session.add(made)
    session.flush()
    session.add(
        Applicant(
            case_no=made.case_no,
            kind=ApplicantKind.PERSON,
            name="测试申请人",
            id_type=IdentityType.ID_CARD,
            id_number="362101195001010015",
            phone="13800000000",
        )
    )
    session.flush()
    with freeze_time(ACCEPTED):
        case_deadlines.refresh(session, made)
    return made


def answer(session: Session, case: Case, outcome: str, at: datetime) -> None:
    """Record an answer whose job has not carried it out yet."""
    session.add(
        TaskOutcome(
            task_key=1,
            case_no=case.case_no,
            process_id="front-window",
            element_id="Task_CityDecide",
            task_name="作出审批决定",
            account="city.zrzy.approver",
            outcome=outcome,
            outcome_label="准予",
            opinion="",
            form_values={},
            status=TaskOutcomeStatus.RECORDED,
            decided_at=at,
        )
    )
    session.flush()


def give_guide(session: Session, case: Case, *, limits: dict[str, Any] | None = None, **parts: Any) -> None:
    """Let the case keep a guide of its own: its item's first one with other limits and parts."""
    first = session.exec(
        select(GuideVersion).where(GuideVersion.code == case.item_code, GuideVersion.version == 1)
    ).one()
    # Versions are kept in memory for as long as the process runs, so each guide takes a number of its own.
    case.guide_version = next(_guide_versions)
    body = {**first.body, **parts, "version": case.guide_version, "limits": {**first.body["limits"], **(limits or {})}}
    changed = {"version": case.guide_version, "body": body}
    session.add(GuideVersion(**{**first.model_dump(exclude={"id"}), **changed}))
    session.flush()
