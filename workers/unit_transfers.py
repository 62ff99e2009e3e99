"""The job of a second transfer (二次划转) on the day it takes effect; idempotent by transfer."""

from pyzeebe import Job, ZeebeTaskRouter

from models.protocol import JobType
from services.takeovers import unit_transfers
from workers.runtime import JOB_TIMEOUT_MS
from workers.transaction import job_transaction
from workers.variables import number

router = ZeebeTaskRouter()


@router.task(task_type=JobType.UNIT_TRANSFER_TAKE_EFFECT.value, timeout_ms=JOB_TIMEOUT_MS)
def take_effect(job: Job) -> dict[str, object]:
    """Pass the item to another county unit and deal with the cases in flight."""
    with job_transaction(job) as session:
        unit_transfers.take_effect(session, number(job, "unitTransferId"))
        return {}
