"""Cases as people see them: lists, the whole case, and what an applicant may know."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import or_
from sqlmodel import Session, col, select

from models.audit import TimelineEntry
from models.case import Applicant, Case, CaseState, Material
from models.catalogue import Area
from models.document import Certificate, Document
from models.engine_state import ProcessInstance
from models.identity import masked_name
from models.special_procedure import Extension
from models.task import Light
from models.task_outcome import TaskOutcomeStatus
from services.accounts import case_access, rights
from services.accounts.actors import Actor
from services.casefile.views import (
    CaseRow,
    CaseView,
    CertificateView,
    DocumentView,
    FindingView,
    InstanceView,
    MaterialView,
    OpinionView,
    TimelineView,
    ToleranceView,
)
from services.cases import dossiers, form_check, special_procedures
from services.cases.submission_input import StateView
from services.catalogue import in_force, reference
from services.clock import product_now
from services.deadlines import case_deadlines, clock_views
from services.errors import NotFound
from services.journal import audit, task_outcomes
from services.paging import Order, Page, read
from services.powers import filings
from services.supervision import policy_ledger, push_ledger
from services.tasks import worklist


def list_cases(
    session: Session,
    actor: Actor,
    *,
    q: str | None = None,
    state: int | None = None,
    mode: str | None = None,
    area: str | None = None,
    item: str | None = None,
    sort: str = "-received_at",
    cursor: str | None = None,
    limit: int = 50,
) -> Page[CaseRow]:
    """Return a page of the cases the actor may read, applicants masked."""
    query = select(Case, Applicant).join(Applicant, col(Applicant.case_no) == Case.case_no)
    query = query.where(rights.visible_cases(actor))
    for column, wanted in ((Case.state, state), (Case.mode, mode), (Case.area, area), (Case.item_code, item)):
        if wanted is not None:
            query = query.where(col(column) == wanted)
    if q:
        query = query.where(
            or_(
                *(
                    col(c).contains(q, autoescape=True)
                    for c in (Case.case_no, Case.item_name, Case.project, Applicant.name)
                )
            )
        )
    order = Order(Case.received_at, Case.case_no, descending=sort == "-received_at")
    found = read(session, query, order, cursor, limit)
    now = product_now(session)
    names = _area_names(session)
    return found.page(lambda row: _row(*row, names, now))


def get_case(session: Session, actor: Actor, case_no: str) -> CaseView:
    """Return the whole case; reading who the applicant is leaves an audit entry."""
    case = case_access.get(session, actor, case_no)
    now = product_now(session)
    if case.case_state is CaseState.SPECIAL_OPEN:
        case_deadlines.refresh(session, case)
    applicant = session.get_one(Applicant, case_no)
    open_view = rights.may_see_personal_data(actor, case)
    row = _row(case, applicant, _area_names(session), now)
    handling = reference.handling_unit(session, case)
    view = CaseView(
        **row.model_dump(),
        level=case.level,
        power_type=case.power_type,
        city_unit_name=in_force.unit_name(session, case.city_unit),
        county_unit=handling.code if handling is not None else None,
        county_unit_name=handling.name if handling is not None else "",
        item_version=case.item_version,
        guide_version=case.guide_version,
        deemed_accepted=case.deemed_accepted,
        decided_at=case.decided_at,
        acceptance_due_at=case.acceptance_due_at,
        supplement_due_at=case.supplement_due_at,
        promised_due_at=case.promised_due_at,
        review_due_at=case.review_due_at,
        decision_due_at=case.decision_due_at,
        delivery_due_at=case.delivery_due_at,
        handling=case_deadlines.announced_handling(session, case),
        overdue_at=case.overdue_at,
        tolerance=_tolerance(case),
        by_commitment=case.by_commitment,
        provisional_dates=case.provisional_dates,
        clock=clock_views.clock_view(session, case, now),
        applicant=case_access.applicant_view(applicant, open_view),
        conditions=case.conditions,
        materials=_materials(session, case_no),
        form_check=[
            FindingView(rule=f.rule, subject=f.subject, passed=f.passed, message=f.message, round=f.round)
            for f in form_check.findings(session, case_no)
        ],
        opinions=_opinions(session, case_no),
        tasks=worklist.open_tasks(session, case_no, now),
        timeline=_timeline(session, case_no),
        documents=_documents(session, case_no),
        certificates=_certificates(session, case_no),
        pushes=[one.model_dump() for one in push_ledger.of_case(session, case_no)],
        policy_notices=[one.model_dump() for one in policy_ledger.of_item(session, case.item_code)],
        restrictions=push_ledger.restrictions_of(session, case, now),
        filings=filings.of_case(session, case_no),
        special_procedures=special_procedures.views(session, case),
        extension=_extension(session, case_no),
        dossier=dossiers.dossier_view(session, case_no),
        process_instances=_instances(session, case_no),
    )
    if open_view:
        audit.append(session, actor.username, "case.read", case_no, {}, now)
    return view


def public_case(session: Session, case_no: str, query_code: str) -> dict[str, Any]:
    """Return what an applicant may see with the query code; a wrong code is as unknown as a wrong number."""
    case = session.get(Case, case_no)
    if case is None or case.query_code != query_code.strip().upper():
        raise NotFound("办件流水号或查询码不正确", "Unknown case number or query code")
    return {
        "case_no": case.case_no,
        "item": case.item_code,
        "item_name": case.item_name,
        "area": case.area,
        "state": {"code": case.state, "name": case.case_state.label},
        "received_at": case.received_at,
        "accepted_at": case.accepted_at,
        "handling": case_deadlines.announced_handling(session, case),
        "due_at": case.due_at,
        "promised_due_at": case.promised_due_at,
        "provisional": case.provisional,
        "provisional_dates": case.provisional_dates,
        "closed_at": case.closed_at,
        "decision": case.decision,
        "documents": [{"kind": one.kind, "number": one.number} for one in _documents(session, case_no)],
        "certificates": [one.number for one in _certificates(session, case_no)],
    }


def _tolerance(case: Case) -> ToleranceView | None:
    if case.tolerated_until is None:
        return None
    return ToleranceView(
        materials=case.tolerated_materials or "",
        until=case.tolerated_until,
        supplied_at=case.tolerated_supplied_at,
    )


def _row(case: Case, applicant: Applicant, area_names: dict[str, str], now: datetime) -> CaseRow:
    return CaseRow(
        case_no=case.case_no,
        state=StateView(code=case.state, name=case.case_state.label),
        mode=case.mode,
        item=case.item_code,
        item_name=case.item_name,
        area=case.area,
        area_name=area_names.get(case.area, case.area),
        city_unit=case.city_unit,
        project=case.project,
        applicant_name=masked_name(applicant.name),
        received_at=case.received_at,
        accepted_at=case.accepted_at,
        due_at=case.due_at,
        provisional=case.provisional,
        closed_at=case.closed_at,
        decision=case.decision,
        light=_light(case, now),
    )


def _light(case: Case, now: datetime) -> Light:
    seen = case.decided_at or case.closed_at or now
    if case.overdue_at is not None and (not case.is_open or case.decided_at is None):
        return Light.RED
    if case.due_at is not None and seen > case.due_at:
        return Light.RED
    if case.case_state is CaseState.SPECIAL_OPEN:
        return Light.PAUSED
    if case.is_open and case.decided_at is None and case.warn_at is not None and now >= case.warn_at:
        return Light.YELLOW
    return Light.GREEN


def _area_names(session: Session) -> dict[str, str]:
    return dict(session.exec(select(Area.code, Area.name)).all())


def _materials(session: Session, case_no: str) -> list[MaterialView]:
    rows = session.exec(select(Material).where(Material.case_no == case_no).order_by("round", "position")).all()
    return [
        MaterialView(name=one.name, copies=one.copies, kind=one.kind, present=one.present, round=one.round)
        for one in rows
    ]


def _opinions(session: Session, case_no: str) -> list[OpinionView]:
    return [
        OpinionView(
            task=one.task_name,
            element_id=one.element_id,
            account=one.account,
            outcome=one.outcome,
            outcome_label=one.outcome_label,
            opinion=one.opinion,
            at=one.decided_at,
            overtaken=one.status is TaskOutcomeStatus.OVERTAKEN,
        )
        for one in task_outcomes.everything(session, case_no)
    ]


def _timeline(session: Session, case_no: str) -> list[TimelineView]:
    rows = session.exec(select(TimelineEntry).where(TimelineEntry.case_no == case_no).order_by("at", "id")).all()
    return [TimelineView(at=one.at, actor=one.actor, event=one.event, text=one.text) for one in rows]


def _documents(session: Session, case_no: str) -> list[DocumentView]:
    wanted = (Document.id, Document.kind, Document.number, Document.seal, Document.sha256, Document.issued_at)
    rows: Sequence[Any] = session.exec(
        select(*wanted).where(Document.case_no == case_no).order_by("id")  # type: ignore[call-overload]
    ).all()
    return [
        DocumentView(id=key, kind=kind, number=number, seal=seal, sha256=sha256, issued_at=at)
        for key, kind, number, seal, sha256, at in rows
    ]


def _certificates(session: Session, case_no: str) -> list[CertificateView]:
    rows = session.exec(select(Certificate).where(Certificate.case_no == case_no)).all()
    return [
        CertificateView(
            number=one.number,
            name=one.name,
            status=one.status.value,
            issued_at=one.issued_at,
            valid_until=one.valid_until,
        )
        for one in rows
    ]


def _extension(session: Session, case_no: str) -> dict[str, Any] | None:
    one = session.exec(select(Extension).where(Extension.case_no == case_no)).first()
    if one is None:
        return None
    return {
        "days": one.days,
        "reason": one.reason,
        "approved_by": one.approved_by,
        "approved_at": one.approved_at,
    }


def _instances(session: Session, case_no: str) -> list[InstanceView]:
    rows = session.exec(select(ProcessInstance).where(ProcessInstance.case_no == case_no).order_by("key")).all()
    return [InstanceView(key=str(one.key), process_id=one.process_id, state=one.state.value) for one in rows]
