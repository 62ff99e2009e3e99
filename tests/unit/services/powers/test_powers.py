"""Rules on delegated powers that need no engine: rights, refusals, dates, differences."""

import csv
import io
import itertools
from datetime import date, timedelta
from typing import Any

import pytest
from freezegun import freeze_time
from pydantic import BaseModel, ValidationError
from sqlmodel import Session, col, select

from api import agreements as api_agreements
from api import recalls as api_recalls
from api.list_versions import RejectionInput
from catalog_data.loader import load_catalogue
from models.agreement import Agreement, AgreementState
from models.case import Applicant, ApplicantKind, Case, IdentityType, Verdict
from models.catalogue import CountyUnit, Mode, Responsibility
from models.document import DocumentKind
from models.in_flight import Disposition, InFlight
from models.outbox import OutboxCommand, OutboxKind
from models.recall import Recall, RecallState
from models.task import NO_DUE, Task, TaskCandidate
from models.unit_transfer import UnitTransfer, UnitTransferState
from models.working_calendar import china_date
from services.accounts import publishing_rights
from services.cases import submission
from services.cases.submission_input import CaseSubmission
from services.catalogue import in_force
from services.catalogue.seeding import seed_catalogue
from services.clock import product_now
from services.documents import case_facts, issuance
from services.errors import Forbidden, InvalidInput
from services.guidance import consultations
from services.powers import agreements
from services.publishing import list_files, list_versions
from services.publishing.list_files import BOM
from services.takeovers import recalls, unit_transfers
from services.takeovers.cases_in_flight import NotYetDue
from services.takeovers.recalls import RecallClosed
from services.tasks import intake
from tests.factories.cases import build_case
from tests.factories.powers import actor
from tests.factories.powers import session as session
from tests.instance import id_card

serial = itertools.count(1)

HEADER = ",".join(list_versions.COLUMNS)
LINE = "D-01,direct,1,jtys,主项,子项,其他行政权力-备案,,{territory},2022-06-01,printed,{filing},ganzhou-2022-7,1,"


def drafted(session: Session, begins: date) -> int:
    """Draft an agreement for one substantive item of xingguo and return its number."""
    item = in_force.find_item(session, "S-01")
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
    assert in_force.is_recalled(session, "xingguo", "D-01", today)
    assert not in_force.is_recalled(session, "xingguo", "D-01", today - timedelta(days=1))
    listed = next(one for one in in_force.list_items(session, on=today) if one.code == "D-01")
    assert {"xingguo", "ganxian"} <= set(listed.areas)
    assert listed.recalled_areas == ["xingguo"]
    with pytest.raises(recalls.AlreadyRecalled):
        recalls.propose(session, boss, "D-01", "xingguo", "再次")
    recalls.restore(session, boss, shown.id, "整改到位")
    assert not in_force.is_recalled(session, "xingguo", "D-01", today)


def test_a_recall_revoked_before_its_day_never_took_the_power(session: Session) -> None:
    boss, ahead = actor("city.coordinator"), china_date(product_now(session)) + timedelta(days=30)
    shown = recalls.decide(
        session, boss, item="D-01", area="xingguo", reason="整改", effective_on=ahead, in_flight=InFlight.TRANSFER
    )
    recalls.restore(session, boss, shown.id, "撤销")
    recalls.take_effect(session, shown.id)
    assert session.get_one(Recall, shown.id).state is RecallState.RESTORED
    assert not in_force.is_recalled(session, "xingguo", "D-01", ahead + timedelta(days=1))


def test_a_county_cannot_recall_and_a_stranger_cannot_speak_for_it(session: Session) -> None:
    with pytest.raises(Forbidden):
        recalls.propose(session, actor("xingguo.approver"), "D-01", "xingguo", "理由")
    number = recalls.propose(session, actor("city.jtys.approver"), "D-01", "xingguo", "理由").id
    with pytest.raises(Forbidden):
        recalls.record_statement(session, actor("ganxian.approver"), number, "意见")
    assert recalls.record_statement(session, actor("xingguo.chief"), number, "意见").state is RecallState.HEARD


