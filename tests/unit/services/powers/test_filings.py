"""Filings (县级报备): filed with the decision, questioned and answered in turn, acknowledged once, and sampled."""

import json
from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from freezegun import freeze_time
from sqlmodel import Session, col, select

from models.audit import TimelineEntry
from models.calendar import CITY_WIDE, CalendarDay
from models.case import Case, CaseState, Verdict
from models.catalogue import Mode
from models.database import CHINA
from models.filing import Filing, FilingKind, FilingState, ReviewFinding
from models.outbox import OutboxCommand
from models.power_event import PowerEvent
from models.task_outcome import TaskOutcome
from models.webhook import WebhookDelivery
from models.working_calendar import end_of_day
from services.errors import Forbidden, InvalidInput, NotFound
from services.powers import filing_reminders, filing_views, filings
from services.powers.filing_views import FilingView
from services.powers.filings import FilingClosed
from services.webhooks import subscriptions
from tests.factories.powers import actor, add_case
from tests.factories.powers import session as session

START = datetime(2026, 9, 21, 9, tzinfo=CHINA)
DUE = end_of_day(date(2026, 10, 12))
"""Ten working days after, the National Day holidays between."""
CITY, COUNTY, COORDINATOR = actor("city.jtys.reviewer"), actor("xingguo.reviewer"), actor("city.coordinator")
LATER = START + timedelta(days=1)


def decided(session: Session, number: int = 1, **changes: Any) -> Case:
    """Return a closed case that the county has decided."""
    facts = {"state": CaseState.CLOSED_APPROVED, "is_open": False, "decision": Verdict.APPROVE, "closed_at": START}
    return add_case(session, number, **facts | changes)


def filed(session: Session, number: int = 1, **changes: Any) -> Filing:
    """Return the filing of a decision of the county."""
    case = decided(session, number, **changes)
    with freeze_time(START):
        filings.file_decision(session, case, START)
    return session.exec(select(Filing).where(Filing.case_no == case.case_no)).one()


def at(moment: datetime, act: Callable[..., FilingView], session: Session, *given: Any) -> FilingView:
    """Act on a filing at an instant."""
    with freeze_time(moment):
        return act(session, *given)


def ask(session: Session, filing: Filing, text: str = "依据何在？", days: int | None = None) -> FilingView:
    return at(START, filings.question, session, CITY, filing.id, text, days)


def reply(session: Session, filing: Filing, moment: datetime = LATER) -> FilingView:
    return at(moment, filings.answer, session, COUNTY, filing.id, "依据第三条")


def events(session: Session) -> list[tuple[str, str, str, datetime]]:
    """Return the ledger: event, text, actor and instant, oldest first."""
    rows = session.exec(select(PowerEvent).order_by(col(PowerEvent.id))).all()
    return [(one.event, one.text, one.actor, one.at) for one in rows]


def told(session: Session) -> list[tuple[str, str]]:
    """Return the case's history: event and text."""
    rows = session.exec(select(TimelineEntry).order_by("id")).all()
    return [(one.event, one.text) for one in rows]


def messages(session: Session) -> list[tuple[str, str]]:
    """Return the messages to the engine: name and id, oldest first."""
    rows = session.exec(select(OutboxCommand).order_by(col(OutboxCommand.id))).all()
    return [(one.payload["name"], one.payload["message_id"]) for one in rows]


def test_a_decision_of_the_county_is_filed_with_the_city_unit_once(session: Session) -> None:
    filing = filed(session)
    filings.file_decision(session, session.get_one(Case, filing.case_no), LATER)
    [shown] = filing_views.of_case(session, filing.case_no)
    assert (shown.item, shown.item_name, shown.area, shown.unit) == ("D-01", "事项", "xingguo", "jtys")
    assert (shown.kind, shown.state, shown.decision) == (FilingKind.REPORT, FilingState.FILED, "approve")
    assert (shown.filed_at, shown.due_at, shown.reminders) == (START, DUE, 0)
    assert (shown.to, shown.consented_by, shown.questions) == ("city.jtys.reviewer", None, [])
    assert events(session) == [("filing.filed", f"县级决定报备，办件{filing.case_no}", "system", START)]
    assert told(session) == [("case.filed", "报市交通运输局备案")]
    command = session.exec(select(OutboxCommand)).one()
    assert (command.stream, command.payload["correlation_key"]) == (filing.case_no, filing.case_no)
    assert (command.payload["name"], command.payload["message_id"]) == ("decision-filed", f"{filing.case_no}:filed")
    assert command.payload["variables"] == {"caseId": filing.case_no, "area": "xingguo", "cityUnit": "jtys"}


