"""What is done at the engine's port, behind the product's back, is told and set right by one request."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from engine.gateway import Gateway
from models.task import Task
from tests.instance import DEADLINE_SECONDS, Instance, eventually

pytestmark = pytest.mark.engine
LONG = DEADLINE_SECONDS * 2


def at_port(instance: Instance, use: Callable[[Gateway], Awaitable[None]]) -> None:
    """Speak to the engine as anybody can who reaches its port."""
    environment = json.loads((instance.state_dir / "run.json").read_text())["environment"]

    async def exchange() -> None:
        async with Gateway(environment["ZEEBE_ADDRESS"], environment["ZEEBE_REST_ADDRESS"]) as gateway:
            await use(gateway)

    asyncio.run(exchange())


def deviation(instance: Instance, case_no: str, *, settled: bool = False) -> dict[str, Any]:
    """Return what the system administrator is told of a case, waiting for it."""
    administrator = instance.api("admin.system")

    def look() -> dict[str, Any] | None:
        told = administrator.get("/deviations", params={"settled": settled, "limit": 200}).json()["items"]
        return next((one for one in told if one["case_no"] == case_no), None)

    return eventually(look, f"a deviation of {case_no}, settled: {settled}", LONG)


def restore(instance: Instance, key: str) -> None:
    """Ask for an instance to be set right, until the engine's word on where it stands has arrived."""
    administrator = instance.api("admin.system")
    eventually(lambda: administrator.post(f"/process-instances/{key}/restore").status_code == 202, "a restoration")


def restored_task(instance: Instance, case_no: str, key: str, element: str) -> dict[str, Any]:
    """Return the task a restoration opens; ask again where the engine has refused it, as its button does."""
    administrator = instance.api("admin.system")

    def look() -> dict[str, Any] | None:
        found = next((one for one in instance.case(case_no)["tasks"] if one["element_id"] == element), None)
        if found is None:
            administrator.post(f"/process-instances/{key}/restore")
        return found

    return eventually(look, f"{element} of {case_no} again: {administrator.get('/deviations').text}", LONG)


def cancel(instance: Instance, case_no: str) -> str:
    """Cancel a case's process instance at the engine's port and return its key."""
    case = instance.case(case_no)
    (key,) = [one["key"] for one in case["process_instances"] if one["process_id"] == "direct-devolution"]
    at_port(instance, lambda gateway: gateway.cancel_instance(int(key)))
    return str(key)


def test_a_decision_completed_at_the_port_is_told_and_taken_again_by_the_approver(instance: Instance) -> None:
    case_no = instance.submit("D-07", "ganxian")
    instance.complete(case_no, "Task_DecideAcceptance", "accept")
    instance.complete(case_no, "Task_CountyReview", "agree", "同意")
    task = instance.task(case_no, "Task_CountyDecide")
    at_port(instance, lambda gateway: gateway.complete_user_task(int(task["id"]), {"outcome": "approve"}))
    told = deviation(instance, case_no)
    assert (told["kind"], told["element_id"], told["restorable"]) == ("task_completed", "Task_CountyDecide", True)
    notices = instance.api("admin.system").get("/notices").json()["items"]
    assert any(case_no in one["text"] and one["link"].endswith(f"#deviation-{told['id']}") for one in notices)
    key = told["process_instance_key"]
    assert instance.api("ganxian.approver").post(f"/process-instances/{key}/restore").status_code == 403
    restore(instance, key)
    again = restored_task(instance, case_no, key, "Task_CountyDecide")
    assert again["id"] != task["id"]
    case = instance.finish(case_no)
    assert case["state"]["code"] == 11

    def is_told(case: dict[str, Any]) -> bool:
        return {"case.deviated", "case.restored"} <= {one["event"] for one in case["timeline"]}

    instance.until(case_no, is_told, "the restoration in the history")
    assert deviation(instance, case_no, settled=True)["settled_at"] is not None
    refused = instance.api("admin.system").post(f"/process-instances/{key}/restore")
    assert (refused.status_code, refused.json()["code"]) == (409, "nothing_to_restore")


@pytest.mark.parametrize("element", ["Task_DecideAcceptance", "Task_CountyReview"])
def test_a_case_whose_instance_was_cancelled_goes_on_from_its_step_in_a_new_one(
    instance: Instance, element: str
) -> None:
    case_no = instance.submit("D-07", "ganxian")
    if element != "Task_DecideAcceptance":
        instance.complete(case_no, "Task_DecideAcceptance", "accept")
    instance.task(case_no, element)
    key = cancel(instance, case_no)
    told = deviation(instance, case_no)
    assert (told["kind"], told["process_instance_key"]) == ("instance_ended", key)
    restore(instance, key)
    instance.task(case_no, element)
    case = instance.finish(case_no)
    assert case["state"]["code"] == 11
    assert [one["event"] for one in case["timeline"]].count("case.accepted") == 1
    running = [one["key"] for one in case["process_instances"] if one["process_id"] == "direct-devolution"]
    assert len(running) == 2
    deviation(instance, case_no, settled=True)


def test_a_withdrawal_after_a_cancellation_issues_its_notice(instance: Instance) -> None:
    case_no = instance.submit("D-07", "ganxian")
    instance.complete(case_no, "Task_DecideAcceptance", "accept")
    instance.task(case_no, "Task_CountyReview")
    cancel(instance, case_no)
    deviation(instance, case_no)
    done = instance.api("ganxian.window").post(f"/cases/{case_no}/withdraw", json={"reason": "不办了"})
    assert done.status_code == 202
    assert [one["kind"] for one in instance.case(case_no)["documents"]].count("终止审查通知书") == 1


def test_an_instance_moved_under_an_open_task_closes_it_and_the_new_one_goes_on(instance: Instance) -> None:
    case_no = instance.submit("D-07", "ganxian")
    instance.complete(case_no, "Task_DecideAcceptance", "accept")
    left = instance.task(case_no, "Task_CountyReview")
    with instance.database.reading() as session:
        row = session.get_one(Task, int(left["id"]))
        key, element = row.process_instance_key, row.element_instance_key
    at_port(
        instance,
        lambda gateway: gateway.move_instance(
            key, activate={"Task_CountyReview": {}}, terminate=[element], variables={}
        ),
    )

    def replaced(case: dict[str, Any]) -> bool:
        (task,) = case["tasks"] if len(case["tasks"]) == 1 else [left]
        return bool(task["element_id"] == "Task_CountyReview" and task["id"] != left["id"])

    instance.until(case_no, replaced, "a new task in place of the one that was left")
    late = instance.answer(left, "agree")
    assert (late.status_code, late.json()["code"]) == (409, "task_closed")
    case = instance.finish(case_no)
    assert case["state"]["code"] == 11
    assert [one["element_id"] for one in case["opinions"]].count("Task_CountyReview") == 1
