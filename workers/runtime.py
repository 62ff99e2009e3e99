"""Run the job workers: pyzeebe under supervision, with outcomes reported until the engine has them.

pyzeebe 4.7 is used for routers, polling and streaming; what it does not guard against is overridden here: it
waits five seconds after any error and polls a recovering engine (``partition_gate``), takes more streamed jobs than
it may run, reports an outcome once and without a deadline (``outcomes``), and leaves jobs it was given while stopping
until they time out.

A handler module must not use ``from __future__ import annotations``: pyzeebe then no longer knows ``job:
Job``.
"""

import asyncio
import importlib
import pkgutil
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import grpc
import structlog
from pyzeebe import Job, ZeebeTaskRouter, ZeebeWorker
from pyzeebe.errors import UnknownGrpcStatusCodeError, ZeebeDeadlineExceeded, ZeebeError
from pyzeebe.task.task import Task as JobTask
from pyzeebe.worker.job_executor import JobExecutor
from pyzeebe.worker.job_poller import JobPoller, JobStreamer
from pyzeebe.worker.task_state import TaskState

from models.database import Database
from services.heartbeats import WORKER_PREFIX, Heartbeats
from workers.outcomes import (
    OutcomeController,
    Reporter,
    describe,
    engine_may_take_it_later,
    handle_failure,
    keys_of,
    retry_backoff_ms,
)
from workers.partition_gate import EngineProbe, PartitionGate
from workers.starts import MAX_STARTS, Starts
from workers.transaction import HANDLER_THREADS, database

JOB_TIMEOUT_MS = 20_000
"""After this long the engine gives a job to another worker; handlers take well under a second."""
MAX_RUNNING_JOBS = 64
"""Jobs of all types handed to handlers at once; streams wait beyond that."""
MAX_QUEUED_JOBS = 16
"""Jobs of one type taken from the engine and not yet handed to a handler."""
FIRST_POLL_TIMEOUT_MS = 1_000
POLL_TIMEOUT_MS = 10_000
"""How long the engine holds a poll open; each answer, even an empty one, is a sign of life. The first poll is short,
so that a start is noticed; jobs arrive by stream, so that later polls may be long and cost little."""
STREAM_TIMEOUT_SECONDS = 3_600
ERROR_PAUSE_SECONDS = 0.5
FULL_PAUSE_SECONDS = 0.05
TROUBLE_LOG_SECONDS = 10.0
HEARTBEAT_SECONDS = 3.0
STOP_TIMEOUT_SECONDS = 10.0

log = structlog.get_logger(__name__)


def collect_routers() -> list[ZeebeTaskRouter]:
    """Import every module of this package and return the routers they define, in module order."""
    package = importlib.import_module("workers")
    names = sorted(module.name for module in pkgutil.iter_modules(package.__path__) if module.name != "__main__")
    modules = (importlib.import_module(f"workers.{name}") for name in names)
    return [m.router for m in modules if isinstance(getattr(m, "router", None), ZeebeTaskRouter)]


class _Poller(JobPoller):
    """Polls again soon after an error and says when it got an answer."""

    worker: "Worker"

    async def activate_max_jobs(self) -> None:
        if self.calculate_max_jobs_to_activate() <= 0 or self.queue.full():
            await asyncio.sleep(FULL_PAUSE_SECONDS)
            return
        await self.worker.gate.passed()
        try:
            jobs = self.zeebe_adapter.activate_jobs(
                task_type=self.task.type,
                worker=self.worker_name,
                timeout=self.task.config.timeout_ms,
                max_jobs_to_activate=self.calculate_max_jobs_to_activate(),
                variables_to_fetch=self.task.config.variables_to_fetch or [],
                request_timeout=self.request_timeout,
                tenant_ids=self.tenant_ids,
            )
            async for job in jobs:
                self.task_state.add(job)
                await self.worker.take(job, self.queue)
            self.worker.alive(self.task.type)
            self.request_timeout = POLL_TIMEOUT_MS
        except ZeebeError as exc:
            self.worker.note_trouble(exc)
            await asyncio.sleep(ERROR_PAUSE_SECONDS)

    def calculate_max_jobs_to_activate(self) -> int:
        return min(super().calculate_max_jobs_to_activate(), MAX_QUEUED_JOBS)


