"""Gather what the papers of a case may say: names of organs, the guide the case keeps, the masked applicant."""

from typing import Any

from sqlalchemy import bindparam
from sqlmodel import Session, col, select

from models.account import Account
from models.case import Applicant, Case, IdentityType, Material
from models.case_deadlines import DueDate
from models.catalogue import Area, CountyUnit, Mode, PowerKind
from models.identity import masked
from models.working_calendar import china_date
from papers.facts import ApplicantFact, CaseFacts, LimitFact, MaterialFact
from papers.paper import PENDING
from services.catalogue import in_force, reference
from services.clock import product_now
from services.documents import issuers
from settings import get_settings

COUNTY_APPROVAL_OFFICE = "行政审批局"
"""The plan moves the counties' powers to their 行政审批局 (section 四(八)); it stands in where no unit is named, and in
cases of before the units were listed."""

IDENTITY_LABELS = {IdentityType.ID_CARD: "居民身份证号", IdentityType.USCC: "统一社会信用代码"}
_MATERIALS = (
    select(Material)
    .where(Material.case_no == bindparam("case_no"))
    .order_by(col(Material.round), col(Material.position))
)


def gather(session: Session, case: Case) -> CaseFacts:
    """Return the facts of a case as of this transaction."""
    area, unit = reference.area(session, case.area), reference.handling_unit(session, case)
    area_name = area.name if area is not None else case.area
    county, city = _county_organ(session, unit, area, area_name), reference.city_organ(session, case.city_unit)
    guide = _guide(session, case)
    version = in_force.item_version(session, case.item_code, case.item_version)
    return CaseFacts(
        case_no=case.case_no,
        query_code=case.query_code,
        item_code=case.item_code,
        item_name=version.full_name if version is not None else case.item_name,
        item_main=version.main_name if version is not None else case.item_name,
        power_kind=PowerKind(case.power_kind),
        power_type=case.power_type,
        mode=case.mode,
        recalled_at=case.taken_over_at,
        project=case.project,
        applicant=_applicant(session, case),
        area=area_name,
        window=window_of(area_name),
        county_organ=county,
        city_organ=city,
        issuers=issuers.of_case(case, area, unit, county, city, version.seal if version is not None else ""),
        basis=_statement(guide.get("basis")),
        fees=_statement(guide.get("fees")),
        result_name=str(guide.get("result", {}).get("name") or PENDING),
        received_at=case.received_at,
        accepted_at=case.accepted_at,
        deemed_accepted=case.deemed_accepted,
        owed=case.tolerated_materials or "",
        owed_until=case.tolerated_until.date() if case.tolerated_until is not None else None,
        by_commitment=case.by_commitment,
        limits=_limits(case, guide),
        materials=_materials(session, case),
        receiver=display_name(session, case.submitted_by),
        sample=get_settings().development,
    )


def county_organ(session: Session, case: Case, area_name: str) -> str:
    """Return the full name of the county unit that handles the case's item in its area."""
    unit, area = reference.handling_unit(session, case), reference.area(session, case.area)
    return _county_organ(session, unit, area, area_name)


def former_organ(session: Session, case: Case) -> str:
    """Return who had a case before the city took it over: the county's organ, or for ``window`` items its window."""
    area = reference.area(session, case.area)
    name = area.name if area is not None else case.area
    return window_of(name) if case.mode is Mode.WINDOW else county_organ(session, case, name)


def window_of(area_name: str) -> str:
    """Return the full name of an area's window."""
    return f"{area_name}“市县同权”综合受理窗口"


def _county_organ(session: Session, unit: CountyUnit | None, area: Area | None, area_name: str) -> str:
    if unit is None or area is None or unit.name == in_force.UNNAMED_COUNTY_UNIT:
        return f"{area_name}{COUNTY_APPROVAL_OFFICE}"
    return unit.written(china_date(product_now(session)), area)


def display_name(session: Session, username: str) -> str:
    """Return the name an account's holder signs with."""
    account = session.get(Account, username)
    return account.display_name if account is not None else username


def result_of(session: Session, case: Case) -> dict[str, Any]:
    """Return the result block of the guide the case keeps."""
    result: dict[str, Any] = _guide(session, case).get("result", {})
    return result


def _guide(session: Session, case: Case) -> dict[str, Any]:
    version = reference.guide_version(session, case.item_code, case.guide_version)
    return version.body if version is not None else {}


def _statement(block: dict[str, Any] | None) -> str:
    return str((block or {}).get("text") or PENDING)


def _limits(case: Case, guide: dict[str, Any]) -> LimitFact:
    return LimitFact(
        unit=case.limit_unit,
        handling=case.handling,
        statutory=case.limit_days,
        promised=case.promised_days,
        due=case.deadlines.due_at.date() if case.deadlines.due_at is not None else None,
        promised_due=case.deadlines.promised_due_at.date() if case.deadlines.promised_due_at is not None else None,
        provisional=case.deadlines.is_provisional(DueDate.STATUTORY),
        promised_provisional=case.deadlines.is_provisional(DueDate.PROMISED),
        assumed=bool((guide.get("limits") or {}).get("assumed")),
    )


def _applicant(session: Session, case: Case) -> ApplicantFact:
    applicant = session.get_one(Applicant, case.case_no)
    private = applicant.id_type is IdentityType.ID_CARD
    return ApplicantFact(
        name=applicant.name,
        identity_label=IDENTITY_LABELS[applicant.id_type],
        identity=masked(applicant.id_number) if private else applicant.id_number,
        phone=masked(applicant.phone),
    )


def _materials(session: Session, case: Case) -> tuple[MaterialFact, ...]:
    rows = session.exec(_MATERIALS, params={"case_no": case.case_no}).all()
    return tuple(MaterialFact(row.name, row.copies, row.kind.label, row.present, row.round > 0) for row in rows)
