"""What the table of rights is tried on: one object of each kind, in one county and with one city unit.

Every object has the same number, so an address is filled in without knowing what it leads to.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any, Final

from sqlalchemy import update
from sqlmodel import Session, SQLModel, col

from models.account import AccessToken, Account, SignInMethod
from models.agreement import Agreement, AgreementState
from models.case import Applicant, ApplicantKind, Case, CaseState, IdentityType, Verdict
from models.catalogue import CountyUnit, Mode
from models.certificate import CertificateRevocation, RevocationGround
from models.consultation import Precedent, Question, Training
from models.database import Database, WritingSession
from models.document import Certificate, Document
from models.engine_state import Incident, ProcessDefinition, ProcessInstance
from models.filing import Filing, FilingKind, FilingQuestion, FilingState
from models.in_flight import InFlight
from models.list_version import ListDraft, ListDraftState
from models.notification import Notification, NotificationKind
from models.policy import PolicyFile, PolicyItem, PolicyLevel, PolicyNotice, PolicyRecipient
from models.power_event import PowerEvent, PowerSubject
from models.recall import Recall, RecallState
from models.set_aside import SetAsideRecord
from models.signature import ElectronicSeal
from models.special_procedure import SpecialKind, SpecialProcedure
from models.supervision import FeedbackKind, PushRole, SupervisionFeedback, SupervisionPush
from models.task import Task, TaskCandidate
from models.unit_transfer import UnitTransfer
from models.webhook import WebhookDelivery, WebhookEndpoint
from services.accounts.sessions import digest_of
from services.clock import machine_now, product_now
from services.documents import signing
from services.journal import seals
from services.signatures import registry
from tests.factories.cases import build_case
from tests.integration.web import FORM_KEY

AREA, UNIT, COUNTY_UNIT, ITEM = "rongjiang", "zrzy", "zrzy", "S-01"
ID: Final = 9001
PROPOSAL: Final = 9002
"""A recall that is only proposed."""
NEWCOMER: Final = "newcomer"
"""An account without posts; the administrators practise on it."""
CSRF: Final = "the secret of every session here"

CASES: Final = {
    "direct": ("CASE-DIRECT", Mode.DIRECT, 0),
    "county's stage": ("CASE-COUNTY", Mode.SUBSTANTIVE, 0),
    "city's stage": ("CASE-CITY", Mode.SUBSTANTIVE, 1),
    "window": ("CASE-WINDOW", Mode.WINDOW, 1),
}
USUAL: Final = "county's stage"
MARK: Final = "特征文字"
"""Stands in each object that lists show by its text."""


class Undone(Database):
    """A database that takes every transaction back at its end, so that each request finds the world as it was made."""

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """Yield a session whose writes are tried on the database and then taken back."""
        with WritingSession(self.engine.execution_options(writing=True), expire_on_commit=False) as session:
            yield session
            session.flush()
            session.expunge_all()
            session.rollback()


def token_of(username: str) -> str:
    """Return the token of an account's one session."""
    return f"token of {username}".replace(" ", "-")


def make(session: Session, usernames: list[str]) -> None:
    """Write the objects and a session for every account."""
    now = product_now(session)
    session.add(Account(username=NEWCOMER, display_name="新人", password_hash="-", password_changed_at=machine_now()))
    session.flush()
    began = machine_now()
    session.add_all(
        AccessToken(
            digest=digest_of(token_of(one)),
            username=one,
            csrf=CSRF,
            method=SignInMethod.PASSWORD,
            created_at=began,
            seen_at=began,
            expires_at=began + timedelta(hours=12),
        )
        for one in usernames
    )
    cases = [_case(session, number, mode, level) for number, mode, level in CASES.values()]
    usual = CASES[USUAL][0]
    for layer in _objects(usual, now):
        session.add_all(layer)
        session.flush()
    session.add_all(
        SpecialProcedure(
            id=f"procedure-{case.case_no}",
            case_no=case.case_no,
            kind=SpecialKind.HEARING,
            planned_days=10,
            reason="听证",
            begun_by="x",
            begun_at=now,
            planned_end_at=now + timedelta(days=14),
        )
        for case in cases
    )
    session.flush()
    pdf = b"%PDF-1.7 paper"
    unpushed = CASES["city's stage"][0]
    registry.make(session, MARK, "县审批局")
    session.execute(update(ElectronicSeal).where(col(ElectronicSeal.text) == MARK).values(id=ID))
    paper = Document(
        id=ID,
        case_no=unpushed,
        natural_key="受理通知书",
        kind="受理通知书",
        number="文书9001",
        seal="",
        issued_at=now,
        body={},
        sha256=hashlib.sha256(pdf).hexdigest(),
        signature=signing.sign(pdf),
        pdf=pdf,
    )
    session.add(paper)
    session.flush()
    seals.seal(session, paper)


