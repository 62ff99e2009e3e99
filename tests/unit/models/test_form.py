"""What a form-js form lets through."""

import pytest

from models.form import MAX_TEXT, FormProblem, check_answer, outcomes

SCHEMA = {
    "components": [
        {"type": "text", "text": "说明"},
        {
            "type": "radio",
            "key": "outcome",
            "values": [{"value": "approve", "label": "同意"}, {"value": "deny", "label": "不同意"}],
        },
        {"type": "textarea", "key": "opinion", "validate": {"maxLength": 5}},
        {
            "type": "group",
            "components": [
                {
                    "type": "number",
                    "key": "area",
                    "validate": {"required": True, "min": 1, "max": 9},
                    "defaultValue": 3,
                },
                {"type": "select", "key": "level", "values": [{"value": "a"}, {"value": "b"}]},
                {"type": "textfield", "key": "note", "validate": {"pattern": "^A"}},
                {"type": "datetime", "key": "day"},
                {"type": "checkbox", "key": "urgent"},
            ],
        },
    ]
}


def test_outcomes_come_in_the_order_of_the_radio_field() -> None:
    assert outcomes(SCHEMA) == [("approve", "同意"), ("deny", "不同意")]


def test_a_form_without_the_field_or_a_task_without_form_has_the_outcome_done() -> None:
    assert outcomes({"components": []}) == [("done", "完成")]
    assert outcomes(None) == [("done", "完成")]


def test_defaults_fill_required_fields_and_text_stays_out_of_the_engine() -> None:
    answer, problems = check_answer(SCHEMA, {"note": "A1", "level": "b"}, "")
    assert not problems
    assert answer.values == {"area": 3, "level": "b", "note": "A1"}
    assert answer.routing == {"area": 3, "level": "b", "day": None, "urgent": False}


def test_each_wrong_field_is_named() -> None:
    values = {"area": 10, "level": "c", "note": "B", "day": "yesterday", "urgent": "yes", "stray": 1}
    _, problems = check_answer(SCHEMA, values, "太长的意见了")
    assert {one.field for one in problems} == {
        "opinion",
        "values.area",
        "values.level",
        "values.note",
        "values.day",
        "values.urgent",
        "values.stray",
    }


REQUIRED = {"validate": {"required": True}}


@pytest.mark.parametrize("empty", [{}, {"level": None}, {"level": ""}], ids=["missing", "null", "blank"])
def test_a_required_field_left_empty_is_named(empty: dict[str, object]) -> None:
    schema = {"components": [{"type": "select", "key": "level", "values": [{"value": "a"}], **REQUIRED}]}
    answer, problems = check_answer(schema, empty, "")
    assert problems == [FormProblem("values.level", "必填")]
    assert "level" not in answer.values


def test_a_required_list_without_an_entry_is_empty() -> None:
    schema = {"components": [{"type": "checklist", "key": "parts", "values": [{"value": "a"}], **REQUIRED}]}
    assert check_answer(schema, {"parts": []}, "")[1] == [FormProblem("values.parts", "必填")]
    assert check_answer(schema, {"parts": ["a"]}, "")[1] == []


def test_a_required_opinion_is_asked_for_by_its_own_name() -> None:
    schema = {"components": [{"type": "textarea", "key": "opinion", **REQUIRED}]}
    assert check_answer(schema, {}, "")[1] == [FormProblem("opinion", "必填")]
    assert check_answer(schema, {}, "同意")[1] == []


def test_a_required_field_may_be_empty_where_the_form_may_hide_it() -> None:
    schema = {"components": [{"type": "textfield", "key": "why", "conditional": {"hide": "=urgent"}, **REQUIRED}]}
    assert check_answer(schema, {}, "")[1] == []


def test_no_and_zero_are_answers_to_a_required_field() -> None:
    schema = {
        "components": [{"type": "checkbox", "key": "urgent", **REQUIRED}, {"type": "number", "key": "area", **REQUIRED}]
    }
    answer, problems = check_answer(schema, {"urgent": False, "area": 0}, "")
    assert problems == []
    assert answer.routing == {"urgent": False, "area": 0}


