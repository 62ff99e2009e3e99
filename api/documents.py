"""Issued documents, and what the public may ask: how far a case is, and whether a certificate is genuine."""

from contextlib import suppress
from typing import Annotated

from fastapi import APIRouter, File, Path, Query, Request, Response, UploadFile
from fastapi.concurrency import run_in_threadpool
from fastapi.routing import APIRoute

from api.bounded import BoundedRequest
from api.dependencies import Caller, EngineKey, Purpose, WebDatabase, engine_key
from api.downloads import PdfResponse, as_pdf, file_headers
from api.origins import Origin
from api.problems import documented
from api.routing import API_BASE, Handler, StaffRoute, StrictRoute
from api.uploads import bounded_upload
from models.database import Database
from services.casefile import document_reading, public_case
from services.casefile.views import PublicCase
from services.documents import certificates, verification
from services.documents.certificates import CertificateCheck
from services.documents.verification import PaperCheck
from services.entrance.public_codes import guesses_limited
from services.errors import NotFound
from services.signatures import trust

public = APIRouter(prefix=f"{API_BASE}/public", route_class=StrictRoute, tags=["public"])
router = APIRouter(prefix=API_BASE, route_class=StaffRoute, tags=["documents"])


class CheckRoute(StrictRoute):
    """A route open to everybody that takes one file as ``multipart/form-data``, of a bounded size."""

    def get_route_handler(self) -> Handler:
        """Wrap FastAPI's handler: the body as it comes, within the bound."""
        answer = APIRoute.get_route_handler(self)

        async def handle(request: Request) -> Response:
            return await bounded_upload(
                BoundedRequest(request.scope, request.receive), answer, verification.LARGEST_FILE
            )

        return handle


checks = APIRouter(prefix=f"{API_BASE}/public", route_class=CheckRoute, tags=["public"])


class PemResponse(Response):
    """Certificates as PEM."""

    media_type = "application/x-pem-file"


@router.get("/documents/{id}", response_class=PdfResponse, responses=documented(401, 403, 404, 422))
def get_document(id: EngineKey, caller: Caller, database: WebDatabase, purpose: Purpose = None) -> Response:
    """Return an issued document as it was sealed to those who handle its case, or supervise it and state the purpose.

    Reading it leaves an audit entry; without the purpose the refusal is ``purpose_required``.
    """
    with database.transaction() as session:
        document = document_reading.read(session, caller, engine_key(id), purpose)
    return as_pdf(document)


@public.get("/cases/{case_no}", responses=documented(404, 422, 429))
def get_public_case(
    case_no: Annotated[str, Path(max_length=200)],
    query_code: Annotated[str, Query(min_length=1, max_length=64, description="The code on the receipt (查询码).")],
    database: WebDatabase,
    origin: Origin,
) -> PublicCase:
    """Tell an applicant how far the case is; wrong codes are rate-limited by address and by case."""
    with guesses_limited(database, origin, case_no), database.reading() as session:
        return public_case.get_public_case(session, case_no, query_code)


@public.get("/cases/{case_no}/documents/{id}", response_class=PdfResponse, responses=documented(404, 422, 429))
def get_public_document(
    case_no: Annotated[str, Path(max_length=200)],
    id: EngineKey,
    query_code: Annotated[str, Query(min_length=1, max_length=64, description="The code on the receipt (查询码).")],
    database: WebDatabase,
    origin: Origin,
) -> Response:
    """Return a paper addressed to the applicant as it was sealed; its opening is recorded.

    Wrong codes are rate-limited as those of the case are.
    """
    with guesses_limited(database, origin, case_no), database.transaction() as session:
        return as_pdf(public_case.read_document(session, case_no, query_code, engine_key(id)))


@public.get("/certificates/{number}", responses=documented(404, 429))
def verify_certificate(
    number: Annotated[str, Path(max_length=200)], database: WebDatabase, origin: Origin
) -> CertificateCheck:
    """Tell whether a certificate is valid, changed or cancelled, and whether its signature holds.

    Unknown numbers are rate-limited by address.
    """
    with guesses_limited(database, origin), database.reading() as session:
        return certificates.verify(session, number)


@public.get("/trust", response_class=PemResponse, responses=documented(404))
def get_trust(database: WebDatabase) -> Response:
    """Return the root certificates with which a PDF reader finds the papers' signatures valid."""
    with database.reading() as session:
        text = trust.roots(session)
    return PemResponse(text, headers=file_headers("tongquan-roots.pem"))


@checks.post("/verify", responses=documented(413, 415, 422, 429))
async def verify_paper(
    file: Annotated[UploadFile, File(description="A paper as it was issued; nothing of it is kept.")],
    database: WebDatabase,
    origin: Origin,
) -> PaperCheck:
    """Tell whether a file is a paper we issued, unchanged; files that are not ours are rate-limited by address."""
    content = await file.read()
    return await run_in_threadpool(_check, database, origin, content)


def _check(database: Database, origin: str, content: bytes) -> PaperCheck:
    found: list[PaperCheck] = []
    with suppress(NotFound), guesses_limited(database, origin), database.reading() as session:
        found.append(verification.check(session, content))
        if not found[0].ours:
            raise NotFound
    return found[0]
