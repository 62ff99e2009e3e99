"""From the county to the city: the push on acceptance (受理推送) and the transfer dossier (审核转报件)."""

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from sqlmodel import Session, col, select

from models.case import Case, CaseState, Material
from models.catalogue import Mode
from models.dossier import TransferDossier
from models.protocol import Element
from models.task_outcome import Outcome
from services.cases.views import DossierView
from services.catalogue import in_force
from services.clock import product_now
from services.deadlines import case_deadlines
from services.documents import issuance
from services.errors import Conflict
from services.files import binding
from services.files.views import FileView
from services.journal import audit, seals, task_outcomes, timeline


class DossierMissing(Conflict):
    """A ``substantive`` case is to be decided, and the city unit holds no dossier of it."""

    code, title, title_en = (
        "dossier_missing",
        "市级单位尚未签收审核转报件，不能作出决定",
        "The city unit has not received the transfer dossier",
    )


def push_to_city(session: Session, case_no: str) -> dict[str, Any]:
    """Pass the accepted case to the city unit: to handle (``window``) or for information (``substantive``)."""
    case = session.get_one(Case, case_no)
    at = case.accepted_at or product_now(session)
    if case.deemed_accepted and case.deadlines.acceptance_due_at is not None:
        at = case.deadlines.acceptance_due_at
    else:
        accepted = task_outcomes.find(session, case_no, outcome=Outcome.ACCEPT)
        at = accepted.decided_at if accepted is not None else at
    if case.case_state is CaseState.ACCEPTED:
        case.state = CaseState.IN_DEPARTMENT
    handing_over = case.mode is Mode.WINDOW
    if handing_over:
        case.level = 1
    session.add(case)
    timeline.append(
        session,
        case_no,
        "case.pushed",
        f"受理信息推送{in_force.unit_name(session, case.city_unit)}",
        actor=timeline.SYSTEM,
        at=at,
    )
    if handing_over:
        timeline.append(session, case_no, "case.forwarded", "移交市级单位办理", actor=timeline.SYSTEM, at=at)
    return {}


def build_dossier(session: Session, case_no: str) -> dict[str, Any]:
    """Put the signed review together as a dossier and forward it; one per signature, however often the job runs."""
    case = session.get_one(Case, case_no)
    signature = task_outcomes.latest(session, case_no, element=Element.SIGN_DOSSIER)
    current = _current(session, case_no)
    if current is not None and current.body["signature"]["decision_id"] == signature.id:
        return {}
    body = _body(session, case, signature.id)
    dossier = TransferDossier(
        case_no=case_no,
        round=current.round + 1 if current is not None else 1,
        body=body,
        digest=digest_of(body),
        forwarded_by=signature.account,
        forwarded_at=signature.decided_at,
    )
    session.add(dossier)
    seals.seal(session, dossier)
    case.level = 1
    session.add(case)
    session.flush()
    case_deadlines.recompute(session, case)
    issuance.issue_dossier(
        session, case, {**body, "round": dossier.round, "digest": dossier.digest}, signature.decided_at
    )
    first = dossier.round == 1
    timeline.append(
        session,
        case_no,
        "case.forwarded" if first else "case.forwarded_again",
        "首席代表签发审核转报件，转报市级审批" if first else f"第{dossier.round}次转报市级审批",
        actor=signature.account,
        at=signature.decided_at,
        key="case.forwarded" if first else f"case.forwarded:{dossier.round}",
    )
    audit.append(
        session,
        signature.account,
        "dossier.forward",
        case_no,
        {"round": dossier.round, "digest": dossier.digest},
        signature.decided_at,
    )
    return {}


def receive_dossier(session: Session, case_no: str) -> dict[str, Any]:
    """Record the city unit's receipt of the dossier."""
    dossier = _current(session, case_no)
    answer = task_outcomes.latest(session, case_no, element=Element.DOSSIER_RECEIPT)
    if dossier is not None and dossier.received_at is None:
        dossier.received_by, dossier.received_at = answer.account, answer.decided_at
        session.add(dossier)
        seals.seal(session, dossier, "receipt")
        session.flush()
        case_deadlines.recompute(session, session.get_one(Case, case_no))
        timeline.append(
            session,
            case_no,
            "dossier.received",
            "市级单位签收审核转报件",
            actor=answer.account,
            at=answer.decided_at,
            key=f"dossier.received:{dossier.round}",
        )
    return {}


