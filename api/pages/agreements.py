"""Takeover agreements (承接协议) and the ledger of delegated powers, for people."""

from datetime import date
from typing import Final

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from starlette.datastructures import FormData

from api.downloads import pdf_named
from api.pages.powers import notice_of, reason_of
from api.pages.rendering import render
from api.pages.routing import PageRoute, see
from api.pages.visitors import CurrentVisitor, GuardedForm, PageDatabase, RowKey, text_of
from models.agreement import AgreementState, Side
from models.power_event import PowerSubject
from services.accounts import power_rights
from services.errors import FieldProblem, InvalidInput
from services.powers import agreement_paper, agreements, ledger

PAGE_SIZE: Final = 30
STEPS: Final = {
    AgreementState.DRAFT: (("end", "作废"),),
    AgreementState.SIGNED: (("suspend", "中止"), ("end", "终止")),
    AgreementState.IN_FORCE: (("suspend", "中止"), ("end", "终止")),
    AgreementState.SUSPENDED: (("resume", "恢复"), ("end", "终止")),
    AgreementState.ENDED: (),
}
CHANGES: Final = {"suspend": agreements.suspend, "resume": agreements.resume, "end": agreements.end}

router = APIRouter(route_class=PageRoute)


@router.get("/powers")
def show_powers(visitor: CurrentVisitor) -> Response:
    """Redirect to the first part."""
    return RedirectResponse("/powers/agreements", status_code=303)


@router.get("/powers/agreements")
def show_agreements(
    request: Request,
    visitor: CurrentVisitor,
    database: PageDatabase,
    area: str = "",
    unit: str = "",
    cursor: str | None = None,
) -> Response:
    """List the agreements."""
    with database.reading() as session:
        page = agreements.list_agreements(
            session,
            area=area if area in visitor.areas else None,
            unit=unit if unit in visitor.units else None,
            cursor=cursor or None,
            limit=PAGE_SIZE,
        )
    context = {
        "page": page,
        "area": area,
        "unit": unit,
        "may_draft": power_rights.may_draft_agreements(visitor.actor),
        "notice": notice_of(request),
    }
    return render(request, "powers/agreements.html", context)


@router.post("/powers/agreements")
def draft(form: GuardedForm, visitor: CurrentVisitor, database: PageDatabase) -> Response:
    """Draft an agreement."""
    with database.transaction() as session:
        drafted = agreements.draft(
            session,
            visitor.actor,
            area=text_of(form, "area"),
            unit=text_of(form, "unit"),
            items=text_of(form, "items").upper().split(),
            procedure=text_of(form, "procedure"),
            in_force_from=day_of(text_of(form, "in_force_from"), "in_force_from"),
        )
    return see(f"/powers/agreements/{drafted.id}", "power_done")


@router.get("/powers/agreements/{key}")
def show_agreement(request: Request, key: RowKey, visitor: CurrentVisitor, database: PageDatabase) -> Response:
    """Show one agreement, its signatures and its history."""
    with database.reading() as session:
        one = agreements.get(session, key)
    context = {
        "one": one,
        "sides": agreements.sides_to_sign(one, visitor.actor),
        "steps": STEPS[one.state] if power_rights.may_change_agreement(visitor.actor, one.unit) else (),
        "notice": notice_of(request),
    }
    return render(request, "powers/agreement.html", context)


@router.post("/powers/agreements/{key}/sign")
def sign(key: RowKey, form: GuardedForm, visitor: CurrentVisitor, database: PageDatabase) -> Response:
    """Sign for one's side."""
    with database.transaction() as session:
        agreements.sign(session, visitor.actor, key, _side(form))
    return see(f"/powers/agreements/{key}", "power_done")


@router.post("/powers/agreements/{key}/change")
def change(key: RowKey, form: GuardedForm, visitor: CurrentVisitor, database: PageDatabase) -> Response:
    """Suspend, resume or end an agreement."""
    act = CHANGES.get(text_of(form, "step"))
    if act is None:
        raise InvalidInput([FieldProblem("step", "没有这一步")])
    reason = reason_of(form)
    with database.transaction() as session:
        act(session, visitor.actor, key, reason)
    return see(f"/powers/agreements/{key}", "power_done")


@router.get("/powers/agreements/{key}/paper")
def show_agreement_paper(key: RowKey, visitor: CurrentVisitor, database: PageDatabase) -> Response:
    """Return the agreement as a paper."""
    with database.reading() as session:
        return pdf_named(agreement_paper.draw(session, key), f"agreement-{key}.pdf", f"承接协议-{key}.pdf")


@router.get("/powers/ledger")
def show_ledger(
    request: Request, visitor: CurrentVisitor, database: PageDatabase, subject: str = "", cursor: str | None = None
) -> Response:
    """Show what happened when and why."""
    wanted = PowerSubject(subject) if subject in set(PowerSubject) else None
    with database.reading() as session:
        page = ledger.page(session, visitor.actor, subject=wanted, cursor=cursor or None, limit=PAGE_SIZE)
    context = {"page": page, "subject": wanted.value if wanted else "", "subjects": list(PowerSubject)}
    return render(request, "powers/ledger.html", context)


def day_of(text: str, field: str) -> date | None:
    """Return a posted day, none when it was left empty; raise ``InvalidInput`` for anything else."""
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise InvalidInput([FieldProblem(field, "日期有误")]) from error


def _side(form: FormData) -> Side | None:
    given = text_of(form, "side")
    if not given:
        return None
    if given not in set(Side):
        raise InvalidInput([FieldProblem("side", "没有这一方")])
    return Side(given)
