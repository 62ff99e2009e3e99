"""What happens to delegated powers reaches the notifications (催办与督办) of who has to act on it."""

from datetime import date, datetime, timedelta

import pytest
from freezegun import freeze_time
from sqlmodel import Session, col, select

from models.account import Account, Membership
from models.case import CaseState, Verdict
from models.database import CHINA
from models.filing import Filing
from models.in_flight import InFlight
from models.notification import Notification, NotificationKind
from models.policy import PolicyLevel
from services.clock import product_now
from services.errors import Forbidden
from services.guidance import consultations
from services.notifications import inbox
from services.powers import agreements, filing_reminders, filings
from services.supervision import policy_notices
from services.takeovers import recalls
from tests.factories.powers import actor, add_case
from tests.factories.powers import session as session

START = datetime(2026, 9, 21, 9, tzinfo=CHINA)


def told(session: Session, signal: str) -> set[tuple[str, str]]:
    """Return the kind and the group of every notification of one cause."""
    return {
        (one.kind.value, one.to_group)
        for one in session.exec(select(Notification).where(Notification.signal == signal)).all()
    }


def filed(session: Session) -> Filing:
    """Return a county's decision just filed with the city unit."""
    now = product_now(session)
    case = add_case(session, state=CaseState.CLOSED_APPROVED, is_open=False, decision=Verdict.APPROVE, closed_at=now)
    filings.file_decision(session, case, now)
    return session.exec(select(Filing).where(Filing.case_no == case.case_no)).one()


def test_an_unacknowledged_filing_is_the_city_units_and_the_second_time_the_coordinators_too(session: Session) -> None:
    with freeze_time(START):
        filing = filed(session)
    with freeze_time(START + timedelta(days=25)):
        filing_reminders.remind(session, filing.case_no)
        assert told(session, "filing_unacknowledged") == {("reminder", "city.jtys.reviewer")}
    with freeze_time(START + timedelta(days=60)):
        filing_reminders.remind(session, filing.case_no)
    assert told(session, "filing_unacknowledged") == {
        ("reminder", "city.jtys.reviewer"),
        ("supervision", "city.coordinator"),
    }
    [first, second] = inbox.list_notifications(session, actor("city.jtys.reviewer")).items[::-1]
    assert first.at < second.at
    assert first.link == f"/powers/filings?case_no={filing.case_no}"
    assert (first.subject.value, first.subject_id, first.case_no) == ("filing", filing.id, filing.case_no)


def test_a_questioned_filing_is_brought_to_the_county_and_an_overdue_answer_to_the_coordinator(
    session: Session,
) -> None:
    county = {("reminder", "xingguo.approver"), ("reminder", "xingguo.reviewer")}
    with freeze_time(START):
        filing = filed(session)
        filings.question(session, actor("city.jtys.reviewer"), filing.id or 0, "依据何在？", None)
        assert told(session, "filing_questioned") == county
    with freeze_time(START + timedelta(days=30)):
        for _ in range(2):
            filing_reminders.remind_answer(session, filing.case_no)
    assert told(session, "filing_answer_overdue") == {*county, ("supervision", "city.coordinator")}
    shown = inbox.list_notifications(session, actor("xingguo.reviewer")).items
    assert [one.signal for one in shown] == ["filing_answer_overdue", "filing_questioned"]


def test_every_step_of_a_recall_reaches_the_other_side(session: Session) -> None:
    county = {("reminder", "xingguo.approver"), ("reminder", "xingguo.chief")}
    deciders = {("reminder", "city.jtys.approver"), ("reminder", "city.coordinator")}
    with freeze_time(START):
        number = recalls.propose(session, actor("city.jtys.approver"), "D-01", "xingguo", "多次超期").id
    assert told(session, "recall_proposed") == county
    [proposed] = inbox.list_notifications(session, actor("xingguo.chief")).items
    assert (proposed.case_no, proposed.link) == (None, f"/powers/recalls/{number}")
    assert (proposed.area, "前陈述意见" in proposed.text) == ("xingguo", True)
    with freeze_time(START + timedelta(days=20)):
        recalls.lapse_hearing(session, number)
        assert told(session, "recall_hearing_lapsed") == deciders
        recalls.decide(
            session,
            actor("city.coordinator"),
            item="D-01",
            area="xingguo",
            reason="整改",
            effective_on=None,
            in_flight=InFlight.TRANSFER,
        )
        assert told(session, "recall_decided") == {*county, ("reminder", "xingguo.window")}
        assert ("reminder", "city.jtys.reviewer") in told(session, "recall_effective")
        recalls.restore(session, actor("city.coordinator"), number, "整改到位")
    assert ("reminder", "xingguo.window") in told(session, "recall_restored")


