"""The catalogue (事项目录) and the service guide (办事指南) of each item."""

from collections.abc import AsyncIterator
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response
from starlette.datastructures import FormData, UploadFile

from api.downloads import file_headers
from api.pages import words
from api.pages.item_heads import read_head
from api.pages.powers import notice_of
from api.pages.rendering import render
from api.pages.routing import PageRoute, see
from api.pages.visitors import CurrentVisitor, PageDatabase, Visitor, guarded_form, require
from models.catalogue import Mode
from models.database import Database
from services.accounts import publishing_rights
from services.cases import special_procedures
from services.catalogue import in_force
from services.errors import FieldProblem, InvalidInput
from services.powers import agreements
from services.publishing import guide_versions
from services.supervision import policy_ledger

FORM_BYTES: Final = 16 * 1024
"""How many bytes the form's other fields may take."""

router = APIRouter(route_class=PageRoute)


async def _form_with_guide(request: Request, visitor: CurrentVisitor) -> AsyncIterator[FormData]:
    """Read the posted form with one file; a body too long for one is refused before it is read."""
    declared = request.headers.get("content-length", "")
    if not declared.isdecimal() or int(declared[:20]) > guide_versions.LARGEST_FILE + FORM_BYTES:
        raise InvalidInput([FieldProblem("file", f"文件不能超过{guide_versions.LARGEST_FILE // 1024}KB")])
    async with request.form(max_files=1) as form:
        yield guarded_form(request, visitor, form)


FormWithGuide = Annotated[FormData, Depends(_form_with_guide)]


@router.get("/items")
def show_items(
    request: Request,
    visitor: CurrentVisitor,
    database: PageDatabase,
    q: Annotated[str, Query(max_length=100)] = "",
    mode: str = "",
    area: str = "",
    unit: str = "",
) -> Response:
    """List the items in force today, by mode."""
    today = visitor.now.date()
    wanted = Mode(mode) if mode in set(Mode) else None
    with database.reading() as session:
        items = in_force.list_items(
            session,
            on=today,
            mode=wanted,
            area=area if area in visitor.areas else None,
            unit=unit if unit in visitor.units else None,
            q=q or None,
            agreements=agreements.pairs_in_force(session, today),
        )
    groups = [(one, [item for item in items if item.mode is one]) for one in words.MODES]
    context = {
        "groups": [group for group in groups if group[1]],
        "total": len(items),
        "q": q,
        "mode": mode,
        "area": area,
        "unit": unit,
    }
    return render(request, "catalogue/list.html", context)


@router.get("/items/{code}")
def show_guide(request: Request, code: str, visitor: CurrentVisitor, database: PageDatabase) -> Response:
    """Show one item and its guide; what is assumed says 示例, what the city has not given 待市级单位填报."""
    today = visitor.now.date()
    with database.reading() as session:
        item, guide = read_head(session, code, today), in_force.latest_guide(session, code)
        agreed = agreements.pairs_in_force(session, today)
        notices = policy_ledger.of_item(session, code)
        gone = in_force.recalled_areas(session, code, today)
    locked = [area for area in item.areas if item.mode is Mode.SUBSTANTIVE and (area, code) not in agreed]
    context = {
        "item": item,
        "guide": guide,
        "locked": locked,
        "usual_extension": special_procedures.USUAL_EXTENSION_DAYS,
        "recalled": gone,
        "notices": notices,
        "own_areas": [area for area in visitor.window_areas if area in item.areas and area not in (*locked, *gone)],
        "may_publish": publishing_rights.may_publish_guide(visitor.actor, item.unit),
        "notice": notice_of(request),
    }
    return render(request, "catalogue/detail.html" if guide is not None else "catalogue/no_guide.html", context)


@router.get("/items/{code}/guide-file")
def download_guide_file(code: str, visitor: CurrentVisitor, database: PageDatabase) -> Response:
    """Return the file the next version of the guide starts from."""
    with database.reading() as session:
        text = guide_versions.file_to_edit(session, code)
    return Response(text.encode(), media_type="application/yaml", headers=file_headers(f"{code}.yaml"))


@router.get("/items/{code}/guide-version")
def show_publication(request: Request, code: str, visitor: CurrentVisitor, database: PageDatabase) -> Response:
    """Show the form that publishes the next version of the guide."""
    return _publication(request, visitor, database, code, [])


@router.post("/items/{code}/guide-version")
def publish_guide(
    request: Request, code: str, visitor: CurrentVisitor, form: FormWithGuide, database: PageDatabase
) -> Response:
    """Publish the next version of the guide from a file; what is wrong with it is named by line and field."""
    sent = form.get("file")
    try:
        if not isinstance(sent, UploadFile) or not sent.filename:
            raise InvalidInput([FieldProblem("file", "请选择文件")])
        with database.reading() as session:
            guide_versions.get_publishable(session, visitor.actor, code)
        guide = guide_versions.parse(sent.file.read(guide_versions.LARGEST_FILE + 1))
        with database.transaction() as session:
            guide_versions.publish(session, visitor.actor, code, guide)
    except InvalidInput as error:
        return _publication(request, visitor, database, code, error.problems)
    return see(f"/items/{code}", "guide_published")


def _publication(
    request: Request, visitor: Visitor, database: Database, code: str, problems: list[FieldProblem]
) -> Response:
    with database.reading() as session:
        item, guide = read_head(session, code, visitor.now.date()), in_force.latest_guide(session, code)
    require(lambda who: publishing_rights.may_publish_guide(who.actor, item.unit), visitor)
    context = {"item": item, "newest": guide.version if guide is not None else 0, "problems": problems}
    return render(request, "publishing/guide_version.html", context, 422 if problems else 200)
