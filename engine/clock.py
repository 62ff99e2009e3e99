"""The engine's clock: read it, move it to where the product's clock stands, and let processing go on.

Works on the management port of an engine started with ``ZEEBE_CLOCK_CONTROLLED=true``. The engine forgets its
offset when it stops; ``embedded`` therefore starts it with processing paused, and nothing is processed by machine
time before :func:`align` and :func:`resume`.
"""

import time
from datetime import UTC, datetime

import httpx

from engine.errors import EngineClockError
from engine.loopback import loopback_client

CALL_TIMEOUT_SECONDS = 10.0
RESUME_TIMEOUT_SECONDS = 60.0
PHASE_TIMEOUT_SECONDS = 1.0
ALIGNMENT_TOLERANCE_MS = 1
"""A difference this small is reading delay, not a lost offset."""


def engine_now(management_url: str) -> datetime:
    """Return the engine's present instant (UTC, millisecond resolution)."""
    return datetime.fromtimestamp(_engine_millis(management_url) / 1000, UTC)


def engine_offset_ms(management_url: str) -> int:
    """Return how far the engine's clock is ahead of the machine's, in milliseconds, give or take the call's delay."""
    before = time.time_ns() // 1_000_000
    engine = _engine_millis(management_url)
    after = time.time_ns() // 1_000_000
    if before <= engine <= after:
        return 0
    return engine - (before + after) // 2


def align(management_url: str, offset_ms: int) -> datetime:
    """Move the engine's clock to machine time plus ``offset_ms`` and return where it then stands.

    Adds only what is missing, so that calling it twice moves the clock once. Moving back is for an engine that has
    processed nothing yet; the engine itself does not check this.

    Raises:
        EngineClockError: the engine does not answer, or its clock is not a controlled one.
    """
    missing = offset_ms - engine_offset_ms(management_url)
    if abs(missing) > ALIGNMENT_TOLERANCE_MS:
        _call("POST", management_url, "/actuator/clock/add", {"offsetMilli": missing})
    return engine_now(management_url)


def resume(management_url: str) -> None:
    """Let a paused engine process again; repeats while its partition is still being installed.

    Raises:
        EngineClockError: the partition does not process within a minute.
    """
    deadline = time.monotonic() + RESUME_TIMEOUT_SECONDS
    while True:
        phases = _resumed_phases(management_url)
        if phases and set(phases) == {"PROCESSING"}:
            return
        if time.monotonic() > deadline:
            raise EngineClockError(f"引擎在 {RESUME_TIMEOUT_SECONDS:.0f} 秒内没有恢复处理，请查看引擎日志")
        time.sleep(0.1)


def _resumed_phases(management_url: str) -> list[str]:
    """Resume processing and return each led partition's phase, such as ``PROCESSING``; empty when it does not say.

    A partition that is being installed, or started paused, does not answer; the short limit keeps that from
    costing the five seconds the engine itself waits for it.
    """
    try:
        response = _call("POST", management_url, "/actuator/partitions/resumeProcessing", timeout=PHASE_TIMEOUT_SECONDS)
    except EngineClockError as exc:
        if isinstance(exc.__cause__, httpx.TimeoutException):
            return []
        raise
    led = [partition for partition in response.json().values() if partition.get("role") == "LEADER"]
    return [str(partition.get("streamProcessorPhase")) for partition in led]


def _engine_millis(management_url: str) -> int:
    return int(_call("GET", management_url, "/actuator/clock").json()["epochMilli"])


def _call(
    method: str,
    base: str,
    path: str,
    body: dict[str, int] | None = None,
    timeout: float = CALL_TIMEOUT_SECONDS,
) -> httpx.Response:
    """Make one call; proxies of the environment are not for the loopback engine."""
    headers = {"content-type": "application/json"}
    try:
        response = loopback_client().request(method, f"{base}{path}", json=body, headers=headers, timeout=timeout)
        response.raise_for_status()
    except httpx.HTTPStatusError as exc:
        raise EngineClockError(
            f"引擎拒绝了 {path}（{exc.response.status_code}）：它不是以受控时钟启动的内置引擎"
        ) from exc
    except httpx.HTTPError as exc:
        raise EngineClockError(f"引擎管理端口 {base} 无应答：请用 tongquan status 查看引擎") from exc
    return response
