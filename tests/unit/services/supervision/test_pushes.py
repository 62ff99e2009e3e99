"""What a closed case tells its supervisors (审管信息推送), by when, and who hears of a push nobody claims."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from freezegun import freeze_time
from sqlmodel import Session, col, select

from models.audit import TimelineEntry
from models.calendar import CalendarDay
from models.case import Applicant, ApplicantKind, Case, CaseState, Verdict
from models.catalogue import Mode
from models.database import CHINA
from models.document import Certificate, Document, DocumentKind
from models.notification import Notification
from models.outbox import OutboxCommand
from models.supervision import PushRole, SupervisionPush
from models.working_calendar import end_of_day
from services.errors import NotFound
from services.supervision import pushes
from tests.factories.powers import add_case
from tests.factories.powers import session as session

CLOSED = datetime(2026, 9, 28, 16, tzinfo=CHINA)
"""Two working days before the National Day holidays."""
DUE, ESCALATE = end_of_day(date(2026, 10, 8)), end_of_day(date(2026, 10, 10))


def closed(session: Session, **changes: Any) -> Case:
    """Return a case the county has decided and closed."""
    facts = {"state": CaseState.CLOSED_APPROVED, "is_open": False, "decision": Verdict.APPROVE}
    return add_case(session, **{**facts, "decided_at": CLOSED, "closed_at": CLOSED, **changes})


def push(session: Session, case: Case, at: datetime = CLOSED) -> list[SupervisionPush]:
    """Push a case at an instant."""
    with freeze_time(at):
        return pushes.push(session, case)


def told(session: Session, event: str) -> list[tuple[str, str, datetime]]:
    """Return the entries of the case's history under an event: text, actor and instant."""
    query = select(TimelineEntry).where(TimelineEntry.event == event).order_by("id")
    return [(one.text, one.actor, one.at) for one in session.exec(query).all()]


def notified(session: Session, signal: str) -> list[tuple[str, str, str, datetime]]:
    """Return who was notified of something: kind, group, text and instant."""
    rows = session.exec(select(Notification).where(Notification.signal == signal).order_by(col(Notification.id))).all()
    return [(one.kind.value, one.to_group, one.text, one.at) for one in rows]


def test_a_county_decision_goes_to_the_countys_supervisor_within_three_working_days(session: Session) -> None:
    [one] = push(session, closed(session))
    assert (one.recipient, one.role, one.approver_group) == (
        "xingguo.supervisor",
        PushRole.RESPONSIBLE,
        "xingguo.approver",
    )
    assert (one.pushed_at, one.due_at, one.escalate_at) == (CLOSED, DUE, ESCALATE)
    assert told(session, "push.sent") == [("审管信息推送至兴国县监管人员", "system", CLOSED)]


def test_the_days_are_those_of_the_cases_area(session: Session) -> None:
    entered = {"working": False, "reason": "停办", "entered_by": "x", "entered_at": CLOSED}
    session.add(CalendarDay(area="xingguo", day=date(2026, 9, 29), **entered))
    session.flush()
    [one] = push(session, closed(session))
    assert one.due_at == end_of_day(date(2026, 10, 9))


@pytest.mark.parametrize("mode", [Mode.WINDOW, Mode.SUBSTANTIVE])
def test_a_decision_of_the_city_goes_to_the_citys_supervisor_and_the_county_follows_up(
    session: Session, mode: Mode
) -> None:
    item = {Mode.WINDOW: "W-01", Mode.SUBSTANTIVE: "S-22"}[mode]
    first, second = push(session, closed(session, mode=mode, item_code=item, city_unit="zrzy"))
    assert (first.recipient, first.role) == ("city.zrzy.supervisor", PushRole.RESPONSIBLE)
    assert (second.recipient, second.role) == ("xingguo.supervisor", PushRole.FOLLOW_UP)
    assert {one.approver_group for one in (first, second)} == {"city.zrzy.approver"}


def test_a_case_is_pushed_once(session: Session) -> None:
    case = closed(session)
    first = push(session, case)
    assert [one.id for one in push(session, case, CLOSED + timedelta(days=1))] == [one.id for one in first]
    assert len(session.exec(select(OutboxCommand)).all()) == 1


@pytest.mark.parametrize("facts", [{"closed_at": None}, {"decision": None}], ids=str)
def test_what_is_not_closed_by_a_decision_is_not_pushed(session: Session, facts: dict[str, None]) -> None:
    assert push(session, closed(session, **facts)) == []
    assert session.exec(select(OutboxCommand)).all() == []


def test_the_engine_watches_over_each_claim_and_escalates_after_it_reminds(session: Session) -> None:
    case = closed(session, mode=Mode.WINDOW, item_code="W-01", city_unit="zrzy")
    made = push(session, case)
    command = session.exec(select(OutboxCommand)).one()
    assert (command.stream, command.payload["correlation_key"]) == (case.case_no, case.case_no)
    assert (command.payload["name"], command.payload["message_id"]) == ("approval-pushed", f"{case.case_no}:pushed")
    assert command.payload["variables"]["caseId"] == case.case_no
    watched = command.payload["variables"]["pushes"]
    assert [one["id"] for one in watched] == [f"push-{one.id}" for one in made]
    for one in watched:
        assert datetime.fromisoformat(one["remindAt"]) == DUE
        assert datetime.fromisoformat(one["escalateAt"]) == ESCALATE


