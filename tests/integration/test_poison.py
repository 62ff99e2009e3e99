"""What a designer deploys past our own checks stops nobody and is told: on the real engine, as Modeler does it."""

import asyncio
import json
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest
from pyzeebe.proto import gateway_pb2 as pb
from pyzeebe.proto.gateway_pb2_grpc import GatewayStub

from engine.channel import open_channel
from engine.gateway import Deployed, Gateway, Resource
from settings import PROJECT_ROOT
from tests import instance as instances
from tests.databases import Databases
from tests.instance import Instance, eventually, run

pytestmark = pytest.mark.engine

ADMINISTRATOR = "admin.system"
FORM = '{"id": "%s", "type": "default", "components": []}'
MODEL = """<?xml version="1.0" encoding="GBK"?>
<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" id="D" targetNamespace="http://bpmn.io">
  <bpmn:process id="stray-gbk" name="国标编码" isExecutable="true">
    <bpmn:startEvent id="Start"><bpmn:outgoing>f</bpmn:outgoing></bpmn:startEvent>
    <bpmn:sequenceFlow id="f" sourceRef="Start" targetRef="End"/>
    <bpmn:endEvent id="End"><bpmn:incoming>f</bpmn:incoming></bpmn:endEvent>
  </bpmn:process>
</bpmn:definitions>"""
Answer = TypeVar("Answer")


@pytest.fixture(scope="module")
def running(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """Start an instance whose models may be changed."""
    with instances.running(databases, tmp_path_factory.mktemp("poison")) as started:
        yield started


def ports(instance: Instance) -> dict[str, int]:
    told = run("status", "--state-dir", str(instance.state_dir), "--json")
    return dict(json.loads(told.stdout)["ports"])


def call(instance: Instance, use: Callable[[Gateway], Coroutine[Any, Any, Answer]]) -> Answer:
    chosen = ports(instance)

    async def exchange() -> Answer:
        async with Gateway(f"127.0.0.1:{chosen['gateway']}", f"http://127.0.0.1:{chosen['rest']}") as gateway:
            return await use(gateway)

    return asyncio.run(exchange())


def deploy_past_our_checks(instance: Instance, *resources: tuple[str, bytes]) -> list[Deployed]:
    """Deploy as Modeler's button does: straight to the engine."""
    return call(instance, lambda gateway: gateway.deploy([Resource(*one) for one in resources]))


def delete(instance: Instance, key: int) -> None:
    """Delete a definition in the engine, as a tool of Camunda's would."""
    address = f"127.0.0.1:{ports(instance)['gateway']}"

    async def exchange() -> None:
        async with open_channel(address) as channel:
            await GatewayStub(channel).DeleteResource(pb.DeleteResourceRequest(resourceKey=key), timeout=20)

    asyncio.run(exchange())


def set_aside(instance: Instance) -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in instance.api(ADMINISTRATOR).get("/set-aside").json()["items"]}


def readyz(instance: Instance) -> tuple[int, dict[str, Any]]:
    answer = httpx.get(f"{instance.url}/readyz", timeout=20)
    return answer.status_code, answer.json()


def test_unreadable_forms_and_models_stop_no_case_and_are_named(running: Instance) -> None:
    deploy_past_our_checks(
        running,
        ("bom.form", b"\xef\xbb\xbf" + (FORM % "stray-bom").encode()),
        ("surrogate.form", (FORM % "stray-surrogate").replace("default", "\\ud800").encode()),
        ("infinite.form", (FORM % "stray-infinite").replace("[]", '[], "x": 1e400').encode()),
        ("gbk.bpmn", MODEL.encode("gbk")),
    )
    names = {"stray-bom", "stray-surrogate", "stray-infinite", "stray-gbk"}
    told = eventually(lambda: found if set(found := set_aside(running)) == names else None, "four records set aside")
    assert "BOM" in told["stray-bom"]["reason"]
    assert {one["kind"] for one in told.values()} == {"FORM", "PROCESS"}
    assert running.finish(running.submit("W-01", "xingguo"))["state"]["code"] == 11
    status, readiness = readyz(running)
    assert (status, readiness["warnings"]) == (200, ["set_aside"])
    assert "4 条" in readiness["checks"]["set_aside"]["reason"]
    doctor = run("doctor", "--state-dir", str(running.state_dir)).stdout
    assert "! 实例：有 4 条引擎记录无法读取" in doctor
    refused = running.api(ADMINISTRATOR).post(f"/set-aside/{told['stray-bom']['id']}/retry")
    assert (refused.status_code, refused.json()["code"]) == (409, "still_unreadable")


def test_a_task_with_an_unreadable_form_appears_and_is_done_with_the_corrected_one(running: Instance) -> None:
    good = (PROJECT_ROOT / "bpmn" / "forms" / "acceptance.form").read_bytes()
    deploy_past_our_checks(running, ("acceptance.form", b"\xef\xbb\xbf" + good))
    eventually(lambda: "acceptance" in set_aside(running), "the form set aside")
    case_no = running.submit("W-01", "xingguo")
    task = running.task(case_no, "Task_DecideAcceptance")
    assert "表单无法读取" in task["form_fault"]
    answer = running.api("xingguo.window").post(f"/tasks/{task['id']}/complete", json={"outcome": "done"})
    assert (answer.status_code, answer.json()["code"]) == (409, "form_unreadable")
    deploy_past_our_checks(running, ("acceptance.form", good + b"\n"))
    eventually(lambda: "acceptance" not in set_aside(running), "the newer version settles the older")
    assert running.finish(case_no)["state"]["code"] == 11


def test_our_own_deployment_refuses_them_before_the_engine(running: Instance, tmp_path: Path) -> None:
    (tmp_path / "bom.form").write_bytes(b"\xef\xbb\xbf" + (FORM % "never").encode())
    refused = run("deploy", str(tmp_path), "--state-dir", str(running.state_dir))
    assert refused.returncode != 0
    assert "bom.form" in refused.stdout + refused.stderr
    assert "BOM" in refused.stdout + refused.stderr


def test_a_process_deleted_in_the_engine_turns_readiness_red_by_name_until_it_is_deployed(running: Instance) -> None:
    model = PROJECT_ROOT / "bpmn" / "front-window.bpmn"
    [deployed] = deploy_past_our_checks(running, (model.name, model.read_bytes()))
    delete(running, deployed.key)

    def missed() -> dict[str, Any] | None:
        status, readiness = readyz(running)
        return readiness if status == 503 and readiness["failing"] == ["processes"] else None

    readiness = eventually(missed, "readiness misses the process")
    assert "front-window" in readiness["checks"]["processes"]["reason"]
    doctor = run("doctor", "--state-dir", str(running.state_dir))
    assert "front-window" in doctor.stdout
    deployed_again = run("deploy", "--state-dir", str(running.state_dir))
    assert deployed_again.returncode == 0, deployed_again.stdout + deployed_again.stderr
    eventually(lambda: readyz(running)[0] == 200, "ready again")
    assert running.finish(running.submit("W-01", "xingguo"))["state"]["code"] == 11
