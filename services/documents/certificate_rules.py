"""What a case does to a certificate by the guide it keeps, and the content its decision gave a new one."""

from datetime import date
from typing import Any

from sqlmodel import Session

from catalog_data.certificate import CertificateRule
from models.case import Case, Verdict
from models.catalogue import PowerKind
from models.certificate import CertificateAction
from papers.facts import CertificateFact
from papers.paper import Labelled
from services.catalogue import reference
from services.documents import case_facts
from services.journal import task_outcomes

CERTIFICATE = "certificate"
"""The value of a decision's answer that holds the certificate's content."""

ISSUING_EFFECTS = frozenset({"issue", "change", "renew", "reissue"})
"""The effects of guides published before guides named an action: each ends in a certificate of its own."""


def find_rule(session: Session, case: Case) -> CertificateRule | None:
    """Return what the guide the case keeps says about certificates, None where it says nothing."""
    if PowerKind(case.power_kind) is PowerKind.FILING:
        return None
    guide = reference.guide(session, case.item_code, case.guide_version)
    return guide.certificate if guide is not None else None


def find_action(session: Session, case: Case) -> CertificateAction | None:
    """Return what a favourable decision does to a certificate, None where it does nothing.

    A guide from before actions yields a certificate of its own where it says so; a filing (备案) never does anything.
    """
    if PowerKind(case.power_kind) is PowerKind.FILING:
        return None
    version = reference.guide_version(session, case.item_code, case.guide_version)
    body: dict[str, Any] = version.body if version is not None else {}
    if named := (body.get("certificate") or {}).get("action"):
        return CertificateAction(named)
    result = case_facts.result_of(session, case)
    issuing = bool(result.get("certificate")) and result.get("effect") in ISSUING_EFFECTS
    return CertificateAction.ISSUE if issuing else None


def stated(session: Session, case: Case) -> CertificateFact | None:
    """Return what the decision says of the certificate: its last day, its fields, the certificate it is about.

    None for a case that does nothing to any.
    """
    action = find_action(session, case)
    if action is None:
        return None
    answer = task_outcomes.find(session, case.case_no, outcome=Verdict.APPROVE.value)
    given: dict[str, Any] = (answer.form_values.get(CERTIFICATE) if answer is not None else None) or {}
    until = given.get("valid_until")
    return CertificateFact(
        action=action,
        valid_until=date.fromisoformat(until) if until else None,
        validity_note=str(given.get("validity_note") or ""),
        fields=tuple(Labelled(one["label"], _printed(one)) for one in given.get("fields") or []),
        former=case.certificate_number or "",
    )


def _printed(field: dict[str, Any]) -> str:
    source = f"（{field['source']}）" if field.get("source") else ""
    return f"{field['value']}{field.get('unit') or ''}{source}"