@pytest.mark.parametrize(
    "changes",
    [{"mode": Mode.WINDOW}, {"mode": Mode.SUBSTANTIVE}, {"taken_over_at": START}, {"decision": None}],
    ids=str,
)
def test_what_the_county_has_not_decided_is_not_filed(session: Session, changes: dict[str, Any]) -> None:
    case = decided(session, **changes)
    filings.file_decision(session, case, START)
    assert filing_views.of_case(session, case.case_no) == []
    assert messages(session) == []


def test_a_decision_the_city_consented_to_is_filed_as_such(session: Session) -> None:
    filing = filed(session, approval_filing=True, decision=Verdict.DENY)
    session.add(
        TaskOutcome(
            task_key=1,
            case_no=filing.case_no,
            process_id="direct-devolution",
            element_id="Task_CityConsent",
            task_name="征得市级同意",
            account="consenting",
            outcome="agree",
            decided_at=START,
        )
    )
    session.flush()
    shown = filing_views.get(session, CITY, filing.id or 0)
    assert (shown.kind, shown.decision, shown.consented_by) == (FilingKind.APPROVAL, "deny", "consenting")


def test_the_sample_is_as_large_as_it_is_set_and_the_same_whenever_asked() -> None:
    numbers = [f"36073220260921{number:05d}" for number in range(2000)]
    sizes = {share: {one for one in numbers if filings.is_sampled(one, share)} for share in (0, 20, 50, 100)}
    assert [len(sizes[share]) for share in (0, 100)] == [0, 2000]
    assert 340 < len(sizes[20]) < 460, "one in five; the sample is drawn by the number, so this never changes"
    assert sizes[20] < sizes[50]


def test_the_city_unit_acknowledges_a_filing_once(session: Session) -> None:
    filing = filed(session)
    shown = at(LATER, filings.acknowledge, session, CITY, filing.id)
    assert (shown.state, shown.acknowledged_by, shown.acknowledged_at) == (
        FilingState.ACKNOWLEDGED,
        CITY.username,
        LATER,
    )
    assert shown.due_at is None, "nobody is reminded any more"
    assert events(session)[-1] == ("filing.acknowledged", "市级单位签收", CITY.username, LATER)
    assert told(session)[-1] == ("filing.acknowledged", "市级单位签收报备")
    assert messages(session)[-1] == ("filing-acknowledged", f"{filing.case_no}:filing:acknowledged")
    for act, given in ((filings.acknowledge, ()), (filings.question, ("为何？",))):
        with pytest.raises(FilingClosed, match="已签收") as refusal:
            act(session, CITY, filing.id, *given)
        assert (refusal.value.status, refusal.value.code) == (409, "filing_state")


def test_a_question_is_answered_before_the_filing_is_acknowledged(session: Session) -> None:
    filing = filed(session)
    with pytest.raises(FilingClosed, match="没有待答复的质询"):
        reply(session, filing)
    ask(session, filing)
    with pytest.raises(FilingClosed, match="质询中，不能签收"):
        filings.acknowledge(session, CITY, filing.id or 0)
    with pytest.raises(FilingClosed, match="质询中，不能质询"):
        ask(session, filing)
    assert filing_views.get(session, CITY, filing.id or 0).due_at is None, "the turn is the county's"
    reply(session, filing)
    at(LATER, filings.acknowledge, session, CITY, filing.id)