def _case(session: Session, number: str, mode: Mode, level: int) -> Case:
    now = product_now(session)
    case = build_case(
        case_no=number,
        query_code="Q",
        item_code=ITEM,
        item_version=1,
        guide_version=1,
        item_name="事项",
        mode=mode,
        power_kind="license",
        power_type="行政许可",
        area=AREA,
        city_unit=UNIT,
        county_unit=COUNTY_UNIT,
        review_unit=COUNTY_UNIT,
        applicant_digest=number,
        submitted_by="x",
        state=CaseState.IN_DEPARTMENT,
        level=level,
        received_at=now - timedelta(days=1),
        accepted_at=now - timedelta(hours=20),
        limit_days=20,
        promised_days=10,
        due_at=now + timedelta(days=20),
        process_id="substantive-review",
        project=number,
    )
    session.add(case)
    session.flush()
    session.add(
        Applicant(
            case_no=number,
            kind=ApplicantKind.PERSON,
            name="欧阳某某",
            id_type=IdentityType.ID_CARD,
            id_number="360702199001011234",
            phone="13800000000",
        )
    )
    return case


def _objects(case_no: str, now: Any) -> list[list[SQLModel]]:
    """Return one object of each kind, those others refer to first."""
    soon, approver, supervisor = now + timedelta(days=5), f"city.{UNIT}.approver", f"city.{UNIT}.supervisor"
    recall: dict[str, Any] = {"item": ITEM, "area": AREA, "unit": UNIT, "reason": "理由"}
    first: list[SQLModel] = [
        Task(
            key=ID,
            case_no=case_no,
            process_id="substantive-review",
            process_instance_key=ID,
            element_id="Task_Other",
            element_instance_key=ID,
            name="审查",
            item_name="事项",
            area=AREA,
            candidate_groups=[f"{AREA}.reviewer"],
            form_key=FORM_KEY,
            created_at=now,
            due_at=soon,
        ),
        Notification(
            id=ID,
            natural_key="n",
            case_no=case_no,
            title="提醒",
            area=AREA,
            kind=NotificationKind.REMINDER,
            signal="yellow",
            to_group=f"{AREA}.window",
            text=MARK,
            at=now,
        ),
        ProcessDefinition(
            key=ID,
            process_id="substantive-review",
            version=1,
            name="审核",
            resource_name="x.bpmn",
            checksum="0",
            xml="<definitions/>",
            deployed_at=now,
        ),
        ProcessInstance(key=ID, case_no=case_no, process_id="substantive-review", version=1, started_at=now),
        SetAsideRecord(
            id=ID, exporter="feed", partition=1, position=1, value_type="FORM", name="f", reason="r", raw=b"{}", at=now
        ),
        SupervisionPush(
            id=ID,
            case_no=case_no,
            recipient=supervisor,
            role=PushRole.RESPONSIBLE,
            approver_group=approver,
            sheet={
                "item": ITEM,
                "item_name": "事项",
                "power_type": "行政许可",
                "area": AREA,
                "mode": "substantive",
                "city_unit": UNIT,
                "project": "",
                "decision": "approve",
                "decided_at": now.isoformat(),
                "closed_at": now.isoformat(),
                "documents": [],
                "certificate": None,
            },
            pushed_at=now,
            due_at=soon,
            escalate_at=soon,
        ),
        PolicyNotice(
            id=ID,
            title="通知",
            level=PolicyLevel.CITY,
            published_on=date(2026, 1, 5),
            items=[ITEM],
            issued_by="x",
            issued_for=supervisor,
            issued_at=now,
            due_at=soon,
            escalate_at=soon,
        ),
        Agreement(
            id=ID,
            area=AREA,
            unit=UNIT,
            items=[ITEM],
            procedure="程序",
            in_force_from=date(2026, 1, 5),
            state=AgreementState.DRAFT,
            created_by="x",
            created_at=now,
        ),
        Filing(
            id=ID,
            case_no=case_no,
            item=ITEM,
            area=AREA,
            unit=UNIT,
            kind=FilingKind.REPORT,
            state=FilingState.FILED,
            decision=Verdict.APPROVE,
            filed_at=now,
            waiting_since=now,
            sampled=True,
        ),
        PowerEvent(
            subject=PowerSubject.FILING,
            subject_id=ID,
            natural_key="k",
            event="filing.filed",
            at=now,
            actor="x",
            area=AREA,
            unit=UNIT,
            text=MARK,
        ),
        Certificate(
            number=str(ID),
            case_no=case_no,
            item_code=ITEM,
            name=MARK,
            holder="欧阳某某",
            content={},
            issued_at=now,
            signature="-",
        ),
        Recall(id=ID, **recall, state=RecallState.DROPPED, proposed_at=now),
        Recall(id=PROPOSAL, **recall, state=RecallState.DROPPED, proposed_at=now, statement_due_at=soon),
        UnitTransfer(
            id=ID,
            area=AREA,
            item=ITEM,
            from_unit="zrzy",
            to_unit="jfj",
            effective_on=date(2099, 1, 1),
            reason="r",
            decided_by="x",
            decided_at=now,
            in_flight=InFlight.FINISH,
        ),
        CountyUnit(
            id=ID,
            area=AREA,
            code="sbm",
            name="区试验部门",
            reviewer_group=f"{AREA}.reviewer",
            assumed=True,
            position=ID,
        ),
        ListDraft(
            id=ID,
            title="清单",
            in_force_from=date(2099, 1, 1),
            state=ListDraftState.REVIEW,
            rows=[],
            digest="0",
            drafted_by="x",
            drafted_at=now,
        ),
        Question(
            id=ID, item=ITEM, case_no=case_no, area=AREA, unit=UNIT, text=MARK, asked_by=f"{AREA}.window", asked_at=now
        ),
        Precedent(id=ID, item=ITEM, unit=UNIT, title="案例", text="案例", published_by="x", published_at=now),
        Training(id=ID, unit=UNIT, title="培训", begins_at=now, announced_by="x", announced_at=now),
        WebhookEndpoint(
            id=str(ID), url="https://example.com", events=["*"], sealed_secret="-", created_by="x", created_at=now
        ),
    ]
    second: list[SQLModel] = [
        CertificateRevocation(
            id=ID,
            number=str(ID),
            case_no=case_no,
            ground=RevocationGround.FRAUD,
            facts="事实",
            opened_by="x",
            opened_at=now,
            notified_at=now,
            statement="未提出",
        ),
        TaskCandidate(task_key=ID, group_name=f"{AREA}.reviewer", due_at=soon, created_at=now),
        Incident(
            key=ID,
            process_instance_key=ID,
            element_id="E",
            element_instance_key=ID,
            job_key=ID,
            kind="JOB_NO_RETRIES",
            message="m",
            created_at=now,
        ),
        SupervisionFeedback(
            id=ID,
            push_id=ID,
            kind=FeedbackKind.RESTRICTION,
            text="限制",
            applicant_digest="d",
            given_by="x",
            given_at=now,
        ),
        PolicyItem(notice_id=ID, item=ITEM),
        PolicyRecipient(notice_id=ID, group_name=approver),
        PolicyFile(notice_id=ID, name="a.txt", sha256="0", size=1, content=b"a"),
        FilingQuestion(
            filing_id=ID,
            number=1,
            text="问",
            asked_by="x",
            asked_at=now,
            answer_due_at=soon,
            answer="答",
            answered_at=now,
        ),
        WebhookDelivery(
            id=ID,
            endpoint_id=str(ID),
            message_id="m",
            event="push.sent",
            subject="push:1",
            body="{}",
            created_at=now,
            available_at=now,
        ),
    ]
    return [first, second]