class _Streamer(JobStreamer):
    """Opens its stream again soon after it broke; the bounded queue makes the stream wait."""

    worker: "Worker"

    async def activate_stream(self) -> None:
        await self.worker.gate.passed()
        try:
            jobs = self.zeebe_adapter.stream_activate_jobs(
                task_type=self.task.type,
                worker=self.worker_name,
                timeout=self.task.config.timeout_ms,
                variables_to_fetch=self.task.config.variables_to_fetch or [],
                stream_request_timeout=self.stream_request_timeout,
                tenant_ids=self.tenant_ids,
            )
            async for job in jobs:
                self.task_state.add(job)
                await self.worker.take(job, self.queue)
        except ZeebeDeadlineExceeded:
            log.debug("worker.stream_renewed", job_type=self.task.type)
        except ZeebeError as exc:
            self.worker.note_trouble(exc)
            await asyncio.sleep(ERROR_PAUSE_SECONDS)


class _Executor(JobExecutor):
    """Runs no more jobs than the worker has room for, and knows which it has not begun."""

    worker: "Worker"

    async def execute(self) -> None:
        while self.should_execute():
            job = await self.get_next_job()
            try:
                await self.worker.room.acquire()
            except asyncio.CancelledError:
                self.worker.unbegun.append(job)
                raise
            running = asyncio.create_task(self._run(job))
            self.worker.running.add(running)
            running.add_done_callback(self.worker.running.discard)

    async def _run(self, job: Job) -> None:
        controller = OutcomeController(job, self.worker.zeebe_adapter, self.worker.reporter)
        run, has_outcome = self.worker.starts.begin(job.key, self.task.config.timeout_ms / 1000), False
        try:
            if run is None:
                log.info("job.under_way", **keys_of(job))
                return
            if run.number > MAX_STARTS:
                message = f"已开始 {MAX_STARTS} 次而没有结果，停止重试"
                log.error("job.given_up", **keys_of(job))
                await self.worker.reporter.failed(job, 0, message, 0)
            else:
                await self.task.job_handler(job, controller)
            has_outcome = True
        except Exception as exc:
            log.error("job.outcome_unreported", error=describe(exc), **keys_of(job))
            await self._fail_unreportable(job, exc)
        finally:
            if run is not None:
                self.worker.starts.end(run, has_outcome=has_outcome)
            self.worker.room.release()
            self.worker.alive(self.task.type)
            self.jobs.task_done()
            self.task_state.remove(job)

    async def _fail_unreportable(self, job: Job, exc: Exception) -> None:
        """Fail a job whose outcome the engine refuses to take, so that it is not handed out again at each time-out."""
        if engine_may_take_it_later(exc):
            return
        try:
            await self.worker.reporter.failed(job, job.retries - 1, describe(exc), retry_backoff_ms(job.retries))
        except Exception as second:
            log.error("job.left_to_time_out", error=describe(second), **keys_of(job))


