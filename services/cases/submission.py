"""Submit a case (接件): check it, give it a number, and ask the engine to start its process.

The refusals come in the order the contract fixes: rights, content, then what the catalogue and the open cases say.
"""

import secrets
from datetime import datetime
from typing import Any

from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, select

from catalog_data.conditions import answer_error
from catalog_data.guide import Guide
from models.canonical_json import digest_of
from models.case import (
    Applicant,
    ApplicantKind,
    Case,
    CaseState,
    IdentityType,
    Material,
    Submission,
)
from models.catalogue import ItemVersion, Mode
from models.certificate import CertificateAction
from models.document import Certificate
from models.identity import identity_error
from models.protocol import CASE_ID, REVIEW_UNIT, START_TTL_MS, Message, Process
from models.working_calendar import china_date
from services import locks, numbering
from services.accounts import rights
from services.accounts.actors import Actor
from services.cases import applicant_digests, material_files
from services.cases.submission_input import CaseSubmission, MaterialInput, StateView, SubmissionReceipt
from services.catalogue import in_force, reference
from services.certificates import naming
from services.clock import product_now
from services.documents import issuance
from services.errors import Conflict, FieldProblem, IdempotencyConflict, InvalidInput
from services.journal import audit, seals, timeline
from services.powers import agreements
from services.process_engine import outbox

MAX_KEY_LENGTH = 200
QUERY_CODE_ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
QUERY_CODE_LENGTH = 8

START_MESSAGES = {
    Mode.WINDOW: (Message.CASE_SUBMITTED_WINDOW, Process.FRONT_WINDOW),
    Mode.DIRECT: (Message.CASE_SUBMITTED_DIRECT, Process.DIRECT_DEVOLUTION),
    Mode.SUBSTANTIVE: (Message.CASE_SUBMITTED_SUBSTANTIVE, Process.SUBSTANTIVE_REVIEW),
}


class ItemNotDelegated(Conflict):
    """The area may not exercise the item."""

    code, title, title_en = "item_not_delegated", "该事项未下放至本县区", "Item not delegated to this area"


class NotInForce(Conflict):
    """The delegation's date has not come."""

    code, title, title_en = "not_in_force", "该事项的下放尚未生效", "Delegation not in force yet"


class NoLongerInForce(NotInForce):
    """The item ended: a later list no longer has it."""

    title, title_en = "该事项已终止", "Item no longer in force"


class AgreementMissing(Conflict):
    """A ``substantive`` item without a takeover agreement in force."""

    code, title, title_en = (
        "agreement_missing",
        "承接协议尚未生效，不能受理",
        "No takeover agreement in force",
    )


class DuplicateOpenCase(Conflict):
    """The same applicant has the same item and project open."""

    code, title, title_en = "duplicate_open_case", "同一申请人、事项和项目已有在办件", "Duplicate open case"


def require_window(actor: Actor, area: str) -> None:
    """Raise ``Forbidden`` unless the actor works at the area's window."""
    rights.require_submit(actor, area)


def submit(session: Session, actor: Actor, key: str, body: CaseSubmission) -> tuple[SubmissionReceipt, bool]:
    """Create the case, or return the one the same key created; the second value tells which.

    Raises ``Forbidden``, ``InvalidInput``, then the conflicts of this module in the order they are defined above.
    """
    require_window(actor, body.area)
    now = product_now(session)
    item, guide = _checked(session, body, now)
    digest = digest_of(_digested_content(body))
    locks.acquire(session, f"submission:{actor.username}:{key}")
    earlier = session.get(Submission, (actor.username, key))
    if earlier is not None:
        return _replay(session, earlier, digest), False
    material_files.require_usable(session, actor, body.materials)
    _require_delegated(session, item, body.area, now)
    case = _case(session, actor, body, item, guide, now)
    naming.require_named(guide.certificate, case.certificate_number)
    _require_no_duplicate(session, case)
    certificate = naming.lock_usable(session, guide.certificate, case)
    session.add(case)
    try:
        session.flush()
    except IntegrityError as error:
        raise DuplicateOpenCase() from error
    _add_particulars(session, case, body)
    session.add(Submission(account=actor.username, key=key, body_digest=digest, case_no=case.case_no))
    timeline.append(session, case.case_no, "case.received", "窗口接件，出具材料接收凭证", actor=actor.username, at=now)
    if certificate is not None:
        _tell_of_certificate(session, case, guide, certificate, now)
    audit.append(session, actor.username, "case.submit", case.case_no, {"item": item.code, "area": body.area}, now)
    issuance.issue_receipt(session, case, now)
    request_start(session, case)
    return _receipt(case), True


