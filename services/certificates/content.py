"""What a certificate states: entered with the decision, checked against the guide, and kept with the answer.

What the approver leaves out is taken from where the guide says, the former certificate or the guide's years, and is
printed with its source: nothing stands on a certificate that nobody said.
"""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from sqlmodel import Session

from catalog_data.certificate import PROJECT, CertificateField, CertificateFieldKind, CertificateRule
from models.case import Case, Verdict
from models.certificate import CertificateAction
from models.document import Certificate
from models.working_calendar import china_date
from services.catalogue import reference
from services.clock import product_now
from services.documents import certificate_rules
from services.errors import FieldProblem, InvalidInput
from services.journal import task_outcomes

CERTIFICATE: Final = certificate_rules.CERTIFICATE
LONGEST_VALUE: Final = 500
_FIELD: Final = f"values.{CERTIFICATE}"
_EXAMPLE: Final = "，示例，待市级单位核定"


class CertificateInput(BaseModel):
    """``values.certificate`` of a decision: the last day and the guide's fields by key."""

    model_config = ConfigDict(extra="forbid")

    valid_until: date | None = None
    fields: dict[str, Any] = Field(default_factory=dict)

    @field_validator("valid_until", mode="before")
    @classmethod
    def _empty_is_none(cls, value: object) -> object:
        return value or None


@dataclass(frozen=True)
class Proposed:
    """A value before anybody confirmed it, and where it comes from, as the paper would say it."""

    value: Any
    source: str


def settle(session: Session, case: Case, outcome: str, given: Any) -> dict[str, Any] | None:
    """Return the certificate's content as it is kept with the answer and printed; None where none is made.

    Raises:
        InvalidInput: a required field is missing, a value does not fit its kind, a field is unknown, or the last day
            is past, or later than the guide allows.
    """
    rule = certificate_rules.find_rule(session, case)
    if outcome != Verdict.APPROVE or rule is None or not rule.action.makes_certificate:
        if given and outcome == Verdict.APPROVE:
            raise InvalidInput([FieldProblem(_FIELD, "该事项的决定不产生证照")])
        return None
    entered = _read(given)
    former = _former(session, case)
    until, note, problems = _last_day(session, rule, former, entered.valid_until)
    defaults = _defaults(session, case, rule, former)
    kept = []
    for field in rule.fields:
        source, value = "", entered.fields.get(field.key)
        if field.key not in entered.fields and field.key in defaults:
            value, source = defaults[field.key].value, defaults[field.key].source
        if value in (None, ""):
            if field.required:
                problems.append(FieldProblem(f"{_FIELD}.fields.{field.key}", f"请填写{field.label}"))
            continue
        fault = _fault(field, value)
        if fault is not None:
            problems.append(FieldProblem(f"{_FIELD}.fields.{field.key}", fault))
            continue
        kept.append({"key": field.key, "label": field.label, "value": value, "unit": field.unit, "source": source})
    known = {field.key for field in rule.fields}
    problems += [
        FieldProblem(f"{_FIELD}.fields.{key}", "办事指南没有这一项证照内容")
        for key in entered.fields
        if key not in known
    ]
    if problems:
        raise InvalidInput(problems)
    return {"valid_until": until.isoformat() if until is not None else None, "validity_note": note, "fields": kept}


def form_components(session: Session, case: Case) -> list[dict[str, Any]]:
    """Return the form-js components that ask for the certificate's content; none where none is made."""
    rule = certificate_rules.find_rule(session, case)
    if rule is None or not rule.action.makes_certificate:
        return []
    _, note, _ = _last_day(session, rule, _former(session, case), None)
    day = {
        "id": "Field_CertificateValidUntil",
        "key": "valid_until",
        "type": "datetime",
        "subtype": "date",
        "dateLabel": "证照有效期至",
        "label": "证照有效期",
        "description": _day_hint(note),
    }
    fields = [_component(field) for field in rule.fields]
    inner = [day, *([_group("Group_CertificateFields", "fields", "", fields)] if fields else [])]
    group = _group("Group_Certificate", CERTIFICATE, "证照内容（印在决定书和证照上）", inner)
    return [{**group, "showOutline": True, "conditional": {"hide": '=outcome != "approve"'}}]


def form_data(session: Session, case: Case) -> dict[str, Any]:
    """Return what the form begins with: the guide's last day and what is known of the fields."""
    rule = certificate_rules.find_rule(session, case)
    if rule is None or not rule.action.makes_certificate:
        return {}
    former = _former(session, case)
    until, _, _ = _last_day(session, rule, former, None)
    known = {key: one.value for key, one in _defaults(session, case, rule, former).items()}
    return {CERTIFICATE: {**({"valid_until": until.isoformat()} if until is not None else {}), "fields": known}}


