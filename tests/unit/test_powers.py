"""Rules on delegated powers that need no engine: rights, refusals, dates, differences."""
# ruff: noqa: F401, F811 - pytest takes the imported fixture by its name.

from datetime import date, timedelta
from typing import Any

import pytest
from sqlmodel import Session, col, select

from models.agreement import Agreement, AgreementState
from models.catalogue import CountyUnit, Responsibility
from models.outbox import OutboxCommand
from models.recall import InFlight, Recall, RecallState
from models.working_calendar import china_date
from services import agreements, catalogue, consultations, filings, list_versions, recalls, unit_transfers
from services.clock import product_now
from services.errors import Forbidden, InvalidInput
from tests.unit.powers_factory import actor, session

HEADER = ",".join(list_versions.COLUMNS)
LINE = "D-01,direct,1,jtys,主项,子项,其他行政权力-备案,,{territory},2022-06-01,printed,{filing},ganzhou-2022-7,1,"


def drafted(session: Session, begins: date) -> int:
    """Draft an agreement for one substantive item of xingguo and return its number."""
    item = catalogue.get_item(session, "S-01")
    assert item is not None
    made = agreements.draft(
        session,
        actor("city.coordinator"),
        area="xingguo",
        unit=item.unit,
        items=["S-01"],
        procedure="程序",
        in_force_from=begins,
    )
    return made.id


def messages(session: Session) -> list[str]:
    """Return the names of the messages queued, oldest first."""
    return [one.payload["name"] for one in session.exec(select(OutboxCommand).order_by(col(OutboxCommand.id))).all()]


def test_an_agreement_counts_when_both_have_signed_and_its_day_has_come(session: Session) -> None:
    today = china_date(product_now(session))
    number = drafted(session, today)
    agreements.sign(session, actor("city.zrzy.approver"), number)
    assert not agreements.covers(session, "xingguo", "S-01", today)
    signed = agreements.sign(session, actor("xingguo.approver"), number)
    assert signed.state is AgreementState.IN_FORCE
    assert agreements.covers(session, "xingguo", "S-01", today)
    assert signed.city_signature is not None
    assert signed.city_signature.digest == signed.digest
    assert messages(session) == ["agreement-drafted", "agreement-concluded"]


def test_only_the_two_sides_sign_and_each_once(session: Session) -> None:
    number = drafted(session, date(2099, 1, 1))
    with pytest.raises(Forbidden):
        agreements.sign(session, actor("ganxian.approver"), number)
    agreements.sign(session, actor("xingguo.approver"), number)
    with pytest.raises(agreements.AlreadySigned):
        agreements.sign(session, actor("xingguo.approver"), number)


def test_changing_what_was_signed_changes_the_digest() -> None:
    common: dict[str, Any] = {"area": "xingguo", "unit": "zrzy", "procedure": "程序", "in_force_from": date(2026, 1, 1)}
    one = Agreement(**common, items=["S-01", "S-02"])
    assert one.digest() == Agreement(**common, items=["S-02", "S-01"]).digest()
    assert one.digest() != Agreement(**common, items=["S-01"]).digest()


def test_a_recalled_power_is_gone_from_its_day_until_it_is_restored(session: Session) -> None:
    today = china_date(product_now(session))
    boss = actor("city.coordinator")
    shown = recalls.decide(
        session, boss, item="D-01", area="xingguo", reason="整改", effective_on=today, in_flight=InFlight.FINISH
    )
    assert shown.state is RecallState.EFFECTIVE
    assert catalogue.is_recalled(session, "xingguo", "D-01", today)
    assert not catalogue.is_recalled(session, "xingguo", "D-01", today - timedelta(days=1))
    listed = next(one for one in catalogue.list_items(session, on=today) if one.code == "D-01")
    assert {"xingguo", "ganxian"} <= set(listed.areas)
    assert listed.recalled_areas == ["xingguo"]
    with pytest.raises(recalls.AlreadyRecalled):
        recalls.propose(session, boss, "D-01", "xingguo", "再次")
    recalls.restore(session, boss, shown.id, "整改到位")
    assert not catalogue.is_recalled(session, "xingguo", "D-01", today)