def test_the_county_is_heard_within_the_term_alone_though_the_job_that_ends_it_is_late(session: Session) -> None:
    shown = recalls.propose(session, actor("city.jtys.approver"), "D-01", "xingguo", "理由")
    assert shown.statement_due_at is not None
    assert shown.proposed_at is not None
    county = actor("xingguo.approver")
    for moment in (shown.statement_due_at + timedelta(seconds=1), shown.proposed_at - timedelta(seconds=1)):
        with freeze_time(moment), pytest.raises(RecallClosed):
            recalls.record_statement(session, county, shown.id, "意见")
    with freeze_time(shown.statement_due_at):
        assert recalls.record_statement(session, county, shown.id, "意见").state is RecallState.HEARD
    with freeze_time(shown.statement_due_at), pytest.raises(RecallClosed):
        recalls.record_statement(session, county, shown.id, "又一意见")


def test_a_second_transfer_changes_the_unit_of_new_cases_from_its_day(session: Session) -> None:
    item = in_force.find_item(session, "S-01")
    assert item is not None
    today = china_date(product_now(session))
    before = in_force.county_unit(session, item, "rongjiang", today)
    assert before is not None
    other = "qsgj" if before.code != "qsgj" else "qjfj"
    codes = {one.code for one in in_force.areas(session)}
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
    assert in_force.county_unit(session, item, "rongjiang", today) == before
    after = in_force.county_unit(session, item, "rongjiang", today + timedelta(days=5))
    assert after is not None
    assert after.code == chosen


def test_a_transfer_before_its_day_can_be_revoked_and_then_never_counts(session: Session) -> None:
    boss, ahead = actor("city.coordinator"), china_date(product_now(session)) + timedelta(days=5)
    decided = unit_transfers.decide(
        session,
        boss,
        area="rongjiang",
        item="S-22",
        unit="nb",
        effective_on=ahead,
        reason="划转",
        in_flight=InFlight.TRANSFER,
    )
    with pytest.raises(unit_transfers.TransferPending):
        unit_transfers.decide(
            session, boss, area="rongjiang", item="S-22", unit="cyzs", effective_on=None, reason="另一项"
        )
    with pytest.raises(NotYetDue):
        unit_transfers.take_effect(session, decided.id)
    unit_transfers.revoke(session, actor("rongjiang.approver"), decided.id, "改期")
    with pytest.raises(unit_transfers.TransferClosed):
        unit_transfers.revoke(session, boss, decided.id, "再次")
    unit_transfers.take_effect(session, decided.id)
    item = in_force.find_item(session, "S-22")
    assert item is not None
    after = in_force.county_unit(session, item, "rongjiang", ahead)
    assert after is not None
    assert after.code == "zrzy"
    assert session.get_one(UnitTransfer, decided.id).state is UnitTransferState.REVOKED
    assert messages(session) == ["unit-transfer-decided", "unit-transfer-revoked"]


def test_a_transfer_begun_on_the_recalls_process_is_revoked_by_the_message_that_waits_there(
    session: Session,
) -> None:
    boss, ahead = actor("city.coordinator"), china_date(product_now(session)) + timedelta(days=5)
    decided = unit_transfers.decide(
        session, boss, area="rongjiang", item="S-22", unit="nb", effective_on=ahead, reason="划转"
    )
    row = session.get_one(UnitTransfer, decided.id)
    assert row.process_id == "unit-transfer"
    row.process_id = "delegation-recall"
    unit_transfers.revoke(session, boss, decided.id, "改期")
    sent = session.exec(select(OutboxCommand).order_by(col(OutboxCommand.id).desc())).first()
    assert sent is not None
    assert (sent.payload["name"], sent.payload["correlation_key"]) == (
        "recall-restored",
        f"unit-transfer-{decided.id}",
    )