def test_a_question_gives_the_county_five_working_days(session: Session) -> None:
    filing = filed(session)
    [asked] = ask(session, filing).questions
    due = end_of_day(date(2026, 9, 29))
    assert (asked.text, asked.asked_by, asked.asked_at, asked.answer_due_at) == (
        "依据何在？",
        CITY.username,
        START,
        due,
    )
    assert (asked.overdue, asked.answer, asked.answered_at) == (False, "", None)
    assert events(session)[-1] == ("filing.questioned", "市级质询：依据何在？", CITY.username, START)
    assert told(session)[-1] == ("filing.questioned", "市级单位质询：依据何在？")
    command = session.exec(select(OutboxCommand).order_by(col(OutboxCommand.id).desc())).first()
    assert command is not None
    assert (command.payload["name"], command.payload["message_id"]) == (
        "filing-questioned",
        f"{filing.case_no}:filing:questioned:1",
    )
    assert datetime.fromisoformat(command.payload["variables"]["answerDueAt"]) == due


@pytest.mark.parametrize(("days", "due"), [(1, date(2026, 9, 22)), (60, date(2026, 12, 21))])
def test_a_question_may_name_other_days(session: Session, days: int, due: date) -> None:
    [asked] = ask(session, filed(session), days=days).questions
    assert asked.answer_due_at == end_of_day(due)


@pytest.mark.parametrize("days", [0, 61])
def test_a_question_names_one_day_to_sixty(session: Session, days: int) -> None:
    with pytest.raises(InvalidInput) as refusal:
        ask(session, filed(session), days=days)
    assert [(one.field, one.message) for one in refusal.value.problems] == [("answer_due_days", "应为1至60个工作日")]


def test_with_the_answer_the_city_units_turn_begins_anew(session: Session) -> None:
    filing = filed(session)
    filing.reminders = 2
    ask(session, filing)
    shown = reply(session, filing)
    [asked] = shown.questions
    assert (asked.answer, asked.answered_by, asked.answered_at) == ("依据第三条", COUNTY.username, LATER)
    assert not asked.overdue
    assert (shown.state, shown.reminders, shown.due_at) == (FilingState.ANSWERED, 0, end_of_day(date(2026, 10, 13)))
    assert events(session)[-1] == ("filing.answered", "县级答复：依据第三条", COUNTY.username, LATER)
    assert told(session)[-1] == ("filing.answered", "县级答复：依据第三条")
    assert messages(session)[-1] == ("filing-answered", f"{filing.case_no}:filing:answered:1")


@pytest.mark.parametrize(("late", "overdue"), [(timedelta(0), False), (timedelta(seconds=1), True)])
def test_an_answer_is_late_after_its_last_second(session: Session, late: timedelta, overdue: bool) -> None:
    filing = filed(session)
    [asked] = ask(session, filing).questions
    [answered] = reply(session, filing, asked.answer_due_at + late).questions
    assert answered.overdue is overdue


def test_an_answer_that_was_late_stays_so_in_the_record(session: Session) -> None:
    filing = filed(session)
    [asked] = ask(session, filing).questions
    with freeze_time(asked.answer_due_at):
        filing_reminders.remind_answer(session, filing.case_no)
    [answered] = reply(session, filing, asked.answer_due_at).questions
    assert answered.overdue


def test_a_second_question_is_a_question_of_its_own(session: Session) -> None:
    filing = filed(session)
    ask(session, filing)
    reply(session, filing)
    shown = ask(session, filing, "再问")
    assert [one.text for one in shown.questions] == ["依据何在？", "再问"]
    assert [one.answer for one in reply(session, filing).questions] == ["依据第三条", "依据第三条"]
    questioned = [text for event, text in told(session) if event == "filing.questioned"]
    assert questioned == ["市级单位质询：依据何在？", "市级单位质询：再问"]
    assert [name for name, _ in messages(session)].count("filing-answered") == 2