class Worker(ZeebeWorker):
    """pyzeebe's worker with the guards above, for one use: create, :meth:`work`, :meth:`drain`."""

    def __init__(self, channel: grpc.aio.Channel, *, name: str | None = None) -> None:
        super().__init__(
            channel,
            name=name,
            request_timeout=FIRST_POLL_TIMEOUT_MS,
            max_connection_retries=-1,
            exception_handler=handle_failure,
            stream_enabled=True,
            stream_request_timeout=STREAM_TIMEOUT_SECONDS,
        )
        self.reporter = Reporter(channel)
        self.gate = PartitionGate(EngineProbe(channel))
        self.room = asyncio.Semaphore(MAX_RUNNING_JOBS)
        self.running: set[asyncio.Task[None]] = set()
        self.unbegun: list[Job] = []
        self.starts = Starts()
        self._queues: list[asyncio.Queue[Job]] = []
        self.beats = Heartbeats()
        self._ended = asyncio.Event()
        self._trouble_at = -TROUBLE_LOG_SECONDS

    async def work(self) -> None:
        """Work until :meth:`drain`."""
        watching = asyncio.create_task(self.gate.watch())
        try:
            await super().work()
        finally:
            watching.cancel()
            self._ended.set()

    async def take(self, job: Job, queue: asyncio.Queue[Job]) -> None:
        """Pass a job from the engine to its executor; one for which there is no room before the end is handed back."""
        try:
            await queue.put(job)
        except asyncio.CancelledError:
            self.unbegun.append(job)
            raise

    def alive(self, job_type: str) -> None:
        """Note that the engine answered for ``job_type``."""
        self.beats.beat(f"{WORKER_PREFIX}{job_type}")

    def note_trouble(self, error: ZeebeError) -> None:
        """Hold all types back until the engine works again, and log it only now and then, since every type meets it."""
        if not isinstance(error, UnknownGrpcStatusCodeError):
            self.gate.close()
        now = time.monotonic()
        if now - self._trouble_at > TROUBLE_LOG_SECONDS:
            self._trouble_at = now
            log.warning("worker.engine_unreachable", error=type(error).__name__)

    def _init_tasks(self) -> None:
        self._job_pollers, self._job_streamers, self._job_executors = [], [], []
        for task in self.tasks:
            self._add_type(task)

    def _add_type(self, task: JobTask) -> None:
        queue: asyncio.Queue[Job] = asyncio.Queue(MAX_QUEUED_JOBS)
        state = TaskState()
        poller = _Poller(self.zeebe_adapter, task, queue, self.name, self.request_timeout, state, 1, self.tenant_ids)
        poller.worker = self
        executor = _Executor(task, queue, state, self.zeebe_adapter)
        executor.worker = self
        streamer = _Streamer(
            self.zeebe_adapter, task, queue, self.name, self._stream_request_timeout, state, self.tenant_ids
        )
        streamer.worker = self
        self._queues.append(queue)
        self._job_pollers.append(poller)
        self._job_streamers.append(streamer)
        self._job_executors.append(executor)

    async def drain(self, seconds: float = STOP_TIMEOUT_SECONDS) -> None:
        """Take no more jobs, hand back those not begun, and wait up to ``seconds`` for those running."""
        for executor in self._job_executors:
            executor.stop_event.set()
        self._stop_event.set()
        await self._ended.wait()
        waiting = [queue.get_nowait() for queue in self._queues for _ in range(queue.qsize())] + self.unbegun
        handing = [self.reporter.failed(job, job.retries, "worker stopping", 0) for job in waiting]
        running = [*self.running, *(asyncio.ensure_future(one) for one in handing)]
        if running:
            _, late = await asyncio.wait(running, timeout=seconds)
            if late:
                log.warning("worker.jobs_abandoned", count=len(late))


def write_heartbeats(store: Database, beats: Heartbeats) -> None:
    """Write the workers' signs of life, all in one transaction."""
    with store.transaction() as session:
        beats.write(session)


async def supervise(open_channel: Callable[[], grpc.aio.Channel], stop: asyncio.Event) -> None:
    """Run the workers until ``stop``; a worker that ends by itself is replaced."""
    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(HANDLER_THREADS, thread_name_prefix="job"))
    while not stop.is_set():
        channel = open_channel()
        worker = Worker(channel)
        worker.include_router(*collect_routers())
        working = asyncio.create_task(worker.work())
        beating = asyncio.create_task(_beat(worker))
        stopping = asyncio.create_task(stop.wait())
        log.info("worker.started", job_types=len(worker.tasks))
        await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
        ended_by_itself = working.done()
        stopping.cancel()
        await worker.drain()
        beating.cancel()
        results = await asyncio.gather(working, beating, stopping, return_exceptions=True)
        await channel.close()
        if ended_by_itself:
            log.error("worker.ended", error=type(results[0]).__name__)
            await asyncio.sleep(ERROR_PAUSE_SECONDS)
    log.info("worker.stopped")


async def _beat(worker: Worker) -> None:
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(1, thread_name_prefix="heartbeat") as thread:
        while True:
            await asyncio.sleep(HEARTBEAT_SECONDS)
            if not worker.beats.waiting:
                continue
            try:
                await loop.run_in_executor(thread, write_heartbeats, database(), worker.beats)
            except Exception as exc:
                log.error("worker.heartbeat_failed", error=describe(exc))
