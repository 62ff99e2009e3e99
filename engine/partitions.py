"""How far each partition of an engine is, by its management port: what it has processed and what it has exported."""

from dataclasses import dataclass

import httpx

from engine.loopback import loopback_client

CALL_TIMEOUT_SECONDS = 10.0
"""Generous: an engine on a busy machine answers late, and is then not to be asked again at once."""


@dataclass(frozen=True)
class Positions:
    """Two places in a partition's log; ``exported`` is that of the slowest exporter.

    ``processed`` is the last command's, whose events stand behind it: an exporter that has caught up is past it.
    """

    processed: int
    exported: int


def led_partitions(management_url: str) -> dict[int, Positions] | None:
    """Return the positions of the partitions this broker leads; ``None`` when it does not say.

    An exporter that has handed over nothing yet counts from the log's beginning.
    Source: ``/actuator/partitions`` of Zeebe 8.5 and 8.6.
    """
    try:
        response = loopback_client().get(f"{management_url}/actuator/partitions", timeout=CALL_TIMEOUT_SECONDS)
        response.raise_for_status()
        answer = response.json()
        return {
            int(number): Positions(int(one["processedPosition"]), max(0, int(one["exportedPosition"])))
            for number, one in answer.items()
            if one.get("role") == "LEADER"
        }
    except (httpx.HTTPError, ValueError, KeyError, TypeError, AttributeError):
        return None
