"""Conditional acceptance (容缺受理) and 告知承诺: which promises are taken, what they owe, and how they end a case."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest
from freezegun import freeze_time
from sqlmodel import Session, select

from models.audit import TimelineEntry
from models.case import Case, CaseState
from models.clock_record import ClockRecord
from models.database import CHINA
from models.document import Document, DocumentKind
from models.outbox import OutboxCommand
from models.special_procedure import SpecialKind
from models.task_outcome import TaskOutcome
from models.working_calendar import end_of_day
from services.cases import conditional_acceptance, form_check, special_procedures
from services.cases.conditional_acceptance import MaterialsOutstanding
from services.errors import InvalidInput
from services.journal import seals
from tests.factories.running_case import ACCEPTED, REVIEWER, answer, give_guide
from tests.factories.running_case import case as case
from tests.factories.running_case import session as session

UNTIL = date(2026, 9, 30)
LAPSED = end_of_day(UNTIL)
WITHOUT_DATE = {"tolerated_until": "容缺受理须约定补齐日期"}
NO_COMMITMENT = {"by_commitment": "该事项的办事指南没有规定告知承诺"}


@pytest.fixture
def received(session: Session, case: Case) -> Case:
    """Return the case as it is before its acceptance: without a limit of its own."""
    case.accepted_at, case.limit_days, case.promised_days, case.state = None, None, None, CaseState.RECEIVED
    session.flush()
    return case


def refused(
    session: Session, case: Case, values: dict[str, Any], *, at: datetime = ACCEPTED, outcome: str = "accept"
) -> dict[str, str]:
    """Return what is wrong with a promise, by field."""
    with freeze_time(at):
        try:
            conditional_acceptance.require_valid_promise(session, case, outcome, values)
        except InvalidInput as refusal:
            return {one.field: one.message for one in refusal.problems}
    return {}


@pytest.mark.parametrize(
    ("until", "problem"),
    [
        ("2026-09-20", "应晚于今日"),
        ("2026-09-21", "应晚于今日"),
        ("2026-09-22", None),
        ("2026-10-26", None),
        ("2026-10-27", "应在办理期限以内"),
        ("2026-09-21T23:59:00+08:00", "应晚于今日"),
    ],
)
def test_a_promised_day_lies_after_today_and_within_the_limit_the_guide_announces(
    session: Session, received: Case, until: str, problem: str | None
) -> None:
    expected = {"tolerated_until": problem} if problem else {}
    assert refused(session, received, {"tolerated_until": until}) == expected


def test_today_is_the_day_in_china(session: Session, received: Case) -> None:
    early = datetime(2026, 9, 22, 0, 30, tzinfo=CHINA)
    assert refused(session, received, {"tolerated_until": "2026-09-22"}, at=early) == {"tolerated_until": "应晚于今日"}
    assert refused(session, received, {"tolerated_until": "2026-09-22"}, at=early - timedelta(hours=1)) == {}


def test_a_shorter_limit_in_the_guide_bounds_the_promised_day(session: Session, received: Case) -> None:
    give_guide(session, received, limits={"statutory": 5, "promised": 5})
    assert refused(session, received, {"tolerated_until": "2026-09-29"}) == {}
    assert refused(session, received, {"tolerated_until": "2026-09-30"}) == {"tolerated_until": "应在办理期限以内"}


@pytest.mark.parametrize(
    ("values", "problems"),
    [
        ({"tolerated_materials": "验资报告"}, WITHOUT_DATE),
        ({"tolerated_materials": "验资报告", "tolerated_until": ""}, WITHOUT_DATE),
        ({"tolerated_materials": "验资报告", "tolerated_until": "2026-09-30"}, {}),
        ({"tolerated_materials": "  "}, {}),
        ({"tolerated_materials": None, "by_commitment": False}, {}),
        ({}, {}),
        ({"opinion": "齐全"}, {}),
    ],
    ids=str,
)
def test_who_tolerates_that_something_is_missing_names_the_day(
    session: Session, received: Case, values: dict[str, Any], problems: dict[str, str]
) -> None:
    assert refused(session, received, values) == problems


@pytest.mark.parametrize(("allowed", "problems"), [(True, {}), (False, NO_COMMITMENT)])
def test_a_commitment_is_taken_where_the_guide_says_so(
    session: Session, received: Case, allowed: bool, problems: dict[str, str]
) -> None:
    give_guide(session, received, informed_commitment=allowed)
    assert refused(session, received, {"by_commitment": True}) == problems


def test_no_commitment_is_taken_for_an_item_without_a_guide(session: Session, received: Case) -> None:
    received.guide_version = 99
    assert refused(session, received, {"by_commitment": True}) == NO_COMMITMENT


def test_everything_wrong_with_a_promise_is_told_at_once(session: Session, received: Case) -> None:
    values = {"tolerated_materials": "验资报告", "by_commitment": True}
    assert refused(session, received, values) == WITHOUT_DATE | NO_COMMITMENT
    assert refused(session, received, {**values, "tolerated_until": "2026-09-21"}) == {
        "tolerated_until": "应晚于今日",
        **NO_COMMITMENT,
    }


@pytest.mark.parametrize("outcome", ["correct", "refuse", "not_needed"])
def test_a_promise_counts_with_an_acceptance_alone(session: Session, received: Case, outcome: str) -> None:
    values = {"tolerated_until": "2026-01-01", "by_commitment": True}
    assert refused(session, received, values, outcome=outcome) == {}


def promised(session: Session, case: Case, **values: Any) -> TaskOutcome:
    """Accept the case with what the clerk filled in, and return the answer."""
    answer(session, case, "accept", ACCEPTED)
    given = session.exec(select(TaskOutcome)).one()
    given.account, given.form_values = "xingguo.window", values
    conditional_acceptance.take_promise(session, case, given)
    session.flush()
    return given


def told(session: Session) -> list[tuple[str, str, str, datetime]]:
    """Return the case's history: event, text, actor and instant of each entry."""
    entries = session.exec(select(TimelineEntry).order_by("id")).all()
    return [(one.event, one.text, one.actor, one.at) for one in entries]


