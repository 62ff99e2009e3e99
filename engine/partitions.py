"""How far each partition of an engine has come, by its management port: processed, exported, and both as last put in a
snapshot; and the request for a new snapshot.

Source: ``/actuator/partitions`` of Zeebe 8.5 and 8.6 (``BrokerAdminServiceEndpoint``).
"""

from dataclasses import dataclass
from typing import Any

import httpx

from engine.loopback import loopback_client

CALL_TIMEOUT_SECONDS = 10.0
"""Generous: an engine on a busy machine answers late, and should then not be asked again at once."""


@dataclass(frozen=True)
class Positions:
    """Positions in a partition's log; ``exported`` is that of the slowest exporter.

    ``processed`` is the last command's, whose events stand behind it: an exporter that has caught up is past it. A
    crash takes the partition back to the two of its snapshot, which are 0 without one. ``processing`` is false while it
    still reads its log after a start: ``processed`` is then the snapshot's.
    """

    processed: int
    exported: int
    snapshot_processed: int = 0
    snapshot_exported: int = 0
    processing: bool = False

    @property
    def repeated_after_a_crash(self) -> int:
        """Return how many positions the engine would read again, or its exporters send again, after a crash now."""
        return max(self.processed - self.snapshot_processed, self.exported - self.snapshot_exported, 0)


def led_partitions(management_url: str) -> dict[int, Positions] | None:
    """Return the positions of the partitions this broker leads; ``None`` when it does not say.

    An exporter that has handed over nothing yet counts from the log's beginning.
    """
    try:
        response = loopback_client().get(f"{management_url}/actuator/partitions", timeout=CALL_TIMEOUT_SECONDS)
        response.raise_for_status()
        answer = response.json()
        return {int(number): _positions(one) for number, one in answer.items() if one.get("role") == "LEADER"}
    except (httpx.HTTPError, ValueError, KeyError, TypeError, AttributeError):
        return None


def take_snapshot(management_url: str) -> bool:
    """Ask for a snapshot of every partition, made while processing goes on; tell whether the engine will make it.

    The timer of ``snapshotPeriod`` starts anew with each start of the engine; this one does not wait for it.
    """
    try:
        url = f"{management_url}/actuator/partitions/takeSnapshot"
        response = loopback_client().post(
            url, headers={"content-type": "application/json"}, content=b"{}", timeout=CALL_TIMEOUT_SECONDS
        )
    except httpx.HTTPError:
        return False
    return response.is_success


def _positions(status: dict[str, Any]) -> Positions:
    processed = int(status["processedPosition"])
    exported = max(0, int(status["exportedPosition"]))
    processing = status.get("streamProcessorPhase") == "PROCESSING"
    # A snapshot is named after what is in it: index, term, processed and exported position.
    parts = str(status.get("snapshotId") or "").split("-")
    if len(parts) < 4:
        return Positions(processed, exported, processing=processing)
    return Positions(processed, exported, int(parts[2]), int(parts[3]), processing)