def require_received(session: Session, case: Case) -> None:
    """Refuse to decide a ``substantive`` case of which the city unit holds no dossier: received, and not returned.

    A model alone does not ensure it: a designer may draw one without the dossier's steps. A case that a recall handed
    over is examined by the city, and has none.

    Raises:
        DossierMissing: none was forwarded, received, or forwarded again since it was returned.
    """
    if case.handled_as is not Mode.SUBSTANTIVE:
        return
    dossier = _current(session, case.case_no)
    if dossier is None or dossier.received_at is None or dossier.returned_at is not None:
        raise DossierMissing


def return_dossier(session: Session, case_no: str) -> dict[str, Any]:
    """Record that the city returned the dossier to the county, and why."""
    dossier = _current(session, case_no)
    answer = task_outcomes.latest(session, case_no, element=Element.CITY_REVIEW, outcome=Outcome.RETURN)
    if dossier is not None and dossier.returned_at is None:
        dossier.returned_by, dossier.returned_at = answer.account, answer.decided_at
        dossier.return_reason = answer.opinion
        session.add(dossier)
        seals.seal(session, dossier, "return")
        case = session.get_one(Case, case_no)
        case.level = 0
        session.add(case)
        session.flush()
        case_deadlines.recompute(session, case)
        timeline.append(
            session,
            case_no,
            "dossier.returned",
            f"市级退回审核转报件：{answer.opinion or '（未填写原因）'}",
            actor=answer.account,
            at=answer.decided_at,
            key=f"dossier.returned:{dossier.round}",
        )
    return {}


def dossier_view(session: Session, case_no: str) -> DossierView | None:
    """Return the latest dossier as the case page and the contract show it."""
    dossier = _current(session, case_no)
    if dossier is None:
        return None
    return DossierView(
        **dossier.body,
        round=dossier.round,
        sha256=dossier.digest,
        forwarded_by=dossier.forwarded_by,
        forwarded_at=dossier.forwarded_at,
        received_by=dossier.received_by,
        received_at=dossier.received_at,
        returned_by=dossier.returned_by,
        returned_at=dossier.returned_at,
        return_reason=dossier.return_reason,
    )


def _current(session: Session, case_no: str) -> TransferDossier | None:
    return session.exec(
        select(TransferDossier).where(TransferDossier.case_no == case_no).order_by(col(TransferDossier.round).desc())
    ).first()


def _body(session: Session, case: Case, signature_id: int | None) -> dict[str, Any]:
    given = task_outcomes.everything(session, case.case_no)
    review = next((one for one in reversed(given) if one.element_id == Element.COUNTY_REVIEW), None)
    signed = next(one for one in reversed(given) if one.id == signature_id)
    check = next((one for one in reversed(given) if one.element_id == Element.ON_SITE_CHECK), None)
    files = binding.by_material(binding.of_case(session, case.case_no))
    materials = session.exec(
        select(Material).where(Material.case_no == case.case_no).order_by("round", "position")
    ).all()
    return {
        "case_no": case.case_no,
        "item": case.item_code,
        "opinion": {
            "outcome": review.outcome if review else signed.outcome,
            "text": review.opinion if review else signed.opinion,
            "values": review.form_values if review else {},
        },
        "reviewers": [{"account": review.account, "at": review.decided_at.isoformat()}] if review else [],
        "on_site_check": {**check.form_values, "account": check.account, "at": check.decided_at.isoformat()}
        if check
        else None,
        "materials": [_material(one, files.get(one.id or 0, [])) for one in materials],
        "signature": {
            "account": signed.account,
            "at": signed.decided_at.isoformat(),
            "opinion": signed.opinion,
            "decision_id": signed.id,
        },
    }


def _material(one: Material, files: Sequence[FileView]) -> dict[str, Any]:
    content: dict[str, Any] = {
        "name": one.name,
        "copies": one.copies,
        "kind": one.kind.value,
        "present": one.present,
        "round": one.round,
    }
    if files:
        content["files"] = [{"id": file.id, "name": file.name, "sha256": file.sha256} for file in files]
    return {**content, "sha256": digest_of(content)}


def digest_of(value: object) -> str:
    """Return the SHA-256 of a value as canonical JSON: keys sorted, no blanks, UTF-8."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