def test_what_the_applicant_promised_stands_on_the_case_to_the_end_of_the_day(session: Session, case: Case) -> None:
    promised(session, case, tolerated_until="2026-09-30", tolerated_materials=" 验资报告 ")
    assert (case.tolerated_until, case.tolerated_materials, case.by_commitment) == (LAPSED, "验资报告", False)
    text = "容缺受理：验资报告，申请人承诺于2026-09-30前补齐"
    assert told(session) == [("case.tolerated", text, "xingguo.window", ACCEPTED)]
    assert conditional_acceptance.is_outstanding(case)


def test_a_promise_that_names_nothing_owes_what_the_form_check_found_missing(session: Session, case: Case) -> None:
    form_check.run(session, case, 0)
    promised(session, case, tolerated_until="2026-09-30", tolerated_materials=" ")
    assert case.tolerated_materials == "；".join(form_check.missing_now(session, case.case_no))
    assert "缺少“资金来源证明”（原件1份）；缺少“" in case.tolerated_materials
    assert conditional_acceptance.owes_what_the_check_found(session, case)


def test_what_the_window_named_itself_is_not_what_the_check_found(session: Session, case: Case) -> None:
    form_check.run(session, case, 0)
    promised(session, case, tolerated_until="2026-09-30", tolerated_materials="验资报告")
    assert not conditional_acceptance.owes_what_the_check_found(session, case)


def test_a_promise_of_nothing_in_particular_is_a_promise_all_the_same(session: Session, case: Case) -> None:
    promised(session, case, tolerated_until="2026-09-30")
    assert case.tolerated_materials == "申请人承诺补交的材料"
    assert conditional_acceptance.is_outstanding(case)


def test_a_commitment_alone_owes_no_material(session: Session, case: Case) -> None:
    promised(session, case, by_commitment=True, tolerated_until="")
    assert case.by_commitment
    assert (case.tolerated_until, case.tolerated_materials) == (None, None)
    assert told(session) == [("case.committed", "适用告知承诺，凭申请人书面承诺受理", "xingguo.window", ACCEPTED)]
    assert not conditional_acceptance.is_outstanding(case)


