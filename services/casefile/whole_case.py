"""The whole case, for whoever may read it."""

from sqlmodel import Session

from models.case import Applicant, CaseState
from models.working_calendar import china_date
from services.accounts import case_access, personal_data_rights
from services.accounts.actors import Actor
from services.casefile import case_list, contents, personal_data
from services.casefile.views import CaseView, FindingView
from services.cases import dossiers, form_check, special_procedures
from services.catalogue import in_force, reference
from services.clock import product_now
from services.deadlines import case_deadlines, clock_views
from services.files import binding
from services.journal import audit
from services.powers import filing_views
from services.supervision import policy_ledger, push_ledger
from services.tasks import worklist


def get_case(session: Session, actor: Actor, case_no: str, purpose: str | None = None) -> CaseView:
    """Return the whole case; reading the applicant in the clear leaves an audit entry.

    A supervisor sees the applicant in the clear for a ``purpose`` (查阅事由), which the entry keeps.
    """
    case = case_access.get(session, actor, case_no)
    named = personal_data_rights.stated(purpose)
    now = product_now(session)
    if case.case_state is CaseState.SPECIAL_OPEN:
        case_deadlines.refresh(session, case)
    applicant = session.get_one(Applicant, case_no)
    open_view = personal_data.is_open(session, actor, case, named)
    row = case_list.row(case, applicant, case_list.area_names(session), now)
    files = binding.of_case(session, case_no)
    handling = reference.handling_unit(session, case)
    view = CaseView(
        **row.model_dump(),
        level=case.level,
        power_type=case.power_type,
        city_unit_name=in_force.unit_name(session, case.city_unit),
        county_unit=handling.code if handling is not None else None,
        county_unit_name=handling.called(china_date(now)) if handling is not None else "",
        item_version=case.item_version,
        guide_version=case.guide_version,
        certificate_number=case.certificate_number,
        deemed_accepted=case.deemed_accepted,
        decided_at=case.decided_at,
        acceptance_due_at=case.deadlines.acceptance_due_at,
        supplement_due_at=case.deadlines.supplement_due_at,
        promised_due_at=case.deadlines.promised_due_at,
        review_due_at=case.deadlines.review_due_at,
        decision_due_at=case.deadlines.decision_due_at,
        delivery_due_at=case.deadlines.delivery_due_at,
        handling=case_deadlines.announced_handling(session, case),
        overdue_at=case.overdue_at,
        tolerance=contents.tolerance(case),
        by_commitment=case.by_commitment,
        provisional_dates=case.deadlines.provisional_dates,
        clock=clock_views.clock_view(session, case, now),
        applicant=case_access.applicant_view(applicant, open_view),
        conditions=case.conditions,
        materials=contents.materials(session, case_no, files),
        form_check=[
            FindingView(rule=f.rule, subject=f.subject, passed=f.passed, message=f.message, round=f.round)
            for f in form_check.findings(session, case_no)
        ],
        opinions=contents.opinions(session, case_no, files),
        tasks=worklist.open_tasks(session, case_no, now),
        timeline=contents.timeline(session, case_no),
        documents=contents.documents(session, case_no),
        certificates=contents.certificates(session, case_no),
        pushes=push_ledger.of_case(session, case_no),
        policy_notices=policy_ledger.of_item(session, case.item_code),
        restrictions=push_ledger.restrictions_of(session, case, now),
        filings=filing_views.of_case(session, case_no),
        special_procedures=special_procedures.views(session, case),
        extension=special_procedures.extension_view(session, case_no),
        dossier=dossiers.dossier_view(session, case_no),
        process_instances=contents.instances(session, case_no),
    )
    if open_view:
        audit.append(session, actor.username, "case.read", case_no, {"purpose": named} if named else {}, now)
    return view
