"""Which seal a paper bears: a decision its item's or the model's (``bpmn/seal-and-signer.dmn``), a notice another.

The city's 市级审批专用章 is used on decisions alone (plan, section 三(二)): before the decision nothing bears it.
"""

from typing import Any

from models.catalogue import Mode
from papers.facts import CaseFacts

CITY_SEAL = "市级审批专用章"
COUNTY_SEAL = "县级审批专用章"
NOTICE_SEAL = "业务专用章"
"""What notices of a special procedure or an extension bear [decision]; the plan names no seal for them."""
NOT_CONFIGURED = "未配置"


def decision_seal(facts: CaseFacts, sealing: dict[str, Any]) -> str:
    """Return the seal of the organ that decides: the item's own, else the model's, else the plan's."""
    default = CITY_SEAL if facts.mode in Mode.decided_by_city() else COUNTY_SEAL
    named = facts.item_seal or sealing.get("seal")
    kind = named.strip() if isinstance(named, str) and named.strip() and named != NOT_CONFIGURED else default
    return kind if facts.deciding_organ in kind else f"{facts.deciding_organ}{kind}"


def notice_seal(facts: CaseFacts) -> str:
    """Return the seal of the organ that decides for what it writes before it has decided."""
    return f"{facts.deciding_organ}{NOTICE_SEAL}"