def test_nobody_is_reminded_of_an_answer_before_it_is_due_or_once_it_is_there(session: Session) -> None:
    filing = filed(session)
    filing_reminders.remind_answer(session, filing.case_no)
    [asked] = ask(session, filing).questions
    with freeze_time(asked.answer_due_at - timedelta(seconds=1)):
        filing_reminders.remind_answer(session, filing.case_no)
    assert "filing.answer_overdue" not in [event for event, *_ in events(session)]
    with freeze_time(asked.answer_due_at):
        filing_reminders.remind_answer(session, filing.case_no)
    text = "县级逾期未答复，提醒县级并报市行政审批局统筹"
    assert events(session)[-1] == ("filing.answer_overdue", text, "system", asked.answer_due_at)
    reply(session, filing, asked.answer_due_at)
    with freeze_time(asked.answer_due_at + timedelta(days=1)):
        filing_reminders.remind_answer(session, filing.case_no)
    assert [event for event, *_ in events(session)].count("filing.answer_overdue") == 1


def test_the_city_unit_is_reminded_at_the_due_instant_again_and_again(session: Session) -> None:
    filing = filed(session)
    with freeze_time(DUE - timedelta(seconds=1)):
        filing_reminders.remind(session, filing.case_no)
    assert filing.reminders == 0
    with freeze_time(DUE):
        planned = filing_reminders.plan(session, filing.case_no)
        filing_reminders.remind(session, filing.case_no)
    assert datetime.fromisoformat(planned["filingWakeAt"]) > DUE, "a timer that is not ahead would spin"
    assert filing.reminders == 1
    assert events(session)[-1] == ("filing.reminded", "已满10个工作日未签收，提醒市级单位", "system", DUE)
    with freeze_time(DUE):
        following = datetime.fromisoformat(filing_reminders.plan(session, filing.case_no)["filingWakeAt"])
    assert following == end_of_day(date(2026, 10, 26))
    with freeze_time(following):
        filing_reminders.remind(session, filing.case_no)
    text = "已满20个工作日未签收，提醒市级单位，并报市行政审批局统筹"
    assert events(session)[-1] == ("filing.reminded", text, "system", following)


@pytest.mark.parametrize("state", [FilingState.QUESTIONED, FilingState.ACKNOWLEDGED])
def test_nobody_is_reminded_of_what_does_not_wait_for_the_city(session: Session, state: FilingState) -> None:
    filing = filed(session)
    filing.state = state
    with freeze_time(DUE + timedelta(days=1)):
        filing_reminders.remind(session, filing.case_no)
    assert filing.reminders == 0


@pytest.mark.parametrize(
    ("finding", "text", "word"),
    [(ReviewFinding.CONFORMING, "", "合格"), (ReviewFinding.NONCONFORMING, "缺现场核查", "不合格")],
)
def test_a_sampled_filing_is_reviewed_once(session: Session, finding: ReviewFinding, text: str, word: str) -> None:
    filing = filed(session)
    filing.sampled = True
    shown = at(LATER, filings.review, session, CITY, filing.id, finding, text)
    assert (shown.review_finding, shown.review_text) == (finding, text)
    assert (shown.reviewed_by, shown.reviewed_at) == (CITY.username, LATER)
    assert events(session)[-1] == ("filing.reviewed", f"抽查评查{word}：{text}", CITY.username, LATER)
    with pytest.raises(FilingClosed, match="已经评查"):
        filings.review(session, CITY, filing.id or 0, finding, text)


def test_what_is_not_sampled_is_not_reviewed_and_a_bad_finding_has_a_reason(session: Session) -> None:
    filing = filed(session)
    filing.sampled = False
    with pytest.raises(FilingClosed, match="未被抽中"):
        filings.review(session, CITY, filing.id or 0, ReviewFinding.CONFORMING, "")
    filing.sampled = True
    with pytest.raises(InvalidInput) as refusal:
        filings.review(session, CITY, filing.id or 0, ReviewFinding.NONCONFORMING, "  ")
    assert [(one.field, one.message) for one in refusal.value.problems] == [("text", "评查不合格的，应写明理由")]


