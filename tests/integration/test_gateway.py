"""The gateway against a real engine."""

import asyncio
from pathlib import Path

import pytest

from engine.deploy import deploy_directory, digest_of, read_models
from engine.errors import DeploymentRejected, EngineUnreachable, IncidentGone, InstanceGone, TaskGone
from engine.gateway import Gateway
from engine.topology import Topology
from tests.instance import eventually
from tests.integration.stack import MODELS, Stack, free_ports

pytestmark = pytest.mark.engine
BROKEN = """<?xml version="1.0" encoding="UTF-8"?>
<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" id="D" targetNamespace="t">
  <bpmn:process id="broken" isExecutable="true"><bpmn:startEvent id="Start"/>
  <bpmn:serviceTask id="Task_Nothing"/></bpmn:process></bpmn:definitions>"""


def test_a_directory_deployed_twice_keeps_its_versions(stack: Stack, tmp_path: Path) -> None:
    folder = tmp_path / "models"
    folder.mkdir()
    text = (MODELS / "bridge-timers.bpmn").read_text().replace("bridge-timers", "bridge-twice")
    (folder / "bridge-twice.bpmn").write_text(text)
    first = stack.call(lambda gateway: deploy_directory(gateway, folder))
    again = stack.call(lambda gateway: deploy_directory(gateway, folder))
    (folder / "bridge-twice.bpmn").write_text(text.replace("定时", "另一个"))
    changed = stack.call(lambda gateway: deploy_directory(gateway, folder))
    assert [(m.id, m.version, m.new) for m in first.models] == [("bridge-twice", 1, True)]
    assert [(m.id, m.version, m.new) for m in again.models] == [("bridge-twice", 1, False)]
    assert [(m.id, m.version, m.new) for m in changed.changed] == [("bridge-twice", 2, True)]


def test_an_unchanged_digest_saves_the_call(stack: Stack) -> None:
    digest = digest_of(read_models(MODELS))
    report = stack.call(lambda gateway: deploy_directory(gateway, MODELS, previous_digest=digest))
    assert report.skipped
    assert report.models == ()


def test_a_rejected_model_is_named_with_the_reason(stack: Stack, tmp_path: Path) -> None:
    (tmp_path / "broken.bpmn").write_text(BROKEN)
    with pytest.raises(DeploymentRejected) as refused:
        stack.call(lambda gateway: deploy_directory(gateway, tmp_path))
    assert "broken.bpmn" in refused.value.message
    assert "Task_Nothing" in refused.value.message


def test_a_message_published_twice_counts_as_published(stack: Stack) -> None:
    async def twice(gateway: Gateway) -> None:
        for _ in range(2):
            await gateway.publish_message(
                "nobody-waits", "k", variables={}, time_to_live_ms=60_000, message_id="only-one"
            )

    stack.call(twice)


def test_what_is_gone_is_told_apart(stack: Stack) -> None:
    async def all_gone(gateway: Gateway) -> None:
        key = (1 << 51) + 1
        with pytest.raises(TaskGone):
            await gateway.complete_user_task(key, {"outcome": "done"})
        with pytest.raises(TaskGone):
            await gateway.assign_user_task(key, "a")
        with pytest.raises(TaskGone):
            await gateway.unassign_user_task(key)
        with pytest.raises(TaskGone):
            await gateway.update_user_task(key, ["a"])
        with pytest.raises(InstanceGone):
            await gateway.set_variables(key, {"a": 1})
        with pytest.raises(InstanceGone):
            await gateway.cancel_instance(key)
        with pytest.raises(IncidentGone):
            await gateway.resolve_incident(key)
        with pytest.raises(IncidentGone):
            await gateway.update_retries(key, 1)

    stack.call(all_gone)


def test_the_topology_shows_a_leader(stack: Stack) -> None:
    def with_a_leader() -> Topology | None:
        topology = stack.call(lambda gateway: gateway.topology())
        return topology if topology.ready else None

    assert eventually(with_a_leader, "a leader of each partition").gateway_version == "8.5.8"


def test_an_absent_engine_is_unreachable_and_not_a_refusal() -> None:
    grpc_port, rest_port = free_ports(2)

    async def alone() -> None:
        async with Gateway(f"127.0.0.1:{grpc_port}", f"http://127.0.0.1:{rest_port}", retry_timeout=0.3) as gateway:
            with pytest.raises(EngineUnreachable):
                await gateway.publish_message("m", "k", variables={}, time_to_live_ms=0)
            with pytest.raises(EngineUnreachable):
                await gateway.complete_user_task(1, {})

    asyncio.run(alone())