def test_a_transfer_moves_a_running_case_with_its_open_task_and_its_claim_once(session: Session) -> None:
    case = running_case(session, "S-22", "rongjiang", county_unit="zrzy", review_unit="zrzy")
    task = open_task(session, case, "rongjiang.zrzy.reviewer", assignee="rongjiang.zrzy.reviewer")
    decided = transfer(session, InFlight.TRANSFER)
    unit_transfers.take_effect(session, decided.id)
    assert (case.county_unit, case.review_unit) == ("nb", "nb")
    assert (task.candidate_groups, task.assignee) == (["rongjiang.nb.reviewer"], None)
    candidates = session.exec(select(TaskCandidate.group_name).where(TaskCandidate.task_key == task.key)).all()
    assert list(candidates) == ["rongjiang.nb.reviewer"]
    (row,) = unit_transfers.get(session, decided.id).cases
    assert (row.case_no, row.disposition, row.from_unit) == (case.case_no, Disposition.MOVE_UNIT, "zrzy")
    sent = [
        (one.kind, one.payload.get("variables") or one.payload.get("candidate_groups"))
        for one in session.exec(select(OutboxCommand).where(OutboxCommand.stream == case.case_no)).all()
    ]
    assert sent == [
        (OutboxKind.ASSIGN_USER_TASK, None),
        (OutboxKind.UPDATE_USER_TASK, ["rongjiang.nb.reviewer"]),
        (OutboxKind.SET_VARIABLES, {"reviewUnit": "nb"}),
    ]


def test_a_moved_case_tells_its_applicant_once_and_its_later_papers_are_the_new_units(session: Session) -> None:
    case = running_case(session, "S-22", "rongjiang", county_unit="zrzy", review_unit="zrzy")
    transfer(session, InFlight.TRANSFER)
    (notice,) = issuance.of_case(session, case.case_no)
    assert notice.kind == DocumentKind.HANDOVER
    assert notice.body["signatory"] == "蓉江新区农办"
    assert "由蓉江新区自然资源分局移送蓉江新区农办接续办理" in notice.body["blocks"][0]["text"]
    refusal = issuance.issue_refusal_to_accept(session, case, "不属职权", product_now(session))
    assert (refusal.body["signatory"], refusal.seal) == ("蓉江新区农办", "蓉江新区农办受理专用章")


def test_a_task_the_engine_opened_before_it_learnt_of_the_transfer_comes_to_the_new_unit(session: Session) -> None:
    case = running_case(session, "S-22", "rongjiang", county_unit="zrzy", review_unit="zrzy")
    transfer(session, InFlight.TRANSFER)
    late = open_task(session, case, "rongjiang.zrzy.reviewer", "rongjiang.chief")
    intake.receive(session, late, case)
    assert late.candidate_groups == ["rongjiang.nb.reviewer", "rongjiang.chief"]


def test_a_transfer_leaves_a_decided_case_and_one_with_the_city_until_the_city_returns_it(session: Session) -> None:
    common = {"county_unit": "zrzy", "review_unit": "zrzy"}
    decided = running_case(session, "S-22", "rongjiang", decision=Verdict.APPROVE, **common)
    away = running_case(session, "S-22", "rongjiang", level=1, **common)
    shown = transfer(session, InFlight.TRANSFER)
    assert {one.case_no: one.disposition for one in shown.cases} == {
        decided.case_no: Disposition.KEEP_UNIT,
        away.case_no: Disposition.WITH_CITY,
    }
    assert decided.review_unit == away.review_unit == "zrzy"
    away.level = 0
    assert unit_transfers.follow_return(session, away.case_no) == {"reviewUnit": "nb"}
    assert unit_transfers.follow_return(session, away.case_no) == {}
    assert away.county_unit == "nb"
    assert {one.disposition for one in unit_transfers.get(session, shown.id).cases} == {
        Disposition.KEEP_UNIT,
        Disposition.MOVE_UNIT,
    }


