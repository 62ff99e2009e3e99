"""Certificates (电子证照): the register, the procedure that revokes one, and how the city library stands to it."""

from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel, ConfigDict, Field

from api.dependencies import Caller, Cursor, Empty, Limit, Search, WebDatabase
from api.problems import documented
from api.routing import API_BASE, LARGEST_INTEGER, AdministratorRoute, StaffRoute
from models.certificate import CertificateState, RevocationGround, RevocationOutcome
from services.certificates import library, register, revocations
from services.certificates.library import LibraryEntryView, LibraryFigures
from services.certificates.register import CertificateDetail, CertificateRow
from services.certificates.revocations import RevocationView
from services.paging import Page

router = APIRouter(prefix=API_BASE, route_class=StaffRoute, tags=["certificates"])
mending = APIRouter(prefix=API_BASE, route_class=AdministratorRoute, tags=["certificates"])

CertificateNumber = Annotated[str, Path(max_length=200, description="The certificate's number (证照编号).")]
RevocationId = Annotated[int, Path(ge=1, le=LARGEST_INTEGER)]
Text = Annotated[str, Field(min_length=1, max_length=2000)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)


class RevocationInput(_Body):
    """The body of ``POST /certificates/{number}/revocations``: the ground of art. 69 and the facts that show it."""

    ground: RevocationGround
    facts: Text


class HearingRecord(_Body):
    """What the holder stated, or that nothing was stated; and how a hearing went, empty where none was asked for."""

    statement: Text
    hearing: Annotated[str, Field(max_length=2000)] = ""


class RevocationDecision(_Body):
    """How the procedure ends, and why."""

    outcome: RevocationOutcome
    reason: Text


@router.get("/certificates", responses=documented(401, 422))
def list_certificates(
    caller: Caller,
    database: WebDatabase,
    q: Search = None,
    holder: Annotated[str | None, Query(max_length=100, description="Part of the holder's name.")] = None,
    state: CertificateState | Empty | None = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[CertificateRow]:
    """List the certificates whose cases the account may read, newest first, holders masked."""
    with database.reading() as session:
        return register.list_certificates(
            session,
            caller,
            q=q or None,
            holder=holder or None,
            state=state or None,
            cursor=cursor or None,
            limit=limit,
        )


@router.get("/certificates/{number}", responses=documented(401, 403, 404))
def get_certificate(number: CertificateNumber, caller: Caller, database: WebDatabase) -> CertificateDetail:
    """Return a certificate with its state, what it replaces, its paper, the city library and its history."""
    with database.reading() as session:
        return register.get_certificate(session, caller, number)


@router.get("/certificates/{number}/revocations", responses=documented(401, 403, 404))
def list_revocations(number: CertificateNumber, caller: Caller, database: WebDatabase) -> list[RevocationView]:
    """Return the procedures to revoke a certificate (撤销), oldest first."""
    with database.reading() as session:
        return revocations.of_certificate(session, caller, number)


@router.post(
    "/certificates/{number}/revocations",
    status_code=201,
    responses=documented(401, 403, 404, 413, 415, 422, conflict="revocation_not_allowed"),
)
def open_revocation(
    number: CertificateNumber, body: RevocationInput, caller: Caller, database: WebDatabase
) -> RevocationView:
    """Begin to revoke a certificate: the holder is told what is intended and why, and may be heard (art. 69)."""
    with database.transaction() as session:
        return revocations.open_procedure(session, caller, number, body.ground, body.facts)


@router.post(
    "/certificates/{number}/revocations/{revocation_id}/hearing",
    responses=documented(401, 403, 404, 413, 415, 422, conflict="revocation_ended"),
)
def record_hearing(
    number: CertificateNumber,
    revocation_id: RevocationId,
    body: HearingRecord,
    caller: Caller,
    database: WebDatabase,
) -> RevocationView:
    """Record the holder's statement (陈述、申辩) and the hearing, if one was asked for."""
    with database.transaction() as session:
        return revocations.record_hearing(session, caller, number, revocation_id, body.statement, body.hearing)


@router.post(
    "/certificates/{number}/revocations/{revocation_id}/decision",
    responses=documented(
        401, 403, 404, 413, 415, 422, conflict="revocation_ended, holder_not_heard, revocation_not_allowed"
    ),
)
def decide_revocation(
    number: CertificateNumber,
    revocation_id: RevocationId,
    body: RevocationDecision,
    caller: Caller,
    database: WebDatabase,
) -> RevocationView:
    """Revoke the certificate, or let it stand."""
    with database.transaction() as session:
        return revocations.decide(session, caller, number, revocation_id, body.outcome, body.reason)


@mending.get("/city-library", responses=documented(401, 403, 422))
def list_library_differences(
    caller: Caller, database: WebDatabase, cursor: Cursor = None, limit: Limit = 50
) -> Page[LibraryEntryView]:
    """List the certificates that the city library does not have as the register does."""
    with database.reading() as session:
        return library.list_differences(session, caller, cursor=cursor or None, limit=limit)


@mending.get("/city-library/figures", responses=documented(401, 403))
def get_library_figures(caller: Caller, database: WebDatabase) -> LibraryFigures:
    """Count the certificates by how the city library stands to them."""
    with database.reading() as session:
        return library.figures(session, caller)


@mending.post("/city-library/mend", status_code=202, responses=documented(401, 403))
def mend_library(caller: Caller, database: WebDatabase) -> LibraryFigures:
    """Have everything that is not in step sent now, and everything else compared; the bridge does it."""
    with database.transaction() as session:
        return library.mend(session, caller)
