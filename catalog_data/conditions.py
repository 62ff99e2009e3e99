"""Jurisdiction conditions (管辖条件): questions asked at acceptance to tell whether the item applies.

``expected`` by kind:

- ``boolean``: ``true`` or ``false``;
- ``choice``: the list of those ``options`` that belong to the item;
- ``number``: bounds joined by commas, all of which must hold, each an operator (``>=``, ``<=``, ``>``, ``<``,
  ``==``) and a decimal number: ``">=5000"``, ``">0,<=50"``. 以上 and 以下 include the number itself (民法典
  art. 1259).

``applies_when`` restricts a condition to certain answers to earlier ones: ``{project_kind: [改扩建]}``.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, StrictBool, model_validator

Answer = bool | int | float | str
_BOUND = re.compile(r"(>=|<=|==|>|<)\s*(-?[0-9]{1,15}(?:\.[0-9]{1,6})?)")
_LARGEST_ANSWER = Decimal(10) ** 15


class ConditionKind(StrEnum):
    """What an answer looks like."""

    BOOLEAN = "boolean"
    NUMBER = "number"
    CHOICE = "choice"


class ConditionStatus(StrEnum):
    """Where a condition stands with the answers given."""

    MET = "met"
    UNMET = "unmet"
    UNANSWERED = "unanswered"
    NOT_APPLICABLE = "not_applicable"


class Condition(BaseModel):
    """One condition; ``otherwise`` tells the clerk what an unmet one means, ``unit`` is a number's unit."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
    question: Annotated[str, Field(min_length=2)]
    kind: ConditionKind
    options: tuple[Annotated[str, Field(min_length=1)], ...] = ()
    expected: StrictBool | str | tuple[str, ...]
    unit: str = ""
    applies_when: dict[str, tuple[StrictBool | str, ...]] = {}
    otherwise: str = ""
    assumed: StrictBool = False

    @model_validator(mode="after")
    def _expected_fits_kind(self) -> Self:
        if self.kind is ConditionKind.CHOICE:
            if len(set(self.options)) < max(2, len(self.options)):
                raise ValueError("options 至少要有两个不同的选项")
            if not isinstance(self.expected, tuple) or not self.expected:
                raise ValueError("choice 的 expected 应为选项的列表")
            if strangers := [value for value in self.expected if value not in self.options]:
                raise ValueError(f"expected 不在 options 之中：{'、'.join(strangers)}")
            return self
        if self.options:
            raise ValueError("只有 choice 才有 options")
        if self.kind is ConditionKind.BOOLEAN and not isinstance(self.expected, bool):
            raise ValueError("boolean 的 expected 应为 true 或 false")
        if self.kind is ConditionKind.NUMBER and (
            not isinstance(self.expected, str) or not parse_bounds(self.expected)
        ):
            raise ValueError('number 的 expected 应写作 ">=5000" 或 ">0,<=50"')
        return self


@dataclass(frozen=True)
class ConditionResult:
    """One condition with its answer; ``message`` is what the clerk is shown, empty when all is well."""

    key: str
    question: str
    answer: Any
    status: ConditionStatus
    message: str


def parse_bounds(expected: str) -> tuple[tuple[str, Decimal], ...]:
    """Return the bounds of a number's ``expected``; an empty tuple when it does not follow the grammar."""
    bounds = []
    for part in expected.split(","):
        match = _BOUND.fullmatch(part.strip())
        if match is None:
            return ()
        bounds.append((match[1], Decimal(match[2])))
    return tuple(bounds)


def answer_error(condition: Condition, answer: Any) -> str | None:
    """Say what is wrong with an answer's type, or return ``None``; no answer is not an error."""
    if _unanswered(answer):
        return None
    match condition.kind:
        case ConditionKind.BOOLEAN:
            return None if isinstance(answer, bool) else "应回答是或否"
        case ConditionKind.NUMBER:
            return None if _as_number(answer) is not None else "应填写数字"
        case ConditionKind.CHOICE:
            listed = isinstance(answer, str) and answer in condition.options
            return None if listed else "应从所列选项中选择一项"


def evaluate(condition: Condition, answer: Any) -> bool | None:
    """Tell whether an answer meets the condition; ``None`` without a usable answer (see ``answer_error``)."""
    if _unanswered(answer) or answer_error(condition, answer) is not None:
        return None
    if condition.kind is ConditionKind.NUMBER:
        number = _as_number(answer)
        if number is None:
            return None
        bounds = parse_bounds(str(condition.expected))
        return all(_holds(number, operator, limit) for operator, limit in bounds)
    if isinstance(condition.expected, tuple):
        return answer in condition.expected
    return bool(answer == condition.expected)


def applies(condition: Condition, answers: Mapping[str, Any]) -> bool:
    """Tell whether a condition is asked at all, given the other answers."""
    return all(
        any(type(answers.get(key)) is type(value) and answers[key] == value for value in values)
        for key, values in condition.applies_when.items()
    )


def assess(conditions: Sequence[Condition], answers: Mapping[str, Any]) -> tuple[ConditionResult, ...]:
    """Return where every condition stands, in the guide's order."""
    return tuple(_assess_one(condition, answers) for condition in conditions)


def _assess_one(condition: Condition, answers: Mapping[str, Any]) -> ConditionResult:
    answer = answers.get(condition.key)
    if not applies(condition, answers):
        return ConditionResult(condition.key, condition.question, answer, ConditionStatus.NOT_APPLICABLE, "")
    met = evaluate(condition, answer)
    if met is None:
        message = answer_error(condition, answer) or "未填写"
        status = ConditionStatus.UNANSWERED
    elif met:
        message, status = "", ConditionStatus.MET
    else:
        message = condition.otherwise or "与本事项的管辖条件不符"
        status = ConditionStatus.UNMET
    return ConditionResult(condition.key, condition.question, answer, status, message)


def _unanswered(answer: Any) -> bool:
    return answer is None or (isinstance(answer, str) and not answer.strip())


def _as_number(answer: Any) -> Decimal | None:
    if isinstance(answer, bool) or not isinstance(answer, int | float | Decimal):
        return None
    if isinstance(answer, int) and abs(answer) > int(_LARGEST_ANSWER):
        return None
    number = Decimal(str(answer))
    return number if number.is_finite() and abs(number) <= _LARGEST_ANSWER else None


def _holds(number: Decimal, operator: str, limit: Decimal) -> bool:
    match operator:
        case ">=":
            return number >= limit
        case "<=":
            return number <= limit
        case ">":
            return number > limit
        case "<":
            return number < limit
        case _:
            return number == limit
