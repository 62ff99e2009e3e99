"""Uploads and downloads of files, for the API and for pages: read within a bound, looked at, kept, given back."""

from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Annotated, Any, BinaryIO, Final, cast

from fastapi import Depends, Request, UploadFile
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response, StreamingResponse
from starlette.exceptions import HTTPException

from api import nul
from api.bounded import BoundedRequest
from api.downloads import file_headers, preview_headers
from api.refusals import BodyTooLarge, UnsupportedMediaType
from connectors.scanning import Scanner
from connectors.storage import BlobMissing, BlobStore, StorageFailed
from models.database import Database
from services.accounts import personal_data_rights
from services.accounts.actors import Actor
from services.casefile import file_reading
from services.errors import Unavailable
from services.files import previews, reading, receiving
from services.files.reading import FileTampered
from services.files.views import FileView
from services.witness import alarm
from settings import Settings

CHUNK_BYTES: Final = 1024 * 1024
ENVELOPE_BYTES: Final = 16 * 1024
"""What a multipart body may add to its file."""

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


async def bounded_upload(upload: BoundedRequest, answer: Handler, largest_file: int | None = None) -> Response:
    """Answer an upload within its bound, by default the one for files handed in.

    Raises ``UnsupportedMediaType`` for another body, or ``BodyTooLarge``.
    """
    upload.max_body_bytes = (largest_file or upload.app.state.settings.file_max_bytes) + ENVELOPE_BYTES
    nul.refuse_in_address(upload)
    kind = upload.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "multipart/form-data":
        raise UnsupportedMediaType("请求内容应为 multipart/form-data", "The body must be multipart/form-data")
    try:
        return await answer(upload)
    except HTTPException as error:  # FastAPI reports any error while a form is read as an unreadable form.
        if isinstance(error.__cause__, BodyTooLarge):
            raise error.__cause__ from None
        raise


async def _store(request: Request) -> BlobStore:
    return cast(BlobStore, request.app.state.files)


async def _scanner(request: Request) -> Scanner | None:
    return cast("Scanner | None", request.app.state.scanner)


FileStore = Annotated[BlobStore, Depends(_store)]
FileScanner = Annotated[Scanner | None, Depends(_scanner)]


async def take(
    file: UploadFile, actor: Actor, database: Database, settings: Settings, store: BlobStore, scanner: Scanner | None
) -> FileView:
    """Look at an uploaded file, keep it, and return its row; nothing is kept of one that is refused."""
    async with _spooled(file, settings) as path:
        largest = settings.file_max_bytes
        return await run_in_threadpool(_keep, path, file.filename or "", largest, actor, database, store, scanner)


def give(
    file_id: str, actor: Actor, database: Database, store: BlobStore, *, preview: bool, purpose: str | None
) -> Response:
    """Return a file, to be saved or to be shown."""
    with database.reading() as session:
        file = file_reading.get(session, actor, file_id, purpose)
    try:
        content = reading.open_content(store, file)
    except StorageFailed as exc:
        raise Unavailable("文件库暂不可用，请稍后再试", "The file store does not answer") from exc
    with database.transaction() as session:
        if content is None:
            alarm.report_file(session, file, actor.username)
        else:
            reading.note_reading(session, actor, file, personal_data_rights.stated(purpose))
    if content is None:
        raise FileTampered
    if not preview:
        return StreamingResponse(_pieces(content), media_type=file.media_type, headers=file_headers(file.name))
    media_type, shown = previews.preview(file.media_type, content)
    return StreamingResponse(_pieces(shown), media_type=media_type, headers=preview_headers(file.name))


@asynccontextmanager
async def _spooled(file: UploadFile, settings: Settings) -> AsyncIterator[Path]:
    """Yield the upload as a file beside where it will be kept, gone afterwards."""
    folder = settings.files_dir
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    spool = NamedTemporaryFile(dir=folder, prefix=".upload-")  # noqa: SIM115  # Closed below, and gone with it.
    try:
        size = 0
        while piece := await file.read(CHUNK_BYTES):
            size += len(piece)
            if size > settings.file_max_bytes:
                raise BodyTooLarge(f"文件不能超过 {settings.file_max_mb} MB", f"At most {settings.file_max_mb} MB")
            await run_in_threadpool(spool.write, piece)
        spool.flush()
        yield Path(spool.name)
    finally:
        spool.close()


def _keep(
    path: Path, name: str, largest: int, actor: Actor, database: Database, store: BlobStore, scanner: Scanner | None
) -> FileView:
    with database.reading() as session:
        receiving.require_room(session, actor, path.stat().st_size, largest)
    examined = receiving.examine(path, name, scanner)
    try:
        store.put(examined.sha256, path)
        with database.transaction() as session:
            kept = receiving.register(session, actor, examined)
        try:
            store.open(examined.sha256).close()
        except BlobMissing:  # The last row of the same content expired in between.
            store.put(examined.sha256, path)
    except StorageFailed as exc:
        raise Unavailable("文件库暂不可用，请稍后再试", "The file store does not answer") from exc
    return kept


def _pieces(content: BinaryIO) -> Iterator[bytes]:
    with content:
        while piece := content.read(CHUNK_BYTES):
            yield piece
