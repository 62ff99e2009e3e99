"""The worker runtime without an engine: transactions, outcomes, failures and what is told about them."""

import asyncio
import errno
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import MappingProxyType
from typing import Any

import grpc
import psycopg
import pytest
import stamina
from pyzeebe import Job, ZeebeTaskRouter
from sqlalchemy import exc as sql
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, select

from models.database import Database
from models.engine_state import Heartbeat, ProcessInstance
from models.task import Task
from services.clock import machine_now
from services.errors import Conflict
from tests.databases import Databases, new
from tests.factories.bridge_records import START, add_case
from workers import outcomes, runtime, transaction
from workers.outcomes import BusinessError, handle_failure
from workers.runtime import Worker
from workers.starts import MAX_STARTS
from workers.transaction import MissingVariable, job_transaction


def a_job(key: int = 1, *, instance: int = 10, retries: int = 3, **variables: Any) -> Job:
    return Job(
        key=key,
        type="t",
        process_instance_key=instance,
        bpmn_process_id="acceptance",
        process_definition_version=1,
        process_definition_key=5,
        element_id="Task_X",
        element_instance_key=2,
        custom_headers=MappingProxyType({}),
        worker="w",
        retries=retries,
        deadline=0,
        variables=MappingProxyType(variables),
    )


