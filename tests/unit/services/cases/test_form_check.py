"""The form check (形式审查): every rule's finding, recorded once a round, and what a correction notice names of it."""

from datetime import date, timedelta
from typing import Any

import pytest
from freezegun import freeze_time
from sqlmodel import Session, select

from models.agreement import Agreement, AgreementState
from models.case import Applicant, Case, FormCheckFinding, Material, MaterialKind
from models.catalogue import ItemVersion
from models.supervision import FeedbackKind, PushRole, SupervisionFeedback, SupervisionPush
from services.cases import form_check
from services.cases.form_check import Rule
from services.errors import NotFound
from tests.factories.running_case import ACCEPTED, give_guide
from tests.factories.running_case import case as case
from tests.factories.running_case import session as session

WANTED = [
    {"name": "申请书", "required": True, "copies": 2, "kind": "original"},
    {"name": "营业执照", "required": True, "copies": 1, "kind": "copy"},
    {"name": "坐标", "required": True, "copies": 1, "kind": "electronic"},
    {"name": "委托书", "required": False, "copies": 1, "kind": "original"},
]
CONDITIONS = [
    {"key": "new", "question": "是否新设？", "kind": "boolean", "expected": True, "otherwise": "变更另行办理"},
    {
        "key": "area",
        "question": "面积",
        "kind": "number",
        "expected": ">=5000",
        "applies_when": {"new": [True]},
        "otherwise": "向县级提出",
    },
]


@pytest.fixture
def checked(session: Session, case: Case) -> Case:
    """Return a case whose guide wants four materials and nothing else."""
    give_guide(session, case, materials=WANTED)
    return case


def give(session: Session, case: Case, *materials: tuple[str, int, MaterialKind], round: int = 0, **facts: Any) -> None:
    """Hand in materials."""
    for position, (name, copies, kind) in enumerate(materials, 1):
        row = {"present": True, **facts, "name": name, "copies": copies, "kind": kind, "round": round}
        session.add(Material(case_no=case.case_no, position=position, **row))
    session.flush()


def found(session: Session, case: Case, rule: Rule, round: int = 0) -> list[tuple[str, bool, str]]:
    """Return what the check finds by one of its rules: subject, whether it passed, and the message."""
    return [tuple(one[1:]) for one in form_check.run(session, case, round) if one.rule is rule]


WHOLE = (
    ("申请书", 2, MaterialKind.ORIGINAL),
    ("营业执照", 1, MaterialKind.COPY),
    ("坐标", 1, MaterialKind.ELECTRONIC),
)


def test_everything_wanted_and_given_passes(session: Session, checked: Case) -> None:
    give(session, checked, *WHOLE)
    assert found(session, checked, Rule.MATERIAL) == [
        ("申请书", True, "“申请书”齐全（原件2份）"),
        ("营业执照", True, "“营业执照”齐全（复印件1份）"),
        ("坐标", True, "“坐标”齐全（电子件1份）"),
        ("委托书", True, "“委托书”未提交（非必需）"),
    ]
    assert form_check.missing_materials(session, checked) == []


def test_what_is_not_given_is_missing_unless_it_may_be_left_out(session: Session, checked: Case) -> None:
    assert [message for _, passed, message in found(session, checked, Rule.MATERIAL) if not passed] == [
        "缺少“申请书”（原件2份）",
        "缺少“营业执照”（复印件1份）",
        "缺少“坐标”（电子件1份）",
    ]


def test_a_material_noted_as_absent_is_missing(session: Session, checked: Case) -> None:
    give(session, checked, ("坐标", 1, MaterialKind.ELECTRONIC), ("委托书", 1, MaterialKind.ORIGINAL), present=False)
    messages = [message for *_, message in found(session, checked, Rule.MATERIAL)]
    assert messages[2:] == ["缺少“坐标”（电子件1份）", "“委托书”未提交（非必需）"]


@pytest.mark.parametrize(
    ("given", "passed", "message"),
    [
        (("申请书", 1, MaterialKind.ORIGINAL), False, "“申请书”应提交2份，实交1份"),
        (("申请书", 3, MaterialKind.ORIGINAL), True, "“申请书”齐全（原件3份）"),
        (("申请书", 2, MaterialKind.COPY), False, "“申请书”应为原件，实为复印件"),
        (("申请书", 2, MaterialKind.ELECTRONIC), False, "“申请书”应为原件，实为电子件"),
        (("营业执照", 1, MaterialKind.ORIGINAL), True, "“营业执照”齐全（原件1份）"),
        (("营业执照", 1, MaterialKind.ELECTRONIC), False, "“营业执照”应为复印件，实为电子件"),
        (("坐标", 1, MaterialKind.ORIGINAL), False, "“坐标”应为电子件，实为原件"),
        (("委托书", 1, MaterialKind.COPY), False, "“委托书”应为原件，实为复印件"),
    ],
    ids=str,
)
def test_a_material_comes_in_the_wanted_number_and_kind_and_an_original_for_a_copy(
    session: Session, checked: Case, given: tuple[str, int, MaterialKind], passed: bool, message: str
) -> None:
    give(session, checked, given)
    assert (given[0], passed, message) in found(session, checked, Rule.MATERIAL)


