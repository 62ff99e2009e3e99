"""How long a submission takes until its first task stands in a list, against the bare engine's first job.

One case at a time, so that what is measured is the way through the parts and not a queue.
"""

import time

from bench.bare import BareEngine
from bench.stack import Stack

LOOK_PAUSE_SECONDS = 0.002
GIVE_UP_SECONDS = 30.0


def first_task(stack: Stack, samples: int) -> list[float]:
    """Return the seconds from each ``POST /cases`` to the ``GET /tasks`` that shows the case's first task."""
    area, found = stack.areas[0], []
    people = stack.account(f"{area}.window").connection
    for _ in range(samples):
        begun = time.perf_counter()
        case_no = stack.submit_case(area)
        while not people.get(f"/tasks?case_no={case_no}&limit=1")["items"]:
            if time.perf_counter() - begun > GIVE_UP_SECONDS:
                raise TimeoutError(f"no task of {case_no} in {GIVE_UP_SECONDS:.0f} s")
            time.sleep(LOOK_PAUSE_SECONDS)
        found.append(time.perf_counter() - begun)
    return found


def first_job(bare: BareEngine, samples: int) -> list[float]:
    """Return the seconds from each start message to its first job's arrival at a worker, by the monotonic clock."""
    found = []
    while not bare.started.empty():
        bare.started.get()
    for _ in range(samples):
        begun = time.monotonic()
        case_no = bare.submit_case()
        while (seen := bare.started.get(timeout=GIVE_UP_SECONDS)).case_no != case_no:
            pass
        found.append(seen.at - begun)
    return found
