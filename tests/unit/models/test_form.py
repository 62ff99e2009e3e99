"""What a form-js form lets through."""

import pytest

from models.form import FormProblem, check_answer, outcomes

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