def test_a_recall_revoked_before_its_day_never_took_the_power(session: Session) -> None:
    boss, ahead = actor("city.coordinator"), china_date(product_now(session)) + timedelta(days=30)
    shown = recalls.decide(
        session, boss, item="D-01", area="xingguo", reason="整改", effective_on=ahead, in_flight=InFlight.TRANSFER
    )
    recalls.restore(session, boss, shown.id, "撤销")
    recalls.take_effect(session, shown.id)
    assert session.get_one(Recall, shown.id).state is RecallState.RESTORED
    assert not catalogue.is_recalled(session, "xingguo", "D-01", ahead + timedelta(days=1))


def test_a_county_cannot_recall_and_a_stranger_cannot_speak_for_it(session: Session) -> None:
    with pytest.raises(Forbidden):
        recalls.propose(session, actor("xingguo.approver"), "D-01", "xingguo", "理由")
    number = recalls.propose(session, actor("city.jtys.approver"), "D-01", "xingguo", "理由").id
    with pytest.raises(Forbidden):
        recalls.state_view(session, actor("ganxian.approver"), number, "意见")
    assert recalls.state_view(session, actor("xingguo.chief"), number, "意见").state is RecallState.HEARD


def test_a_second_transfer_changes_the_unit_of_new_cases_from_its_day(session: Session) -> None:
    item = catalogue.get_item(session, "S-01")
    assert item is not None
    today = china_date(product_now(session))
    before = catalogue.county_unit(session, item, "rongjiang", today)
    assert before is not None
    other = "qsgj" if before.code != "qsgj" else "qjfj"
    codes = {one.code for one in catalogue.areas(session)}
    assert "rongjiang" in codes
    units = [one for one in _county_units(session) if one != before.code]
    chosen = other if other in units else units[0]
    unit_transfers.decide(
        session,
        actor("rongjiang.approver"),
        area="rongjiang",
        item="S-01",
        unit=chosen,
        effective_on=today + timedelta(days=5),
        reason="划转",
    )
    assert catalogue.county_unit(session, item, "rongjiang", today) == before
    after = catalogue.county_unit(session, item, "rongjiang", today + timedelta(days=5))
    assert after is not None
    assert after.code == chosen


def _county_units(session: Session) -> list[str]:
    return list(session.exec(select(CountyUnit.code).where(CountyUnit.area == "rongjiang")).all())


def test_the_sample_is_the_same_whenever_it_is_drawn_and_about_as_large_as_asked() -> None:
    numbers = [f"36073220260921{n:05d}" for n in range(2000)]
    drawn = [filings.is_sampled(one, 20) for one in numbers]
    assert drawn == [filings.is_sampled(one, 20) for one in numbers]
    assert 300 < sum(drawn) < 500
    assert not any(filings.is_sampled(one, 0) for one in numbers)


def test_a_list_is_compared_field_by_field_and_published_by_another_person(session: Session) -> None:
    begins = china_date(product_now(session)) + timedelta(days=10)
    text = f"{HEADER}\n{LINE.format(territory='xingguo ganxian', filing='yes')}\n"
    author, editor = actor("city.jtys.approver"), actor("city.coordinator")
    draft = list_versions.import_list(
        session, author, title="新清单", source="", in_force_from=begins, complete=False, text=text
    )
    (difference,) = draft.differences
    assert {"areas", "approval_filing", "main_name"} <= {one.field for one in difference.changes}
    list_versions.submit(session, author, draft.id)
    with pytest.raises(list_versions.DraftClosed):
        list_versions.submit(session, author, draft.id)
    list_versions.publish(session, editor, draft.id)
    old = catalogue.get_item(session, "D-01", begins - timedelta(days=1))
    new = catalogue.get_item(session, "D-01", begins)
    assert old is not None
    assert new is not None
    assert (old.version, old.approval_filing) == (1, False)
    assert (new.version, new.approval_filing, new.areas) == (2, True, ["ganxian", "xingguo"])


