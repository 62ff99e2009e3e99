"""Documents (文书) as PDF for a visitor with a session cookie."""

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import Response

from api.downloads import as_pdf
from api.pages.routing import PageRoute
from api.pages.visitors import CurrentVisitor, PageDatabase, RowKey
from services.casefile import document_reading

router = APIRouter(route_class=PageRoute)


@router.get("/documents/{document_id}")
def show_document(
    document_id: RowKey,
    visitor: CurrentVisitor,
    database: PageDatabase,
    purpose: Annotated[str, Query(max_length=500)] = "",
) -> Response:
    """Return the PDF as it was issued; the reading is audited."""
    with database.transaction() as session:
        document = document_reading.read(session, visitor.actor, document_id, purpose)
    return as_pdf(document)
