"""The rules of a form-js form: its outcomes, its fields, and the validation of answers.

Source: the form-js schema (components with ``key``, ``type``, ``validate``, ``values``, ``defaultValue``).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from models.protocol import OUTCOME

OPINION = "opinion"
DEFAULT_OUTCOMES = (("done", "完成"),)
ROUTING_TYPES = frozenset({"radio", "select", "checkbox", "number", "datetime"})
"""Types whose values go to the engine; text stays in the database."""
INPUT_TYPES = ROUTING_TYPES | {"textfield", "textarea", "checklist", "taglist"}
MAX_TEXT = 10_000
PLAIN_DAY = re.compile(r"\d{4}-\d{2}-\d{2}(?!\d)", re.ASCII)
PRESENTATION_TYPES = frozenset({"text", "html", "image", "button", "separator", "spacer", "iframe"})
"""Types that only display and take no input."""


@dataclass(frozen=True)
class FormProblem:
    """A field and what is wrong with its value."""

    field: str
    message: str


@dataclass(frozen=True)
class Answer:
    """An accepted answer: every value, and those a process may route on."""

    values: dict[str, Any]
    routing: dict[str, Any]


def outcomes(schema: dict[str, Any] | None) -> list[tuple[str, str]]:
    """Return the outcomes (value, label) in order; a form without the field has the one outcome ``done``."""
    for component in fields(schema):
        if component["key"] == OUTCOME and component.get("type") == "radio":
            found = [(str(v.get("value")), str(v.get("label") or v.get("value"))) for v in _options(component)]
            return found or list(DEFAULT_OUTCOMES)
    return list(DEFAULT_OUTCOMES)


def fields(schema: dict[str, Any] | None) -> Iterator[dict[str, Any]]:
    """Yield the components that take input, groups opened; a dynamic list answers under its own name, as a list."""
    stack = list((schema or {}).get("components") or [])[::-1]
    while stack:
        component = stack.pop()
        if component.get("components") and component.get("type") != "dynamiclist":
            stack.extend(component["components"][::-1])
        if component.get("key") and component.get("type") in INPUT_TYPES:
            yield component


def check_answer(
    schema: dict[str, Any] | None, values: dict[str, Any], opinion: str
) -> tuple[Answer, list[FormProblem]]:
    """Fill in defaults and check every field but the outcome; a value no component asks for is refused.

    A field left empty routes as null (an unticked checkbox as false), so that a second round through the same step is
    not routed by the first round's answer. Values of component types without a rule here (a computed field, a repeated
    group, one from a newer form-js) are kept as given and never reach the engine.
    """
    problems: list[FormProblem] = []
    known = {OUTCOME, OPINION}
    accepted = {key: values[key] for key in _unruled(schema) if key in values and key not in known}
    known |= accepted.keys()
    routing: dict[str, Any] = {}
    for component in fields(schema):
        key = component["key"]
        known.add(key)
        if key == OUTCOME:
            continue
        value = opinion if key == OPINION else values.get(key, component.get("defaultValue"))
        if value in (None, "", []):
            required = (component.get("validate") or {}).get("required")
            if required and not (component.get("conditional") or {}).get("hide"):
                problems.append(FormProblem(_path(key), "必填"))
            if component["type"] in ROUTING_TYPES:
                routing[key] = False if component["type"] == "checkbox" else None
            continue
        message = _value_error(component, value)
        if message is not None:
            problems.append(FormProblem(_path(key), message))
        elif key != OPINION:
            accepted[key] = value
            if component["type"] in ROUTING_TYPES:
                routing[key] = value
    problems.extend(FormProblem(f"values.{key}", "表单中没有这个字段") for key in values if key not in known)
    return Answer(accepted, routing), problems


def _unruled(schema: dict[str, Any] | None) -> Iterator[str]:
    """Yield the top-level keys under which components without a rule may answer."""
    for component in (schema or {}).get("components") or []:
        if component.get("type") not in INPUT_TYPES | PRESENTATION_TYPES:
            name = component.get("key") or component.get("path")
            if name:
                yield str(name)


def _path(key: str) -> str:
    return OPINION if key == OPINION else f"values.{key}"


def _options(component: dict[str, Any]) -> list[dict[str, Any]]:
    return [option for option in component.get("values") or [] if isinstance(option, dict)]


def _value_error(component: dict[str, Any], value: Any) -> str | None:
    kind = component["type"]
    if kind in ("textfield", "textarea"):
        return _text_error(component.get("validate") or {}, value)
    if kind == "number":
        return _number_error(component.get("validate") or {}, value)
    if kind == "checkbox":
        return None if isinstance(value, bool) else "应为是或否"
    if kind == "datetime":
        return _datetime_error(component.get("subtype"), value)
    allowed = [option.get("value") for option in _options(component)]
    chosen = value if kind in ("checklist", "taglist") else [value]
    if not isinstance(chosen, list):
        return "应为列表"
    return None if not allowed or all(one in allowed for one in chosen) else "不在可选范围内"


def _limit(rules: dict[str, Any], name: str) -> float | None:
    """Return a literal limit; an expression is left to the form in the browser."""
    try:
        return float(rules[name])
    except (KeyError, TypeError, ValueError):
        return None


def _text_error(rules: dict[str, Any], value: Any) -> str | None:
    if not isinstance(value, str):
        return "应为文字"
    longest, shortest = _limit(rules, "maxLength"), _limit(rules, "minLength")
    if len(value) > (longest or MAX_TEXT):
        return f"不能超过{longest or MAX_TEXT:.0f}字"
    if shortest is not None and len(value) < shortest:
        return f"不能少于{shortest:.0f}字"
    return None if _matches(rules.get("pattern"), value) else "格式不正确"


def _matches(pattern: Any, value: str) -> bool:
    """Tell whether the text fits; a pattern Python cannot read is left to the form in the browser."""
    try:
        return not pattern or re.search(pattern, value) is not None
    except (re.error, TypeError):
        return True


def _number_error(rules: dict[str, Any], value: Any) -> str | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "应为数字"
    lowest, highest = _limit(rules, "min"), _limit(rules, "max")
    if lowest is not None and value < lowest:
        return f"不能小于{rules['min']}"
    if highest is not None and value > highest:
        return f"不能大于{rules['max']}"
    return None


def _datetime_error(subtype: Any, value: Any) -> str | None:
    fault = "应为时间" if subtype == "time" else "应为日期"
    if not isinstance(value, str):
        return fault
    if subtype != "time" and not PLAIN_DAY.match(value):
        return fault
    for parse in (time.fromisoformat,) if subtype == "time" else (date.fromisoformat, datetime.fromisoformat):
        try:
            parse(value)
        except ValueError:
            continue
        return None
    return fault
