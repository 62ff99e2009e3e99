"""Documents (文书) as PDF for a visitor with a session cookie."""

from urllib.parse import quote

from fastapi import APIRouter
from fastapi.responses import Response

from api.pages.routing import PageRoute
from api.pages.visitors import CurrentVisitor, PageDatabase
from services import audit, cases, documents
from services.errors import NotFound

router = APIRouter(route_class=PageRoute)


@router.get("/documents/{document_id}")
def show_document(document_id: int, visitor: CurrentVisitor, database: PageDatabase) -> Response:
    """Return the PDF as it was issued to whoever may read its case; the reading is audited."""
    with database.transaction() as session:
        document = documents.get_document(session, document_id)
        if document is None:
            raise NotFound("没有这份文书")
        cases.find(session, visitor.actor, document.case_no)
        audit.record(
            session, visitor.actor.username, "document.read", document.case_no, {"document": document_id}, visitor.now
        )
        content, name = document.pdf, f"{document.kind}-{document.number}.pdf"
    return Response(
        content,
        media_type="application/pdf",
        headers={
            "Content-Disposition": f"inline; filename*=UTF-8''{quote(name)}",
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "private, no-store",
        },
    )