def test_a_material_the_guide_does_not_know_is_noted_and_holds_up_nothing(session: Session, checked: Case) -> None:
    give(session, checked, *WHOLE, ("照片", 1, MaterialKind.COPY))
    assert found(session, checked, Rule.EXTRA) == [("照片", True, "“照片”不在办事指南清单内，供参考")]


def test_a_supplement_stands_for_what_was_handed_in_first(session: Session, checked: Case) -> None:
    give(session, checked, ("申请书", 2, MaterialKind.ORIGINAL), ("坐标", 1, MaterialKind.COPY))
    give(session, checked, ("坐标", 1, MaterialKind.ELECTRONIC), ("申请书", 1, MaterialKind.ORIGINAL), round=1)
    messages = [message for *_, message in found(session, checked, Rule.MATERIAL, 1)]
    assert messages[0] == "“申请书”应提交2份，实交1份", "the later one counts, though it is the worse"
    assert messages[2] == "“坐标”齐全（电子件1份）"


def test_a_check_is_recorded_once_a_round_and_told_as_recorded(session: Session, checked: Case) -> None:
    first = form_check.run(session, checked, 0)
    give(session, checked, *WHOLE)
    assert form_check.run(session, checked, 0) == first
    recorded = session.exec(select(FormCheckFinding).order_by("id")).all()
    assert [(one.rule, one.subject, one.passed, one.message) for one in recorded] == [
        (one.rule.value, one.subject, one.passed, one.message) for one in first
    ]
    assert {(one.case_no, one.round) for one in recorded} == {(checked.case_no, 0)}


def test_the_latest_round_says_what_is_missing_now(session: Session, checked: Case) -> None:
    assert form_check.missing_now(session, checked.case_no) == [], "nothing was checked yet"
    form_check.run(session, checked, 0)
    give(session, checked, *WHOLE[:2], round=1)
    form_check.run(session, checked, 1)
    assert form_check.missing_now(session, checked.case_no) == ["缺少“坐标”（电子件1份）"]
    assert form_check.missing_materials(session, checked) == ["缺少“坐标”（电子件1份）"]
    rounds = [one.round for one in form_check.findings(session, checked.case_no)]
    assert rounds == sorted(rounds)
    assert {one.round for one in form_check.findings(session, checked.case_no, 1)} == {1}
    assert len(form_check.findings(session, checked.case_no, 1)) * 2 == len(rounds)


def test_the_applicants_number_is_checked_on_the_day_of_receipt(session: Session, checked: Case) -> None:
    assert found(session, checked, Rule.IDENTITY) == [("申请人证件号码", True, "证件号码校验通过")]
    session.get_one(Applicant, checked.case_no).id_number = "362101195001010010"
    assert found(session, checked, Rule.IDENTITY, 1) == [("申请人证件号码", False, "身份证号校验位不正确")]
    assert "身份证号校验位不正确" in form_check.missing_now(session, checked.case_no)


def test_nobody_is_born_after_the_day_of_receipt(session: Session, checked: Case) -> None:
    session.get_one(Applicant, checked.case_no).id_number = "11010120261001001X"
    with freeze_time("2026-11-01"):
        assert found(session, checked, Rule.IDENTITY) == [("申请人证件号码", False, "身份证号中的出生日期不合理")]


@pytest.mark.parametrize(
    ("areas", "expected"),
    [
        (["zhanggong", "xingguo"], ("兴国县", True, "兴国县可以承接本事项")),
        (["zhanggong"], ("兴国县", False, "兴国县不能承接本事项")),
    ],
    ids=["in the list", "not in the list"],
)
def test_the_area_must_have_taken_the_item_on(
    session: Session, checked: Case, areas: list[str], expected: tuple[str, bool, str]
) -> None:
    item = session.exec(select(ItemVersion).where(ItemVersion.code == "W-01")).one()
    item.areas = areas
    session.flush()
    assert found(session, checked, Rule.TERRITORY) == [expected]


def test_the_item_must_be_in_force_on_the_day_of_receipt(session: Session, checked: Case) -> None:
    item = session.exec(select(ItemVersion).where(ItemVersion.code == "W-01")).one()
    since = date(2026, 9, 21)
    for round, begins, passed, message in (
        (0, since, True, "本事项自2026-09-21起实施"),
        (1, since + timedelta(days=1), False, "本事项自2026-09-22起实施"),
        (2, None, True, "本事项已实施"),
    ):
        item.in_force_from = begins
        session.flush()
        assert found(session, checked, Rule.DATE, round) == [("实施日期", passed, message)]