def test_a_list_that_moves_an_item_between_county_and_city_names_another_supervisor_from_its_day(
    session: Session,
) -> None:
    author, editor = actor("city.jtys.approver"), actor("city.coordinator")
    today = china_date(product_now(session))

    def move(text: str, begins: date) -> list[str]:
        draft = list_versions.import_list(
            session, author, title="新清单", source="", in_force_from=begins, complete=False, text=f"{HEADER}\n{text}\n"
        )
        list_versions.submit(session, author, draft.id)
        list_versions.publish(session, editor, draft.id)
        return draft.differences[0].warnings

    def supervises(item: str, on: date) -> str:
        return catalogue.responsibility(session, item, "xingguo", on).supervises

    first, second, third = (today + timedelta(days=days) for days in (10, 20, 30))
    direct = LINE.format(territory="all", filing="no")
    assert [one[:4] for one in move(direct.replace("direct", "window"), first)] == ["监管单位"]
    assert supervises("D-01", first - timedelta(days=1)) == "xingguo.supervisor"
    assert supervises("D-01", first) == "city.jtys.supervisor"
    before = catalogue.responsibility(session, "W-39", "xingguo", today).supervises
    waterway = direct.replace("D-01,direct,1,jtys", "W-39,{mode},39,xzsp")
    move(waterway.format(mode="direct"), first)
    assert supervises("W-39", first - timedelta(days=1)) == before == "city.slj.supervisor"
    assert supervises("W-39", first) == "xingguo.supervisor"
    assert move(waterway.format(mode="window"), second) != []
    assert supervises("W-39", second) == before
    assert move(waterway.format(mode="substantive"), third) == []
    duties = session.exec(select(Responsibility).where(Responsibility.item == "W-39")).all()
    assert [one.version for one in duties] == [1, 2, 3]


def test_who_drafted_a_list_may_not_publish_it(session: Session) -> None:
    begins = china_date(product_now(session))
    text = f"{HEADER}\n{LINE.format(territory='all', filing='no')}\n"
    boss = actor("city.coordinator")
    draft = list_versions.import_list(
        session, boss, title="新清单", source="", in_force_from=begins, complete=True, text=text
    )
    assert sum(one.kind == "ended" for one in draft.differences) == 117
    list_versions.submit(session, boss, draft.id)
    with pytest.raises(list_versions.SamePerson):
        list_versions.publish(session, boss, draft.id)


def test_a_faulty_list_is_refused_with_line_and_column(session: Session) -> None:
    begins = china_date(product_now(session))
    lines = [LINE.format(territory="nowhere", filing=filing) for filing in ("perhaps", "no")]
    text = "\n".join([HEADER, *lines])
    with pytest.raises(InvalidInput) as caught:
        list_versions.import_list(
            session, actor("city.coordinator"), title="清单", source="", in_force_from=begins, complete=False, text=text
        )
    assert {one.field for one in caught.value.problems} == {"file.2.approval_filing", "file.3.territory"}


def test_a_question_goes_to_the_advisor_of_the_unit_that_owns_the_item(session: Session) -> None:
    asked = consultations.ask(session, actor("xingguo.window"), item="D-01", case_no=None, text="怎么办？")
    assert asked.to == "city.jtys.advisor"
    with pytest.raises(Forbidden):
        consultations.answer(session, actor("city.zrzy.advisor"), asked.id, "答")
    assert consultations.answer(session, actor("city.jtys.advisor"), asked.id, "答").answer == "答"
    with pytest.raises(consultations.QuestionAnswered):
        consultations.answer(session, actor("city.jtys.advisor"), asked.id, "再答")
    assert consultations.list_questions(session, actor("ganxian.window")).items == []