def test_only_the_two_sides_act_and_each_in_its_turn(session: Session) -> None:
    filing = filed(session)
    number = filing.id or 0
    for act, given in (
        (filings.acknowledge, ()),
        (filings.question, ("为何？",)),
        (filings.review, (ReviewFinding.CONFORMING, "")),
    ):
        with pytest.raises(Forbidden):
            act(session, COUNTY, number, *given)
        with pytest.raises(NotFound) as unknown:
            act(session, CITY, 99, *given)
        assert (unknown.value.detail, unknown.value.detail_en) == ("没有这件报备", "No such filing")
    ask(session, filing)
    with pytest.raises(Forbidden):
        filings.answer(session, CITY, number, "代答")
    with pytest.raises(Forbidden):
        filing_views.get(session, actor("yudu.reviewer"), number)
    assert filing_views.get(session, COORDINATOR, number).case_no == filing.case_no


def test_filings_are_listed_newest_first_and_narrowed(session: Session) -> None:
    first, second = filed(session, 1), filed(session, 2, area="yudu")
    third = filed(session, 3, city_unit="zrzy")
    for filing, sampled in ((first, True), (second, False), (third, False)):
        filing.sampled = sampled
    at(LATER, filings.acknowledge, session, CITY, first.id)

    def listed(who: str = "city.coordinator", **wanted: Any) -> list[int | None]:
        return [one.id for one in filing_views.list_filings(session, actor(who), **wanted).items]

    assert listed() == [third.id, second.id, first.id]
    assert listed("city.jtys.reviewer") == [second.id, first.id]
    assert listed("xingguo.chief") == [third.id, first.id]
    assert listed(state=FilingState.ACKNOWLEDGED) == [first.id]
    assert listed(area="yudu") == [second.id]
    assert listed(unit="zrzy") == [third.id]
    assert listed(case_no=second.case_no) == [second.id]
    assert (listed(sampled=True), listed(sampled=False)) == ([first.id], [third.id, second.id])
    assert listed(area="", unit="") == [third.id, second.id, first.id], "an empty choice on the page is none"
    page = filing_views.list_filings(session, COORDINATOR, limit=2)
    assert [one.id for one in page.items] == [third.id, second.id]
    assert listed(cursor=page.next, limit=2) == [first.id]


def test_the_county_answers_by_its_own_calendar_and_the_city_acknowledges_by_the_citys(session: Session) -> None:
    for area, day in (("xingguo", date(2026, 9, 22)), (CITY_WIDE, date(2026, 10, 9))):
        entered = {"working": False, "reason": "停办", "entered_by": "x", "entered_at": START}
        session.add(CalendarDay(area=area, day=day, **entered))
    session.flush()
    filing = filed(session)
    assert filing_views.get(session, CITY, filing.id or 0).due_at == end_of_day(date(2026, 10, 13)), (
        "one day later, not two"
    )
    [asked] = ask(session, filing).questions
    assert asked.answer_due_at == end_of_day(date(2026, 9, 30)), "one day later for the county's day off"


def test_outside_systems_hear_of_every_step_with_where_it_stands(session: Session) -> None:
    subscriptions.subscribe(session, actor("admin.system"), "https://example.com/hook", ["filing.*"])
    filing = filed(session)
    ask(session, filing)
    reply(session, filing)
    at(LATER, filings.acknowledge, session, CITY, filing.id)
    sent = session.exec(select(WebhookDelivery).order_by(col(WebhookDelivery.id))).all()
    told_outside = [json.loads(one.body)["data"] for one in sent]
    assert [(one.event, data["state"]) for one, data in zip(sent, told_outside, strict=True)] == [
        ("filing.filed", "filed"),
        ("filing.questioned", "questioned"),
        ("filing.answered", "answered"),
        ("filing.acknowledged", "acknowledged"),
    ]
    assert told_outside[0] == {
        "filing_id": filing.id,
        "case_no": filing.case_no,
        "item": "D-01",
        "area": "xingguo",
        "to": "city.jtys.reviewer",
        "kind": "report",
        "state": "filed",
        "decision": "approve",
    }
