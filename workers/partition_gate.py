"""Hold polls and streams back while the engine cannot take them, and let them through again one after another.

A recovering engine answers for minutes with back-pressure, or not at all, while it replays its log. If every job type
polled and streamed meanwhile, the partition's queue would fill up and completions be refused as well. Instead the
first refusal closes the gate for all types; one probe asks, at growing intervals, until a partition has a leader and
has carried out a command; then the gate opens, and each type goes on after a pause of its own.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Any

import grpc
from pyzeebe.proto import gateway_pb2 as pb
from pyzeebe.proto.gateway_pb2_grpc import GatewayStub

from engine.topology import Topology

FIRST_PAUSE_SECONDS = 0.25
LONGEST_PAUSE_SECONDS = 2.0
SPREAD_SECONDS = 0.5
"""Within this time after the gate opens all job types have polled."""
PROBE_SECONDS = 5.0
"""How long one probe may take: its command waits in the partition's queue, where few should be abandoned."""
PROBED_TYPE = "tongquan-probe"
"""A job type no model has."""
NO_LONG_POLLING = -1


class PartitionGate:
    """A gate, closed at first; see the module. ``probe`` tells whether the engine carries out commands."""

    def __init__(self, probe: Callable[[], Awaitable[bool]]) -> None:
        self._probe = probe
        self._open, self._closed = asyncio.Event(), asyncio.Event()
        self._closed.set()

    @property
    def is_open(self) -> bool:
        """Tell whether polls go through."""
        return self._open.is_set()

    def close(self) -> None:
        """Let nobody through until the engine has carried out a command again."""
        self._open.clear()
        self._closed.set()

    async def passed(self) -> None:
        """Return at once while the gate is open, else some time after it opens, at random within ``SPREAD_SECONDS``."""
        while not self._open.is_set():
            await self._open.wait()
            await asyncio.sleep(random.uniform(0, SPREAD_SECONDS))  # noqa: S311 - nothing is to be kept secret.

    async def watch(self) -> None:
        """Open the gate whenever it is closed and the engine works again; to be run beside the polls."""
        while True:
            await self._closed.wait()
            pause = FIRST_PAUSE_SECONDS
            while not await self._probe():
                await asyncio.sleep(random.uniform(pause / 2, pause))  # noqa: S311 - jitter, no secret.
                pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
            self._closed.clear()
            self._open.set()


class EngineProbe:
    """Tell whether a cluster carries out commands: a partition has a leader, and a poll comes back."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub: Any = GatewayStub(channel)

    async def __call__(self) -> bool:
        """Ask once; an engine that refuses or does not answer counts as not working."""
        try:
            topology = await self._stub.Topology(pb.TopologyRequest(), timeout=PROBE_SECONDS)
            if not Topology.from_answer(topology).led:
                return False
            # A topology is the gateway's opinion. A leader that still replays keeps the poll waiting; one that
            # refuses for back-pressure says so, since without long polling the gateway does not repeat it.
            poll = pb.ActivateJobsRequest(
                type=PROBED_TYPE, worker=PROBED_TYPE, timeout=1, maxJobsToActivate=1, requestTimeout=NO_LONG_POLLING
            )
            async for _ in self._stub.ActivateJobs(poll, timeout=PROBE_SECONDS):
                continue
        except grpc.aio.AioRpcError:
            return False
        return True
