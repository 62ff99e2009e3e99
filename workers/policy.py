"""Jobs of policy notices: delivery, reminder and escalation, each idempotent by the notice."""

from pyzeebe import Job, ZeebeTaskRouter

from models.protocol import JobType
from services.supervision import policy_notices
from workers.runtime import JOB_TIMEOUT_MS
from workers.transaction import job_transaction
from workers.variables import number

router = ZeebeTaskRouter()


@router.task(task_type=JobType.POLICY_NOTIFY.value, timeout_ms=JOB_TIMEOUT_MS)
def notify(job: Job) -> dict[str, object]:
    """Deliver the notice to its recipients."""
    with job_transaction(job) as session:
        policy_notices.deliver(session, number(job, "noticeId"))
        return {}


@router.task(task_type=JobType.POLICY_REMIND.value, timeout_ms=JOB_TIMEOUT_MS)
def remind(job: Job) -> dict[str, object]:
    """Remind those who have not acknowledged the notice."""
    with job_transaction(job) as session:
        policy_notices.remind(session, number(job, "noticeId"))
        return {}


@router.task(task_type=JobType.POLICY_ESCALATE.value, timeout_ms=JOB_TIMEOUT_MS)
def escalate(job: Job) -> dict[str, object]:
    """Report the silent recipients to the coordinator."""
    with job_transaction(job) as session:
        policy_notices.escalate(session, number(job, "noticeId"))
        return {}
