"""Policy notices (政策文件告知): the list, one notice with its read receipts, and the form that issues one."""

from collections.abc import AsyncIterator
from datetime import date
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response
from starlette.datastructures import FormData, UploadFile

from api.downloads import file_headers, pdf_named
from api.pages import words
from api.pages.rendering import render
from api.pages.routing import PageRoute, see
from api.pages.visitors import (
    CurrentVisitor,
    GuardedForm,
    PageDatabase,
    RowKey,
    guarded_form,
    require,
    text_of,
)
from models.policy import LEVEL_LABELS, PolicyLevel
from services.accounts import supervision_rights
from services.errors import FieldProblem, InvalidInput
from services.supervision import letters, policy_ledger, policy_notices

PAGE_SIZE: Final = 30
FORM_BYTES: Final = 64 * 1024
"""How many bytes the form's other fields may take."""

router = APIRouter(route_class=PageRoute)


async def _form_with_file(request: Request, visitor: CurrentVisitor) -> AsyncIterator[FormData]:
    """Read the posted form with at most one document; a body too long for one is refused before it is read."""
    declared = request.headers.get("content-length", "")
    if not declared.isdecimal() or int(declared[:20]) > policy_notices.MAX_FILE_BYTES + FORM_BYTES:
        raise InvalidInput([FieldProblem("file", f"附件不能超过{policy_notices.MAX_FILE_BYTES // 1024 // 1024} MB")])
    async with request.form(max_files=1) as form:
        yield guarded_form(request, visitor, form)


FormWithFile = Annotated[FormData, Depends(_form_with_file)]


@router.get("/policy-notices")
def show_notices(
    request: Request,
    visitor: CurrentVisitor,
    database: PageDatabase,
    level: str = "",
    item: Annotated[str, Query(max_length=16)] = "",
    pending: str = "",
    cursor: str | None = None,
) -> Response:
    """List the notices, newest first."""
    wanted = PolicyLevel(level) if level in set(PolicyLevel) else None
    with database.reading() as session:
        page = policy_ledger.list_notices(
            session,
            visitor.actor,
            item=item.strip().upper() or None,
            level=wanted,
            pending=bool(pending),
            cursor=cursor or None,
            limit=PAGE_SIZE,
        )
    context = {
        "page": page,
        "levels": LEVEL_LABELS,
        "level": wanted.value if wanted else "",
        "item": item.strip(),
        "pending": bool(pending),
        "first": not cursor,
        "may_issue": supervision_rights.may_issue_notice(visitor.actor),
    }
    return render(request, "supervision/policy_notices.html", context)


@router.get("/policy-notices/count")
def count_unread(request: Request, visitor: CurrentVisitor, database: PageDatabase) -> Response:
    """Return the badge of the menu: the notices the visitor has yet to acknowledge."""
    with database.reading() as session:
        count = policy_ledger.count_unread(session, visitor.actor)
    return render(request, "notifications/_count.html", {"count": count, "most": policy_ledger.COUNTED})


@router.get("/policy-notices/new")
def show_form(request: Request, visitor: CurrentVisitor) -> Response:
    """Show the form that registers a policy document."""
    require(lambda who: supervision_rights.may_issue_notice(who.actor), visitor)
    return _form_page(request, {}, [])


@router.post("/policy-notices")
def issue(request: Request, visitor: CurrentVisitor, form: FormWithFile, database: PageDatabase) -> Response:
    """Register a policy document and notify its approvers."""
    require(lambda who: supervision_rights.may_issue_notice(who.actor), visitor)
    upload = form.get("file")
    content = upload.file.read() if isinstance(upload, UploadFile) and upload.filename else None
    given = {name: text_of(form, name) for name in ("title", "level", "published_on", "items")}
    try:
        fields = _fields(given)
        with database.transaction() as session:
            notice = policy_notices.issue(
                session,
                visitor.actor,
                **fields,
                file_name=upload.filename if isinstance(upload, UploadFile) else None,
                content=content,
            )
    except InvalidInput as error:
        return _form_page(request, given, error.problems)
    return see(f"/policy-notices/{notice.id}", "notice_issued")


@router.get("/policy-notices/{key}")
def show_notice(
    request: Request, key: RowKey, visitor: CurrentVisitor, database: PageDatabase, notice: str = ""
) -> Response:
    """Show one notice (政策文件告知函)."""
    with database.reading() as session:
        shown = policy_ledger.view(session, policy_ledger.get_for_update(session, key))
    unread = [one.group for one in shown.recipients if one.acknowledged_at is None]
    context = {
        "one": shown,
        "levels": LEVEL_LABELS,
        "may_acknowledge": supervision_rights.may_acknowledge(visitor.actor, unread),
        "notice": words.NOTICES.get(notice, ""),
    }
    return render(request, "supervision/policy_notice.html", context)


@router.get("/policy-notices/{key}/letter")
def show_letter(key: RowKey, visitor: CurrentVisitor, database: PageDatabase) -> Response:
    """Return the notice as a letter."""
    with database.reading() as session:
        return pdf_named(letters.draw_policy_letter(session, key), f"policy-{key}.pdf", f"政策文件告知函-{key}.pdf")


@router.get("/policy-notices/{key}/file")
def get_file(key: RowKey, visitor: CurrentVisitor, database: PageDatabase) -> Response:
    """Return the policy document as it was handed in."""
    with database.reading() as session:
        file = policy_ledger.file_of(session, key)
        name, content = file.name, file.content
    return Response(content, media_type="application/octet-stream", headers=file_headers(name))


@router.post("/policy-notices/{key}/acknowledge")
def acknowledge(key: RowKey, visitor: CurrentVisitor, _form: GuardedForm, database: PageDatabase) -> Response:
    """Acknowledge the notice for the visitor's groups."""
    with database.transaction() as session:
        policy_notices.acknowledge(session, visitor.actor, key)
    return see(f"/policy-notices/{key}", "notice_acknowledged")


def _fields(given: dict[str, str]) -> dict[str, Any]:
    problems = []
    if given["level"] not in set(PolicyLevel):
        problems.append(FieldProblem("level", "请选择文件级别"))
    try:
        published_on = date.fromisoformat(given["published_on"])
    except ValueError:
        problems.append(FieldProblem("published_on", "请填写印发日期"))
    if problems:
        raise InvalidInput(problems)
    codes = given["items"].upper().replace("，", " ").replace("、", " ").replace(",", " ").split()
    return {
        "title": given["title"],
        "level": PolicyLevel(given["level"]),
        "published_on": published_on,
        "items": list(dict.fromkeys(codes)),
    }


def _form_page(request: Request, given: dict[str, str], problems: list[FieldProblem]) -> Response:
    blank = {"title": "", "level": "", "published_on": "", "items": ""}
    context = {
        "given": {**blank, **given},
        "levels": LEVEL_LABELS,
        "errors": {one.field: one.message for one in problems},
        "max_megabytes": policy_notices.MAX_FILE_BYTES // 1024 // 1024,
    }
    return render(request, "supervision/policy_notice_form.html", context, 422 if problems else 200)
