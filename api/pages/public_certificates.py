"""The public page of a certificate, to which its QR code leads: its state, at once and without sign-in."""

from typing import Annotated

from fastapi import APIRouter, Path, Request
from fastapi.responses import Response

from api.origins import Origin
from api.pages.certificates import TONES
from api.pages.rendering import render
from api.pages.routing import PageRoute
from api.pages.visitors import PageDatabase
from services.documents import certificates
from services.entrance.public_codes import guesses_limited

router = APIRouter(route_class=PageRoute)


@router.get(certificates.PUBLIC_PAGE + "/{number}")
def show_certificate(
    request: Request, number: Annotated[str, Path(max_length=200)], database: PageDatabase, origin: Origin
) -> Response:
    """Tell what a certificate is today; wrong numbers count against the address that tries them."""
    with guesses_limited(database, origin), database.reading() as session:
        check = certificates.verify(session, number)
    return render(request, "certificates/public.html", {"check": check, "tones": TONES})