def test_a_transfer_that_leaves_the_cases_in_flight_changes_none_of_them(session: Session) -> None:
    case = running_case(session, "S-22", "rongjiang", county_unit="zrzy", review_unit="zrzy")
    task = open_task(session, case, "rongjiang.zrzy.reviewer")
    (row,) = transfer(session, InFlight.FINISH).cases
    assert row.disposition is Disposition.KEEP_UNIT
    assert (case.review_unit, task.candidate_groups) == ("zrzy", ["rongjiang.zrzy.reviewer"])


def test_an_item_is_not_transferred_to_the_unit_that_has_it_on_that_day(session: Session) -> None:
    ahead = china_date(product_now(session)) + timedelta(days=5)
    common: dict[str, Any] = {"area": "rongjiang", "item": "S-22", "reason": "划转"}

    def refused(unit: str, day: date | None) -> list[str]:
        with pytest.raises(InvalidInput, match="已由这个部门承办") as refusal:
            unit_transfers.decide(session, actor("city.coordinator"), unit=unit, effective_on=day, **common)
        return [problem.field for problem in refusal.value.problems]

    assert refused("zrzy", None) == refused("zrzy", ahead) == ["unit"]
    transfer(session, InFlight.FINISH)
    assert refused("nb", None) == refused("nb", ahead) == ["unit"]
    sent = ["unit-transfer-decided"]
    assert messages(session) == sent
    back = unit_transfers.decide(session, actor("city.coordinator"), unit="zrzy", effective_on=None, **common)
    assert (back.from_unit, back.to_unit) == ("nb", "zrzy")
    assert messages(session) == sent * 2


def test_the_preview_of_a_transfer_says_what_will_happen(session: Session) -> None:
    case = running_case(session, "S-22", "rongjiang", county_unit="zrzy", review_unit="zrzy")
    (row,) = unit_transfers.preview(session, actor("rongjiang.approver"), "S-22", "rongjiang", "nb").items
    assert (row.case_no, row.county_unit) == (case.case_no, "区自然资源分局")
    assert (row.if_finish, row.if_transfer) == (Disposition.KEEP_UNIT, Disposition.MOVE_UNIT)
    with pytest.raises(Forbidden):
        unit_transfers.preview(session, actor("xingguo.approver"), "S-22", "rongjiang", "nb")
    with pytest.raises(InvalidInput):
        unit_transfers.preview(session, actor("city.coordinator"), "S-22", "rongjiang", "nobody")


def transfer(session: Session, in_flight: InFlight) -> unit_transfers.UnitTransferView:
    """Transfer S-22 of rongjiang to 区农办 from today on."""
    return unit_transfers.decide(
        session,
        actor("rongjiang.approver"),
        area="rongjiang",
        item="S-22",
        unit="nb",
        effective_on=None,
        reason="划转",
        in_flight=in_flight,
    )


def decision_seal(session: Session, case: Case) -> str:
    """Return the seal a decision of the case would bear now."""
    return case_facts.gather(session, case).issuers[DocumentKind.GRANT].seal


def running_case(session: Session, item: str, area: str, **changes: Any) -> Case:
    """Insert an open case that no window made."""
    number = f"C{next(serial)}"
    values: dict[str, Any] = {
        "case_no": number,
        "query_code": "Q",
        "item_code": item,
        "item_version": 1,
        "guide_version": 1,
        "item_name": "测试事项",
        "mode": Mode.SUBSTANTIVE,
        "power_kind": "license",
        "power_type": "行政许可",
        "area": area,
        "city_unit": "zrzy",
        "applicant_digest": number,
        "submitted_by": f"{area}.window",
        "received_at": product_now(session),
        "process_id": "substantive-review",
        "process_instance_key": next(serial),
    }
    case = build_case(**{**values, **changes})
    session.add(case)
    session.flush()
    session.add(
        Applicant(
            case_no=case.case_no,
            kind=ApplicantKind.PERSON,
            name="甲",
            id_type=IdentityType.ID_CARD,
            id_number="1" * 18,
            phone="1" * 11,
        )
    )
    session.flush()
    return case


