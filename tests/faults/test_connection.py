"""The product's worker and a real engine, with a wire between them that is cut, falls silent, or breaks at its hour."""

import asyncio
import itertools
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import Future
from functools import partial
from pathlib import Path

import grpc
import pytest
from pyzeebe import Job, ZeebeTaskRouter
from sqlmodel import col, select

from engine.channel import open_channel
from engine.deploy import deploy_directory
from models.engine_state import InstanceState, ProcessInstance
from tests.faults.proxy import Wire
from tests.instance import eventually
from tests.integration.stack import Stack
from workers import outcomes, runtime

pytestmark = pytest.mark.engine

MODELS = Path(__file__).parent / "models"
WITHIN_SECONDS = 120.0
FAILURES = 30
serial = itertools.count(1)


class WorkerThread:
    """The product's worker over a wire, with one handler, on a thread of its own."""

    def __init__(self, address: str, handle: Callable[[Job], Awaitable[dict[str, object]]], timeout_ms: int) -> None:
        self._address, self._handle, self._timeout_ms = address, handle, timeout_ms
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run)
        self._ready: Future[None] = Future()

    def start(self) -> None:
        """Begin to work."""
        self._thread.start()
        self._ready.result(WITHIN_SECONDS)

    def __enter__(self) -> runtime.Worker:
        self.start()
        return self.worker

    def __exit__(self, *_error: object) -> None:
        asyncio.run_coroutine_threadsafe(self.worker.drain(), self._loop).result(WITHIN_SECONDS)
        self._thread.join(WITHIN_SECONDS)

    def crash(self) -> None:
        """End without a word to the engine, as a killed process does."""
        self._loop.call_soon_threadsafe(self._working.cancel)
        self._thread.join(WITHIN_SECONDS)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._work())
        self._loop.close()

    async def _work(self) -> None:
        channel: grpc.aio.Channel = open_channel(self._address)
        self.worker = runtime.Worker(channel)
        router = ZeebeTaskRouter()
        router.task(task_type="one-step", timeout_ms=self._timeout_ms)(self._handle)
        self.worker.include_router(router)
        self._working = asyncio.ensure_future(self.worker.work())
        self._ready.set_result(None)
        await asyncio.gather(self._working, return_exceptions=True)
        for running in [*self.worker.running]:
            running.cancel()
        await asyncio.gather(*self.worker.running, return_exceptions=True)
        await channel.close()


class Told:
    """Counts what is logged."""

    def __init__(self) -> None:
        self.events: Counter[str] = Counter()

    def __getattr__(self, _level: str) -> Callable[..., None]:
        return self._note

    def _note(self, event: str, **_keys: object) -> None:
        self.events[event] += 1


