"""The gate before polls and streams: one asks for all, and nobody polls an engine that does not work."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import grpc
import pytest
from pyzeebe.errors import ZeebeBackPressureError, ZeebeGatewayUnavailableError
from pyzeebe.errors.zeebe_errors import UnknownGrpcStatusCodeError
from pyzeebe.proto import gateway_pb2 as pb

from workers import partition_gate
from workers.partition_gate import EngineProbe, PartitionGate
from workers.runtime import Worker

WITHIN_SECONDS = 60.0


class Refusal(grpc.aio.AioRpcError):
    def __init__(self, code: grpc.StatusCode) -> None:
        super().__init__(code, grpc.aio.Metadata(), grpc.aio.Metadata())


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(partition_gate, "FIRST_PAUSE_SECONDS", 0.001)
    monkeypatch.setattr(partition_gate, "LONGEST_PAUSE_SECONDS", 0.004)
    monkeypatch.setattr(partition_gate, "SPREAD_SECONDS", 0.01)


def run(scene: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        await asyncio.wait_for(scene(), WITHIN_SECONDS)

    asyncio.run(bounded())


def test_all_types_wait_while_one_asks_and_then_all_go_on() -> None:
    asked: list[int] = []
    through: list[int] = []

    async def probe() -> bool:
        asked.append(len(through))
        return len(asked) == 4

    async def scene() -> None:
        gate = PartitionGate(probe)
        watching = asyncio.create_task(gate.watch())

        async def poll(job_type: int) -> None:
            await gate.passed()
            through.append(job_type)

        await asyncio.gather(*(poll(job_type) for job_type in range(38)))
        watching.cancel()

    run(scene)
    assert asked == [0, 0, 0, 0]
    assert sorted(through) == list(range(38))


def test_a_gate_closed_while_somebody_waits_to_go_on_holds_him_back_again() -> None:
    async def scene() -> None:
        answers = iter([True, False, False, True])
        closed_again = 0

        async def probe() -> bool:
            nonlocal closed_again
            answer = next(answers)
            closed_again += not answer
            return answer

        gate = PartitionGate(probe)
        watching = asyncio.create_task(gate.watch())
        await gate.passed()
        gate.close()
        assert not gate.is_open
        await gate.passed()
        assert closed_again == 2
        watching.cancel()

    run(scene)


@pytest.mark.parametrize("failure", [ZeebeBackPressureError, ZeebeGatewayUnavailableError])
def test_a_refusal_of_one_type_closes_the_gate_for_all(failure: type[Any]) -> None:
    async def scene() -> None:
        channel = grpc.aio.insecure_channel("127.0.0.1:1")
        worker = Worker(channel)
        worker.gate._open.set()
        worker.note_trouble(UnknownGrpcStatusCodeError(Refusal(grpc.StatusCode.PERMISSION_DENIED)))
        assert worker.gate.is_open
        worker.note_trouble(failure(Refusal(grpc.StatusCode.UNAVAILABLE)))
        assert not worker.gate.is_open
        await channel.close()

    run(scene)


class Gateway:
    """Answers a probe's two calls; ``polls`` says how the poll ends."""

    def __init__(self, role: int, health: int, refusal: grpc.StatusCode | None = None) -> None:
        self.role, self.health, self.refusal = role, health, refusal
        self.polls = 0

    async def Topology(self, _request: Any, *, timeout: float) -> Any:  # noqa: N802, ASYNC109
        assert timeout > 0
        partition = pb.Partition(partitionId=1, role=self.role, health=self.health)
        return pb.TopologyResponse(brokers=[pb.BrokerInfo(partitions=[partition])])

    async def ActivateJobs(self, request: Any, *, timeout: float) -> Any:  # noqa: N802, ASYNC109
        assert timeout > 0 > request.requestTimeout
        self.polls += 1
        if self.refusal is not None:
            raise Refusal(self.refusal)
        yield pb.ActivateJobsResponse()


LEADER, FOLLOWER = pb.Partition.LEADER, pb.Partition.FOLLOWER
HEALTHY, UNHEALTHY, DEAD = pb.Partition.HEALTHY, pb.Partition.UNHEALTHY, pb.Partition.DEAD


@pytest.mark.parametrize(
    ("gateway", "works", "polls"),
    [
        (Gateway(LEADER, HEALTHY), True, 1),
        (Gateway(FOLLOWER, HEALTHY), False, 0),
        (Gateway(LEADER, UNHEALTHY), True, 1),
        (Gateway(LEADER, DEAD), False, 0),
        (Gateway(LEADER, HEALTHY, grpc.StatusCode.RESOURCE_EXHAUSTED), False, 1),
        (Gateway(LEADER, HEALTHY, grpc.StatusCode.DEADLINE_EXCEEDED), False, 1),
    ],
    ids=["works", "no leader", "after a leap of the clock", "dead", "back-pressure", "silent"],
)
def test_an_engine_works_when_a_partition_is_led_and_a_poll_comes_back(
    gateway: Gateway, works: bool, polls: int
) -> None:
    async def scene() -> None:
        channel = grpc.aio.insecure_channel("127.0.0.1:1")
        probe = EngineProbe(channel)
        probe._stub = gateway
        assert await probe() is works
        await channel.close()

    run(scene)
    assert gateway.polls == polls


def test_a_probe_of_nothing_says_no() -> None:
    async def scene() -> None:
        channel = grpc.aio.insecure_channel("127.0.0.1:1")
        assert await EngineProbe(channel)() is False
        await channel.close()

    run(scene)