def open_task(session: Session, case: Case, *groups: str, assignee: str | None = None) -> Task:
    """Insert an open task of a case with its candidates."""
    task = Task(
        key=next(serial),
        case_no=case.case_no,
        process_id=case.process_id,
        process_instance_key=case.process_instance_key or 0,
        element_id="Task_CountyReview",
        element_instance_key=1,
        name="实质审核办件",
        candidate_groups=list(groups),
        assignee=assignee,
        created_at=product_now(session),
    )
    session.add(task)
    session.flush()
    for group in groups:
        session.add(TaskCandidate(task_key=task.key, group_name=group, due_at=NO_DUE, created_at=task.created_at))
    session.flush()
    return task


def _county_units(session: Session) -> list[str]:
    return list(session.exec(select(CountyUnit.code).where(CountyUnit.area == "rongjiang")).all())


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
    old = in_force.find_item(session, "D-01", begins - timedelta(days=1))
    new = in_force.find_item(session, "D-01", begins)
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
        return in_force.responsibility(session, item, "xingguo", on).supervises

    first, second, third = (today + timedelta(days=days) for days in (10, 20, 30))
    direct = LINE.format(territory="all", filing="no")
    assert [one[:4] for one in move(direct.replace("direct", "window"), first)] == ["监管单位"]
    assert supervises("D-01", first - timedelta(days=1)) == "xingguo.supervisor"
    assert supervises("D-01", first) == "city.jtys.supervisor"
    before = in_force.responsibility(session, "W-39", "xingguo", today).supervises
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
    with pytest.raises(publishing_rights.SamePerson):
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


def listed(session: Session, begins: date, text: str) -> list_versions.ListDraftView:
    """Import a list of the lead unit's and publish it by the coordinator."""
    author = actor("city.xzsp.approver")
    draft = list_versions.import_list(
        session, author, title="清单", source="", in_force_from=begins, complete=False, text=text
    )
    list_versions.submit(session, author, draft.id)
    return list_versions.publish(session, actor("city.coordinator"), draft.id)


def with_seal(session: Session, code: str, seal: str) -> str:
    """Return the exported list's line of one item, with a seal."""
    rows = csv.DictReader(io.StringIO(list_files.export(session, china_date(product_now(session))).removeprefix(BOM)))
    row = next(one for one in rows if one["code"] == code)
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(row))
    writer.writeheader()
    writer.writerow(row | {"seal": seal})
    return text.getvalue()


def test_a_seal_is_a_dated_field_of_an_item_that_a_running_case_keeps(session: Session) -> None:
    today = china_date(product_now(session))
    old = running_case(session, "S-22", "rongjiang", review_unit="zrzy")
    published = listed(session, today, with_seal(session, "S-22", "行政审批专用章"))
    (difference,) = published.differences
    (change,) = difference.changes
    assert (change.field, change.name, change.before, change.after) == ("seal", "用章", "", "行政审批专用章")
    new = running_case(session, "S-22", "rongjiang", review_unit="zrzy", item_version=2)
    seals = [decision_seal(session, case) for case in (old, new)]
    assert seals == ["赣州市自然资源局市级审批专用章", "赣州市自然资源局行政审批专用章"]
    new.taken_over_at = product_now(session)
    assert decision_seal(session, new) == seals[0]
    assert in_force.responsibility(session, "S-22", "rongjiang", today).seal == "行政审批专用章"


def test_a_list_without_the_column_of_seals_leaves_them_and_one_with_it_empty_takes_them_away(
    session: Session,
) -> None:
    today = china_date(product_now(session))
    listed(session, today, with_seal(session, "D-01", "行政审批专用章"))
    silent = f"{HEADER}\n{LINE.format(territory='all', filing='yes')}\n"
    (difference,) = listed(session, today, silent).differences
    assert "seal" not in {one.field for one in difference.changes}
    item = in_force.find_item(session, "D-01", today)
    assert item is not None
    assert item.seal == "行政审批专用章"
    (difference,) = listed(session, today, with_seal(session, "D-01", "")).differences
    assert [(one.field, one.after) for one in difference.changes] == [("seal", "")]


