"""A window clerk hands in a case (接件): pick the item, fill in the form, get number, query code and receipt."""

import secrets
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import ValidationError
from sqlmodel import Session
from starlette.datastructures import FormData

from api.pages import material_rows, words
from api.pages.item_heads import ItemHead, read_item
from api.pages.material_rows import MaterialRow
from api.pages.rendering import render
from api.pages.routing import PageRoute, see
from api.pages.visitors import CurrentVisitor, GuardedForm, PageDatabase, Visitor, text_of
from catalog_data.conditions import ConditionKind
from catalog_data.guide import Guide
from models.database import Database
from services.cases import submission
from services.cases.submission_input import CaseSubmission, SubmissionReceipt
from services.catalogue import in_force
from services.catalogue.in_force import ItemView
from services.certificates import naming
from services.errors import Conflict, FieldProblem, Forbidden, InvalidInput
from services.powers import agreements

APPLICANT_FIELDS: Final = ("kind", "name", "id_type", "id_number", "phone")
FIELD_LABELS: Final = {
    "area": "受理县区",
    "item": "事项",
    "applicant.kind": "申请人类型",
    "applicant.name": "姓名或名称",
    "applicant.id_type": "证件类型",
    "applicant.id_number": "证件号码",
    "applicant.phone": "联系电话",
    "project": "项目名称",
    "certificate_number": "原证照编号",
}
FIELD_MESSAGES: Final = {
    "applicant.kind": "请选择申请人类型",
    "applicant.name": "请填写申请人姓名或单位名称（不超过 200 字）",
    "applicant.id_type": "请选择证件类型",
    "applicant.id_number": "请填写证件号码",
    "applicant.phone": "请填写联系电话",
    "project": "项目名称不得超过 200 字",
    "certificate_number": "证照编号不得超过 64 字",
}

MAX_MAGNITUDE: Final = 15
"""Powers of ten a typed number may span; no condition asks for more."""

router = APIRouter(route_class=PageRoute)


@dataclass
class SubmissionForm:
    """What the form shows: fresh from the guide, or as it was sent."""

    area: str
    key: str
    applicant: dict[str, str]
    project: str
    certificate_number: str
    conditions: dict[str, str]
    materials: list[MaterialRow]
    problems: list[FieldProblem] = field(default_factory=list)
    conflict: Conflict | None = None

    @property
    def errors(self) -> dict[str, str]:
        """Return the first message of each field."""
        return {one.field: one.message for one in reversed(self.problems)}


@router.get("/cases/new")
def pick_item(
    request: Request,
    visitor: CurrentVisitor,
    database: PageDatabase,
    area: str = "",
    q: Annotated[str, Query(max_length=100)] = "",
) -> Response:
    """List the items the window may take, by mode; those without an agreement in force are shown locked."""
    chosen = _window_area(visitor, area)
    with database.reading() as session:
        items = _items(session, visitor, chosen, q)
    groups = [(mode, [one for one in items if one.mode is mode]) for mode in words.MODES]
    context = {"area": chosen, "q": q, "groups": [group for group in groups if group[1]], "total": len(items)}
    return render(request, "cases/pick.html", context)


@router.get("/cases/new/{code}")
def show_form(request: Request, code: str, visitor: CurrentVisitor, database: PageDatabase, area: str = "") -> Response:
    """Show the empty form of one item with the guide's questions and checklist."""
    chosen = _window_area(visitor, area)
    with database.reading() as session:
        item, guide = read_item(session, code, visitor.now.date())
    form = SubmissionForm(
        area=chosen,
        key=secrets.token_urlsafe(18),
        applicant={"kind": "organization", "name": "", "id_type": "uscc", "id_number": "", "phone": ""},
        project="",
        certificate_number="",
        conditions={},
        materials=material_rows.from_guide(guide.materials, words.MATERIAL_KINDS),
    )
    return _form_page(request, item, guide, form)


@router.get("/cases/new/{code}/certificate")
def look_up_certificate(
    request: Request,
    code: str,
    visitor: CurrentVisitor,
    database: PageDatabase,
    certificate_number: Annotated[str, Query(max_length=64)] = "",
) -> Response:
    """Return whose certificate a number is and whether this item can act on it, beside the field it is typed in."""
    with database.reading() as session:
        found = naming.look_up(session, visitor.actor, code, certificate_number) if certificate_number.strip() else None
    context = {"found": found, "asked": bool(certificate_number.strip())}
    return render(request, "cases/_certificate.html", context)


