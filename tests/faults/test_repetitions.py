"""What arrives more than once has one effect: a job, a command, and a request the database was restarted under."""

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from uuid import uuid4

import grpc
import httpx
import pytest
from pyzeebe.proto import gateway_pb2 as pb
from pyzeebe.proto.gateway_pb2_grpc import GatewayStub
from sqlmodel import col, select

from engine.channel import open_channel
from models.engine_state import ElementVisit, ProcessInstance
from models.outbox import OutboxCommand, OutboxStatus
from services.cases.submission import START_MESSAGES
from services.clock import machine_now
from tests.faults.parts import (
    RECOVERY_SECONDS,
    assert_in_is_out,
    assert_nothing_given_up,
    environment,
    halted,
    until_ready,
)
from tests.instance import Instance, eventually
from tests.postgres import Server

pytestmark = pytest.mark.engine

ITEM, AREA = "W-01", "xingguo"
NEARBY_KEYS = 12
"""A job gets its key a few numbers after its element."""
LONGER_AND_LONGER = (4.0, 8.0, 16.0, 32.0, 64.0)
"""For how many seconds a job's time-out is ended again and again; the engine looks for such jobs every second."""
BUSY = frozenset({429, 503})
MOST_CASES = 24
STARTS = {message.value for message, _ in START_MESSAGES.values()}


async def expire(address: str, keys: range, seconds: float) -> set[int]:
    """End the time-out of whichever jobs have these keys, again and again; return their keys."""
    end = time.monotonic() + seconds
    channel, found = open_channel(address), set[int]()
    stub = GatewayStub(channel)
    while time.monotonic() < end:
        for key in tuple(found) or keys:
            # There is no such job, or it is on its way to a worker again.
            with suppress(grpc.aio.AioRpcError):
                await stub.UpdateJobTimeout(pb.UpdateJobTimeoutRequest(jobKey=key, timeout=1))
                found.add(key)
    await channel.close()
    return found


def first_job(instance: Instance, case_no: str) -> int | None:
    """Return the element instance of a case's first job, once the engine has told of it."""
    with instance.database.reading() as session:
        query = (
            select(ElementVisit.key)
            .join(ProcessInstance, col(ProcessInstance.key) == col(ElementVisit.process_instance_key))
            .where(ProcessInstance.case_no == case_no, ElementVisit.element_type == "SERVICE_TASK")
        )
        return session.exec(query).first()


def deliveries(instance: Instance, jobs: set[int]) -> int:
    """Return how often the workers were given the jobs: once, and as often as they say that one was there already."""
    log = (instance.state_dir / "logs" / "workers.log").read_text(encoding="utf-8")
    again = [line for line in log.splitlines() if "job.under_way" in line or "job.gone" in line]
    return 1 + sum(any(f'"job_key":{job},' in line for job in jobs) for line in again)


def test_a_job_delivered_three_times_and_more_has_one_effect(running: Instance) -> None:
    address, case_nos = environment(running)["ZEEBE_ADDRESS"], []
    for seconds in LONGER_AND_LONGER:
        with halted(running, "workers"):
            case_no = running.submit(ITEM, AREA)
            case_nos.append(case_no)
            element = eventually(lambda number=case_no: first_job(running, number), "the first job", RECOVERY_SECONDS)
            jobs = asyncio.run(expire(address, range(element + 1, element + NEARBY_KEYS), seconds))
        assert jobs
        until_ready(running, "the workers stood still")
        running.task(case_no, "Task_DecideAcceptance")
        if deliveries(running, jobs) >= 3:
            break
    else:
        pytest.fail("the engine did not deliver a job three times")
    assert_in_is_out(running, case_nos)
    assert_nothing_given_up(running)


def test_commands_sent_twice_have_one_effect(running: Instance) -> None:
    case_no = running.submit(ITEM, AREA)
    running.complete(case_no, "Task_DecideAcceptance", "accept")
    task = eventually(lambda: running.case(case_no)["tasks"], "the task after acceptance", RECOVERY_SECONDS)[0]
    running.complete(case_no, task["element_id"], task["outcomes"][0]["value"])

    def all_sent() -> bool:
        with running.database.reading() as session:
            states = session.exec(select(OutboxCommand.status).where(OutboxCommand.stream == case_no)).all()
        return set(states) == {OutboxStatus.SENT}

    eventually(all_sent, "every command sent", RECOVERY_SECONDS)
    with running.database.transaction() as session:
        # Starting twice is another test's: once its message has expired it begins an instance that ends at once.
        rows = session.exec(select(OutboxCommand).where(OutboxCommand.stream == case_no)).all()
        again = [row for row in rows if row.payload.get("name") not in STARTS]
        assert len(again) >= 2
        for row in again:
            row.status, row.sent_at, row.available_at = OutboxStatus.PENDING, None, machine_now()
    eventually(all_sent, "every command sent again", RECOVERY_SECONDS)
    assert_in_is_out(running, [case_no])
    assert_nothing_given_up(running)


@pytest.mark.postgresql("SQLite is no server that could be restarted")
def test_a_database_restarted_under_load_loses_and_doubles_nothing(running: Instance, server: Server | None) -> None:
    if server is None:
        pytest.skip("the server is not ours to restart")
    enough, case_nos = threading.Event(), []
    client = running.api(f"{AREA}.window")
    bodies = [running.body(ITEM, AREA) for _ in range(MOST_CASES)]

    def submit_on() -> None:
        """Submit one case after the other as a window does, each again with its key until there is an answer."""
        while bodies and not enough.is_set():
            body, key = bodies.pop(), str(uuid4())

            def answered(sent: object = body, key: str = key) -> str | None:
                try:
                    answer = client.post("/cases", json=sent, headers={"Idempotency-Key": key})
                except httpx.TransportError:
                    return None
                assert answer.status_code in {201, *BUSY}, answer.text
                return str(answer.json()["case_no"]) if answer.status_code == 201 else None

            case_nos.append(eventually(answered, "a submission", RECOVERY_SECONDS))

    with ThreadPoolExecutor(2) as people:
        submitting = [people.submit(submit_on) for _ in range(2)]
        try:
            for so_far in (2, 4):
                eventually(lambda number=so_far: len(case_nos) >= number, "cases under way", RECOVERY_SECONDS)
                server.restart()
        finally:
            enough.set()
        for one in submitting:
            one.result()
    until_ready(running, "the database was restarted")
    assert len(set(case_nos)) == len(case_nos)
    assert_in_is_out(running, case_nos)
    assert_nothing_given_up(running)