def _read(given: Any) -> CertificateInput:
    try:
        return CertificateInput.model_validate(given or {})
    except ValidationError as error:
        places = [".".join(str(part) for part in one["loc"]) for one in error.errors()]
        fields = dict.fromkeys(f"{_FIELD}.{place}" if place else _FIELD for place in places)
        message = "应为 {valid_until: YYYY-MM-DD, fields: {…}}"
        raise InvalidInput([FieldProblem(field, message) for field in fields]) from error


def _last_day(
    session: Session, rule: CertificateRule, former: Certificate | None, entered: date | None
) -> tuple[date | None, str, list[FieldProblem]]:
    """Return the last day, the note that tells where it comes from if nobody wrote it, and what is wrong with it."""
    today = china_date(product_now(session))
    latest, note = _by_rule(rule, former, today)
    if entered is None:
        return latest, note, []
    problem = None
    if entered < today:
        problem = "有效期不能早于今日"
    elif latest is not None and entered > latest:
        problem = f"不能晚于{latest}{note}"
    return entered, "", [FieldProblem(f"{_FIELD}.valid_until", problem)] if problem else []


def _by_rule(rule: CertificateRule, former: Certificate | None, today: date) -> tuple[date | None, str]:
    if former is not None and rule.action in (CertificateAction.CHANGE, CertificateAction.REPLACE):
        return former.valid_until, "（与原证照一致）" if former.valid_until is not None else ""
    validity = rule.validity
    if validity is None:
        return None, ""
    example = _EXAMPLE if validity.assumed else ""
    if validity.until is not None:
        return validity.until, f"（办事指南规定的日期{example}）"
    begins = today
    if rule.action is CertificateAction.RENEW and former is not None and former.valid_until is not None:
        begins = former.valid_until + timedelta(days=1)
    years = validity.years or 0
    return _years_later(begins, years) - timedelta(days=1), f"（按办事指南有效期{years}年计算{example}）"


def _years_later(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return date(day.year + years, 3, 1)


def _defaults(session: Session, case: Case, rule: CertificateRule, former: Certificate | None) -> dict[str, Proposed]:
    """Return what is known of the fields: from the former certificate, else from the application."""
    found: dict[str, Proposed] = {}
    guide = reference.guide(session, case.item_code, case.guide_version)
    questions = {one.key: one.question for one in guide.conditions} if guide is not None else {}
    for field in rule.fields:
        if field.source == PROJECT and case.project:
            found[field.key] = Proposed(case.project, "据申请的项目名称")
        elif field.condition is not None and case.conditions.get(field.condition) not in (None, ""):
            asked = questions.get(field.condition, field.condition)
            found[field.key] = Proposed(case.conditions[field.condition], f"据申请：{asked}")
    known = {field.key for field in rule.fields}
    for key, value in _stated_by(session, former).items():
        if key in known:
            found[key] = Proposed(value, "据原证照")
    return found


def _stated_by(session: Session, former: Certificate | None) -> dict[str, Any]:
    if former is None:
        return {}
    answer = task_outcomes.find(session, former.case_no, outcome=Verdict.APPROVE.value)
    stated = (answer.form_values.get(CERTIFICATE) if answer is not None else None) or {}
    return {one["key"]: one["value"] for one in stated.get("fields") or []}


def _former(session: Session, case: Case) -> Certificate | None:
    return session.get(Certificate, case.certificate_number) if case.certificate_number is not None else None


def _fault(field: CertificateField, value: Any) -> str | None:
    if field.kind is CertificateFieldKind.NUMBER:
        return None if isinstance(value, int | float) and not isinstance(value, bool) else "应为数字"
    if not isinstance(value, str):
        return "应为日期（YYYY-MM-DD）" if field.kind is CertificateFieldKind.DATE else "应为文字"
    if field.kind is CertificateFieldKind.DATE:
        try:
            date.fromisoformat(value)
        except ValueError:
            return "应为日期（YYYY-MM-DD）"
        return None
    return None if len(value) <= LONGEST_VALUE else f"不能超过{LONGEST_VALUE}字"


def _component(field: CertificateField) -> dict[str, Any]:
    component: dict[str, Any] = {
        "id": f"Field_Certificate_{field.key}",
        "key": field.key,
        "label": f"{field.label}（{field.unit}）" if field.unit else field.label,
        "type": {CertificateFieldKind.TEXT: "textfield", CertificateFieldKind.NUMBER: "number"}.get(
            field.kind, "datetime"
        ),
        "validate": {"required": field.required},
    }
    if field.kind is CertificateFieldKind.DATE:
        component |= {"subtype": "date", "dateLabel": component["label"]}
    if field.kind is CertificateFieldKind.TEXT:
        component["validate"]["maxLength"] = LONGEST_VALUE
    if field.assumed:
        component["description"] = "示例项目，待市级单位核定"
    return component


def _day_hint(note: str) -> str:
    if not note:
        return "办事指南没有规定有效期，可不填。"
    return f"默认值{note.strip('（）')}，可以提前，不能推后。"


def _group(name: str, path: str, label: str, components: list[dict[str, Any]]) -> dict[str, Any]:
    return {"id": name, "type": "group", "path": path, "label": label, "components": components}