def test_a_commitment_may_go_with_a_promised_day(session: Session, case: Case) -> None:
    promised(session, case, by_commitment=True, tolerated_until="2026-09-30")
    assert [event for event, *_ in told(session)] == ["case.committed", "case.tolerated"]


def test_an_acceptance_without_a_promise_owes_nothing_and_tells_nothing(session: Session, case: Case) -> None:
    promised(session, case)
    assert (case.by_commitment, case.tolerated_until, case.tolerated_materials) == (False, None, None)
    assert told(session) == []


def test_nobody_approves_while_something_promised_is_missing(session: Session, case: Case) -> None:
    conditional_acceptance.require_supplied(case, "approve")
    case.tolerated_until = LAPSED
    with pytest.raises(MaterialsOutstanding) as refusal:
        conditional_acceptance.require_supplied(case, "approve")
    assert (refusal.value.status, refusal.value.code) == (409, "materials_outstanding")
    conditional_acceptance.require_supplied(case, "deny")
    case.tolerated_supplied_at = ACCEPTED
    conditional_acceptance.require_supplied(case, "approve")


def test_a_case_that_is_over_owes_nothing_more(case: Case) -> None:
    case.tolerated_until = LAPSED
    assert conditional_acceptance.is_outstanding(case)
    case.is_open = False
    assert not conditional_acceptance.is_outstanding(case)


def test_what_was_not_supplied_in_time_ends_the_examination(session: Session, case: Case) -> None:
    promised(session, case, tolerated_until="2026-09-30", tolerated_materials="验资报告")
    with freeze_time(ACCEPTED + timedelta(days=1)):
        procedure = special_procedures.begin(session, REVIEWER, case, SpecialKind.TESTING, 3, "检测")
    with freeze_time(LAPSED + timedelta(hours=9)):
        assert conditional_acceptance.lapse(session, case, LAPSED)
    assert (case.state, case.is_open, case.closed_at) == (CaseState.WITHDRAWN, False, LAPSED)
    assert (procedure.ended_at, procedure.ended_by) == (LAPSED, "system")
    reason = "容缺受理的材料（验资报告）逾期未补齐，终止审查"
    assert told(session)[-1] == ("case.terminated", reason, "system", LAPSED)
    notice = session.exec(select(Document).where(Document.kind == DocumentKind.TERMINATION.value)).one()
    assert notice.issued_at == LAPSED
    assert reason in str(notice.body)
    kept = session.get_one(ClockRecord, case.case_no)
    assert (kept.kept_at, kept.body["used"]) == (LAPSED, 1), (
        "22 September; from then on the procedure stopped the clock"
    )


def test_the_process_of_a_lapsed_case_is_told_to_end_as_after_a_withdrawal(session: Session, case: Case) -> None:
    promised(session, case, tolerated_until="2026-09-30")
    conditional_acceptance.lapse(session, case, LAPSED)
    session.flush()
    command = session.exec(select(OutboxCommand)).one()
    assert command.stream == case.case_no
    assert command.payload["name"] == "case-withdrawn"
    assert command.payload["correlation_key"] == case.case_no
    assert command.payload["message_id"] == f"{case.case_no}:withdrawn"


def test_the_end_of_a_lapsed_case_is_sealed(session: Session, case: Case) -> None:
    promised(session, case, tolerated_until="2026-09-30")
    conditional_acceptance.lapse(session, case, LAPSED)
    session.commit()
    assert seals.find_first_digest(session, case, "closing") is not None


@pytest.mark.parametrize("outcome", ["approve", "deny"])
def test_a_decision_given_before_keeps_the_case_from_lapsing(session: Session, case: Case, outcome: str) -> None:
    case.tolerated_until = LAPSED
    answer(session, case, outcome, LAPSED - timedelta(hours=1))
    assert not conditional_acceptance.lapse(session, case, LAPSED)
    assert (case.is_open, case.state, case.closed_at) == (True, CaseState.IN_DEPARTMENT, None)
    assert told(session) == []
    assert session.exec(select(OutboxCommand)).all() == []
