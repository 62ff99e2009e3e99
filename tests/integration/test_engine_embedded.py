"""The embedded engine by itself: what it exports, and whose time it keeps, after a crash too."""

import asyncio
import os
import time
from collections.abc import Callable, Coroutine, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import pytest

from bridge.exporter_endpoint import ExporterEndpoint
from bridge.projection.records import Bulk, Record
from engine import clock
from engine.deploy import deploy_directory
from engine.distribution import DEFAULT_VERSION, fetch_zeebe
from engine.embedded import EngineConfig, EnginePorts, EngineProcess, start_embedded
from engine.errors import EngineClockError
from engine.exporters import FEED_PREFIX, HISTORY_PREFIX, FeedAccount, ValueType
from engine.gateway import Gateway
from ops.ports import ENGINE_PORTS, choose_ports

pytestmark = pytest.mark.engine

START = datetime(2026, 9, 21, 1, tzinfo=UTC)
TIMER = timedelta(hours=6)
MODEL = """<?xml version="1.0" encoding="UTF-8"?>
<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL"
    xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:zeebe="http://camunda.org/schema/zeebe/1.0"
    id="D" targetNamespace="http://bpmn.io/schema/bpmn">
  <bpmn:message id="Msg" name="wait-a-while"/>
  <bpmn:process id="wait-a-while" isExecutable="true">
    <bpmn:startEvent id="Start"><bpmn:outgoing>f1</bpmn:outgoing>
      <bpmn:messageEventDefinition id="M" messageRef="Msg"/></bpmn:startEvent>
    <bpmn:sequenceFlow id="f1" sourceRef="Start" targetRef="Wait"/>
    <bpmn:intermediateCatchEvent id="Wait"><bpmn:incoming>f1</bpmn:incoming><bpmn:outgoing>f2</bpmn:outgoing>
      <bpmn:timerEventDefinition id="T">
        <bpmn:timeDuration xsi:type="bpmn:tFormalExpression">PT6H</bpmn:timeDuration>
      </bpmn:timerEventDefinition></bpmn:intermediateCatchEvent>
    <bpmn:sequenceFlow id="f2" sourceRef="Wait" targetRef="Work"/>
    <bpmn:serviceTask id="Work"><bpmn:extensionElements><zeebe:taskDefinition type="never-done"/>
      </bpmn:extensionElements><bpmn:incoming>f2</bpmn:incoming><bpmn:outgoing>f3</bpmn:outgoing></bpmn:serviceTask>
    <bpmn:sequenceFlow id="f3" sourceRef="Work" targetRef="End"/>
    <bpmn:endEvent id="End"><bpmn:incoming>f3</bpmn:incoming></bpmn:endEvent>
  </bpmn:process>
</bpmn:definitions>"""


class Engine:
    """A broker under a controlled clock and everything it has exported."""

    def __init__(self, config: EngineConfig) -> None:
        self.config = config
        self.received: list[tuple[str, Record]] = []
        self.offset_ms = round((START - datetime.now(UTC)) / timedelta(milliseconds=1))
        self.process: EngineProcess = start_embedded(config, offset_ms=self.offset_ms)

    def receive(self, bulk: Bulk) -> None:
        self.received += [(bulk.exporter, record) for record in bulk.records]

    def restart_after_crash(self) -> None:
        self.process.kill()
        self.process = start_embedded(self.config, offset_ms=self.offset_ms)

    def publish(self, key: str) -> None:
        async def publish(gateway: Gateway) -> None:
            await gateway.publish_message("wait-a-while", key, variables={}, time_to_live_ms=1000)

        self.call(publish)

    def call(self, use: Callable[[Gateway], Coroutine[Any, Any, Any]]) -> None:
        async def exchange() -> None:
            async with Gateway(self.config.gateway_address, self.config.rest_address) as gateway:
                await use(gateway)

        asyncio.run(exchange())

    def timers(self, intent: str) -> set[int]:
        return {r.key for _, r in self.received if r.value_type == "TIMER" and r.intent == intent}


