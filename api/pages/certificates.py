"""The register of certificates (电子证照): its list, a page each, and the procedure that revokes one."""

from dataclasses import dataclass
from typing import Annotated, Any, Final
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from api.pages import words
from api.pages.rendering import render
from api.pages.routing import PageRoute, see
from api.pages.visitors import CurrentVisitor, GuardedForm, PageDatabase, RowKey, Visitor, text_of
from models.case import Case
from models.certificate import CertificateState, RevocationGround, RevocationOutcome
from models.database import Database
from services.accounts import rights
from services.certificates import register, revocations
from services.certificates.register import CertificateRow
from services.errors import FieldProblem, InvalidInput
from services.paging import Page

PAGE_SIZE: Final = 30
LONGEST_TEXT: Final = 2000
TONES: Final = {CertificateState.VALID: "green", CertificateState.CHANGED: "", CertificateState.EXPIRED: "amber"}
"""The badge of each state; the others are red."""

router = APIRouter(route_class=PageRoute)


@dataclass(frozen=True)
class RegisterContext:
    """What the list shows and how it was filtered."""

    page: Page[CertificateRow]
    q: str
    state: str
    first: bool

    def next_link(self) -> str:
        """Return the address of the next page."""
        chosen = {"q": self.q, "state": self.state, "cursor": self.page.next or ""}
        return "?" + urlencode({name: value for name, value in chosen.items() if value})


@router.get("/certificates")
def list_certificates(
    request: Request,
    visitor: CurrentVisitor,
    database: PageDatabase,
    q: Annotated[str, Query(max_length=100)] = "",
    state: str = "",
    cursor: str | None = None,
) -> Response:
    """List the certificates of the cases the visitor may read."""
    wanted = CertificateState(state) if state in set(CertificateState) else None
    with database.reading() as session:
        page = register.list_certificates(
            session, visitor.actor, q=q.strip() or None, state=wanted, cursor=cursor or None, limit=PAGE_SIZE
        )
    context = RegisterContext(page, q.strip(), wanted.value if wanted else "", first=not cursor)
    return render(
        request, "certificates/list.html", {"list": context, "states": list(CertificateState), "tones": TONES}
    )


@router.get("/certificates/{number}")
def show_certificate(
    request: Request, number: str, visitor: CurrentVisitor, database: PageDatabase, notice: str = ""
) -> Response:
    """Show one certificate: what it states, its life, the paper, the city library, and its revocation."""
    return _page(request, database, visitor, number, notice=words.NOTICES.get(notice, ""))


@router.post("/certificates/{number}/revocations")
def open_revocation(
    request: Request, number: str, visitor: CurrentVisitor, form: GuardedForm, database: PageDatabase
) -> Response:
    """Begin to revoke the certificate."""
    given = {"ground": text_of(form, "ground"), "facts": text_of(form, "facts")}
    try:
        if given["ground"] not in set(RevocationGround):
            raise InvalidInput([FieldProblem("ground", "请选择撤销的法定情形")])
        facts = _text(given["facts"], "facts", "请写明事实和证据")
        with database.transaction() as session:
            revocations.open_procedure(session, visitor.actor, number, RevocationGround(given["ground"]), facts)
    except InvalidInput as error:
        return _page(request, database, visitor, number, problems=error.problems, sent=given)
    return see(_address(number), "revocation_opened")


@router.post("/certificates/{number}/revocations/{key}/hearing")
def record_hearing(
    request: Request, number: str, key: RowKey, visitor: CurrentVisitor, form: GuardedForm, database: PageDatabase
) -> Response:
    """Record what the holder said, and the hearing."""
    given = {"statement": text_of(form, "statement"), "hearing": text_of(form, "hearing")}
    try:
        statement = _text(given["statement"], "statement", "请记录陈述、申辩的内容；逾期未提出的，也请写明")
        with database.transaction() as session:
            revocations.record_hearing(session, visitor.actor, number, key, statement, given["hearing"][:LONGEST_TEXT])
    except InvalidInput as error:
        return _page(request, database, visitor, number, problems=error.problems, sent=given)
    return see(_address(number), "revocation_heard")


@router.post("/certificates/{number}/revocations/{key}/decision")
def decide_revocation(
    request: Request, number: str, key: RowKey, visitor: CurrentVisitor, form: GuardedForm, database: PageDatabase
) -> Response:
    """Revoke the certificate, or let it stand."""
    given = {"outcome": text_of(form, "outcome"), "reason": text_of(form, "reason")}
    try:
        if given["outcome"] not in set(RevocationOutcome):
            raise InvalidInput([FieldProblem("outcome", "请选择撤销或者不予撤销")])
        reason = _text(given["reason"], "reason", "请写明理由")
        with database.transaction() as session:
            outcome = RevocationOutcome(given["outcome"])
            revocations.decide(session, visitor.actor, number, key, outcome, reason)
    except InvalidInput as error:
        return _page(request, database, visitor, number, problems=error.problems, sent=given)
    return see(_address(number), "revocation_decided")


def _page(
    request: Request,
    database: Database,
    visitor: Visitor,
    number: str,
    *,
    notice: str = "",
    problems: list[FieldProblem] | None = None,
    sent: dict[str, str] | None = None,
) -> Response:
    with database.reading() as session:
        certificate = register.get_certificate(session, visitor.actor, number)
        procedures = revocations.of_certificate(session, visitor.actor, number)
        case = session.get_one(Case, certificate.case_no)
        may_revoke = rights.may_approve(visitor.actor, case)
    running = next((one for one in procedures if one.outcome is None), None)
    context: dict[str, Any] = {
        "certificate": certificate,
        "tones": TONES,
        "procedures": procedures,
        "running": running if may_revoke else None,
        "may_open": may_revoke and running is None and certificate.state is CertificateState.VALID,
        "grounds": list(RevocationGround),
        "notice": notice,
        "errors": {one.field: one.message for one in problems or []},
        "sent": sent or {},
    }
    return render(request, "certificates/detail.html", context, 422 if problems else 200)


def _text(given: str, field: str, message: str) -> str:
    if not given:
        raise InvalidInput([FieldProblem(field, message)])
    if len(given) > LONGEST_TEXT:
        raise InvalidInput([FieldProblem(field, f"不能超过{LONGEST_TEXT}字")])
    return given


def _address(number: str) -> str:
    return f"/certificates/{quote(number, safe='')}"
