"""Jobs of recalls (收回权限): idempotent by recall, and by case for a takeover."""

from pyzeebe import Job, ZeebeTaskRouter

from models.protocol import JobType
from services.takeovers import handover, recalls, unit_transfers
from workers.runtime import JOB_TIMEOUT_MS
from workers.transaction import case_no, job_transaction
from workers.variables import number, text

router = ZeebeTaskRouter()


@router.task(task_type=JobType.RECALL_HEARING_LAPSE.value, timeout_ms=JOB_TIMEOUT_MS)
def lapse_hearing(job: Job) -> dict[str, object]:
    """Record that the county did not state its view in time."""
    with job_transaction(job) as session:
        recalls.lapse_hearing(session, int(text(job, "recallId")))
        return {}


@router.task(task_type=JobType.RECALL_TAKE_EFFECT.value, timeout_ms=JOB_TIMEOUT_MS)
def take_effect(job: Job) -> dict[str, object]:
    """Withdraw the power and deal with the cases in flight.

    A job with ``unitTransferId`` belongs to a unit transfer decided when transfers still used this process (ADR 10).
    """
    with job_transaction(job) as session:
        if job.variables.get("unitTransferId") is not None:
            unit_transfers.take_effect(session, number(job, "unitTransferId"))
            return {}
        recalls.take_effect(session, int(text(job, "recallId")))
        return {}


@router.task(task_type=JobType.CASE_TRANSFER.value, timeout_ms=JOB_TIMEOUT_MS)
def take_over(job: Job) -> dict[str, object]:
    """Let the city's process take the case over where the county left it."""
    with job_transaction(job) as session:
        return handover.take_over(session, case_no(job))
