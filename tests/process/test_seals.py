"""A decision whose seal is suspended stands still with words one can act on, and goes on once the seal is resumed."""

from typing import Any

import pytest

from tests.factories.signatures import judged
from tests.instance import DEADLINE_SECONDS, Instance, eventually

pytestmark = pytest.mark.engine

LONG = DEADLINE_SECONDS * 2
"""Three attempts precede an incident, seconds apart."""


def seal_of(instance: Instance, text: str) -> dict[str, Any]:
    (found,) = instance.api("admin.system").get("/seals", params={"q": text}).json()["items"]
    assert found["text"] == text
    seal: dict[str, Any] = found
    return seal


def incident(instance: Instance, case_no: str) -> tuple[str, dict[str, Any]]:
    """Return the incident of a case and the instance it is in, waiting for it."""
    administrator = instance.api("admin.system")

    def look() -> tuple[str, dict[str, Any]] | None:
        for one in instance.case(case_no)["process_instances"]:
            told = administrator.get(f"/process-instances/{one['key']}").json()["incidents"]
            if told:
                return str(one["key"]), told[0]
        return None

    return eventually(look, f"an incident of {case_no}", LONG)


def test_a_suspended_seal_holds_the_decision_until_it_is_resumed(instance: Instance) -> None:
    """The seal is this county's own, so no other test on the engine needs it."""
    administrator = instance.api("admin.system")
    first = instance.finish(instance.submit("D-07", "shicheng"))
    (decided,) = [one for one in first["documents"] if one["kind"] == "准予行政许可决定书"]
    seal = seal_of(instance, decided["seal"])
    case_no = instance.submit("D-07", "shicheng")
    instance.complete(case_no, "Task_DecideAcceptance", "accept")
    instance.complete(case_no, "Task_CountyReview", "agree", "同意")
    instance.task(case_no, "Task_CountyDecide")
    suspended = administrator.post(f"/seals/{seal['id']}/suspend", json={"reason": "印章遗失"})
    assert suspended.status_code == 200, suspended.text
    instance.complete(case_no, "Task_CountyDecide", "approve")
    key, told = incident(instance, case_no)
    assert "seal_refused" in told["message"]
    assert "印章遗失" in told["message"]
    assert "印章管理" in told["message"]
    held = instance.case(case_no)
    assert decided["kind"] not in {one["kind"] for one in held["documents"]}
    assert administrator.post(f"/seals/{seal['id']}/resume").status_code == 200
    retried = administrator.post(f"/process-instances/{key}/incidents/{told['key']}/retry")
    assert retried.status_code == 202, retried.text
    done = instance.finish(case_no)
    (paper,) = [one for one in done["documents"] if one["kind"] == decided["kind"]]
    pdf = instance.api("shicheng.approver").get(f"/documents/{paper['id']}").content
    assert judged(pdf, administrator.get("/public/trust").text).bottom_line
    counted = administrator.get(f"/seals/{seal['id']}").json()
    assert counted["used"] >= seal["used"] + 1
    assert counted["refused"] >= 1
