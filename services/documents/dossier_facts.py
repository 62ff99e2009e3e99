"""Read the stored body of a transfer dossier (审核转报件) for its paper."""

from datetime import datetime
from typing import Any

from sqlmodel import Session

from papers.procedure import DossierContent, Officer
from services.documents.case_facts import display_name

OUTCOMES = {"agree": "同意，建议准予", "propose_deny": "建议不予", "return": "退回", "forward": "同意转报"}


def content_of(session: Session, dossier: dict[str, Any]) -> DossierContent:
    """Return the typed content of a dossier's body; what the body lacks is left empty, never invented."""
    opinion = _mapping(dossier.get("opinion"))
    signature = _mapping(dossier.get("signature"))
    check = _mapping(dossier.get("on_site_check"))
    officers = [_officer(session, "实质性审核人员", one) for one in dossier.get("reviewers") or []]
    officers += _inspectors(session, check)
    if signature:
        officers.append(_officer(session, "首席代表（签发）", signature))
    return DossierContent(
        round=int(dossier.get("round") or 1),
        outcome=OUTCOMES.get(str(opinion.get("outcome", "")), str(opinion.get("outcome") or "—")),
        opinion=str(opinion.get("text") or ""),
        forwarding_opinion=str(signature.get("opinion") or ""),
        on_site=_findings(check),
        officers=tuple(officers),
        hashes=tuple(str(one.get("sha256", "")) for one in dossier.get("materials") or []),
        digest=str(dossier.get("digest") or ""),
    )


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _officer(session: Session, role: str, signed: dict[str, Any]) -> Officer:
    return Officer(role, display_name(session, str(signed.get("account", ""))), _instant(signed.get("at")))


def _inspectors(session: Session, check: dict[str, Any]) -> list[Officer]:
    return [_officer(session, "现场核查登记", check)] if check.get("account") else []


def _findings(check: dict[str, Any]) -> str:
    findings = [str(value) for key, value in check.items() if key not in ("account", "at") and isinstance(value, str)]
    return "；".join(one for one in findings if one.strip())


def _instant(value: Any) -> datetime | None:
    return datetime.fromisoformat(value) if isinstance(value, str) and value else None
