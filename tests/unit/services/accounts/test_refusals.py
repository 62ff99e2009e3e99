"""Whoever may not is refused, and told why: each refusal lets pass whom the right beside it names, and nobody else."""
# ruff: noqa: F401, F811 - pytest takes the imported fixture by its name.

import re
from collections.abc import Callable

import pytest
from sqlalchemy import ColumnElement
from sqlmodel import Session, SQLModel, select

from models.calendar import CITY_WIDE
from models.case import Case
from models.catalogue import Mode
from models.consultation import Question
from models.filing import Filing, FilingKind
from models.power_event import PowerEvent, PowerSubject
from models.supervision import PushRole, SupervisionPush
from services.accounts import (
    guidance_rights,
    power_rights,
    publishing_rights,
    rights,
    supervision_rights,
    system_rights,
    task_rights,
)
from services.accounts.actors import Actor
from services.clock import product_now
from services.errors import Forbidden
from tests.factories.cases import build_case
from tests.factories.named_rights import COUNTY, GROUPS, MAY, STAFF, XINGGUO, ZRZY
from tests.factories.powers import actor, add_case, session

Require = Callable[[Actor], object]
OF_XINGGUO = build_case(case_no="1", mode=Mode.DIRECT, item_code="D-01", area="xingguo", city_unit="zrzy")

BESIDE: dict[str, Require] = {
    "draft an agreement between xingguo and zrzy": lambda who: power_rights.require_draft_agreement(
        who, "xingguo", "zrzy"
    ),
    "suspend an agreement of zrzy": lambda who: power_rights.require_change_agreement(who, "zrzy"),
    "acknowledge a filing with zrzy": lambda who: power_rights.require_handle_filing(who, "zrzy"),
    "answer for xingguo": lambda who: power_rights.require_answer_filing(who, "xingguo"),
    "read a filing of xingguo with zrzy": lambda who: power_rights.require_read_filing(who, "xingguo", "zrzy"),
    "propose to recall what zrzy delegated": lambda who: power_rights.require_propose_recall(who, "zrzy"),
    "state xingguo's view": lambda who: power_rights.require_state_opinion(who, "xingguo"),
    "decide on a recall for zrzy": lambda who: power_rights.require_decide_recall(who, "zrzy"),
    "see the cases a recall touches": lambda who: power_rights.require_see_recalled_cases(who, "xingguo", "zrzy"),
    "transfer between xingguo's units": lambda who: power_rights.require_transfer(who, "xingguo"),
    "preview a transfer in xingguo": lambda who: power_rights.require_preview_transfer(who, "xingguo"),
    "draft a list": publishing_rights.require_draft_list,
    "publish somebody else's list": lambda who: publishing_rights.require_publish_list(who, "somebody"),
    "publish zrzy's guides": lambda who: publishing_rights.require_publish_guide(who, "zrzy"),
    "ask the city": guidance_rights.get_asking_area,
    "answer for zrzy": lambda who: guidance_rights.require_answer(who, "zrzy"),
    "announce zrzy's trainings": lambda who: guidance_rights.require_announce_training(who, "zrzy"),
    "supervise what is pushed to xingguo": lambda who: supervision_rights.require_supervise(
        who, "xingguo.supervisor", None
    ),
    "read a push to xingguo on zrzy's decision": lambda who: supervision_rights.require_read_push(
        who, "xingguo.supervisor", "city.zrzy.approver"
    ),
    "answer feedback on zrzy's decision": lambda who: supervision_rights.require_answer_feedback(
        who, "city.zrzy.approver"
    ),
    "give notice of policy": supervision_rights.get_issuing_group,
    "administer": system_rights.require_administrator,
    "see who has an account": system_rights.require_list_accounts,
    "change the city's calendar": lambda who: system_rights.require_change_calendar(who, CITY_WIDE),
    "change xingguo's calendar": lambda who: system_rights.require_change_calendar(who, "xingguo"),
}
OTHERS: dict[str, tuple[Require, set[str]]] = {
    "have to do with delegated powers": (rights.require_work_on_cases, STAFF),
    "sign between xingguo and zrzy": (
        lambda who: power_rights.require_signatory(who, "xingguo", "zrzy"),
        {"xingguo.approver", "city.zrzy.approver"},
    ),
    "add model cases for zrzy": (
        lambda who: guidance_rights.require_publish_precedent(who, "zrzy"),
        {"city.zrzy.advisor"},
    ),
    "sign for having read a notice": (
        lambda who: supervision_rights.require_acknowledge(who, ("xingguo.approver", "city.zrzy.approver")),
        {"xingguo.approver", "city.zrzy.approver"},
    ),
    "work at some window": (rights.require_window_account, {"xingguo.window"}),
    "hand in a case in xingguo": (lambda who: rights.require_submit(who, "xingguo"), {"xingguo.window"}),
    "act for an applicant of xingguo": (
        lambda who: rights.require_act_for_applicant(who, OF_XINGGUO),
        {"xingguo.window"},
    ),
    "read a case of xingguo and zrzy": (
        lambda who: rights.require_read_case(who, OF_XINGGUO),
        XINGGUO | (ZRZY - {"city.zrzy.supervisor"}) | {"city.coordinator"},
    ),
    "stop the clock of xingguo's case": (
        lambda who: rights.require_handle(who, OF_XINGGUO),
        {"xingguo.reviewer", "xingguo.chief", "xingguo.approver"},
    ),
    "extend the limit of xingguo's case": (lambda who: rights.require_extend(who, OF_XINGGUO), {"xingguo.approver"}),
    "read a notification to xingguo's chief": (
        lambda who: rights.require_read_notification(who, "xingguo.chief"),
        {"xingguo.chief"},
    ),
    "open a task offered to xingguo's reviewer and to yudu's approver": (
        lambda who: task_rights.require_may_open(who, ["xingguo.reviewer", "yudu.approver"], None, OF_XINGGUO),
        {"xingguo.reviewer"},
    ),
    "work on a task the chief has claimed": (
        lambda who: task_rights.require_not_taken(who, "xingguo.chief"),
        {"xingguo.chief"},
    ),
    "give back a task the chief has claimed": (
        lambda who: task_rights.require_release(who, "xingguo.chief"),
        {"xingguo.chief"},
    ),
    "retry an incident": (system_rights.require_retry_incidents, {"admin.system"}),
    "mend the feed": (system_rights.require_mend_feed, {"admin.system"}),
    "manage webhooks": (system_rights.require_manage_webhooks, {"admin.system"}),
    "manage accounts": (system_rights.require_manage_accounts, {"admin.system"}),
    "give posts": (system_rights.require_manage_memberships, {"admin.security"}),
    "read the audit trail": (system_rights.require_read_audit, {"admin.audit"}),
}
REQUIRED = {act: (require, MAY[act][1]) for act, require in BESIDE.items()} | OTHERS
WITHOUT_A_REASON: dict[str, tuple[Require, set[str]]] = {
    "read drafts of lists": (publishing_rights.require_read_lists, STAFF),
    "attend trainings": (guidance_rights.require_attend, STAFF),
    "see an instance of no case": (lambda who: system_rights.require_read_instance(who, None), {"admin.system"}),
    "see the instance of xingguo's case": (
        lambda who: system_rights.require_read_instance(who, OF_XINGGUO),
        OTHERS["read a case of xingguo and zrzy"][1] | {"admin.system"},
    ),
}


