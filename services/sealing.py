"""Which seal a decision bears: the model's word for it (``bpmn/seal-and-signer.dmn``) after the organ's name."""

from typing import Any

from models.catalogue import Mode
from papers.facts import CaseFacts

CITY_SEAL = "市级审批专用章"
COUNTY_SEAL = "县级审批专用章"
NOT_CONFIGURED = "未配置"


def decision_seal(facts: CaseFacts, sealing: dict[str, Any]) -> str:
    """Return the seal of the organ that decides; the plan's own seal where the model names none."""
    default = CITY_SEAL if facts.mode in Mode.decided_by_city() else COUNTY_SEAL
    named = sealing.get("seal")
    kind = named.strip() if isinstance(named, str) and named.strip() and named != NOT_CONFIGURED else default
    return kind if facts.deciding_organ in kind else f"{facts.deciding_organ}{kind}"
