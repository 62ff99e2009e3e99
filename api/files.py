"""Files people hand in with materials and opinions: upload one, read one."""

from typing import Annotated

from fastapi import APIRouter, File, Query, UploadFile
from fastapi import Path as PathParameter
from fastapi.responses import Response

from api.dependencies import Caller, Purpose, WebDatabase, WebSettings
from api.problems import documented
from api.routing import API_BASE, StaffRoute, UploadRoute
from api.uploads import FileScanner, FileStore, give, take
from services.files.views import FileView

uploads = APIRouter(prefix=API_BASE, route_class=UploadRoute, tags=["files"])
router = APIRouter(prefix=API_BASE, route_class=StaffRoute, tags=["files"])


class AnyFile(Response):
    """A file as it was handed in."""

    media_type = "application/octet-stream"


@uploads.post("/files", status_code=201, responses=documented(401, 403, 413, 415, 422, 429, 503))
async def upload_file(
    file: Annotated[UploadFile, File(description="PDF, PNG, JPEG, TIFF, DOCX, XLSX or OFD, by content.")],
    caller: Caller,
    database: WebDatabase,
    settings: WebSettings,
    store: FileStore,
    scanner: FileScanner,
) -> FileView:
    """Take a file; it is gone after a day unless a material or an answer names it."""
    return await take(file, caller, database, settings, store, scanner)


@router.get("/files/{id}", response_class=AnyFile, responses=documented(401, 403, 404, 415, 422))
def get_file(
    id: Annotated[str, PathParameter(max_length=64)],
    caller: Caller,
    database: WebDatabase,
    store: FileStore,
    preview: Annotated[bool, Query(description="As a picture or a PDF, to be shown.")] = False,
    purpose: Purpose = None,
) -> Response:
    """Return a file to those who handle its case, or supervise it and state the purpose, as a paper.

    Reading it leaves an audit entry; without the purpose the refusal is ``purpose_required``.
    """
    return give(id, caller, database, store, preview=preview, purpose=purpose)
