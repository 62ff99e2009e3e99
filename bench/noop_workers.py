"""Plain pyzeebe workers for every job type of the models, each with a constant answer and no database.

Run as ``python -m bench.noop_workers HOST:PORT``; tells the first and the last job of each case on standard output.
"""

import asyncio
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from defusedxml.ElementTree import fromstring
from pyzeebe import ZeebeWorker, create_insecure_channel

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
MAX_RUNNING = 64


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


def add(worker: ZeebeWorker, job_type: str) -> None:
    """Give a worker one job type."""
    answer, told = answer_to(job_type), job_type in TOLD

    async def handle(**variables: Any) -> dict[str, Any]:
        if told:
            sys.stdout.write(f"{job_type} {variables['caseId']} {time.monotonic()}\n")
            sys.stdout.flush()
        return answer

    handle.__name__ = job_type.replace("-", "_")
    register: Any = worker.task(task_type=job_type, max_running_jobs=MAX_RUNNING, variables_to_fetch=["caseId"])
    register(handle)


async def main(address: str) -> None:
    """Work until terminated."""
    channel = create_insecure_channel(grpc_address=address)
    worker = ZeebeWorker(channel, max_connection_retries=-1, poll_retry_delay=1, stream_enabled=True)
    for job_type in job_types(PROJECT_ROOT / "bpmn"):
        add(worker, job_type)
    await worker.work()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
