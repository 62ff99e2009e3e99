"""A second transfer as the process tests drive it: whose item it is, up to which task, and when it took effect."""

from typing import Any

from tests.instance import Instance, eventually
from tests.process.asking import get

AREA, ITEM, OLD, NEW = "rongjiang", "S-22", "zrzy", "nb"
OLD_GROUP, NEW_GROUP = f"{AREA}.{OLD}.reviewer", f"{AREA}.{NEW}.reviewer"


def drive(instance: Instance, case_no: str, element_id: str) -> dict[str, Any]:
    """Complete a case's tasks favourably until one at ``element_id`` is open; return that."""

    def step() -> dict[str, Any] | None:
        tasks = instance.case(case_no)["tasks"]
        for task in tasks:
            if task["element_id"] == element_id:
                return dict(task)
            instance.complete(case_no, task["element_id"], task["outcomes"][0]["value"])
        return None

    return eventually(step, f"{element_id} of {case_no}")


def effective(instance: Instance, number: int) -> dict[str, Any]:
    """Return the transfer once the engine has carried it out."""

    def look() -> dict[str, Any] | None:
        shown = get(instance, "city.coordinator", f"/unit-transfers/{number}")
        return shown if shown["state"] == "effective" else None

    return eventually(look, "the transfer's day")
