"""Files for a visitor with a session cookie: handed in by a page's script, shown or saved."""

from typing import Annotated

from fastapi import APIRouter, File, Query, Request, UploadFile
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response
from fastapi.routing import APIRoute

from api.bounded import BoundedRequest
from api.pages.routing import Handler, PageRoute
from api.pages.visitors import CurrentVisitor, PageDatabase, any_visitor, require_own_page
from api.uploads import FileScanner, FileStore, bounded_upload, give, take
from services.accounts import file_rights
from services.files.views import FileView


class ScriptUploadRoute(APIRoute):
    """A route that a page's script sends one file to: who, the page's secret, then the body; refusals stay JSON."""

    def get_route_handler(self) -> Handler:
        """Wrap the route's handler."""
        answer = super().get_route_handler()

        async def handle(request: Request) -> Response:
            upload = BoundedRequest(request.scope, request.receive)
            visitor = await run_in_threadpool(any_visitor, upload)
            require_own_page(upload, visitor)
            file_rights.require_hand_in(visitor.actor)
            return await bounded_upload(upload, answer)

        return handle


router = APIRouter(route_class=PageRoute)
uploads = APIRouter(route_class=ScriptUploadRoute)


@uploads.post("/files", status_code=201)
async def upload_file(
    request: Request,
    file: Annotated[UploadFile, File()],
    visitor: CurrentVisitor,
    database: PageDatabase,
    store: FileStore,
    scanner: FileScanner,
) -> FileView:
    """Take a file for the form it is picked in."""
    return await take(file, visitor.actor, database, request.app.state.settings, store, scanner)


@router.get("/files/{file_id}")
def show_file(
    file_id: str,
    visitor: CurrentVisitor,
    database: PageDatabase,
    store: FileStore,
    preview: Annotated[bool, Query()] = False,
    purpose: Annotated[str, Query(max_length=500)] = "",
) -> Response:
    """Show or save a file of a case whose papers the visitor may open; the reading is audited."""
    return give(file_id, visitor.actor, database, store, preview=preview, purpose=purpose)
