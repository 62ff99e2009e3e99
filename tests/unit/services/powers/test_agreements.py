"""Takeover agreements (承接协议): drafted, signed once a side, in force on their day, suspended, resumed, ended."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from freezegun import freeze_time
from sqlmodel import Session, col, select

from models.agreement import Agreement, AgreementState, Side
from models.database import CHINA
from models.notification import Notification
from models.outbox import OutboxCommand
from models.power_event import PowerEvent, PowerSubject
from models.working_calendar import start_of_day
from services.accounts.actors import Actor
from services.errors import Forbidden, InvalidInput, NotFound
from services.powers import agreements
from services.powers.agreements import AgreementClosed, AgreementView, AlreadySigned
from tests.factories.powers import actor
from tests.factories.powers import session as session

NOW = datetime(2026, 9, 21, 9, tzinfo=CHINA)
TODAY, AHEAD = date(2026, 9, 21), date(2026, 10, 8)
CITY, COUNTY, COORDINATOR = actor("city.zrzy.approver"), actor("xingguo.approver"), actor("city.coordinator")


def draft(session: Session, **changes: Any) -> AgreementView:
    """Draft an agreement between xingguo and 市自然资源局 on two items."""
    facts = {"area": "xingguo", "unit": "zrzy", "items": ["S-01", "S-22"], "procedure": "程序"}
    with freeze_time(NOW):
        return agreements.draft(session, changes.pop("actor", COORDINATOR), **{**facts, **changes})


def signed(session: Session, **changes: Any) -> AgreementView:
    """Draft an agreement and have both sides sign it."""
    number = draft(session, **changes).id
    with freeze_time(NOW):
        agreements.sign(session, CITY, number)
        return agreements.sign(session, COUNTY, number)


def change(
    session: Session,
    act: Callable[..., AgreementView],
    number: int,
    reason: str = "整改",
    *,
    at: datetime = NOW,
    by: str = "city.zrzy.approver",
) -> AgreementView:
    """Suspend, resume or end an agreement."""
    with freeze_time(at):
        return act(session, actor(by), number, reason)


def events(session: Session) -> list[tuple[str, str, str, datetime]]:
    """Return the ledger: event, text, actor and instant, oldest first."""
    rows = session.exec(select(PowerEvent).order_by(col(PowerEvent.id))).all()
    return [(one.event, one.text, one.actor, one.at) for one in rows]


def told(session: Session, signal: str) -> set[str]:
    """Return which groups were notified of something."""
    return set(session.exec(select(Notification.to_group).where(Notification.signal == signal)).all())


def messages(session: Session) -> list[dict[str, Any]]:
    """Return the messages to the engine, oldest first."""
    rows = session.exec(select(OutboxCommand).order_by(col(OutboxCommand.id))).all()
    return [{**one.payload, "stream": one.stream} for one in rows]


def test_a_draft_binds_nobody_and_waits_for_two_signatures(session: Session) -> None:
    shown = draft(session, items=["S-22", "S-01", "S-22"], in_force_from=AHEAD)
    assert (shown.area, shown.unit, shown.items, shown.procedure) == ("xingguo", "zrzy", ["S-22", "S-01"], "程序")
    assert (shown.in_force_from, shown.state, shown.created_by, shown.created_at) == (
        AHEAD,
        AgreementState.DRAFT,
        "city.coordinator",
        NOW,
    )
    assert (shown.city_signature, shown.county_signature) == (None, None)
    assert events(session) == [("agreement.drafted", "起草承接协议，2项", "city.coordinator", NOW)]
    assert not agreements.covers(session, "xingguo", "S-22", AHEAD)
    [message] = messages(session)
    assert (message["name"], message["correlation_key"]) == ("agreement-drafted", str(shown.id))
    assert message["stream"] == f"agreement:{shown.id}"
    assert message["variables"]["agreementId"] == str(shown.id)
    assert datetime.fromisoformat(message["variables"]["inForceAt"]) == start_of_day(AHEAD)
    [notice] = session.exec(select(Notification).where(Notification.to_group == COUNTY.username)).all()
    assert (notice.text, notice.title) == ("承接协议：起草承接协议，2项", "2026-10-08起，2个事项")


def test_an_agreement_begins_today_unless_a_day_is_named(session: Session) -> None:
    assert draft(session).in_force_from == TODAY


@pytest.mark.parametrize(
    ("changes", "problems"),
    [
        (
            {"area": "nowhere", "items": ["S-22"]},
            {"area": "没有这个县（市、区）", "items.0": "S-22：未下放至该县（市、区）"},
        ),
        ({"unit": "nobody", "items": ["S-22"]}, {"unit": "没有这个市级单位", "items.0": "S-22：不属于该市级单位"}),
        ({"items": []}, {"items": "至少列一个事项"}),
        ({"items": ["S-22", "X-99"]}, {"items.1": "X-99：没有这个事项"}),
        ({"items": ["W-01"]}, {"items.0": "W-01：不是下放实质性审核权的事项"}),
        ({"unit": "xzsp", "items": ["S-22"]}, {"items.0": "S-22：不属于该市级单位"}),
    ],
    ids=str,
)
def test_a_draft_names_what_can_be_taken_over(
    session: Session, changes: dict[str, Any], problems: dict[str, str]
) -> None:
    with pytest.raises(InvalidInput) as refusal:
        draft(session, **changes)
    assert {one.field: one.message for one in refusal.value.problems} == problems


def test_whoever_is_neither_side_nor_the_coordinator_drafts_none(session: Session) -> None:
    for name in ("city.jtys.approver", "yudu.approver", "xingguo.chief"):
        with pytest.raises(Forbidden):
            draft(session, actor=actor(name))


def test_the_second_signature_concludes_the_agreement_whoever_signs_first(session: Session) -> None:
    number = draft(session, in_force_from=AHEAD).id
    with freeze_time(NOW):
        first = agreements.sign(session, COUNTY, number)
        assert first.state is AgreementState.DRAFT
        assert first.county_signature is not None
        assert first.city_signature is None
        second = agreements.sign(session, CITY, number)
        assert second.state is AgreementState.SIGNED, "its day has not come"
    assert second.city_signature is not None
    for signature, account in ((second.city_signature, CITY), (second.county_signature, COUNTY)):
        assert signature is not None
        assert (signature.account, signature.at, signature.digest) == (account.username, NOW, second.digest)
    assert events(session)[1:] == [
        ("agreement.signed_by_county", "县（市、区）签署", "xingguo.approver", NOW),
        ("agreement.signed_by_city", "市级单位签署", "city.zrzy.approver", NOW),
    ]
    assert [one["name"] for one in messages(session)] == ["agreement-drafted", "agreement-concluded"]
    assert told(session, "agreement_signed_by_county") == {"city.zrzy.approver"}
    assert told(session, "agreement_signed_by_city") == set(), "nobody's signature is wanted any more"


def test_an_agreement_whose_day_has_come_is_in_force_with_the_second_signature(session: Session) -> None:
    shown = signed(session)
    assert events(session)[-1] == ("agreement.in_force", "双方签署，协议生效", "system", NOW)
    assert agreements.covers(session, "xingguo", "S-22", TODAY)
    with freeze_time(NOW):
        agreements.enter_force(session, shown.id)
    assert [event for event, *_ in events(session)].count("agreement.in_force") == 1


def test_nobody_signs_twice_or_an_agreement_that_was_given_up(session: Session) -> None:
    number = draft(session).id
    agreements.sign(session, CITY, number)
    with pytest.raises(AlreadySigned) as twice:
        agreements.sign(session, CITY, number)
    assert (twice.value.status, twice.value.code) == (409, "already_signed")
    change(session, agreements.end, number)
    with pytest.raises(AgreementClosed) as closed:
        agreements.sign(session, COUNTY, number)
    assert (closed.value.status, closed.value.code) == (409, "agreement_state")
    for name in ("yudu.approver", "city.jtys.approver", "city.coordinator"):
        with pytest.raises(Forbidden):
            agreements.sign(session, actor(name), number)


def test_an_approver_of_both_sides_signs_for_the_missing_one_or_says_which(session: Session) -> None:
    both = Actor("li", "李某", frozenset({"city.zrzy.approver", "xingguo.approver"}))
    number = draft(session).id
    assert agreements.sides_to_sign(agreements.get(session, number), both) == [Side.CITY, Side.COUNTY]
    with pytest.raises(InvalidInput) as unclear:
        agreements.sign(session, both, number)
    assert [one.field for one in unclear.value.problems] == ["side"]
    with pytest.raises(Forbidden):
        agreements.sign(session, COUNTY, number, Side.CITY)
    shown = agreements.sign(session, both, number, Side.COUNTY)
    assert (shown.city_signature, shown.county_signature and shown.county_signature.account) == (None, "li")
    with pytest.raises(AlreadySigned):
        agreements.sign(session, both, number, Side.COUNTY)
    shown = agreements.sign(session, both, number)
    assert (shown.state, shown.city_signature and shown.city_signature.account) == (AgreementState.IN_FORCE, "li")
    with pytest.raises(AlreadySigned):
        agreements.sign(session, both, number)


def test_an_approver_of_both_sides_signs_for_the_county_once_the_city_has(session: Session) -> None:
    both = Actor("li", "李某", frozenset({"city.zrzy.approver", "xingguo.approver"}))
    number = draft(session).id
    agreements.sign(session, CITY, number)
    shown = agreements.sign(session, both, number)
    assert shown.county_signature is not None
    assert shown.county_signature.account == "li"


def test_a_signed_agreement_covers_its_items_in_its_area_from_its_day(session: Session) -> None:
    signed(session, in_force_from=AHEAD)
    before = AHEAD - timedelta(days=1)
    assert not agreements.covers(session, "xingguo", "S-22", before)
    assert agreements.covers(session, "xingguo", "S-22", AHEAD)
    assert not agreements.covers(session, "xingguo", "S-02", AHEAD)
    assert not agreements.covers(session, "yudu", "S-22", AHEAD)
    assert agreements.pairs_in_force(session, before) == set()
    assert agreements.pairs_in_force(session, AHEAD) == {("xingguo", "S-01"), ("xingguo", "S-22")}


def test_its_day_is_recorded_once_dated_by_the_day(session: Session) -> None:
    number = signed(session, in_force_from=AHEAD).id
    with freeze_time(start_of_day(AHEAD) - timedelta(seconds=1)):
        agreements.enter_force(session, number)
    assert "agreement.in_force" not in [event for event, *_ in events(session)]
    with freeze_time(start_of_day(AHEAD) + timedelta(hours=3)):
        for _ in range(2):
            agreements.enter_force(session, number)
    assert events(session)[-1] == ("agreement.in_force", "到约定之日，协议生效", "system", start_of_day(AHEAD))
    assert told(session, "agreement_in_force") == {"city.zrzy.approver", "xingguo.approver", "xingguo.window"}


def test_a_day_before_the_signatures_counts_from_the_last_of_them(session: Session) -> None:
    number = draft(session).id
    later = NOW + timedelta(days=2)
    with freeze_time(NOW):
        agreements.sign(session, CITY, number)
    with freeze_time(later):
        row = session.get_one(Agreement, number)
        row.county_signature, row.state = {"account": "x", "at": later.isoformat()}, AgreementState.SIGNED
        agreements.enter_force(session, number)
    assert events(session)[-1] == ("agreement.in_force", "到约定之日，协议生效", "system", later)


def test_a_suspended_agreement_counts_again_when_it_is_resumed(session: Session) -> None:
    number = signed(session).id
    shown = change(session, agreements.suspend, number, "多次超期", at=NOW + timedelta(days=1))
    assert (shown.state, shown.reason) == (AgreementState.SUSPENDED, "多次超期")
    assert not agreements.covers(session, "xingguo", "S-22", TODAY)
    assert events(session)[-1] == (
        "agreement.suspended",
        "中止协议：多次超期",
        "city.zrzy.approver",
        NOW + timedelta(days=1),
    )
    shown = change(session, agreements.resume, number, "", at=NOW + timedelta(days=2), by="city.coordinator")
    assert shown.state is AgreementState.IN_FORCE
    assert agreements.covers(session, "xingguo", "S-22", TODAY)
    assert events(session)[-1][:3] == ("agreement.resumed", "恢复协议", "city.coordinator")
    for signal in ("agreement_suspended", "agreement_resumed"):
        assert told(session, signal) == {"xingguo.approver", "xingguo.window"}
    change(session, agreements.suspend, number, at=NOW + timedelta(days=3))
    assert [one["name"] for one in messages(session)] == [
        "agreement-drafted",
        "agreement-concluded",
        "agreement-suspended",
        "agreement-resumed",
        "agreement-suspended",
    ]
    assert len({one["message_id"] for one in messages(session)}) == 5
    assert [event for event, *_ in events(session)].count("agreement.suspended") == 2


def test_an_agreement_ends_for_good(session: Session) -> None:
    number = signed(session).id
    change(session, agreements.suspend, number)
    assert change(session, agreements.end, number, "到期").state is AgreementState.ENDED
    assert events(session)[-1][:2] == ("agreement.ended", "终止协议：到期")
    assert told(session, "agreement_ended") == {"xingguo.approver", "xingguo.window"}
    for act, words in ((agreements.suspend, "中止"), (agreements.resume, "恢复"), (agreements.end, "终止")):
        with pytest.raises(AgreementClosed, match=f"不能{words}协议"):
            change(session, act, number)


@pytest.mark.parametrize("begun", [AHEAD, TODAY], ids=["signed, its day to come", "in force"])
def test_what_is_signed_is_suspended_or_ended_but_not_resumed(session: Session, begun: date) -> None:
    number = signed(session, in_force_from=begun).id
    with pytest.raises(AgreementClosed, match="不能恢复协议"):
        change(session, agreements.resume, number)
    change(session, agreements.suspend, number)
    with pytest.raises(AgreementClosed, match="不能中止协议"):
        change(session, agreements.suspend, number)


def test_a_draft_is_given_up_but_neither_suspended_nor_resumed(session: Session) -> None:
    number = draft(session).id
    for act in (agreements.suspend, agreements.resume):
        with pytest.raises(AgreementClosed):
            change(session, act, number)
    assert change(session, agreements.end, number).state is AgreementState.ENDED


@pytest.mark.parametrize("act", [agreements.suspend, agreements.resume, agreements.end])
def test_the_county_changes_no_agreement(session: Session, act: Callable[..., AgreementView]) -> None:
    number = signed(session).id
    for name in ("xingguo.approver", "city.jtys.approver"):
        with pytest.raises(Forbidden):
            change(session, act, number, by=name)


def test_what_is_no_agreement_is_not_found(session: Session) -> None:
    for act in (
        lambda: agreements.get(session, 99),
        lambda: agreements.sign(session, CITY, 99),
        lambda: change(session, agreements.end, 99),
        lambda: agreements.enter_force(session, 99),
    ):
        with pytest.raises(NotFound) as refusal:
            act()
        assert (refusal.value.detail, refusal.value.detail_en) == ("没有这份协议", "No such agreement")


def test_an_agreement_is_shown_with_its_history_oldest_first(session: Session) -> None:
    number = signed(session).id
    shown = agreements.get(session, number)
    assert [one.event for one in shown.events] == [
        "agreement.drafted",
        "agreement.signed_by_city",
        "agreement.signed_by_county",
        "agreement.in_force",
    ]
    assert {(one.subject, one.subject_id, one.area, one.unit) for one in shown.events} == {
        (PowerSubject.AGREEMENT, number, "xingguo", "zrzy")
    }


def test_agreements_are_listed_newest_first_and_narrowed_by_their_state_of_today(session: Session) -> None:
    first, second = draft(session).id, signed(session, items=["S-22"]).id
    third = draft(session, area="yudu", items=["S-01"]).id
    fourth = signed(session, in_force_from=AHEAD).id

    def listed(**wanted: Any) -> list[int]:
        with freeze_time(NOW):
            return [one.id for one in agreements.list_agreements(session, **wanted).items]

    assert listed() == [fourth, third, second, first]
    assert listed(area="yudu") == [third]
    assert (listed(unit="zrzy"), listed(unit="xzsp")) == ([fourth, third, second, first], [])
    assert listed(item="S-01") == [fourth, third, first]
    assert listed(state=AgreementState.IN_FORCE) == [second]
    assert listed(state=AgreementState.SIGNED) == [fourth]
    assert listed(state=AgreementState.DRAFT, item="S-22") == [first]
    with freeze_time(NOW):
        page = agreements.list_agreements(session, limit=3)
    assert [one.id for one in page.items] == [fourth, third, second]
    assert listed(cursor=page.next, limit=3) == [first]
    assert agreements.list_agreements(session, limit=4).next is None


def test_a_signature_is_awaited_of_the_side_that_has_not_signed(session: Session) -> None:
    shown = draft(session)

    def awaited() -> set[str]:
        names = ("city.zrzy.approver", "xingguo.approver", "city.coordinator", "yudu.approver")
        current = agreements.get(session, shown.id)
        return {name for name in names if agreements.sides_to_sign(current, actor(name))}

    assert awaited() == {"city.zrzy.approver", "xingguo.approver"}
    agreements.sign(session, CITY, shown.id)
    assert awaited() == {"xingguo.approver"}
    change(session, agreements.end, shown.id)
    assert awaited() == set()


def test_development_begins_with_agreements_that_both_sides_signed_and_leaves_others_alone(session: Session) -> None:
    items = {"zrzy": ["S-22"], "xzsp": ["S-24"]}
    agreements.seed_demo_agreements(session, ["xingguo", "yudu"], items, TODAY, NOW)
    agreements.seed_demo_agreements(session, ["ganxian"], items, TODAY, NOW)
    assert agreements.pairs_in_force(session, TODAY) == {
        (area, item) for area in ("xingguo", "yudu") for item in ("S-22", "S-24")
    }
    [one] = agreements.list_agreements(session, area="yudu", unit="xzsp").items
    assert one.city_signature is not None
    assert one.county_signature is not None
    assert (one.city_signature.account, one.county_signature.account) == ("city.xzsp.approver", "yudu.approver")
    assert one.city_signature.digest == one.county_signature.digest == one.digest
    assert (one.created_by, one.city_signature.at) == ("city.coordinator", NOW)