def request_start(session: Session, case: Case, attempt: int = 0) -> None:
    """Queue the start message of a case; a repeated attempt has an id of its own."""
    message, _ = START_MESSAGES[case.mode]
    outbox.publish_message(
        session,
        message,
        stream=case.case_no,
        correlation_key=case.case_no,
        message_id=outbox.attempt_id(case.case_no, attempt),
        variables=start_variables(case),
        time_to_live_ms=START_TTL_MS,
    )


def start_variables(case: Case) -> dict[str, Any]:
    """Return what the process routes on; never a person's data."""
    return {
        CASE_ID: case.case_no,
        "itemCode": case.item_code,
        "mode": case.mode.value,
        "area": case.area,
        "cityUnit": case.city_unit,
        "powerType": case.power_kind,
        REVIEW_UNIT: case.review_unit,
        "onSiteCheck": case.on_site_check,
        "approvalFiling": case.approval_filing,
    }


def material_rows(case_no: str, materials: list[MaterialInput], supply_round: int) -> list[dict[str, Any]]:
    """Return the rows of materials handed in at one time."""
    return [
        {
            "case_no": case_no,
            "round": supply_round,
            "position": position,
            "name": one.name,
            "copies": one.copies,
            "kind": one.kind,
            "present": one.present,
        }
        for position, one in enumerate(materials)
    ]


def _checked(session: Session, body: CaseSubmission, now: datetime) -> tuple[ItemVersion, Guide]:
    problems = []
    item = in_force.find_item_or_latest(session, body.item, china_date(now))
    guide = in_force.latest_guide(session, body.item)
    if item is None:
        raise InvalidInput([FieldProblem("item", "没有这个事项")])
    if guide is None:
        raise InvalidInput([FieldProblem("item", "该事项的办事指南尚未发布，暂不能接件")])
    applicant = body.applicant
    if applicant.kind is ApplicantKind.ORGANIZATION and applicant.id_type is not IdentityType.USCC:
        problems.append(FieldProblem("applicant.id_type", "单位申请人应使用统一社会信用代码"))
    fault = identity_error(applicant.id_type, applicant.id_number, china_date(now))
    if fault is not None:
        problems.append(FieldProblem("applicant.id_number", fault))
    if not _is_phone(applicant.phone):
        problems.append(FieldProblem("applicant.phone", "联系电话格式不正确"))
    known = {condition.key: condition for condition in guide.conditions}
    for key, answer in body.conditions.items():
        condition = known.get(key)
        message = "办事指南中没有这一条件" if condition is None else answer_error(condition, answer)
        if message is not None:
            problems.append(FieldProblem(f"conditions.{key}", message))
    rule = guide.certificate
    if body.certificate_number and (rule is None or not rule.action.needs_certificate):
        problems.append(FieldProblem("certificate_number", "本事项不针对已有证照，不填写证照编号"))
    if problems:
        raise InvalidInput(problems)
    return item, guide


def _is_phone(phone: str) -> bool:
    digits = phone.replace("-", "").replace(" ", "").removeprefix("+")
    return digits.isascii() and digits.isdigit() and 7 <= len(digits) <= 15


def _replay(session: Session, earlier: Submission, digest: str) -> SubmissionReceipt:
    if earlier.body_digest != digest:
        raise IdempotencyConflict(case_no=earlier.case_no)
    case = session.get(Case, earlier.case_no)
    if case is None:
        raise Conflict()
    return _receipt(case)


def _require_delegated(session: Session, item: ItemVersion, area: str, now: datetime) -> None:
    today = china_date(now)
    if area not in item.areas:
        raise ItemNotDelegated()
    if in_force.is_recalled(session, area, item.code, today):
        raise ItemNotDelegated("该事项的权限已从本县区收回，请到市级单位申请")
    if item.in_force_to is not None and item.in_force_to < today:
        raise NoLongerInForce(f"该事项已于{item.in_force_to}终止，不再受理新的申请")
    if not item.in_force(today):
        raise NotInForce(f"该事项自{item.in_force_from}起实施" if item.in_force_from else "")
    if item.mode is Mode.SUBSTANTIVE and not agreements.covers(session, area, item.code, today):
        raise AgreementMissing()


