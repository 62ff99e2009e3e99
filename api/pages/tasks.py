"""The task list (待办任务) and the page of one task."""

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import ValidationError

from api.pages import form_checks, words
from api.pages.addresses import query_of
from api.pages.material_rows import PickedFile, picked_files
from api.pages.rendering import render, render_changed
from api.pages.routing import PageRoute, see
from api.pages.visitors import CurrentVisitor, GuardedForm, PageDatabase, RowKey, Visitor, text_of
from api.uploads import FileStore
from models.database import Database
from models.task import Light
from models.task_outcome import Outcome
from services.casefile import whole_case
from services.casefile.views import CaseView
from services.cases.form_check import FormCheckUnmet
from services.errors import FieldProblem, InvalidInput
from services.paging import Page
from services.tasks import answering, assignment, worklist
from services.tasks.views import TaskCompletion, TaskDetail, TaskView

PAGE_SIZE: Final = 30
TASK_OPEN: Final = "open"

home = APIRouter(route_class=PageRoute)
router = APIRouter(route_class=PageRoute)


class Tab(StrEnum):
    """Whose tasks are listed."""

    MINE = "mine"
    GROUP = "group"


@dataclass(frozen=True)
class TaskListContext:
    """What the task list shows."""

    tab: Tab
    light: Light | None
    q: str
    page: Page[TaskView]
    counts: dict[str, int]
    first: bool

    def link(self, **changes: str | None) -> str:
        """Return the list's address with some of its choices changed; a cursor never survives a change."""
        chosen = {"scope": self.tab.value, "light": self.light.value if self.light else None, "q": self.q or None}
        chosen.update(changes)
        return query_of(chosen)


@home.get("/")
def show_tasks(
    request: Request,
    visitor: CurrentVisitor,
    database: PageDatabase,
    scope: Tab = Tab.GROUP,
    light: Annotated[str, Query()] = "",
    q: Annotated[str, Query(max_length=100)] = "",
    cursor: str | None = None,
) -> Response:
    """Show the task list; an administrator, who has no tasks, is sent to the page with an administrator's work."""
    if visitor.start is not None:
        return RedirectResponse(visitor.start, status_code=303)
    context = _listed(database, visitor, scope, light, q, cursor)
    return render(request, "tasks/list.html", {"list": context})


@router.get("/tasks/fresh")
def refresh_tasks(
    request: Request,
    visitor: CurrentVisitor,
    database: PageDatabase,
    scope: Tab = Tab.GROUP,
    light: Annotated[str, Query()] = "",
    q: Annotated[str, Query(max_length=100)] = "",
) -> Response:
    """Return the list alone for the page's poll, or nothing when it has not changed."""
    return render_changed(request, "tasks/_list.html", {"list": _listed(database, visitor, scope, light, q, None)})


@router.get("/tasks/{key}")
def show_task(
    request: Request, key: RowKey, visitor: CurrentVisitor, database: PageDatabase, notice: str = ""
) -> Response:
    """Show one task: its form and the case beside it."""
    return _task_page(request, database, visitor, key, notice=words.NOTICES.get(notice, ""))


@router.post("/tasks/{key}/claim")
def claim(
    request: Request, key: RowKey, visitor: CurrentVisitor, _form: GuardedForm, database: PageDatabase
) -> Response:
    """Take a task; from the list only its row comes back."""
    with database.transaction() as session:
        view = assignment.claim(session, visitor.actor, key)
        counts = worklist.count_tasks(session, visitor.actor)
    if request.headers.get("HX-Request") == "true":
        return render(request, "tasks/_claimed.html", {"task": view, "counts": counts})
    return see(f"/tasks/{key}")


@router.post("/tasks/{key}/release")
def release(key: RowKey, visitor: CurrentVisitor, _form: GuardedForm, database: PageDatabase) -> Response:
    """Give a task back to its groups."""
    with database.transaction() as session:
        assignment.release(session, visitor.actor, key)
    return see(f"/tasks/{key}", "released")


@router.post("/tasks/{key}/transfer")
def transfer(
    request: Request, key: RowKey, visitor: CurrentVisitor, form: GuardedForm, database: PageDatabase
) -> Response:
    """Hand a task to another candidate."""
    to, reason = text_of(form, "to"), text_of(form, "reason")
    try:
        problems = []
        if not to:
            problems.append(FieldProblem("to", "请填写接办人的用户名"))
        if not reason:
            problems.append(FieldProblem("reason", "请填写转交原因"))
        if problems:
            raise InvalidInput(problems)
        with database.transaction() as session:
            assignment.reassign(session, visitor.actor, key, to, reason)
    except InvalidInput as error:
        sent = {"to": to, "reason": reason}
        return _task_page(request, database, visitor, key, transfer_problems=error.problems, transfer=sent)
    return see("/", "transferred")


