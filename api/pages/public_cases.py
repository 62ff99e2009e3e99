"""Progress of a case for its applicant (办件进度): by case number and query code, without an account.

The code is posted, never part of an address: addresses stand in logs and histories.
"""

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response
from starlette.datastructures import FormData

from api import nul
from api.downloads import as_pdf
from api.origins import Origin
from api.pages.rendering import render
from api.pages.routing import PageRoute
from api.pages.visitors import PageDatabase, text_of
from services.casefile import public_case
from services.entrance.public_codes import guesses_limited
from services.errors import NotFound, TooManyRequests

FORM_FIELDS: Final = 4
FIELD_BYTES: Final = 1024
LONGEST_ID: Final = 18

router = APIRouter(route_class=PageRoute, prefix="/public/cases")


async def sent_codes(request: Request) -> FormData:
    """Read the posted form, no more of it than a look-up takes: anybody may send it."""
    form = await request.form(max_files=0, max_fields=FORM_FIELDS, max_part_size=FIELD_BYTES)
    nul.refuse_in_form(form)
    return form


SentCodes = Annotated[FormData, Depends(sent_codes)]


@router.get("")
def ask(request: Request, case_no: Annotated[str, Query(max_length=64)] = "") -> Response:
    """Ask for the case number and the query code; a QR code brings the number along."""
    return render(request, "casefile/public.html", {"case": None, "case_no": case_no, "query_code": "", "problem": ""})


@router.post("")
def show(request: Request, form: SentCodes, database: PageDatabase, origin: Origin) -> Response:
    """Show how far the case is, what is asked of the applicant, and the papers to download."""
    case_no, query_code = text_of(form, "case_no"), text_of(form, "query_code")
    context = {"case_no": case_no, "query_code": query_code, "problem": ""}
    try:
        with guesses_limited(database, origin, case_no), database.reading() as session:
            case = public_case.get_public_case(session, case_no, query_code)
    except (NotFound, TooManyRequests) as error:
        told = {**context, "case": None, "problem": error.title}
        return render(request, "casefile/public.html", told, error.status)
    return render(request, "casefile/public.html", {**context, "case": case})


@router.post("/document")
def open_document(form: SentCodes, database: PageDatabase, origin: Origin) -> Response:
    """Return a paper addressed to the applicant; its opening is recorded."""
    case_no, number = text_of(form, "case_no"), text_of(form, "document")
    document_id = int(number) if number.isascii() and number.isdecimal() and len(number) <= LONGEST_ID else 0
    with guesses_limited(database, origin, case_no), database.transaction() as session:
        return as_pdf(public_case.read_document(session, case_no, text_of(form, "query_code"), document_id))