@router.post("/cases/new/{code}")
def submit(request: Request, code: str, visitor: CurrentVisitor, sent: GuardedForm, database: PageDatabase) -> Response:
    """Submit the case; when the form is sent twice, its own key leads to the same case."""
    with database.reading() as session:
        item, guide = read_item(session, code, visitor.now.date())
    form = _sent_form(sent, guide)
    submission.require_window(visitor.actor, form.area)
    try:
        receipt = _submit(database, visitor, form, code, guide)
    except InvalidInput as error:
        form.problems = error.problems
        return _form_page(request, item, guide, form, 422)
    except Conflict as error:
        form.conflict = error
        return _form_page(request, item, guide, form, 409)
    return see(f"/cases/{receipt.case_no}", "received")


def _submit(database: Database, visitor: Visitor, form: SubmissionForm, code: str, guide: Guide) -> SubmissionReceipt:
    body, problems = _body(form, code, guide)
    if problems or body is None:
        raise InvalidInput(problems)
    with database.transaction() as session:
        receipt, _created = submission.submit(session, visitor.actor, form.key, body)
    return receipt


def _window_area(visitor: Visitor, area: str) -> str:
    if not visitor.window_areas:
        raise Forbidden("只有县（市、区）综合窗口可以接件")
    if area and area not in visitor.window_areas:
        raise Forbidden("只能在本县区的综合窗口接件")
    return area or visitor.window_areas[0]


def _items(session: Session, visitor: Visitor, area: str, q: str) -> list[ItemView]:
    today = visitor.now.date()
    return in_force.list_items(
        session, on=today, area=area, q=q or None, agreements=agreements.pairs_in_force(session, today)
    )


def _sent_form(sent: FormData, guide: Guide) -> SubmissionForm:
    listed = material_rows.from_guide(guide.materials, words.MATERIAL_KINDS)
    return SubmissionForm(
        area=text_of(sent, "area"),
        key=text_of(sent, "key")[: submission.MAX_KEY_LENGTH] or secrets.token_urlsafe(18),
        applicant={name: text_of(sent, f"applicant.{name}") for name in APPLICANT_FIELDS},
        project=text_of(sent, "project"),
        certificate_number=text_of(sent, "certificate_number"),
        conditions={one.key: text_of(sent, f"conditions.{one.key}") for one in guide.conditions},
        materials=material_rows.from_form(sent, listed),
    )


def _body(form: SubmissionForm, code: str, guide: Guide) -> tuple[CaseSubmission | None, list[FieldProblem]]:
    conditions, problems = _answers(form, guide)
    materials, wrong = material_rows.to_inputs(form.materials)
    problems += wrong
    try:
        body = CaseSubmission.model_validate(
            {
                "item": code,
                "area": form.area,
                "applicant": form.applicant,
                "project": form.project,
                "certificate_number": form.certificate_number or None,
                "conditions": conditions,
                "materials": materials,
            }
        )
    except ValidationError as error:
        paths = [".".join(str(part) for part in one["loc"]) for one in error.errors()]
        problems = [FieldProblem(path, FIELD_MESSAGES.get(path, "内容有误")) for path in paths] + problems
        return None, problems
    return body, problems


def _answers(form: SubmissionForm, guide: Guide) -> tuple[dict[str, Any], list[FieldProblem]]:
    """Turn what was typed into answers; an empty one stays unanswered, for the form check shows it."""
    answers: dict[str, Any] = {}
    problems = []
    for condition in guide.conditions:
        text = form.conditions.get(condition.key, "")
        if not text:
            continue
        if condition.kind is ConditionKind.BOOLEAN:
            answers[condition.key] = text == "true"
        elif condition.kind is ConditionKind.NUMBER:
            number = _number(text)
            if number is None:
                problems.append(FieldProblem(f"conditions.{condition.key}", "请填写数字"))
            else:
                answers[condition.key] = number
        else:
            answers[condition.key] = text
    return answers, problems


def _number(text: str) -> int | float | None:
    try:
        value = Decimal(text)
    except InvalidOperation:
        return None
    if not value.is_finite() or abs(value.adjusted()) > MAX_MAGNITUDE:
        return None
    return int(value) if value == value.to_integral_value() else float(value)


def _form_page(request: Request, item: ItemHead, guide: Guide, form: SubmissionForm, status: int = 200) -> Response:
    questions = {f"conditions.{one.key}": one.question for one in guide.conditions}
    labels = FIELD_LABELS | questions
    for index, row in enumerate(form.materials):
        for part in ("name", "copies", "kind"):
            labels[f"materials.{index}.{part}"] = f"材料“{row.name}”"
    context = {
        "item": item,
        "guide": guide,
        "form": form,
        "labels": labels,
        "conflict_case": form.conflict.extra.get("case_no") if form.conflict else None,
    }
    return render(request, "cases/submit.html", context, status)