def refusals(require: Require) -> dict[str, Forbidden]:
    """Return which groups are refused, and how."""
    found = {}
    for group in GROUPS:
        try:
            require(actor(group))
        except Forbidden as refusal:
            found[group] = refusal
    return found


@pytest.mark.parametrize("act", REQUIRED | WITHOUT_A_REASON)
def test_nobody_is_refused_but_who_may_not(act: str) -> None:
    require, allowed = (REQUIRED | WITHOUT_A_REASON)[act]
    assert set(GROUPS) - refusals(require).keys() == allowed


@pytest.mark.parametrize("act", REQUIRED)
def test_a_refusal_says_why_in_both_languages(act: str) -> None:
    require, _ = REQUIRED[act]
    for refusal in refusals(require).values():
        assert refusal.detail != Forbidden.title
        assert re.fullmatch(r"[\u4e00-\u9fff（）、，]+|该任务已由xingguo\.chief认领", refusal.detail)
        assert refusal.detail_en != Forbidden.title_en
        assert re.fullmatch(r"[A-Z][a-z]*( [a-z']+,?)+", refusal.detail_en)


def test_a_county_asks_for_its_area_and_for_the_first_of_several() -> None:
    assert guidance_rights.get_asking_area(actor("xingguo.chief")) == "xingguo"
    both = Actor("x", "某人", frozenset({"yudu.window", "xingguo.window", "city.zrzy.advisor"}))
    assert guidance_rights.get_asking_area(both) == "xingguo"


@pytest.mark.parametrize(
    ("acts_for", "recipient"), [(None, "city.slj.supervisor"), ("xingguo.supervisor", "city.slj.supervisor")]
)
def test_a_platform_is_told_why_it_is_refused(acts_for: str | None, recipient: str) -> None:
    with pytest.raises(Forbidden) as refusal:
        supervision_rights.get_platform(acts_for, recipient)
    assert refusal.value.detail == "该平台不能办理这条推送"
    assert refusal.value.detail_en == "The platform does not act for the push's recipient"


