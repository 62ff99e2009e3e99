"""Jobs of the takeover agreement (承接协议); each is idempotent by agreement."""

from pyzeebe import Job, ZeebeTaskRouter

from models.protocol import JobType
from services.powers import agreements
from workers.runtime import JOB_TIMEOUT_MS
from workers.transaction import job_transaction
from workers.variables import text

router = ZeebeTaskRouter()


@router.task(task_type=JobType.AGREEMENT_ENTER_FORCE.value, timeout_ms=JOB_TIMEOUT_MS)
def enter_force(job: Job) -> dict[str, object]:
    """Record that the agreement's date has come."""
    with job_transaction(job) as session:
        agreements.enter_force(session, int(text(job, "agreementId")))
        return {}
