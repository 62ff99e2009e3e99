"""What the live diagram asks for with the session cookie: an instance's state and its process's XML."""

from typing import Final

from fastapi import APIRouter
from fastapi.responses import Response

from api.pages.routing import PageRoute
from api.pages.visitors import CurrentVisitor, PageDatabase, RowKey
from services.process_engine import processes
from services.process_engine.processes import InstanceDetail

XML_HEADERS: Final = {"Cache-Control": "private, max-age=3600"}
"""One version of a process never changes, and the address names the version's instance."""

router = APIRouter(route_class=PageRoute)


@router.get("/diagrams/{key}")
def show_instance(key: RowKey, visitor: CurrentVisitor, database: PageDatabase) -> InstanceDetail:
    """Return which elements the instance is at, has passed, and is stuck at."""
    with database.reading() as session:
        return processes.instance(session, visitor.actor, key)


@router.get("/diagrams/{key}/xml")
def show_xml(key: RowKey, visitor: CurrentVisitor, database: PageDatabase) -> Response:
    """Return the XML of the version the instance runs."""
    with database.reading() as session:
        found = processes.instance(session, visitor.actor, key)
        xml = processes.definition_xml(session, found.process_id, found.version or None)
    return Response(xml, media_type="application/xml", headers=XML_HEADERS)
