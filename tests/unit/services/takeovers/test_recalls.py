"""A recall from its proposal to its end: what the county may say and by when, what is decided, and who hears of it."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from freezegun import freeze_time
from sqlmodel import Session, col, select

from models.database import CHINA
from models.in_flight import Disposition, InFlight
from models.notification import Notification
from models.outbox import OutboxCommand
from models.recall import RecallState
from models.working_calendar import end_of_day
from services.errors import Forbidden, InvalidInput, NotFound
from services.process_engine.timers import instant_text
from services.takeovers import recalls
from services.takeovers.recall_views import RecallView
from tests.factories.powers import actor, add_case
from tests.factories.powers import session as session

MONDAY = datetime(2026, 9, 7, 10, tzinfo=CHINA)
TERM_END = end_of_day(date(2026, 9, 14))
"""The last instant of the county's five working days."""
BOSS = actor("city.coordinator")
UNIT = actor("city.jtys.approver")


def propose(session: Session, area: str = "xingguo") -> RecallView:
    with freeze_time(MONDAY):
        return recalls.propose(session, UNIT, "D-01", area, "多次超期")


def decide(session: Session, moment: datetime, in_days: int = 0, in_flight: InFlight = InFlight.TRANSFER) -> RecallView:
    with freeze_time(moment):
        day = moment.date() + timedelta(days=in_days)
        return recalls.decide(
            session, UNIT, item="D-01", area="xingguo", reason="整改", effective_on=day, in_flight=in_flight
        )


def published(session: Session, name: str) -> list[dict[str, Any]]:
    """Return what the engine was sent under a name: correlation key, id and variables."""
    rows = session.exec(select(OutboxCommand).order_by(col(OutboxCommand.id))).all()
    wanted = ("correlation_key", "message_id", "variables")
    return [{key: one.payload.get(key) for key in wanted} for one in rows if one.payload.get("name") == name]


def told(session: Session, number: int) -> list[tuple[str, str, str, datetime]]:
    """Return a recall's history, oldest first: event, text, who, when."""
    return [(one.event, one.text, one.actor, one.at) for one in recalls.get(session, BOSS, number).events]


def notified(session: Session, words: str) -> set[str]:
    """Return the groups that were notified in these words."""
    return set(session.exec(select(Notification.to_group).where(col(Notification.text).contains(words))).all())


def test_a_proposal_gives_the_county_five_working_days_and_tells_it_and_the_engine(session: Session) -> None:
    shown = propose(session)
    assert (shown.state, shown.unit, shown.proposed_by, shown.proposed_at) == (
        RecallState.PROPOSED, "jtys", "city.jtys.approver", MONDAY,
    )  # fmt: skip
    assert shown.statement_due_at == TERM_END
    [message] = published(session, "recall-proposed")
    assert message["correlation_key"] == str(shown.id)
    assert message["variables"]["recallId"] == str(shown.id)
    assert message["variables"]["statementDueAt"] == instant_text(TERM_END)
    assert notified(session, "请于2026-09-14前陈述意见") == {"xingguo.approver", "xingguo.chief"}


def test_what_the_county_says_is_kept_and_told_to_whoever_decides(session: Session) -> None:
    number = propose(session).id
    with freeze_time(MONDAY + timedelta(days=1)):
        shown = recalls.record_statement(session, actor("xingguo.approver"), number, "已补充人员")
        with pytest.raises(recalls.RecallClosed):
            recalls.record_statement(session, actor("xingguo.approver"), number, "再说")
    assert (shown.state, shown.statement, shown.stated_by) == (RecallState.HEARD, "已补充人员", "xingguo.approver")
    assert shown.stated_at == MONDAY + timedelta(days=1)
    assert [one["correlation_key"] for one in published(session, "recall-stated")] == [str(number)]
    assert notified(session, "县级陈述意见：已补充人员") == {"city.jtys.approver", "city.coordinator"}


def test_silence_ends_with_the_term_and_is_dated_by_it_however_late_the_job(session: Session) -> None:
    number = propose(session).id
    with freeze_time(MONDAY + timedelta(days=1)), pytest.raises(recalls.CountyNotHeard, match="2026-09-14前陈述意见"):
        decide(session, MONDAY + timedelta(days=1))
    with freeze_time(TERM_END + timedelta(days=2)):
        recalls.lapse_hearing(session, number)
        recalls.lapse_hearing(session, number)
    lapsed = [one for one in told(session, number) if one[0] == "recall.hearing_lapsed"]
    assert [(text, who) for _, text, who, _ in lapsed] == [("5个工作日内未陈述意见，视为无意见", "system")]
    assert lapsed[0][3] == TERM_END
    decided = decide(session, TERM_END + timedelta(days=2))
    assert (decided.id, decided.state) == (number, RecallState.EFFECTIVE)


def test_who_has_spoken_is_not_said_to_have_been_silent(session: Session) -> None:
    number = propose(session).id
    with freeze_time(MONDAY + timedelta(days=1)):
        recalls.record_statement(session, actor("xingguo.chief"), number, "意见")
    with freeze_time(TERM_END + timedelta(days=1)):
        recalls.lapse_hearing(session, number)
    assert "recall.hearing_lapsed" not in [event for event, *_ in told(session, number)]