@pytest.mark.parametrize(("code", "seal"), [("D-01", "市级审批专用章"), ("S-22", "县级审批专用章"), ("S-22", "印")])
def test_a_seal_that_does_not_fit_who_decides_is_refused(session: Session, code: str, seal: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        listed(session, china_date(product_now(session)), with_seal(session, code, seal))
    assert [one.field for one in caught.value.problems] == ["file.2.seal"]


def test_the_exported_list_imported_again_changes_nothing(session: Session) -> None:
    today = china_date(product_now(session))
    text = list_files.export(session, today + timedelta(days=1))
    assert text.startswith(BOM)
    draft = list_versions.import_list(
        session,
        actor("city.coordinator"),
        title="同一清单",
        source="",
        in_force_from=today,
        complete=True,
        text=text,
    )
    assert draft.items == 118
    assert draft.differences == []


@pytest.mark.parametrize("cell", ["=1+1", "+86", "-1", "@SUM(A1)", "'=1", "平常", ""])
def test_no_exported_cell_is_a_formula_and_an_import_reads_what_was_meant(cell: str) -> None:
    assert not list_files.safe(cell).startswith(list_files.FORMULA_SIGNS)
    if not cell.startswith("'"):
        assert list_files.plain(list_files.safe(cell)) == cell


def test_seeding_the_files_again_after_the_seal_came_makes_no_new_version(session: Session) -> None:
    report = seed_catalogue(session, load_catalogue())
    assert report.written == 0


def test_who_attended_a_training_is_noted_once_it_has_begun(session: Session) -> None:
    now = product_now(session)
    common = {"unit": "jtys", "title": "培训", "place": "", "text": ""}
    advisor, learner = actor("city.jtys.advisor"), actor("xingguo.window")
    ahead = consultations.announce_training(session, advisor, begins_at=now + timedelta(hours=1), **common)
    with pytest.raises(consultations.TrainingNotBegun):
        consultations.attend_training(session, learner, ahead.id)
    begun = consultations.announce_training(session, advisor, begins_at=now, **common)
    consultations.attend_training(session, learner, begun.id)
    assert consultations.attend_training(session, learner, begun.id).attended == ["xingguo.window"]


@pytest.mark.parametrize("body", [api_recalls.ReasonInput, api_agreements.ReasonInput])
@pytest.mark.parametrize("reason", ["", " \t\n"])
def test_a_reason_without_a_word_is_no_reason(body: type[BaseModel], reason: str) -> None:
    with pytest.raises(ValidationError):
        body.model_validate({"reason": reason})
    with pytest.raises(ValidationError):
        RejectionInput.model_validate({"note": reason})


def test_an_item_that_ended_is_refused_with_what_is_the_matter(session: Session) -> None:
    today = china_date(product_now(session))
    item = in_force.find_item(session, "D-01")
    assert item is not None
    item.in_force_to = today - timedelta(days=1)
    session.add(item)
    session.flush()
    with pytest.raises(submission.NoLongerInForce) as caught:
        submission.submit(session, actor("xingguo.window"), "key", a_submission("D-01"))
    assert caught.value.code == "not_in_force"
    assert f"已于{item.in_force_to}终止" in caught.value.detail


def test_an_item_without_a_guide_says_so(session: Session) -> None:
    text = with_seal(session, "W-05", "").replace("W-05", "W-54")
    listed(session, china_date(product_now(session)), text)
    with pytest.raises(InvalidInput, match="办事指南尚未发布"):
        submission.submit(session, actor("xingguo.window"), "key", a_submission("W-54"))


def a_submission(item: str) -> CaseSubmission:
    """Return a well-formed submission without materials."""
    return CaseSubmission.model_validate(
        {
            "item": item,
            "area": "xingguo",
            "applicant": {
                "kind": "person",
                "name": "测试申请人",
                "id_type": "id_card",
                "id_number": id_card(1),
                "phone": "13800000000",
            },
            "project": "测试项目",
            "conditions": {},
            "materials": [],
        }
    )