class Steps:
    """The instances begun, and how often each one's handler has run."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.runs: Counter[str] = Counter()
        self.begun: list[str] = []

    def begin(self) -> str:
        case_no = f"ONE{next(serial):05d}"
        self.begun.append(case_no)
        self.stack.add_case(case_no)
        self.stack.publish("one-step", case_no)
        return case_no

    def done(self, case_no: str) -> None:
        """Wait until the engine has ended the instance of a case, by what its feed says."""

        def ended() -> bool:
            states = self.stack.look(
                lambda session: session.exec(
                    select(ProcessInstance.state).where(
                        ProcessInstance.case_no == case_no, col(ProcessInstance.process_id) == "one-step"
                    )
                ).all()
            )
            return list(states) == [InstanceState.COMPLETED]

        eventually(ended, f"{case_no} has ended; handled {self.runs}", WITHIN_SECONDS)

    async def handle(self, job: Job) -> dict[str, object]:
        self.runs[str(job.variables["caseId"])] += 1
        return {}


def counted(reporter: outcomes.Reporter, name: str) -> list[object]:
    """Return a list that gets every request of one call the reporter makes from now on."""
    sent: list[object] = []
    call = getattr(reporter._stub, name)

    def counting(request: object, *, timeout: float) -> Awaitable[object]:
        sent.append(request)
        answer: Awaitable[object] = call(request, timeout=timeout)
        return answer

    setattr(reporter._stub, name, counting)
    return sent


@pytest.fixture(scope="module")
def deployed(stack: Stack) -> Stack:
    stack.call(lambda gateway: deploy_directory(gateway, MODELS))
    return stack


@pytest.fixture
def steps(deployed: Stack) -> Steps:
    return Steps(deployed)


@pytest.fixture
def wire(deployed: Stack) -> Iterator[Wire]:
    opened = Wire(deployed.config.gateway_address)
    yield opened
    opened.close()


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorten the pauses, which are for the engine's sake."""
    monkeypatch.setattr(runtime, "ERROR_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr("workers.partition_gate.SPREAD_SECONDS", 0.05)


@pytest.mark.usefixtures("hurried")
def test_thirty_short_failures_with_successes_between_do_not_end_the_worker(steps: Steps, wire: Wire) -> None:
    with WorkerThread(wire.address, steps.handle, runtime.JOB_TIMEOUT_MS):
        for _ in range(FAILURES):
            case_no = steps.begin()
            eventually(partial(steps.runs.get, case_no), f"{case_no} is worked on", WITHIN_SECONDS)
            wire.cut()
        for case_no in steps.begun:
            steps.done(case_no)
    assert set(steps.runs) == set(steps.begun)


@pytest.mark.usefixtures("hurried")
def test_a_stream_that_expires_again_and_again_is_renewed_and_brings_jobs(
    steps: Steps, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = Told()
    monkeypatch.setattr(runtime, "STREAM_TIMEOUT_SECONDS", 0.2)
    monkeypatch.setattr(runtime, "log", told)
    with WorkerThread(wire.address, steps.handle, runtime.JOB_TIMEOUT_MS):
        for expected in (3, 6, 9):

            def renewed(least: int = expected) -> bool:
                return told.events["worker.stream_renewed"] >= least

            eventually(renewed, f"{expected} renewals of the stream", WITHIN_SECONDS)
            steps.done(steps.begin())
    assert set(steps.runs) == set(steps.begun)


def test_a_completion_swallowed_on_its_way_is_sent_again_and_the_job_is_not_done_twice(
    steps: Steps, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outcomes, "REPORT_CALL_SECONDS", 0.5)

    async def handle(job: Job) -> dict[str, object]:
        wire.swallow()
        return await steps.handle(job)

    # Much longer than all deadlines of this test: a second run could only come of the worker's own doing.
    with WorkerThread(wire.address, handle, timeout_ms=3_600_000) as worker:
        sent = counted(worker.reporter, "CompleteJob")
        case_no = steps.begin()
        eventually(lambda: len(sent) >= 2, "a second completion, the first having been swallowed", WITHIN_SECONDS)
        wire.pass_again()
        steps.done(case_no)
    assert steps.runs == {case_no: 1}


def test_after_a_crash_between_effect_and_completion_the_job_comes_again_and_ends(steps: Steps, wire: Wire) -> None:
    async def effect_and_silence(job: Job) -> dict[str, object]:
        await steps.handle(job)
        await asyncio.Event().wait()
        return {}

    crashing = WorkerThread(wire.address, effect_and_silence, timeout_ms=2_000)
    crashing.start()
    case_no = steps.begin()
    eventually(lambda: steps.runs[case_no], "the effect", WITHIN_SECONDS)
    crashing.crash()
    with WorkerThread(wire.address, steps.handle, timeout_ms=runtime.JOB_TIMEOUT_MS):
        steps.done(case_no)
    assert steps.runs[case_no] >= 2


def test_a_handler_past_its_time_out_meets_its_second_run_and_the_instance_ends_once(steps: Steps, wire: Wire) -> None:
    together = asyncio.Event()

    async def slow(job: Job) -> dict[str, object]:
        await steps.handle(job)
        if steps.runs[str(job.variables["caseId"])] >= 2:
            together.set()
        await together.wait()
        return {}

    with WorkerThread(wire.address, slow, timeout_ms=1_000):
        case_no = steps.begin()
        steps.done(case_no)
    assert steps.runs[case_no] >= 2
