"""What becomes of a job: completed, failed, or thrown as a BPMN error, and reported until the engine has it.

pyzeebe reports an outcome once and without a deadline; a report that was lost would let the job time out and run anew.
"""

from collections.abc import Callable
from typing import Any, cast

import grpc
import orjson
import structlog
from pyzeebe import Job, JobController
from pyzeebe.grpc_internals.zeebe_adapter import ZeebeAdapter
from pyzeebe.proto import gateway_pb2 as pb
from pyzeebe.proto.gateway_pb2_grpc import GatewayStub

from engine.repetition import repeating
from services.errors import TongquanError
from workers.momentary import is_momentary
from workers.transaction import MissingVariable

REPORT_CALL_SECONDS = 5.0
REPORT_TIMEOUT_SECONDS = 60.0
FIRST_REPORT_PAUSE_SECONDS = 0.02
MAX_REPORT_PAUSE_SECONDS = 1.0
FIRST_RETRY_MS = 1_000
RETRY_FACTOR = 4
MAX_RETRY_MS = 60_000
MODELLED_RETRIES = 3
MOMENT_RETRY_MS = 5_000
"""The pause after a transient failure: the database is away, the disk is full."""
_MOMENTARY = frozenset(
    {
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.CANCELLED,
        grpc.StatusCode.INTERNAL,
        grpc.StatusCode.UNKNOWN,
    }
)

log = structlog.get_logger(__name__)


class BusinessError(Exception):
    """A business error the process handles: thrown as the BPMN error ``code``."""

    def __init__(self, code: str, message: str = "") -> None:
        super().__init__(message or code)
        self.code = code


class Reporter:
    """Tell the engine what became of a job, again and again until it knows."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub: Any = GatewayStub(channel)
        self._repeat = repeating(
            timeout=REPORT_TIMEOUT_SECONDS,
            first_pause=FIRST_REPORT_PAUSE_SECONDS,
            longest_pause=MAX_REPORT_PAUSE_SECONDS,
        ).on(engine_may_take_it_later)

    async def completed(self, job: Job, variables: dict[str, Any]) -> None:
        """Complete the job; one that is gone was completed before."""
        request = pb.CompleteJobRequest(jobKey=job.key, variables=orjson.dumps(variables).decode())
        await self._report(job, self._stub.CompleteJob, request)

    async def failed(self, job: Job, retries: int, message: str, backoff_ms: int) -> None:
        """Fail the job; without retries left the engine raises an incident with ``message``."""
        request = pb.FailJobRequest(
            jobKey=job.key, retries=max(0, retries), errorMessage=message[:1000], retryBackOff=backoff_ms
        )
        await self._report(job, self._stub.FailJob, request)

    async def thrown(self, job: Job, code: str, message: str) -> None:
        """Throw a BPMN error where the job stands."""
        request = pb.ThrowErrorRequest(jobKey=job.key, errorCode=code, errorMessage=message[:1000])
        await self._report(job, self._stub.ThrowError, request)

    async def _report(self, job: Job, call: Callable[..., Any], request: Any) -> None:
        try:
            await self._repeat(call, request, timeout=REPORT_CALL_SECONDS)
        except grpc.aio.AioRpcError as exc:
            if exc.code() is not grpc.StatusCode.NOT_FOUND:
                raise
            log.info("job.gone", **keys_of(job))


class OutcomeController(JobController):
    """pyzeebe's controller, reporting each outcome until the engine has it."""

    def __init__(self, job: Job, adapter: ZeebeAdapter, reporter: Reporter) -> None:
        super().__init__(job, adapter)
        self._reporter = reporter

    async def set_success_status(self, variables: Any = None) -> None:
        """Complete the job."""
        await self._reporter.completed(self._job, dict(variables or {}))

    async def set_failure_status(self, message: str, retry_back_off_ms: int = 0, variables: Any = None) -> None:
        """Fail the job, which uses up a retry."""
        await self._reporter.failed(self._job, self._job.retries - 1, message, retry_back_off_ms)

    async def put_off(self, message: str, backoff_ms: int) -> None:
        """Fail the job without using up a retry."""
        await self._reporter.failed(self._job, self._job.retries, message, backoff_ms)

    async def set_error_status(self, message: str, error_code: str = "", variables: Any = None) -> None:
        """Throw the BPMN error ``error_code``."""
        await self._reporter.thrown(self._job, error_code, message)


async def handle_failure(error: Exception, job: Job, controller: JobController) -> None:
    """Turn a handler's exception into a BPMN error or a failure with exponential back-off; log keys only.

    A transient failure uses up no retry.
    """
    if isinstance(error, BusinessError):
        log.info("job.business_error", code=error.code, **keys_of(job))
        await controller.set_error_status(str(error), error_code=error.code)
        return
    if is_momentary(error):
        log.warning("job.put_off", error=describe(error), **keys_of(job))
        await cast(OutcomeController, controller).put_off(describe(error), MOMENT_RETRY_MS)
        return
    log.error("job.failed", error=describe(error), retries=job.retries, **keys_of(job))
    await controller.set_failure_status(describe(error), retry_back_off_ms=retry_backoff_ms(job.retries))


def retry_backoff_ms(retries: int) -> int:
    """Return how long to wait before the next attempt when ``retries`` were left before this one failed."""
    failed_before = max(0, MODELLED_RETRIES - retries)
    return int(min(FIRST_RETRY_MS * RETRY_FACTOR**failed_before, MAX_RETRY_MS))


def engine_may_take_it_later(error: Exception) -> bool:
    """Tell whether the engine may take the same report a moment later."""
    return isinstance(error, grpc.aio.AioRpcError) and error.code() in _MOMENTARY


def describe(error: BaseException) -> str:
    """Say what went wrong, without the text of a foreign exception, which may quote rows and so personal data."""
    if isinstance(error, TongquanError):
        return f"{error.code}: {error.detail}"
    if isinstance(error, MissingVariable):
        return f"MissingVariable: {error}"
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    place = "" if frame is None else f" ({frame.tb_frame.f_globals.get('__name__')}:{frame.tb_lineno})"
    return f"{type(error).__name__}{place}"


def keys_of(job: Job) -> dict[str, Any]:
    """Return what a log line names a job by: keys and types, nothing of a person."""
    return {
        "job_type": job.type,
        "job_key": job.key,
        "process_instance_key": job.process_instance_key,
        "element_id": job.element_id,
    }