def test_a_proposal_that_is_dropped_leaves_the_power_and_can_be_made_again(session: Session) -> None:
    number = propose(session).id
    with freeze_time(MONDAY + timedelta(days=1)):
        with pytest.raises(Forbidden):
            recalls.drop(session, actor("xingguo.approver"), number, "理由成立")
        shown = recalls.drop(session, UNIT, number, "理由成立")
        with pytest.raises(recalls.RecallClosed):
            recalls.drop(session, UNIT, number, "再次")
    assert (shown.state, shown.decided_by) == (RecallState.DROPPED, "city.jtys.approver")
    assert [one["correlation_key"] for one in published(session, "recall-dropped")] == [str(number)]
    assert told(session, number)[-1][:2] == ("recall.dropped", "决定不予收回：理由成立")
    assert propose(session).id != number


def test_a_power_has_one_recall_at_a_time(session: Session) -> None:
    propose(session)
    with pytest.raises(recalls.RecallClosed, match="正在进行"):
        propose(session)
    assert propose(session, "ganxian").area == "ganxian", "another county has a recall of its own"


def test_a_decision_ahead_waits_for_its_day_in_a_process_of_its_own(session: Session) -> None:
    shown = decide(session, MONDAY, in_days=7)
    assert (shown.state, shown.took_effect_at) == (RecallState.DECIDED, None)
    [ordered] = published(session, "recall-ordered")
    assert ordered["variables"]["recallId"] == ordered["correlation_key"] == str(shown.id)
    assert datetime.fromisoformat(ordered["variables"]["effectiveAt"]) == datetime(2026, 9, 14, tzinfo=CHINA)
    assert published(session, "recall-decided") == []


def test_the_process_that_heard_the_county_is_the_one_that_waits_for_the_day(session: Session) -> None:
    number = propose(session).id
    with freeze_time(TERM_END + timedelta(days=1)):
        recalls.lapse_hearing(session, number)
    decide(session, TERM_END + timedelta(days=1), in_days=7)
    [told_to] = published(session, "recall-decided")
    assert told_to["correlation_key"] == str(number)
    assert published(session, "recall-ordered") == []


def test_what_takes_effect_is_counted_in_words_and_told_to_those_concerned(session: Session) -> None:
    with freeze_time(MONDAY):
        add_case(session, 1)
        add_case(session, 2)
        add_case(session, 3, level=1)
        add_case(session, 4, area="ganxian")
    number = decide(session, MONDAY).id
    shown = recalls.get(session, BOSS, number)
    assert [one.disposition for one in shown.cases] == [
        Disposition.TRANSFER, Disposition.TRANSFER, Disposition.WITH_CITY,
    ]  # fmt: skip
    [text] = [text for event, text, *_ in told(session, number) if event == "recall.effective"]
    assert text.startswith("权限收回生效。")
    assert f"{Disposition.TRANSFER.label}2件" in text
    assert f"{Disposition.WITH_CITY.label}1件" in text
    assert Disposition.FINISH.label not in text, "what did not happen is not counted"
    assert notified(session, "权限收回生效") == {
        "xingguo.approver", "xingguo.chief", "xingguo.window", "city.jtys.reviewer",
    }  # fmt: skip


@pytest.mark.parametrize(("in_days", "words"), [(0, "恢复权限：整改到位"), (7, "撤销收回：整改到位")])
def test_a_power_given_back_is_told_apart_from_a_recall_that_never_came(
    session: Session, in_days: int, words: str
) -> None:
    number = decide(session, MONDAY, in_days=in_days).id
    with freeze_time(MONDAY + timedelta(days=1)):
        shown = recalls.restore(session, UNIT, number, "整改到位")
        with pytest.raises(recalls.RecallClosed):
            recalls.restore(session, UNIT, number, "再次")
    assert (shown.state, shown.restored_by, shown.restore_reason) == (
        RecallState.RESTORED, "city.jtys.approver", "整改到位",
    )  # fmt: skip
    assert told(session, number)[-1][1] == words
    assert notified(session, words) == {"xingguo.approver", "xingguo.chief", "xingguo.window"}
    assert len(published(session, "recall-restored")) == (1 if in_days else 0), "only a waiting process is ended"


def test_the_preview_says_what_each_choice_would_do(session: Session) -> None:
    add_case(session, 1)
    [row] = recalls.preview(session, UNIT, "D-01", "xingguo").items
    assert (row.if_finish, row.if_transfer) == (Disposition.FINISH, Disposition.TRANSFER)
    assert recalls.preview(session, UNIT, "D-01", "ganxian").items == []


def test_recalls_are_listed_by_item_area_and_state_the_newest_first(session: Session) -> None:
    first = propose(session).id
    second = propose(session, "ganxian").id

    def found(**wanted: Any) -> list[int]:
        return [one.id for one in recalls.list_recalls(session, BOSS, **wanted).items]

    assert found() == [second, first]
    assert found(area="xingguo") == [first]
    assert found(item="D-02") == []
    assert found(state=RecallState.PROPOSED, area="ganxian") == [second]
    assert found(state=RecallState.EFFECTIVE) == []


def test_what_cannot_be_recalled_is_refused_by_name(session: Session) -> None:
    with pytest.raises(InvalidInput) as unknown:
        recalls.propose(session, BOSS, "D-99", "xingguo", "理由")
    with pytest.raises(InvalidInput) as elsewhere:
        recalls.propose(session, BOSS, "D-01", "rongjiang", "理由")
    with pytest.raises(NotFound):
        recalls.get(session, BOSS, 404)
    fields = [(one.field, one.message) for error in (unknown, elsewhere) for one in error.value.problems]
    assert fields == [("item", "没有这个事项"), ("area", "该事项未下放至该县（市、区）")]