def test_a_substantive_item_needs_an_agreement_in_force_on_the_day(session: Session, case: Case) -> None:
    case.item_code, case.area = "S-22", "xingguo"
    assert found(session, case, Rule.DATE) == [("承接协议", False, "承接协议未生效")]
    session.add(
        Agreement(
            area="xingguo",
            unit="zrzy",
            items=["S-22"],
            procedure="",
            in_force_from=date(2026, 9, 21),
            state=AgreementState.SIGNED,
            created_by="x",
            created_at=ACCEPTED,
        )
    )
    session.flush()
    assert found(session, case, Rule.DATE, 1) == [("承接协议", True, "承接协议已生效")]


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ({"new": True, "area": 5000}, [("是否新设？", True, "是否新设？符合"), ("面积", True, "面积：符合")]),
        ({"new": False}, [("是否新设？", False, "是否新设？变更另行办理")]),
        ({"new": True, "area": 4999}, [("是否新设？", True, "是否新设？符合"), ("面积", False, "面积：向县级提出")]),
    ],
    ids=["both met", "the first unmet, so the second is not asked", "the second unmet"],
)
def test_the_conditions_of_jurisdiction_are_found_as_answered(
    session: Session, case: Case, answers: dict[str, Any], expected: list[tuple[str, bool, str]]
) -> None:
    give_guide(session, case, conditions=CONDITIONS)
    case.conditions = answers
    assert found(session, case, Rule.CONDITION) == expected


def restrict(session: Session, case: Case, **facts: Any) -> SupervisionFeedback:
    """Let supervision put a restriction on an applicant."""
    pushed = SupervisionPush(
        case_no=case.case_no,
        recipient=f"{facts.pop('by', 'xingguo')}.supervisor",
        role=PushRole.RESPONSIBLE,
        approver_group="city.zrzy.approver",
        pushed_at=ACCEPTED,
        due_at=ACCEPTED,
        escalate_at=ACCEPTED,
    )
    session.add(pushed)
    session.flush()
    usual = {"kind": FeedbackKind.RESTRICTION, "text": "一年内不予受理", "applicant_digest": "d", "given_by": "x"}
    feedback = SupervisionFeedback(push_id=pushed.id, given_at=ACCEPTED - timedelta(days=10), **usual | facts)
    session.add(feedback)
    session.flush()
    return feedback


def test_a_restriction_is_shown_to_the_clerk_and_never_asked_of_the_applicant(session: Session, checked: Case) -> None:
    one = restrict(session, checked)
    restrict(session, checked, by="yudu", applicant_digest="another")
    restrict(session, checked, by="ganxian", lifted_at=ACCEPTED - timedelta(days=1))
    give(session, checked, *WHOLE)
    message = "监管部门于2026-09-11对申请人作出限制：一年内不予受理"
    with freeze_time(ACCEPTED):
        assert found(session, checked, Rule.RESTRICTION) == [(f"监管限制 {one.id}", False, message)]
    assert form_check.missing_now(session, checked.case_no) == []


def test_the_applicant_is_told_what_can_be_mended_and_the_window_bound_by_materials_and_conditions(
    session: Session, case: Case
) -> None:
    give_guide(session, case, materials=WANTED[:1], conditions=CONDITIONS)
    case.conditions = {"new": False}
    session.get_one(Applicant, case.case_no).id_number = "362101195001010010"
    item = session.exec(select(ItemVersion).where(ItemVersion.code == "W-01")).one()
    item.areas, item.in_force_from = ["zhanggong"], date(2027, 1, 1)
    restrict(session, case)
    with freeze_time(ACCEPTED):
        failing = {one.rule for one in form_check.run(session, case, 0) if not one.passed}
    mendable = {Rule.MATERIAL, Rule.IDENTITY, Rule.CONDITION}
    assert failing == mendable | {Rule.TERRITORY, Rule.DATE, Rule.RESTRICTION}
    assert {one.rule for one in form_check.failing_now(session, case.case_no)} == mendable
    assert {one.rule for one in form_check.unmet_now(session, case.case_no)} == {Rule.MATERIAL, Rule.CONDITION}


@pytest.mark.parametrize("facts", [{"item_version": 99}, {"guide_version": 99}], ids=str)
def test_without_its_item_or_its_guide_a_case_is_not_checked(
    session: Session, case: Case, facts: dict[str, int]
) -> None:
    for name, value in facts.items():
        setattr(case, name, value)
    with pytest.raises(NotFound):
        form_check.run(session, case, 0)
    with pytest.raises(NotFound):
        form_check.missing_materials(session, case)


def test_without_an_applicant_a_case_is_not_checked(session: Session, case: Case) -> None:
    session.delete(session.get_one(Applicant, case.case_no))
    session.flush()
    with pytest.raises(NotFound):
        form_check.run(session, case, 0)
