"""Jobs of supervision: reminders of unclaimed pushes and the approver's answers, each idempotent by its push."""

from pyzeebe import Job, ZeebeTaskRouter

from models.protocol import JobType
from services.supervision import push_feedback, pushes
from workers.runtime import JOB_TIMEOUT_MS
from workers.transaction import job_transaction
from workers.variables import number

router = ZeebeTaskRouter()


@router.task(task_type=JobType.PUSH_REMIND.value, timeout_ms=JOB_TIMEOUT_MS)
def remind(job: Job) -> dict[str, object]:
    """Remind the supervisor of an unclaimed push."""
    with job_transaction(job) as session:
        pushes.remind(session, number(job, "pushId"))
        return {}


@router.task(task_type=JobType.PUSH_ESCALATE.value, timeout_ms=JOB_TIMEOUT_MS)
def escalate(job: Job) -> dict[str, object]:
    """Report an unclaimed push to the coordinator."""
    with job_transaction(job) as session:
        pushes.escalate(session, number(job, "pushId"))
        return {}


@router.task(task_type=JobType.FEEDBACK_REMIND.value, timeout_ms=JOB_TIMEOUT_MS)
def remind_answer(job: Job) -> dict[str, object]:
    """Remind the approver of an overdue answer."""
    with job_transaction(job) as session:
        push_feedback.remind_answer(session, number(job, "feedbackId"))
        return {}


@router.task(task_type=JobType.FEEDBACK_ANSWER.value, timeout_ms=JOB_TIMEOUT_MS)
def answer(job: Job) -> dict[str, object]:
    """Record what the approver answered in the task."""
    with job_transaction(job) as session:
        push_feedback.answer_from_task(session, number(job, "feedbackId"), job.process_instance_key)
        return {}