def test_a_push_made_late_is_reminded_of_and_escalated_in_that_order(session: Session) -> None:
    push(session, closed(session), CLOSED + timedelta(days=60))
    [watched] = session.exec(select(OutboxCommand)).one().payload["variables"]["pushes"]
    assert datetime.fromisoformat(watched["remindAt"]) < datetime.fromisoformat(watched["escalateAt"])


def test_the_sheet_tells_the_decision_with_its_papers_and_not_whose_it_is(session: Session) -> None:
    case = closed(session, project="某工程")
    for number, kind in enumerate((DocumentKind.FILING, DocumentKind.DELIVERY), 1):
        session.add(
            Document(
                case_no=case.case_no,
                natural_key=kind.value,
                kind=kind.value,
                number=f"{number}号",
                seal="",
                issued_at=CLOSED,
                body={},
                sha256=f"{number}" * 64,
                pdf=b"",
            )
        )
    session.add(
        Certificate(
            number="证1",
            case_no=case.case_no,
            item_code="D-01",
            name="证",
            holder="某公司",
            content={},
            issued_at=CLOSED,
            signature="",
        )
    )
    session.flush()
    [one] = push(session, case)
    documents = one.sheet.pop("documents")
    assert [(row["kind"], row["number"], row["sha256"]) for row in documents] == [
        ("备案通知书", "1号", "1" * 64),
        ("送达回证", "2号", "2" * 64),
    ]
    decided, ended = one.sheet.pop("decided_at"), one.sheet.pop("closed_at")
    assert datetime.fromisoformat(decided) == datetime.fromisoformat(ended) == CLOSED
    assert one.sheet == {
        "item": "D-01",
        "item_name": "事项",
        "power_type": "其他行政权力-备案",
        "area": "xingguo",
        "mode": "direct",
        "city_unit": "jtys",
        "project": "某工程",
        "decision": "approve",
        "certificate": "证1",
    }


@pytest.mark.parametrize(
    ("kind", "name"), [(ApplicantKind.ORGANIZATION, "兴国某公司"), (ApplicantKind.PERSON, "张**")], ids=str
)
def test_outside_systems_read_a_persons_name_masked_and_an_organizations_whole(
    session: Session, kind: ApplicantKind, name: str
) -> None:
    case = closed(session)
    applicant = session.get_one(Applicant, case.case_no)
    applicant.kind, applicant.name = kind, {ApplicantKind.PERSON: "张三丰"}.get(kind, "兴国某公司")
    [one] = push(session, case)
    data = pushes.push_data(session, one)
    assert data["applicant_name"] == name
    assert (data["push_id"], data["case_no"], data["to"], data["role"]) == (
        one.id,
        case.case_no,
        "xingguo.supervisor",
        "responsible",
    )
    assert (data["pushed_at"], data["due_at"], data["claimed_at"]) == (CLOSED, DUE, None)
    assert data["item"] == "D-01"


def test_an_unclaimed_push_is_reminded_of_once_and_then_reported_to_the_coordinator(session: Session) -> None:
    [one] = push(session, closed(session))
    number = one.id or 0
    for _ in range(2):
        pushes.remind(session, number)
        pushes.escalate(session, number)
    reminder = "提醒兴国县监管人员：审管推送到期未认领"
    report = "兴国县监管人员逾期未认领审管推送，已报市级统筹协调员"
    assert (one.reminded_at, one.escalated_at) == (DUE, ESCALATE)
    assert told(session, "push.reminded") == [(reminder, "system", DUE)]
    assert told(session, "push.escalated") == [(report, "system", ESCALATE)]
    assert notified(session, "push_due") == [("reminder", "xingguo.supervisor", reminder, DUE)]
    assert notified(session, "push_escalated") == [
        ("supervision", "city.coordinator", report, ESCALATE),
        ("supervision", "xingguo.supervisor", report, ESCALATE),
    ]


def test_a_push_made_after_its_due_instant_is_reminded_of_as_of_then(session: Session) -> None:
    late = CLOSED + timedelta(days=60)
    [one] = push(session, closed(session), late)
    assert not one.on_time
    pushes.remind(session, one.id or 0)
    pushes.escalate(session, one.id or 0)
    assert (one.reminded_at, one.escalated_at) == (late, late)


def test_nobody_is_reminded_of_a_push_that_was_claimed(session: Session) -> None:
    [one] = push(session, closed(session))
    one.claimed_at = CLOSED
    pushes.remind(session, one.id or 0)
    pushes.escalate(session, one.id or 0)
    assert (one.reminded_at, one.escalated_at) == (None, None)
    assert notified(session, "push_due") + notified(session, "push_escalated") == []


def test_a_push_that_is_none_is_not_found(session: Session) -> None:
    with pytest.raises(NotFound) as refusal:
        pushes.get_for_update(session, 99)
    assert (refusal.value.detail, refusal.value.detail_en) == ("没有这条审管推送", "No such push")


@pytest.mark.parametrize(
    ("group", "label"),
    [
        ("city.slj.supervisor", "市水利局监管人员"),
        ("xingguo.supervisor", "兴国县监管人员"),
        ("nowhere.supervisor", "监管人员"),
        ("task force", "task force"),
    ],
)
def test_a_supervisor_is_named_in_words(session: Session, group: str, label: str) -> None:
    assert pushes.group_label(session, group) == label
