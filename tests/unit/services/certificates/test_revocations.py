"""A certificate is revoked by the organ that decides, after its holder was told and heard, and not otherwise."""

from datetime import datetime

import pytest
from freezegun import freeze_time
from sqlmodel import Session

from models.case import Case
from models.certificate import CertificatePrint, CertificateState, LibraryEntry, RevocationGround, RevocationOutcome
from models.database import CHINA
from models.document import CertificateStatus, DocumentKind
from models.task_outcome import TaskOutcome, TaskOutcomeStatus
from services.accounts.actors import Actor
from services.certificates import history, register, revocations
from services.certificates.revocations import NotHeard, RevocationEnded, RevocationNotAllowed
from services.documents import store
from services.errors import Forbidden, InvalidInput, NotFound
from tests.factories.certificates import APPROVER, WINDOW, approved, issued, submitted
from tests.factories.certificates import session as session

FRAUD, REVOKED, DROPPED = RevocationGround.FRAUD, RevocationOutcome.REVOKED, RevocationOutcome.DROPPED
AFTER_FIVE_WORKING_DAYS = datetime(2026, 3, 10, 9, tzinfo=CHINA)


@pytest.mark.parametrize("who", ["city.zrzy.approver", "city.xzsp.reviewer", "xingguo.approver", "city.coordinator"])
def test_only_who_decides_such_cases_may_revoke(session: Session, who: str) -> None:
    with pytest.raises(Forbidden):
        revocations.open_procedure(session, Actor(who, who, frozenset({who})), issued(session).number, FRAUD, "事实")


def test_nothing_is_decided_before_the_holder_was_heard_or_the_days_are_over(session: Session) -> None:
    number = issued(session).number
    opened = revocations.open_procedure(session, APPROVER, number, FRAUD, "提交虚假材料")
    assert opened.statement_due_on.isoformat() == "2026-03-09"
    with pytest.raises(NotHeard):
        revocations.decide(session, APPROVER, number, opened.id, REVOKED, "理由")
    with freeze_time(AFTER_FIVE_WORKING_DAYS), pytest.raises(InvalidInput, match="陈述"):
        revocations.decide(session, APPROVER, number, opened.id, REVOKED, "理由")
    assert register.get_certificate(session, APPROVER, number).state is CertificateState.VALID


def test_a_revocation_ends_the_certificate_the_paper_and_what_the_library_is_told(session: Session) -> None:
    certificate = issued(session)
    before = session.get_one(LibraryEntry, certificate.number).version
    opened = revocations.open_procedure(session, APPROVER, certificate.number, FRAUD, "提交虚假材料")
    revocations.record_hearing(session, APPROVER, certificate.number, opened.id, "承认材料虚假", "3月6日听证")
    done = revocations.decide(session, APPROVER, certificate.number, opened.id, REVOKED, "以欺骗手段取得")
    assert (done.outcome, done.basis) == (REVOKED, "《行政许可法》第六十九条第二款")
    assert certificate.status is CertificateStatus.REVOKED
    assert session.get_one(CertificatePrint, certificate.number).voided_at is not None
    papers = {one.kind: one for one in store.of_case(session, certificate.case_no)}
    notice, decision = papers[DocumentKind.REVOCATION_NOTICE], papers[DocumentKind.REVOCATION]
    assert "五个工作日内提出陈述、申辩" in str(notice.body)
    for needed in ("提交虚假材料", "承认材料虚假", "3月6日听证", "以欺骗手段取得", "第六十九条第二款", "行政复议"):
        assert needed in str(decision.body)
    assert decision.seal == "赣州市行政审批局市级审批专用章"
    assert session.get_one(LibraryEntry, certificate.number).version == before + 1
    assert [one.event for one in history.of(session, certificate.number)] == [
        "certificate.issued",
        "revocation.opened",
        "revocation.heard",
        "certificate.revoked",
    ]
    with pytest.raises(RevocationEnded):
        revocations.decide(session, APPROVER, certificate.number, opened.id, DROPPED, "理由")
    with pytest.raises(RevocationNotAllowed, match="已撤销"):
        revocations.open_procedure(session, APPROVER, certificate.number, FRAUD, "再次")


def test_a_dropped_procedure_leaves_the_certificate_valid_and_another_may_follow(session: Session) -> None:
    number = issued(session).number
    opened = revocations.open_procedure(session, APPROVER, number, FRAUD, "举报")
    with pytest.raises(RevocationNotAllowed, match="正在进行"):
        revocations.open_procedure(session, APPROVER, number, FRAUD, "举报")
    revocations.decide(session, APPROVER, number, opened.id, DROPPED, "查无实据")
    assert register.get_certificate(session, APPROVER, number).state is CertificateState.VALID
    revocations.open_procedure(session, APPROVER, number, FRAUD, "新的证据")
    assert len(revocations.of_certificate(session, WINDOW, number)) == 2


def test_a_certificate_an_approved_case_is_about_to_change_is_not_revoked(session: Session) -> None:
    certificate = issued(session)
    opened = revocations.open_procedure(session, APPROVER, certificate.number, FRAUD, "举报")
    revocations.record_hearing(session, APPROVER, certificate.number, opened.id, "未提出", "")
    case = submitted(session, "W-28", certificate.number)
    session.add(
        TaskOutcome(
            task_key=1_000_000,
            case_no=case.case_no,
            process_id="front-window",
            element_id="Task_CityDecide",
            task_name="作出审批决定",
            account=APPROVER.username,
            outcome="approve",
            outcome_label="准予",
            opinion="",
            form_values={},
            status=TaskOutcomeStatus.RECORDED,
            decided_at=case.received_at,
        )
    )
    session.flush()
    with pytest.raises(RevocationNotAllowed) as refused:
        revocations.decide(session, APPROVER, certificate.number, opened.id, REVOKED, "理由")
    assert refused.value.extra == {"case_no": case.case_no}
    approved(session, case)
    with pytest.raises(RevocationNotAllowed, match="已变更"):
        revocations.decide(session, APPROVER, certificate.number, opened.id, REVOKED, "理由")


def test_what_is_no_licence_is_not_revoked_by_the_licensing_law(session: Session) -> None:
    certificate = issued(session)
    session.get_one(Case, certificate.case_no).power_kind = "confirmation"
    with pytest.raises(RevocationNotAllowed, match="只适用于行政许可"):
        revocations.open_procedure(session, APPROVER, certificate.number, FRAUD, "举报")


def test_a_procedure_of_another_certificate_is_not_found(session: Session) -> None:
    opened = revocations.open_procedure(session, APPROVER, issued(session).number, FRAUD, "举报")
    with pytest.raises(NotFound):
        revocations.record_hearing(session, APPROVER, issued(session).number, opened.id, "未提出", "")
