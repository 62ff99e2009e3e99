"""A task as it is shown, with its form; and the body that completes it."""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field
from sqlmodel import Session, col, select

from models import form
from models.case import Applicant, Case
from models.identity import masked_name
from models.set_aside import SetAsideRecord
from models.task import FormVersion, Light, Task
from models.task_outcome import Outcome
from services.cases import corrections, form_check
from services.cases.submission_input import FileId
from services.certificates import content
from services.clock import product_now
from services.errors import Conflict
from services.process_cache import ProcessCache
from services.tasks import unit_assignment

FORM_FAULT: Final = "本环节的表单无法读取，暂时不能办理。请联系系统管理员改正并重新部署表单。"


class OutcomeView(BaseModel):
    """One answer a task can be completed with."""

    value: str
    label: str


class FormUnreadable(Conflict):
    """The engine names a form for the task that could not be read, so its possible outcomes are unknown."""

    code, title, title_en = "form_unreadable", "表单无法读取", "The task's form cannot be read"


class TaskView(BaseModel):
    """A task as lists show it."""

    id: str
    case_no: str
    element_id: str
    process_id: str
    name: str
    item_name: str
    area: str
    candidate_groups: list[str]
    assignee: str | None
    created_at: datetime
    due_at: datetime | None
    provisional: bool
    """The due instant rests on days whose holidays are not published yet (暂定)."""
    light: Light
    form_id: str | None
    form_fault: str | None
    """Why the task cannot be completed yet: the engine names a form for it that could not be read."""
    outcomes: list[OutcomeView]


class FormView(BaseModel):
    """A task's form: form-js schema and prefilled data."""

    schema_: dict[str, Any] = Field(alias="schema")
    data: dict[str, Any]

    model_config = ConfigDict(populate_by_name=True)


class TaskDetail(TaskView):
    """A task with its form and what led to it."""

    form: FormView | None
    status: str


class TaskCompletion(BaseModel):
    """The body of ``POST /tasks/{id}/complete``."""

    model_config = ConfigDict(extra="forbid")

    outcome: str = Field(min_length=1, max_length=64)
    opinion: str = Field(default="", max_length=4000)
    values: dict[str, Any] = Field(default_factory=dict)
    files: list[FileId] = Field(default_factory=list, max_length=50)
    """The files handed in with the opinion, by the ids that ``POST /files`` returned."""


def view(task: Task, forms: dict[int, FormVersion], now: datetime) -> TaskView:
    """Return a task as lists show it."""
    deployed = forms.get(task.form_key) if task.form_key is not None else None
    unreadable = task.form_key is not None and deployed is None
    offered = [] if unreadable else form.outcomes(deployed.definition if deployed else None)
    return TaskView(
        id=str(task.key),
        case_no=task.case_no or "",
        element_id=task.element_id,
        process_id=task.process_id,
        name=task.name,
        item_name=task.item_name,
        area=task.area,
        candidate_groups=task.candidate_groups,
        assignee=task.assignee,
        created_at=task.created_at,
        due_at=task.due_at,
        provisional=task.provisional,
        light=task.light(now),
        form_id=deployed.form_id if deployed else None,
        form_fault=FORM_FAULT if unreadable else None,
        outcomes=[OutcomeView(value=value, label=label) for value, label in offered],
    )


def view_now(session: Session, task: Task) -> TaskView:
    """Return a task as lists show it, with its form looked up."""
    return view(task, deployed_forms(session, [task]), product_now(session))


def deployed_forms(session: Session, rows: Iterable[Task]) -> dict[int, FormVersion]:
    """Return the forms of some tasks by form key.

    A version that could not be read (``models/set_aside.py``) is replaced by the next readable one: the engine binds a
    form when it opens the task, and a later correction does not reach it.
    """
    keys = {task.form_key for task in rows if task.form_key is not None}
    found = _FORMS.get_many(session, keys)
    unknown = keys - found.keys()
    return found | _replacements(session, unknown) if unknown else found


def _replacements(session: Session, keys: Collection[int]) -> dict[int, FormVersion]:
    unreadable = session.exec(
        select(SetAsideRecord.subject_key, SetAsideRecord.name).where(
            SetAsideRecord.value_type == "FORM", col(SetAsideRecord.subject_key).in_(keys)
        )
    ).all()
    found: dict[int, FormVersion] = {}
    for key, form_id in unreadable:
        later = select(FormVersion).where(FormVersion.form_id == form_id, col(FormVersion.form_key) > key)
        corrected = session.exec(later.order_by(col(FormVersion.form_key)).limit(1)).first()
        if key is not None and corrected is not None:
            found[key] = corrected
    return found


def _read_forms(session: Session, keys: Collection[int]) -> dict[int, FormVersion]:
    found = session.exec(select(FormVersion).where(col(FormVersion.form_key).in_(keys))).all()
    for one in found:
        session.expunge(one)
    return {one.form_key: one for one in found}


_FORMS = ProcessCache(_read_forms)
"""Every list asks for the outcomes of its tasks' forms."""


def schema_of(session: Session, task: Task) -> dict[str, Any] | None:
    """Return the schema of a task's form, None where it has none; raise ``FormUnreadable``."""
    if task.form_key is None:
        return None
    deployed = deployed_forms(session, [task]).get(task.form_key)
    if deployed is None:
        raise FormUnreadable(FORM_FAULT)
    return deployed.definition


def shown_form(session: Session, task: Task, definition: dict[str, Any]) -> FormView:
    """Return a task's form as it is filled in: a decision's asks for the content of the certificate too."""
    decides = Outcome.APPROVE in dict(form.outcomes(definition))
    extra = content.form_components(session, session.get_one(Case, task.case_no)) if decides else []
    schema = {**definition, "components": [*definition.get("components", []), *extra]} if extra else definition
    return FormView(schema_=schema, data=form_data(session, task, decides=decides))


def form_data(session: Session, task: Task, *, decides: bool = False) -> dict[str, Any]:
    """Return what a form may show: the case's public facts, the applicant masked."""
    case = session.get_one(Case, task.case_no)
    applicant = session.get(Applicant, task.case_no)
    return {
        "caseNo": case.case_no,
        "itemName": case.item_name,
        "project": case.project,
        "applicantName": masked_name(applicant.name) if applicant else "",
        **(_correction_data(session, case) if case.accepted_at is None else {}),
        **unit_assignment.proposed(session, task, case),
        **(content.form_data(session, case) if decides else {}),
    }


def _correction_data(session: Session, case: Case) -> dict[str, Any]:
    """Return what the form check found to correct, for the clerk to edit, and the materials it may be about."""
    proposed = corrections.proposed(session, case.case_no)
    names = dict.fromkeys([*form_check.wanted_materials(session, case), *(one.material for one in proposed)])
    return {
        corrections.CORRECTIONS: [{"material": one.material, "text": one.text} for one in proposed],
        "materialOptions": [{"label": name, "value": name} for name in names if name],
    }