def test_an_agreement_waits_for_each_side_and_its_force_is_told(session: Session) -> None:
    both = {("reminder", "city.zrzy.approver"), ("reminder", "xingguo.approver")}
    with freeze_time(START):
        made = agreements.draft(
            session,
            actor("city.coordinator"),
            area="xingguo",
            unit="zrzy",
            items=["S-22"],
            procedure="程序",
            in_force_from=date(2026, 9, 21),
        )
        assert told(session, "agreement_drafted") == both
        agreements.sign(session, actor("city.zrzy.approver"), made.id)
        assert told(session, "agreement_signed_by_city") == {("reminder", "xingguo.approver")}
        agreements.sign(session, actor("xingguo.approver"), made.id)
        agreements.enter_force(session, made.id)
    assert told(session, "agreement_signed_by_county") == set()
    assert told(session, "agreement_in_force") == {*both, ("reminder", "xingguo.window")}
    [own] = inbox.list_notifications(session, actor("xingguo.window")).items
    assert own.link == f"/powers/agreements/{made.id}"


def test_an_unread_policy_document_is_brought_to_its_readers_then_to_the_coordinator(session: Session) -> None:
    with freeze_time(START):
        notice = policy_notices.issue(
            session,
            actor("city.zrzy.supervisor"),
            title="勘查管理办法",
            level=PolicyLevel.CITY,
            published_on=date(2026, 9, 21),
            items=["W-01", "D-10"],
        )
        policy_notices.acknowledge(session, actor("ganxian.approver"), notice.id)
    with freeze_time(START + timedelta(days=20)):
        for _ in range(2):
            policy_notices.remind(session, notice.id)
            policy_notices.escalate(session, notice.id)
    silent = set(notice.pending) - {"ganxian.approver"}
    assert told(session, "policy_due") == {("reminder", group) for group in silent}
    assert {"city.coordinator", "city.zrzy.supervisor"} < {group for _, group in told(session, "policy_escalated")}
    [escalated] = inbox.list_notifications(session, actor("city.coordinator")).items
    assert (escalated.kind, escalated.link) == (NotificationKind.SUPERVISION, f"/policy-notices/{notice.id}")


def test_a_question_reaches_the_advisor_again_when_it_is_late_and_the_answer_who_asked(session: Session) -> None:
    session.add(Account(username="asks", display_name="提问人", password_hash="x"))
    session.flush()
    session.add(Membership(username="asks", group_name="xingguo.reviewer"))
    session.flush()
    asker = actor("xingguo.reviewer")
    with freeze_time(START):
        asked = consultations.ask(
            session, type(asker)("asks", "提问人", asker.groups), item="D-01", case_no=None, text="怎么办？"
        )
    assert told(session, "question_asked") == {("reminder", "city.jtys.advisor")}
    with freeze_time(START + timedelta(days=3)):
        assert consultations.overdue(session) == []
    with freeze_time(START + timedelta(days=5)):
        assert consultations.overdue(session) == [asked.id]
        for _ in range(2):
            consultations.remind(session, asked.id)
        assert consultations.overdue(session) == []
        assert told(session, "question_overdue") == {
            ("reminder", "city.jtys.advisor"),
            ("supervision", "city.coordinator"),
        }
        late = session.exec(select(Notification).where(col(Notification.signal) == "question_overdue")).first()
        assert late is not None
        assert late.at == datetime(2026, 9, 24, 23, 59, 59, tzinfo=CHINA)
        consultations.answer(session, actor("city.jtys.advisor"), asked.id, "这样办")
    assert told(session, "question_answered") == {("reminder", "xingguo.reviewer")}


def test_only_who_is_told_reads_a_notification_and_once_is_enough(session: Session) -> None:
    recalls.propose(session, actor("city.jtys.approver"), "D-01", "xingguo", "理由")
    county = actor("xingguo.approver")
    [one] = inbox.list_notifications(session, county, unread=True).items
    with pytest.raises(Forbidden):
        inbox.mark_read(session, actor("ganxian.approver"), one.id)
    assert inbox.mark_read(session, county, one.id).read
    assert inbox.list_notifications(session, county, unread=True).items == []
    assert inbox.count_unread(session, county) == 0