@pytest.mark.parametrize(
    ("component", "value", "message"),
    [
        ({"type": "number", "validate": {"min": 1, "max": 9}}, 1, None),
        ({"type": "number", "validate": {"min": 1, "max": 9}}, 9, None),
        ({"type": "number", "validate": {"min": 1, "max": 9}}, 0.9, "不能小于1"),
        ({"type": "number", "validate": {"min": 1, "max": 9}}, 9.1, "不能大于9"),
        ({"type": "number", "validate": {"min": 0}}, -1, "不能小于0"),
        ({"type": "number"}, 1.5, None),
        ({"type": "number"}, "1", "应为数字"),
        ({"type": "number"}, False, "应为数字"),
        ({"type": "textfield", "validate": {"minLength": 2, "maxLength": 3}}, "甲", "不能少于2字"),
        ({"type": "textfield", "validate": {"minLength": 2, "maxLength": 3}}, "甲乙", None),
        ({"type": "textfield", "validate": {"minLength": 2, "maxLength": 3}}, "甲乙丙", None),
        ({"type": "textfield", "validate": {"minLength": 2, "maxLength": 3}}, "甲乙丙丁", "不能超过3字"),
        ({"type": "textarea"}, "字" * MAX_TEXT, None),
        ({"type": "textarea"}, "字" * (MAX_TEXT + 1), f"不能超过{MAX_TEXT}字"),
        ({"type": "textarea"}, 7, "应为文字"),
        ({"type": "textfield", "validate": {"pattern": "^A[0-9]$"}}, "A1", None),
        ({"type": "textfield", "validate": {"pattern": "^A[0-9]$"}}, "1A", "格式不正确"),
        ({"type": "checkbox"}, 1, "应为是或否"),
        ({"type": "checkbox"}, True, None),
        ({"type": "radio", "values": [{"value": "a"}]}, "b", "不在可选范围内"),
        ({"type": "taglist", "values": [{"value": "a"}]}, ["a", "b"], "不在可选范围内"),
        ({"type": "checklist", "values": [{"value": "a"}]}, "a", "应为列表"),
        ({"type": "select"}, "anything", None),
        ({"type": "datetime", "subtype": "date"}, "2026-09-21", None),
        ({"type": "datetime", "subtype": "date"}, "2026-02-30", "应为日期"),
        ({"type": "datetime", "subtype": "date"}, "20260921", "应为日期"),
        ({"type": "datetime", "subtype": "date"}, "2026-09-211", "应为日期"),
        ({"type": "datetime", "subtype": "date"}, 20260921, "应为日期"),
        ({"type": "datetime", "subtype": "datetime"}, "2026-09-21T10:30:00+08:00", None),
        ({"type": "datetime", "subtype": "datetime"}, "2026-09-21T25:30:00+08:00", "应为日期"),
        ({"type": "datetime", "subtype": "time"}, "10:30", None),
        ({"type": "datetime", "subtype": "time"}, "25:30", "应为时间"),
        ({"type": "datetime", "subtype": "time"}, "2026-09-21", "应为时间"),
        ({"type": "datetime", "subtype": "time"}, 10, "应为时间"),
    ],
)
def test_each_type_takes_what_its_rule_says_to_the_edge(
    component: dict[str, object], value: object, message: str | None
) -> None:
    answer, problems = check_answer({"components": [{"key": "it", **component}]}, {"it": value}, "")
    assert [one.message for one in problems] == ([] if message is None else [message])
    assert answer.values == ({"it": value} if message is None else {})


def test_a_field_the_form_does_not_have_is_refused_by_its_path() -> None:
    _, problems = check_answer({"components": []}, {"stray": 1}, "")
    assert problems == [FormProblem("values.stray", "表单中没有这个字段")]


def test_an_outcome_without_a_label_is_shown_by_its_value_and_one_field_alone_counts() -> None:
    unlabelled = {"type": "radio", "key": "outcome", "values": [{"value": "agree"}, "broken"]}
    assert outcomes({"components": [unlabelled]}) == [("agree", "agree")]
    assert outcomes({"components": [{**unlabelled, "values": []}]}) == [("done", "完成")]
    assert outcomes({"components": [{**unlabelled, "type": "select"}]}) == [("done", "完成")]
    assert outcomes({"components": [{**unlabelled, "key": "other"}]}) == [("done", "完成")]


def test_a_boolean_is_not_a_number() -> None:
    _, problems = check_answer(SCHEMA, {"area": True}, "")
    assert [one.field for one in problems] == ["values.area"]


def test_an_answer_left_empty_the_second_time_does_not_route_by_the_first() -> None:
    first, _ = check_answer(SCHEMA, {"level": "b", "urgent": True}, "")
    second, _ = check_answer(SCHEMA, {}, "")
    assert (first.routing["level"], first.routing["urgent"]) == ("b", True)
    assert (second.routing["level"], second.routing["urgent"]) == (None, False)
    assert second.values == {"area": 3}


def test_what_a_designer_may_draw_and_python_cannot_check_is_left_to_the_browser() -> None:
    schema = {
        "components": [
            {"type": "number", "key": "amount", "validate": {"min": "=least"}},
            {"type": "textfield", "key": "code", "validate": {"pattern": "[a-", "maxLength": "=longest"}},
            {"type": "datetime", "key": "hour", "subtype": "time"},
        ]
    }
    _, problems = check_answer(schema, {"amount": 1, "code": "A", "hour": "10:30"}, "")
    assert not problems


def test_a_component_type_without_a_rule_keeps_its_value_and_stays_out_of_the_engine() -> None:
    schema = {
        "components": [
            {"type": "expression", "key": "total", "expression": "=1+1"},
            {"type": "dynamiclist", "path": "people", "components": [{"type": "textfield", "key": "who"}]},
            {"type": "html", "key": "note"},
        ]
    }
    answer, problems = check_answer(schema, {"total": 2, "people": [{"who": "甲"}], "note": "x"}, "")
    assert answer.values == {"total": 2, "people": [{"who": "甲"}]}
    assert answer.routing == {}
    assert [one.field for one in problems] == ["values.note"]
