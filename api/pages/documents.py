"""Documents (文书) as PDF for a visitor with a session cookie."""

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Query
from fastapi.responses import Response

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
    name = quote(f"{document.kind}-{document.number}.pdf", safe="")
    return Response(
        document.pdf,
        media_type="application/pdf",
        headers={
            "Content-Disposition": f"inline; filename=\"document-{document.id}.pdf\"; filename*=UTF-8''{name}",
            "Cache-Control": "private, no-store",
        },
    )
