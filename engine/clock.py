"""The engine's clock: read it, move it to where the product's clock stands, and let processing go on.

Works on the management port of an engine started with ``ZEEBE_CLOCK_CONTROLLED=true``. The engine forgets its
offset when it stops; ``embedded`` therefore starts it with processing paused, and nothing is processed by machine
time before :func:`align` and :func:`resume`.

An engine on a busy machine answers late. Every call has a time-out its caller can lengthen, and the error tells an
engine that did not answer (:class:`EngineClockError`, ask again) from one that never will
(:class:`EngineClockRefused`).
"""

import time
from datetime import UTC, datetime

import httpx

from engine.errors import EngineClockError, EngineClockRefused
from engine.loopback import loopback_client

CALL_TIMEOUT_SECONDS = 10.0
ALIGNMENT_TOLERANCE_MS = 1
"""A difference this small is reading delay, not a lost offset."""


def engine_now(management_url: str, timeout: float = CALL_TIMEOUT_SECONDS) -> datetime:
    """Return the engine's present instant (UTC, millisecond resolution)."""
    return datetime.fromtimestamp(_engine_millis(management_url, timeout) / 1000, UTC)


def engine_offset_ms(management_url: str, timeout: float = CALL_TIMEOUT_SECONDS) -> int:
    """Return how far the engine's clock is ahead of the machine's, in milliseconds, give or take the call's delay."""
    before = time.time_ns() // 1_000_000
    engine = _engine_millis(management_url, timeout)
    after = time.time_ns() // 1_000_000
    if before <= engine <= after:
        return 0
    return engine - (before + after) // 2


def align(management_url: str, offset_ms: int, timeout: float = CALL_TIMEOUT_SECONDS) -> datetime:
    """Move the engine's clock to machine time plus ``offset_ms`` and return where it then stands.

    Adds only what is missing, so that calling it twice moves the clock once. Moving back is for an engine that has
    processed nothing yet; the engine itself does not check this.

    Raises:
        EngineClockRefused: its clock is not a controlled one.
        EngineClockError: the engine does not answer within ``timeout`` seconds a call.
    """
    missing = offset_ms - engine_offset_ms(management_url, timeout)
    if abs(missing) > ALIGNMENT_TOLERANCE_MS:
        _call("POST", management_url, "/actuator/clock/add", {"offsetMilli": missing}, timeout)
    return engine_now(management_url, timeout)


def resume(management_url: str, timeout: float = CALL_TIMEOUT_SECONDS) -> bool:
    """Ask a paused engine to process again, and return whether all its partitions now do.

    A partition that is being installed, or was started paused, does not answer: the engine waits five seconds for
    it, and writes a stack trace when the caller has gone away meanwhile. Ask with a short ``timeout`` first and a
    longer one each time after; asking twice resumes once.

    Raises:
        EngineClockRefused: what answers is not an engine that can be resumed.
        EngineClockError: nothing listens at the management port.
    """
    try:
        response = _call("POST", management_url, "/actuator/partitions/resumeProcessing", timeout=timeout)
    except EngineClockError as exc:
        if isinstance(exc.__cause__, httpx.TimeoutException):
            return False
        raise
    led = [partition for partition in response.json().values() if partition.get("role") == "LEADER"]
    return bool(led) and all(partition.get("streamProcessorPhase") == "PROCESSING" for partition in led)


def _engine_millis(management_url: str, timeout: float) -> int:
    return int(_call("GET", management_url, "/actuator/clock", timeout=timeout).json()["epochMilli"])


def _call(
    method: str,
    base: str,
    path: str,
    body: dict[str, int] | None = None,
    timeout: float = CALL_TIMEOUT_SECONDS,
) -> httpx.Response:
    """Make one call; the environment's proxies do not apply to the loopback engine."""
    headers = {"content-type": "application/json"}
    try:
        response = loopback_client().request(method, f"{base}{path}", json=body, headers=headers, timeout=timeout)
        response.raise_for_status()
    except httpx.HTTPStatusError as exc:
        status = exc.response.status_code
        if exc.response.is_server_error:
            raise EngineClockError(f"引擎暂时不能执行 {path}（{status}）：请稍后再试") from exc
        raise EngineClockRefused(f"引擎拒绝了 {path}（{status}）：它不是以受控时钟启动的内置引擎") from exc
    except httpx.HTTPError as exc:
        raise EngineClockError(f"引擎管理端口 {base} 无应答：请用 tongquan status 查看引擎") from exc
    return response