@router.post("/tasks/{key}/complete")
def complete(
    request: Request,
    key: RowKey,
    visitor: CurrentVisitor,
    form: GuardedForm,
    database: PageDatabase,
    store: FileStore,
) -> Response:
    """Record the answer and show the case, where the next step appears."""
    answer, files = _answer(text_of(form, "answer")), picked_files(form, "files")
    try:
        given = _completion(answer, files)
        done = answering.answer(database, store, visitor.actor, key, given)
    except (InvalidInput, FormCheckUnmet) as error:
        return _task_page(request, database, visitor, key, problems=error.problems, answer=answer, files=files)
    return see(f"/cases/{done.case_no}", "submitted")


def _listed(database: Database, visitor: Visitor, tab: Tab, light: str, q: str, cursor: str | None) -> TaskListContext:
    colour = Light(light) if light in set(Light) else None
    with database.reading() as session:
        page = worklist.list_tasks(
            session,
            visitor.actor,
            scope=tab.value,
            q=q.strip() or None,
            light=colour,
            cursor=cursor or None,
            limit=PAGE_SIZE,
        )
        counts = worklist.count_tasks(session, visitor.actor)
    return TaskListContext(tab, colour, q.strip(), page, counts, first=not cursor)


def _task_page(
    request: Request,
    database: Database,
    visitor: Visitor,
    key: int,
    *,
    notice: str = "",
    problems: list[FieldProblem] | None = None,
    answer: dict[str, Any] | None = None,
    transfer_problems: list[FieldProblem] | None = None,
    transfer: dict[str, str] | None = None,
    files: tuple[PickedFile, ...] = (),
) -> Response:
    with database.transaction() as session:
        task = worklist.get_task(session, visitor.actor, key)
        case = whole_case.get_case(session, visitor.actor, task.case_no)
    labels = _field_labels(task.form.schema_ if task.form else None)
    context = {
        "task": task,
        "case": case,
        "check": form_checks.latest(case),
        "open": task.status == TASK_OPEN,
        "mine": task.assignee == visitor.actor.username,
        "free": task.assignee is None,
        "form_payload": _form_payload(task, answer, problems or []),
        "problems": [(labels.get(one.field, one.field), one) for one in problems or []],
        "transfer_problems": {one.field: one.message for one in transfer_problems or []},
        "transfer": transfer or {"to": "", "reason": ""},
        "notice": notice,
        "files": files,
        "returned": _returned(case),
    }
    return render(request, "tasks/detail.html", context, 422 if problems or transfer_problems else 200)


def _form_payload(
    task: TaskDetail, answer: dict[str, Any] | None, problems: list[FieldProblem]
) -> dict[str, Any] | None:
    """Return what the browser's form viewer needs: schema, data, what was sent before and what was wrong with it."""
    if task.form is None:
        return None
    return {
        "schema": task.form.schema_,
        "data": {**task.form.data, **(answer or {})},
        "errors": [{"field": one.field.removeprefix("values."), "message": one.message} for one in problems],
    }


def _field_labels(schema: dict[str, Any] | None) -> dict[str, str]:
    labels = {"outcome": "办理结果", "opinion": "意见或理由", "materials": "申请材料", "conditions": "办理条件"}

    def collect(components: list[dict[str, Any]]) -> None:
        for component in components:
            label = component.get("label") or component.get("dateLabel") or component.get("timeLabel")
            name = component.get("key") or component.get("path")
            if name and label:
                labels[name] = labels[f"values.{name}"] = str(label)
            collect(component.get("components", []))

    collect((schema or {}).get("components", []))
    return labels


def _answer(text: str) -> dict[str, Any]:
    """Return the browser's answer: the form's data as one object."""
    try:
        answer = json.loads(text or "{}", parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise InvalidInput([FieldProblem("outcome", "表单内容无法读取，请重新填写")]) from error
    if not isinstance(answer, dict):
        raise InvalidInput([FieldProblem("outcome", "表单内容无法读取，请重新填写")])
    return answer


def _refuse_constant(name: str) -> None:
    """Refuse NaN and the infinities, which are not JSON."""
    raise ValueError(name)


def _completion(answer: dict[str, Any], files: tuple[PickedFile, ...]) -> TaskCompletion:
    values = dict(answer)
    outcome, opinion = values.pop("outcome", "done"), values.pop("opinion", "") or ""
    try:
        return TaskCompletion(outcome=outcome, opinion=opinion, values=values, files=[one.id for one in files])
    except ValidationError as error:
        names = {str(one["loc"][0]) for one in error.errors() if one["loc"]}
        messages = {"outcome": "请选择办理结果", "opinion": "意见不得超过 4000 字", "files": "附件过多，请合并后上传"}
        raise InvalidInput([FieldProblem(name, messages.get(name, "内容有误")) for name in sorted(names)]) from error


def _returned(case: CaseView) -> str:
    """Return why the case came back, when the latest answer sent it back."""
    standing = [one for one in case.opinions if not one.overtaken]
    if not standing or standing[-1].outcome != Outcome.RETURN:
        return ""
    return standing[-1].opinion or "（未填写原因）"