def _require_no_duplicate(session: Session, case: Case) -> None:
    open_case = session.exec(
        select(Case.case_no).where(
            Case.applicant_digest == case.applicant_digest,
            Case.item_code == case.item_code,
            Case.project == case.project,
            col(Case.is_open),
        )
    ).first()
    if open_case is not None:
        raise DuplicateOpenCase(f"同一申请人、事项和项目已有在办件{open_case}", case_no=open_case)


def _case(session: Session, actor: Actor, body: CaseSubmission, item: ItemVersion, guide: Guide, now: datetime) -> Case:
    area = reference.area(session, body.area)
    if area is None:
        raise InvalidInput([FieldProblem("area", "没有这个县区")])
    county_unit = in_force.county_unit(session, item, body.area, china_date(now))
    prefix = f"{area.division_code}{china_date(now):%Y%m%d}"
    return Case(
        case_no=f"{prefix}{numbering.next_number(session, f'case:{prefix}'):05d}",
        query_code="".join(secrets.choice(QUERY_CODE_ALPHABET) for _ in range(QUERY_CODE_LENGTH)),
        item_code=item.code,
        item_version=item.version,
        guide_version=guide.version,
        item_name=item.short_name,
        mode=item.mode,
        power_kind=item.power_kind.value,
        power_type=item.power_type,
        area=body.area,
        city_unit=item.unit,
        county_unit=county_unit.code if county_unit is not None else None,
        review_unit=in_force.passed_on_to(item.mode, county_unit),
        on_site_check=item.mode is Mode.SUBSTANTIVE and guide.on_site_check,
        approval_filing=item.mode is Mode.DIRECT and item.approval_filing,
        project=body.project,
        certificate_number=body.certificate_number or None,
        conditions=body.conditions,
        applicant_digest=applicant_digests.digest_of(body.applicant.id_type, body.applicant.id_number),
        submitted_by=actor.username,
        state=CaseState.RECEIVED,
        received_at=now,
        process_id=START_MESSAGES[item.mode][1].value,
    )


def _add_particulars(session: Session, case: Case, body: CaseSubmission) -> None:
    given = body.applicant
    applicant = Applicant(
        case_no=case.case_no,
        kind=given.kind,
        name=given.name,
        id_type=given.id_type,
        id_number=given.id_number.upper(),
        phone=given.phone,
    )
    session.add(applicant)
    session.flush()
    seals.seal(session, case)
    seals.seal(session, applicant)
    rows = material_rows(case.case_no, body.materials, 0)
    if rows:
        session.connection().execute(insert(Material), rows)
        material_files.bind(session, case.case_no, body.materials, 0)


def _tell_of_certificate(session: Session, case: Case, guide: Guide, certificate: Certificate, now: datetime) -> None:
    """Write which certificate the case is about; of a renewal whether it was asked for in time (art. 50)."""
    action = guide.certificate.action if guide.certificate is not None else None
    text = f"办理证照{certificate.number}（{certificate.name}）的{action.label if action is not None else ''}"
    if action is CertificateAction.RENEW:
        renewal = naming.renewal_of(certificate, china_date(now))
        if renewal is not None and certificate.valid_until is not None:
            text = f"{text}。{renewal.text(certificate.valid_until)}"
            if renewal.in_time:
                certificate.renewal_case_no = case.case_no
                session.add(certificate)
    timeline.append(session, case.case_no, "certificate.named", text, actor=timeline.SYSTEM, at=now)


def _receipt(case: Case) -> SubmissionReceipt:
    return SubmissionReceipt(
        case_no=case.case_no,
        query_code=case.query_code,
        state=StateView(code=case.state, name=case.case_state.label),
        mode=case.mode,
        item=case.item_code,
        area=case.area,
    )


def _digested_content(body: CaseSubmission) -> dict[str, Any]:
    """Return a body's content for its digest; without what later releases added it is as before, so digests stay."""
    content = body.model_dump(mode="json")
    for material in content["materials"]:
        if not material["files"]:
            del material["files"]
    if not content["certificate_number"]:
        del content["certificate_number"]
    return content
