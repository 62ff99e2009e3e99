"""Answers to jurisdiction conditions: typed, bounded, and judged only when they are usable."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from catalog_data import load_catalogue
from catalog_data.conditions import Condition, ConditionStatus, answer_error, applies, assess, evaluate


def condition(kind: str, expected: Any, **more: Any) -> Condition:
    return Condition.model_validate({"key": "one", "question": "条件？", "kind": kind, "expected": expected, **more})


PIGS = condition("number", ">=5000", unit="头")
DAM = condition("number", ">0,<=50", unit="米")
CITY = condition("boolean", True)
KIND = condition("choice", ["抵押"], options=["转让", "出租", "抵押"])


@pytest.mark.parametrize(("answer", "met"), [(5000, True), (4999, False), (4999.99, False), (5000.0, True)])
def test_a_bound_includes_the_number_itself(answer: float, met: bool) -> None:
    assert evaluate(PIGS, answer) is met


@pytest.mark.parametrize(("answer", "met"), [(50, True), (50.01, False), (0, False), (0.1, True), (-3, False)])
def test_all_bounds_of_a_number_must_hold(answer: float, met: bool) -> None:
    assert evaluate(DAM, answer) is met


@pytest.mark.parametrize("one", [PIGS, CITY, KIND])
@pytest.mark.parametrize("answer", [None, "", "  "])
def test_no_answer_is_neither_wrong_nor_judged(one: Condition, answer: Any) -> None:
    assert evaluate(one, answer) is None
    assert answer_error(one, answer) is None


@pytest.mark.parametrize(
    ("one", "answer"),
    [
        (PIGS, "6000"), (PIGS, True), (PIGS, math.nan), (PIGS, math.inf), (PIGS, [6000]), (PIGS, 10**400),
        (CITY, "true"), (CITY, 1), (CITY, 0), (KIND, "质押"), (KIND, ["抵押"]), (KIND, True), (KIND, {"抵押": 1}),
    ],
)  # fmt: skip
def test_an_answer_of_the_wrong_type_is_an_error_and_not_judged(one: Condition, answer: Any) -> None:
    assert answer_error(one, answer)
    assert evaluate(one, answer) is None


def test_a_choice_is_met_by_the_options_that_belong_to_the_item() -> None:
    assert evaluate(KIND, "抵押") is True
    assert evaluate(KIND, "转让") is False


def test_a_boolean_can_expect_no() -> None:
    assert evaluate(condition("boolean", False), False) is True
    assert evaluate(condition("boolean", False), True) is False


@pytest.mark.parametrize("expected", ["5000", ">=", "=>5", ">=5头", ">=5;<=6", "", ">=５", ">=1,"])
def test_a_number_outside_the_grammar_is_refused(expected: str) -> None:
    with pytest.raises(ValidationError):
        condition("number", expected)


@pytest.mark.parametrize("options", [[], ["抵押"], ["抵押", "抵押"]])
def test_a_choice_needs_two_different_options(options: list[str]) -> None:
    with pytest.raises(ValidationError):
        condition("choice", ["抵押"], options=options)


@given(st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.lists(st.integers())))
def test_whatever_is_answered_is_judged_error_or_unanswered_and_never_fails(answer: Any) -> None:
    for one in (PIGS, DAM, CITY, KIND):
        judged = evaluate(one, answer)
        assert judged is None or answer_error(one, answer) is None


def status_of(item: str, answers: dict[str, Any]) -> dict[str, ConditionStatus]:
    return {one.key: one.status for one in assess(load_catalogue().guides[item].conditions, answers)}


def test_a_small_pig_farm_does_not_belong_to_the_item() -> None:
    large, sensitive, neither = load_catalogue().guides["S-27"].conditions[0].options
    assert status_of("S-27", {"project_kind": large, "annual_pigs": 4999})["annual_pigs"] is ConditionStatus.UNMET
    assert status_of("S-27", {"project_kind": large, "annual_pigs": 5000})["annual_pigs"] is ConditionStatus.MET
    assert status_of("S-27", {"project_kind": large})["annual_pigs"] is ConditionStatus.UNANSWERED
    assert status_of("S-27", {"project_kind": neither})["project_kind"] is ConditionStatus.UNMET
    in_sensitive_area = status_of("S-27", {"project_kind": sensitive, "annual_pigs": 10})
    assert in_sensitive_area == {
        "project_kind": ConditionStatus.MET,
        "annual_pigs": ConditionStatus.NOT_APPLICABLE,
    }


def test_a_question_is_asked_only_after_the_answer_it_depends_on() -> None:
    cross_county = next(one for one in load_catalogue().guides["W-40"].conditions if one.key == "cross_county")
    assert applies(cross_county, {"project_kind": "(一)跨县(区)行政区域的项目"})
    assert not applies(cross_county, {"project_kind": "(三)印刷电路板项目"})
    assert not applies(cross_county, {})
    assert not applies(cross_county, {"project_kind": ["(一)跨县(区)行政区域的项目"]})


def test_an_unmet_condition_tells_the_clerk_what_it_means() -> None:
    result = assess(load_catalogue().guides["S-28"].conditions, {"application_kind": "新办"})[0]
    assert result.status is ConditionStatus.UNMET
    assert "W-38" in result.message
