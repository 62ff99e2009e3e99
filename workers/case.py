"""Jobs that begin and end a case.

``case-start`` claims the case row for one process instance; its key is the case number. The others are idempotent by
the case's own state.
"""

from pyzeebe import Job, ZeebeTaskRouter

from models.protocol import JobType
from services.cases import decisions
from services.deviations import restoring
from workers.runtime import JOB_TIMEOUT_MS
from workers.transaction import case_no, job_transaction

router = ZeebeTaskRouter()


@router.task(task_type=JobType.CASE_START.value, timeout_ms=JOB_TIMEOUT_MS)
def start(job: Job) -> dict[str, object]:
    """Claim the case for this instance; a loser learns ``claimed = false`` and ends.

    An instance that replaces one ended outside the product is moved to where that one stood: the job stays open
    until the move ends it.
    """
    with job_transaction(job) as session:
        told = decisions.claim_start(session, case_no(job), job.process_instance_key)
        placed = told["claimed"] and restoring.place(
            session, case_no(job), job.process_instance_key, job.element_instance_key
        )
    if placed:
        raise restoring.Placed
    return told


@router.task(task_type=JobType.CASE_CLOSE.value, timeout_ms=JOB_TIMEOUT_MS)
def close(job: Job) -> dict[str, object]:
    """Close the decided case (办结)."""
    with job_transaction(job) as session:
        return decisions.close(session, case_no(job))


@router.task(task_type=JobType.CASE_WITHDRAW.value, timeout_ms=JOB_TIMEOUT_MS)
def withdraw(job: Job) -> dict[str, object]:
    """Issue the notice that ends a withdrawn case."""
    with job_transaction(job) as session:
        return decisions.withdrawn(session, case_no(job))
