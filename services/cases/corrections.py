"""What the applicant is told to correct, all of it and once (一次性告知, 行政许可法 art. 32(1)(4)).

The clerk's list applies; without one, the findings of the form check do. What was told is kept with the answer,
so that the notice prints what the clerk confirmed and nothing else.
"""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, StringConstraints, TypeAdapter, ValidationError
from sqlmodel import Session, select

from models.case import Case, Material
from models.task_outcome import Outcome, TaskOutcome
from services.cases import form_check
from services.catalogue import reference
from services.errors import FieldProblem, InvalidInput

CORRECTIONS = "corrections"
"""The field of the acceptance form that lists them."""

_FIELD = f"values.{CORRECTIONS}"
Line = Annotated[str, StringConstraints(strip_whitespace=True, max_length=500)]


class CorrectionsRequired(InvalidInput):
    """A correction is asked for without saying what is to be corrected."""

    code, title, title_en = "corrections_required", "请列明需要补正的内容", "List what is to be corrected"


class Correction(BaseModel):
    """One thing to correct: about a material of the guide, a condition of it, or neither."""

    model_config = ConfigDict(extra="forbid")

    material: Line | None = None
    condition: Line | None = None
    text: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]

    def line(self) -> str:
        """Return it as the notice prints it."""
        about = self.material or self.condition
        return self.text if not about or about in self.text else f"{about}：{self.text}"


_ROWS = TypeAdapter(list[Correction])


def proposed(session: Session, case_no: str) -> list[Correction]:
    """Return what the latest form check found to correct, for the clerk to edit."""
    return [
        Correction(
            material=one.subject if one.rule == form_check.Rule.MATERIAL else None,
            condition=one.subject if one.rule == form_check.Rule.CONDITION else None,
            text=one.message,
        )
        for one in form_check.failing_now(session, case_no)
    ]


def settle(session: Session, case: Case, outcome: str, values: dict[str, Any]) -> dict[str, Any]:
    """Return the answer's values with the list that the notice will print; other outcomes carry none.

    Raises:
        CorrectionsRequired: the list is empty, or nothing was listed and the form check found nothing.
        InvalidInput: a row has no text, or names a material or a condition that the guide does not have.
    """
    given = values.get(CORRECTIONS)
    kept = {key: value for key, value in values.items() if key != CORRECTIONS}
    if outcome != Outcome.CORRECT:
        return kept
    rows = proposed(session, case.case_no) if given is None else _read(session, case, given)
    if not rows:
        raise CorrectionsRequired([FieldProblem(_FIELD, "请至少列明一项需要补正的内容")])
    return {**kept, CORRECTIONS: [one.model_dump() for one in rows]}


def told(session: Session, answer: TaskOutcome) -> list[str]:
    """Return the lines of a recorded answer's notice; one from before lists were kept gives the form check's."""
    rows = answer.form_values.get(CORRECTIONS)
    if rows is None:
        return [one.line() for one in proposed(session, answer.case_no)]
    return [one.line() for one in _ROWS.validate_python(rows)]


def _read(session: Session, case: Case, given: Any) -> list[Correction]:
    try:
        rows = _ROWS.validate_python(given)
    except ValidationError as error:
        places = [".".join(str(part) for part in one["loc"]) for one in error.errors()]
        fields = [f"{_FIELD}.{place}" if place else _FIELD for place in places]
        message = "应为 {material 或 condition, text} 的列表，text 不为空且不超过500字"
        raise InvalidInput([FieldProblem(field, message) for field in dict.fromkeys(fields)]) from error
    guide = reference.guide(session, case.item_code, case.guide_version)
    materials = {one.name for one in session.exec(select(Material).where(Material.case_no == case.case_no)).all()}
    conditions: set[str] = set()
    if guide is not None:
        materials |= {one.name for one in guide.materials}
        conditions = {name for one in guide.conditions for name in (one.key, one.question)}
    problems = []
    for place, row in enumerate(rows):
        if row.material and row.material not in materials:
            problems.append(FieldProblem(f"{_FIELD}.{place}.material", "办事指南和申请材料中没有这项材料"))
        if row.condition and row.condition not in conditions:
            problems.append(FieldProblem(f"{_FIELD}.{place}.condition", "办事指南中没有这项条件"))
    if problems:
        raise InvalidInput(problems)
    questions = {one.key: one.question for one in guide.conditions} if guide is not None else {}
    for row in rows:
        row.material = row.material or None
        row.condition = questions.get(row.condition, row.condition) if row.condition else None
    return rows
