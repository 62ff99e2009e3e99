"""Jobs of the filing of county decisions (县级报备); reminders are idempotent by filing and number."""

from pyzeebe import Job, ZeebeTaskRouter

from models.protocol import JobType
from services.powers import filing_reminders
from workers.runtime import JOB_TIMEOUT_MS
from workers.transaction import case_no, job_transaction

router = ZeebeTaskRouter()


@router.task(task_type=JobType.FILING_PLAN.value, timeout_ms=JOB_TIMEOUT_MS)
def plan(job: Job) -> dict[str, object]:
    """Tell the process when to remind the city unit."""
    with job_transaction(job) as session:
        return filing_reminders.plan(session, case_no(job))


@router.task(task_type=JobType.FILING_REMIND.value, timeout_ms=JOB_TIMEOUT_MS)
def remind(job: Job) -> dict[str, object]:
    """Record that the city unit has not acknowledged in time."""
    with job_transaction(job) as session:
        filing_reminders.remind(session, case_no(job))
        return {}


@router.task(task_type=JobType.FILING_ANSWER_REMIND.value, timeout_ms=JOB_TIMEOUT_MS)
def remind_answer(job: Job) -> dict[str, object]:
    """Record that the county has not answered in time."""
    with job_transaction(job) as session:
        filing_reminders.remind_answer(session, case_no(job))
        return {}
