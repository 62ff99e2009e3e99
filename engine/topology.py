"""The cluster as its gateway knows it: which partitions have a leader."""

from dataclasses import dataclass
from typing import Any

from pyzeebe.proto import gateway_pb2 as pb


@dataclass(frozen=True)
class Topology:
    """The gateway's opinion of the cluster; ``led`` are the partitions whose leader takes commands."""

    gateway_version: str
    partitions: int
    led: frozenset[int]

    @property
    def ready(self) -> bool:
        """Tell whether every partition takes commands."""
        return self.partitions > 0 and len(self.led) == self.partitions

    @classmethod
    def from_answer(cls, answer: Any) -> "Topology":
        """Read the answer to a topology request.

        A leader reported as unhealthy counts: the broker reckons its health by the engine's clock, and calls a
        partition unhealthy for a minute when a controlled clock is moved while nothing is wrong. Only a dead
        partition never comes back by itself (Zeebe's health monitor).
        """
        led = frozenset(
            partition.partitionId
            for broker in answer.brokers
            for partition in broker.partitions
            if partition.role == pb.Partition.LEADER and partition.health != pb.Partition.DEAD
        )
        return cls(answer.gatewayVersion, answer.partitionsCount, led)