def test_who_decided_a_case_is_told_that_this_is_why_they_may_not_supervise_it() -> None:
    with pytest.raises(Forbidden) as refusal:
        supervision_rights.require_supervise(actor("xingguo.supervisor"), "xingguo.supervisor", "xingguo.supervisor")
    assert refusal.value.detail == "作出决定的人不能同时监管本件"
    assert refusal.value.detail_en == "Whoever decided the case may not supervise it"


def read(session: Session, model: type[SQLModel], condition: Callable[[Actor], ColumnElement[bool]]) -> dict[str, int]:
    """Return how many rows of a table each group may read."""
    found = {}
    for group in GROUPS:
        rows = session.exec(select(model).where(condition(actor(group)))).all()
        found[group] = len(rows)
    return found


def test_a_filing_is_listed_to_whom_it_may_be_read_by(session: Session) -> None:
    for number, (area, unit) in enumerate((("xingguo", "zrzy"), ("yudu", "jtys")), 1):
        case = add_case(session, number, area=area, city_unit=unit)
        now = product_now(session)
        facts = {"kind": FilingKind.REPORT, "decision": "approve", "filed_at": now, "waiting_since": now}
        session.add(Filing(case_no=case.case_no, item="D-01", area=area, unit=unit, **facts))
    session.flush()

    def readable(group: str) -> int:
        both = (("xingguo", "zrzy"), ("yudu", "jtys"))
        return sum(power_rights.may_read_filing(actor(group), *between) for between in both)

    assert read(session, Filing, power_rights.visible_filings) == {group: readable(group) for group in GROUPS}


def test_the_ledger_keeps_filings_and_questions_between_the_two_and_shows_the_rest_to_all(session: Session) -> None:
    now = product_now(session)
    for number, subject in enumerate(PowerSubject):
        session.add(
            PowerEvent(
                subject=subject,
                subject_id=number,
                natural_key="k",
                event="e",
                at=now,
                actor="x",
                area="xingguo",
                unit="zrzy",
                text="",
            )
        )
    session.flush()
    everything, open_to_all = len(PowerSubject), len(PowerSubject) - len(power_rights.BETWEEN_TWO)
    own = XINGGUO | ZRZY | {"city.coordinator"}
    seen = read(session, PowerEvent, power_rights.visible_events)
    assert seen == {group: everything if group in own else open_to_all for group in GROUPS}


def test_a_question_is_read_by_its_county_its_unit_and_the_coordinator(session: Session) -> None:
    now = product_now(session)
    session.add(Question(item="D-01", area="xingguo", unit="zrzy", text="", asked_by="x", asked_at=now))
    session.flush()
    seen = read(session, Question, guidance_rights.visible_questions)
    assert {group for group, count in seen.items() if count} == XINGGUO | ZRZY | {"city.coordinator"}


def test_a_push_is_listed_to_who_supervises_who_decided_and_the_coordinator(session: Session) -> None:
    case, now = add_case(session), product_now(session)
    session.add(
        SupervisionPush(
            case_no=case.case_no,
            recipient="xingguo.supervisor",
            role=PushRole.RESPONSIBLE,
            approver_group="city.zrzy.approver",
            pushed_at=now,
            due_at=now,
            escalate_at=now,
        )
    )
    session.flush()
    seen = read(session, SupervisionPush, supervision_rights.visible_pushes)
    assert {group for group, count in seen.items() if count} == MAY["read a push to xingguo on zrzy's decision"][1]


def test_an_open_list_of_groups_says_what_is_offered_whatever_the_case() -> None:
    assert task_rights.is_offered(["a", "xingguo.chief"], ["xingguo.chief", "b"])
    assert not task_rights.is_offered(["xingguo.chief"], ["xingguo.window"])
    assert task_rights.is_candidate(actor("xingguo.chief"), ["xingguo.chief"], OF_XINGGUO)
    assert not task_rights.is_candidate(actor("xingguo.chief"), ["xingguo.window"], OF_XINGGUO)


@pytest.mark.parametrize(
    ("group", "concerned"), [("city.slj.supervisor", True), ("xingguo.supervisor", True), ("yudu.supervisor", False)]
)
def test_every_city_supervisor_may_be_offered_a_task_and_of_the_counties_the_cases_own(
    group: str, concerned: bool
) -> None:
    assert task_rights.concerns(group, OF_XINGGUO) is concerned
