"""Plain pyzeebe workers for every job type of the models, each with a constant answer and no database.

Run as ``python -m bench.noop_workers HOST:PORT MESSAGES``; reports the first and the last job of each case on standard
output. ``MESSAGES`` is a file of the messages the product publishes in the course of a case: they start and move
further processes, so each is published here too, with the job the product publishes it with.
"""

import asyncio
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import orjson
from defusedxml.ElementTree import fromstring
from pyzeebe import ZeebeWorker, create_insecure_channel
from pyzeebe.proto import gateway_pb2 as pb
from pyzeebe.proto.gateway_pb2_grpc import GatewayStub

from bench.stack import CASE_NUMBER
from settings import PROJECT_ROOT

ZEEBE = "{http://camunda.org/schema/zeebe/1.0}"
FAR = (datetime.now(UTC) + timedelta(days=30)).isoformat(timespec="seconds")
FAVOURABLE: dict[str, Any] = {
    "claimed": True,
    "accepted": True,
    "formComplete": True,
    "certificate": True,
    "acceptanceDueAt": FAR,
    "supplementDueAt": FAR,
    "nextWakeAt": FAR,
    "specialDueAt": FAR,
}
"""Every variable a model of the measured path reads from a job, with the value that goes on."""
ANSWERS = {
    "case-start": ("claimed",),
    "acceptance-check": ("acceptanceDueAt", "formComplete"),
    "acceptance-accept": ("accepted",),
    "deadline-plan": ("nextWakeAt",),
    "issue-decision": ("certificate",),
}
TOLD = frozenset({"case-start", "case-close"})
PUBLISHED_WITH = {
    "receipt-begun": "acceptance-check",
    "receipt-closed": "acceptance-accept",
    "deadline-changed": "decision-record",
    "approval-pushed": "case-close",
}
"""The job each message is published with; any other message goes with the last job."""
LAST_JOB = "case-close"
MAX_RUNNING = 64
CALL_SECONDS = 10.0


def job_types(models: Path) -> list[str]:
    """Return every job type the models in a directory name, sorted."""
    found = set()
    for file in models.glob("*.bpmn"):
        for definition in fromstring(file.read_bytes()).iter(f"{ZEEBE}taskDefinition"):
            found.add(definition.get("type", ""))
    return sorted(found)


def answer_to(job_type: str) -> dict[str, Any]:
    """Return a job type's constant answer."""
    return {name: FAVOURABLE[name] for name in ANSWERS.get(job_type, ())}


def publication(message: dict[str, Any], case_no: str) -> Any:
    """Return the request that publishes one of the product's messages for another case."""
    own = orjson.loads(orjson.dumps(message).replace(CASE_NUMBER.encode(), case_no.encode()))
    return pb.PublishMessageRequest(
        name=own["name"],
        correlationKey=own["correlation_key"],
        messageId=own["message_id"],
        timeToLive=own["time_to_live_ms"],
        variables=orjson.dumps(own["variables"]).decode(),
    )


def add(worker: ZeebeWorker, job_type: str, stub: Any, messages: list[dict[str, Any]]) -> None:
    """Give a worker one job type and the messages that go with it."""
    answer, told = answer_to(job_type), job_type in TOLD

    async def handle(**variables: Any) -> dict[str, Any]:
        for message in messages:
            await publish(stub, publication(message, variables["caseId"]))
        if told:
            sys.stdout.write(f"{job_type} {variables['caseId']} {time.monotonic()}\n")
            sys.stdout.flush()
        return answer

    handle.__name__ = job_type.replace("-", "_")
    register: Any = worker.task(task_type=job_type, max_running_jobs=MAX_RUNNING, variables_to_fetch=["caseId"])
    register(handle)


async def publish(stub: Any, request: Any) -> None:
    """Publish a message, again while the engine refuses load; one that is there counts as published."""
    while True:
        try:
            await stub.PublishMessage(request, timeout=CALL_SECONDS)
        except grpc.aio.AioRpcError as exc:
            if exc.code() is grpc.StatusCode.ALREADY_EXISTS:
                return
            if exc.code() is not grpc.StatusCode.RESOURCE_EXHAUSTED:
                raise
            await asyncio.sleep(0.02)
        else:
            return


async def main(address: str, messages: list[dict[str, Any]]) -> None:
    """Work until terminated."""
    channel = create_insecure_channel(grpc_address=address)
    worker = ZeebeWorker(channel, max_connection_retries=-1, poll_retry_delay=1, stream_enabled=True)
    stub = GatewayStub(channel)
    for job_type in job_types(PROJECT_ROOT / "bpmn"):
        with_it = [one for one in messages if PUBLISHED_WITH.get(one["name"], LAST_JOB) == job_type]
        add(worker, job_type, stub, with_it)
    await worker.work()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], orjson.loads(Path(sys.argv[2]).read_bytes())))