def until(condition: Callable[[], object], what: str, seconds: float = 20) -> None:
    """Wait for a condition, failing with what was waited for."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    folder = tmp_path_factory.mktemp("an engine")  # A path with a space.
    (folder / "models").mkdir()
    (folder / "models" / "wait-a-while.bpmn").write_text(MODEL)
    ports = choose_ports(("feed", *ENGINE_PORTS), {})
    received: list[Bulk] = []
    account = FeedAccount("feed", "only this instance knows it")
    endpoint = ExporterEndpoint(f"127.0.0.1:{ports.pop('feed')}", received.append, account=account)
    endpoint.start()
    config = EngineConfig(
        version=DEFAULT_VERSION,
        distribution=fetch_zeebe(DEFAULT_VERSION),
        data_dir=folder / "data",
        log_dir=folder / "logs",
        ports=EnginePorts(**ports),
        feed_address=f"127.0.0.1:{endpoint.port}",
        feed_account=account,
        controlled_clock=True,
    )
    running = Engine(config)
    endpoint._apply = running.receive
    try:
        running.call(lambda gateway: deploy_directory(gateway, folder / "models"))
        yield running
    finally:
        running.process.stop()
        endpoint.stop()


def test_the_clock_starts_at_the_instant_asked_for(engine: Engine) -> None:
    late = clock.engine_now(engine.config.management_address) - START
    assert timedelta() <= late < timedelta(minutes=2)


def test_aligning_again_does_not_move_the_clock(engine: Engine) -> None:
    before = clock.engine_offset_ms(engine.config.management_address)
    clock.align(engine.config.management_address, engine.offset_ms)
    assert abs(clock.engine_offset_ms(engine.config.management_address) - before) < 2_000


def test_timers_keep_the_products_time_through_a_crash_of_the_engine(engine: Engine) -> None:
    engine.publish("one")
    until(lambda: len(engine.timers("CREATED")) == 1, "the timer of the first instance")
    engine.offset_ms += round(TIMER / timedelta(milliseconds=1)) + 1000
    clock.align(engine.config.management_address, engine.offset_ms)
    until(lambda: len(engine.timers("TRIGGERED")) == 1, "the first timer after the jump")

    engine.publish("two")
    until(lambda: len(engine.timers("CREATED")) == 2, "the timer of the second instance")
    engine.restart_after_crash()
    # The third instance is processed after the restart, so that "not yet fired" is more than "not yet looked at".
    engine.publish("three")
    until(lambda: len(engine.timers("CREATED")) == 3, "the timer of the third instance")
    assert len(engine.timers("TRIGGERED")) == 1
    assert abs(clock.engine_offset_ms(engine.config.management_address) - engine.offset_ms) < 1000

    engine.offset_ms += round(TIMER / timedelta(milliseconds=1))
    clock.align(engine.config.management_address, engine.offset_ms)
    until(lambda: len(engine.timers("TRIGGERED")) == 3, "both timers after the second jump")


def test_only_the_value_types_asked_for_arrive_each_by_its_exporter(engine: Engine) -> None:
    engine.publish("types")
    until(lambda: any(kind == HISTORY_PREFIX for kind, _ in engine.received), "the element history")
    feed = {record.value_type for exporter, record in engine.received if exporter == FEED_PREFIX}
    history = {record.value_type for exporter, record in engine.received if exporter == HISTORY_PREFIX}
    assert {"DEPLOYMENT", "PROCESS", "TIMER", "MESSAGE"} <= feed
    assert feed <= {"USER_TASK", "INCIDENT", "DEPLOYMENT", "PROCESS", "FORM", "TIMER", "JOB", "MESSAGE"} | {
        "MESSAGE_START_EVENT_SUBSCRIPTION"
    }
    assert "PROCESS_INSTANCE" in history
    assert history <= {"PROCESS_INSTANCE", "MESSAGE"}
    assert len(ValueType) > len(feed | history)


def test_nothing_is_written_beside_the_folders_given(engine: Engine) -> None:
    folder = engine.config.data_dir.parent
    assert {path.name for path in folder.iterdir()} == {"data", "data-tmp", "logs", "models"}
    assert "logs" not in {path.name for path in engine.config.distribution.iterdir()}


def test_the_engine_listens_on_loopback_only(engine: Engine) -> None:
    listening = [c for c in psutil.Process(engine.process.pid).net_connections() if c.status == psutil.CONN_LISTEN]
    assert listening
    assert {c.laddr.ip.removeprefix("::ffff:") for c in listening} == {"127.0.0.1"}


def test_an_engine_that_cannot_be_reached_is_named_by_its_address() -> None:
    (port,) = choose_ports(("free",), {}).values()
    with pytest.raises(EngineClockError, match=str(port)):
        clock.engine_now(f"http://127.0.0.1:{port}")


def test_variables_of_the_callers_shell_do_not_configure_the_broker(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    from engine.embedded import engine_environment

    monkeypatch.setenv("ZEEBE_BROKER_GATEWAY_SECURITY_ENABLED", "true")
    monkeypatch.setenv("SPRING_PROFILES_ACTIVE", "dev")
    assert not {"ZEEBE_BROKER_GATEWAY_SECURITY_ENABLED", "SPRING_PROFILES_ACTIVE"} & set(
        engine_environment(engine.config)
    )
    assert "ZEEBE_BROKER_GATEWAY_SECURITY_ENABLED" in os.environ


def test_a_path_with_a_space_is_no_obstacle(engine: Engine) -> None:
    assert " " in str(Path(engine.config.data_dir))
    assert engine.process.is_alive()