@pytest.fixture
def database(databases: Databases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    with new(databases, tmp_path) as opened:
        monkeypatch.setattr(transaction, "database", lambda: opened)
        monkeypatch.setattr(transaction, "_registered", transaction._Recent(10))
        yield opened


class Refusal(grpc.aio.AioRpcError):
    def __init__(self, code: grpc.StatusCode) -> None:
        super().__init__(code, grpc.aio.Metadata(), grpc.aio.Metadata())


class FakeStub:
    """Answers like the gateway; ``refusals`` come first."""

    def __init__(self, *refusals: grpc.StatusCode) -> None:
        self.refusals = list(refusals)
        self.calls: list[tuple[str, Any]] = []

    def __getattr__(self, name: str) -> Any:
        async def call(request: Any, *, timeout: float) -> None:  # noqa: ASYNC109
            assert timeout > 0
            if self.refusals:
                raise Refusal(self.refusals.pop(0))
            self.calls.append((name, request))

        return call


class Outcomes:
    """Stands for the controller in the exception handler's tests."""

    def __init__(self) -> None:
        self.told: list[tuple[Any, ...]] = []

    async def set_failure_status(self, message: str, retry_back_off_ms: int = 0) -> None:
        self.told.append(("failed", message, retry_back_off_ms))

    async def put_off(self, message: str, backoff_ms: int) -> None:
        self.told.append(("put off", message, backoff_ms))

    async def set_error_status(self, message: str, error_code: str = "") -> None:
        self.told.append(("error", error_code, message))


def handled(error: Exception, job: Job) -> tuple[Any, ...]:
    outcomes = Outcomes()
    asyncio.run(handle_failure(error, job, outcomes))  # type: ignore[arg-type]
    return outcomes.told[0]


def nothing() -> dict[str, object]:
    return {}


def run_one(handler: Any, stub: FakeStub, job: Job, times: int = 1) -> None:
    """Let a worker run one job as often as the engine would give it."""
    for_each(handler, stub, [[job]] * times)


def run_at_once(handler: Any, stub: FakeStub, jobs: list[Job]) -> None:
    """Let a worker run jobs that all wait for it."""
    for_each(handler, stub, [jobs])


def for_each(handler: Any, stub: FakeStub, batches: list[list[Job]]) -> None:
    async def working() -> None:
        channel = grpc.aio.insecure_channel("127.0.0.1:1")
        worker = Worker(channel)
        worker.reporter._stub = stub
        router = ZeebeTaskRouter()
        router.task(task_type="t", timeout_ms=runtime.JOB_TIMEOUT_MS)(handler)
        worker.include_router(router)
        worker._init_tasks()
        executor = worker._job_executors[0]
        executing = asyncio.create_task(executor.execute())
        for batch in batches:
            for job in batch:
                executor.task_state.add(job)
                await executor.jobs.put(job)
            await executor.jobs.join()
        executing.cancel()
        await asyncio.gather(executing, return_exceptions=True)
        await channel.close()

    asyncio.run(working())


def test_a_job_is_one_transaction_and_registers_its_instance(database: Database) -> None:
    add_case(database, "C1")
    with job_transaction(a_job(caseId="C1")) as session:
        session.add(Heartbeat(component="x", at=machine_now()))
    with database.reading() as session:
        instance = session.get_one(ProcessInstance, 10)
        assert (instance.case_no, instance.process_id) == ("C1", "acceptance")
        assert session.get(Heartbeat, "x") is not None


def test_a_failing_job_leaves_nothing_and_registers_again_next_time(database: Database) -> None:
    add_case(database, "C1")

    def fail(session: Session) -> None:
        session.add(Heartbeat(component="x", at=machine_now()))
        session.flush()
        raise Conflict()

    with pytest.raises(Conflict), job_transaction(a_job(caseId="C1")) as session:
        fail(session)
    with database.reading() as session:
        assert session.exec(select(ProcessInstance)).all() == []
        assert session.get(Heartbeat, "x") is None
    with job_transaction(a_job(caseId="C1")):
        pass
    with database.reading() as session:
        assert session.get_one(ProcessInstance, 10).case_no == "C1"


def test_registration_gives_waiting_tasks_their_case_and_keeps_what_is_known_of_the_instance(
    database: Database,
) -> None:
    add_case(database, "C1")
    with database.transaction() as session:
        session.add(ProcessInstance(key=10, process_id="acceptance", version=7))
        session.add(
            Task(
                key=20,
                process_id="p",
                process_instance_key=10,
                element_id="e",
                element_instance_key=2,
                name="n",
                created_at=START,
            )
        )
    with job_transaction(a_job(caseId="C1")):
        pass
    with database.reading() as session:
        assert session.get_one(Task, 20).case_no == "C1"
        assert session.get_one(Task, 20).item_name == "测试事项"
        assert session.get_one(ProcessInstance, 10).version == 7


def test_a_key_that_the_engine_gives_again_after_a_crash_belongs_to_whom_its_job_names(database: Database) -> None:
    add_case(database, "C1")
    add_case(database, "C2")
    for owner in ("C1", "C2"):
        with job_transaction(a_job(caseId=owner)):
            pass
        with database.reading() as session:
            assert session.get_one(ProcessInstance, 10).case_no == owner


def test_a_process_without_a_case_works_until_a_handler_asks_for_it(database: Database) -> None:
    with job_transaction(a_job()) as session:
        assert session.exec(select(ProcessInstance)).all() == []
    with pytest.raises(MissingVariable):
        transaction.case_no(a_job())


def test_a_declared_business_error_is_thrown_as_its_bpmn_error() -> None:
    assert handled(BusinessError("Err_NoAgreement", "无承接协议"), a_job()) == (
        "error",
        "Err_NoAgreement",
        "无承接协议",
    )


def test_other_errors_fail_with_growing_back_off_and_without_personal_data() -> None:
    statement = IntegrityError("INSERT …", {"name": "张三"}, Exception("张三"))
    kind, message, backoff = handled(statement, a_job(retries=3, applicant="张三"))
    assert (kind, backoff) == ("failed", 1_000)
    assert message.startswith("IntegrityError")
    assert "张三" not in message
    assert handled(Conflict("已办结"), a_job(retries=2))[1:] == ("conflict: 已办结", 4_000)
    assert handled(ValueError("x"), a_job(retries=1))[2] == 16_000


def of_sqlite(name: str) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("told by its name")
    error.sqlite_errorname = name
    return error


@pytest.mark.parametrize(
    ("error", "momentary"),
    [
        (sql.OperationalError("INSERT", {}, of_sqlite("SQLITE_BUSY")), True),
        (sql.OperationalError("INSERT", {}, of_sqlite("SQLITE_FULL")), True),
        (sql.OperationalError("INSERT", {}, of_sqlite("SQLITE_ERROR")), False),
        (sql.OperationalError("INSERT", {}, psycopg.OperationalError("the server closed the connection")), True),
        (sql.InterfaceError("INSERT", {}, psycopg.InterfaceError("the connection is closed")), True),
        (sql.ProgrammingError("INSERT", {}, psycopg.errors.UndefinedTable("no such table")), False),
        (sql.TimeoutError("the write lock was not free"), True),
        (sql.IntegrityError("INSERT", {}, sqlite3.IntegrityError("not unique")), False),
        (OSError(errno.ENOSPC, "no space left on device"), True),
        (FileNotFoundError(errno.ENOENT, "no such file"), False),
        (Conflict("已办结"), False),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_failure_of_the_moment_costs_the_job_no_retry(error: Exception, momentary: bool) -> None:
    told = handled(error, a_job(retries=1))
    assert told[0] == ("put off" if momentary else "failed")
    assert told[2] == (outcomes.MOMENT_RETRY_MS if momentary else 16_000)


@pytest.mark.sqlite("about SQLite's own lock")
def test_what_sqlite_says_of_a_kept_database_is_of_the_moment_and_the_job_keeps_its_retries(database: Database) -> None:
    path = str(database.engine.url.database)

    def handler(job: Job) -> dict[str, object]:
        with closing(sqlite3.connect(path, timeout=0)) as second:
            try:
                second.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as exc:
                raise sql.OperationalError("BEGIN IMMEDIATE", {}, exc) from exc
        return {}

    stub = FakeStub()
    with closing(sqlite3.connect(path, isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        run_one(handler, stub, a_job(retries=1))
    [(name, request)] = stub.calls
    assert (name, request.retries, request.retryBackOff) == ("FailJob", 1, outcomes.MOMENT_RETRY_MS)


def test_a_completion_is_repeated_until_the_engine_has_it() -> None:
    stub = FakeStub(grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED)
    run_one(lambda: {"accepted": True}, stub, a_job())
    [(name, request)] = stub.calls
    assert (name, request.variables) == ("CompleteJob", '{"accepted":true}')


def test_a_job_that_is_gone_counts_as_done() -> None:
    stub = FakeStub(grpc.StatusCode.NOT_FOUND)
    run_one(nothing, stub, a_job())
    assert stub.calls == []


def test_a_handler_that_gets_the_job_and_fails_is_reported_with_one_retry_less() -> None:
    def handler(job: Job) -> dict[str, object]:
        raise Conflict(job.variables["caseId"])

    stub = FakeStub()
    run_one(handler, stub, a_job(caseId="C1", retries=3))
    [(name, request)] = stub.calls
    assert (name, request.retries, request.errorMessage) == ("FailJob", 2, "conflict: C1")


def test_a_result_the_engine_cannot_take_fails_the_job() -> None:
    stub = FakeStub()
    run_one(lambda: {"x": object()}, stub, a_job())
    assert [name for name, _ in stub.calls] == ["FailJob"]


def test_a_job_begun_again_and_again_without_an_outcome_becomes_an_incident() -> None:
    stub = FakeStub(*[grpc.StatusCode.UNAVAILABLE] * MAX_STARTS)
    with stamina.set_testing(True, attempts=1):
        run_one(nothing, stub, a_job(), times=MAX_STARTS + 1)
    [(name, request)] = stub.calls
    assert (name, request.retries) == ("FailJob", 0)


def test_a_job_that_waits_several_times_in_the_queue_runs_once_at_a_time_and_is_not_given_up() -> None:
    stub, begun, most = FakeStub(), [0], [0]

    async def handler() -> dict[str, object]:
        begun[0] += 1
        most[0] = max(most[0], begun[0])
        await asyncio.sleep(0)
        begun[0] -= 1
        return {}

    run_at_once(handler, stub, [a_job()] * (MAX_STARTS + 3))
    assert most == [1]
    assert {name for name, _ in stub.calls} == {"CompleteJob"}


def test_no_more_jobs_run_at_once_than_there_is_room_for() -> None:
    async def working() -> int:
        running = most = 0

        async def handler() -> dict[str, object]:
            nonlocal running, most
            running += 1
            most = max(most, running)
            await asyncio.sleep(0.005)
            running -= 1
            return {}

        channel = grpc.aio.insecure_channel("127.0.0.1:1")
        worker = Worker(channel)
        worker.room = asyncio.Semaphore(3)
        worker.reporter._stub = FakeStub()
        router = ZeebeTaskRouter()
        router.task(task_type="t", timeout_ms=1000)(handler)
        worker.include_router(router)
        worker._init_tasks()
        executor = worker._job_executors[0]
        executing = asyncio.create_task(executor.execute())
        for key in range(40):
            executor.task_state.add(a_job(key))
            await executor.jobs.put(a_job(key))
        await executor.jobs.join()
        executing.cancel()
        await asyncio.gather(executing, return_exceptions=True)
        await channel.close()
        return most

    assert asyncio.run(working()) == 3


def test_signs_of_life_are_written_together_and_again(database: Database) -> None:
    async def answered(*job_types: str) -> None:
        channel = grpc.aio.insecure_channel("127.0.0.1:1")
        worker = Worker(channel)
        for job_type in job_types:
            worker.alive(job_type)
        await asyncio.to_thread(runtime.write_heartbeats, database, worker.beats)
        await channel.close()

    asyncio.run(answered("a", "b"))
    asyncio.run(answered("a"))
    with database.reading() as session:
        beats = {beat.component: beat.at for beat in session.exec(select(Heartbeat))}
    assert set(beats) == {"worker:a", "worker:b"}
    assert beats["worker:a"] > beats["worker:b"]


def test_every_router_is_found_once() -> None:
    types = [task.type for router in runtime.collect_routers() for task in router.tasks]
    assert types
    assert len(types) == len(set(types))
