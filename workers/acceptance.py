"""Jobs of acceptance (受理): the form checks and the effects of the clerk's answers, each idempotent by case."""

from pyzeebe import Job, ZeebeTaskRouter

from models.protocol import JobType
from services.cases import acceptance
from workers.runtime import JOB_TIMEOUT_MS
from workers.transaction import case_no, job_transaction
from workers.variables import context

router = ZeebeTaskRouter()


@router.task(task_type=JobType.ACCEPTANCE_CHECK.value, timeout_ms=JOB_TIMEOUT_MS)
def check(job: Job) -> dict[str, object]:
    """Check the submission's form and start the receipt limit."""
    with job_transaction(job) as session:
        return acceptance.check(session, case_no(job))


@router.task(task_type=JobType.ACCEPTANCE_RECHECK.value, timeout_ms=JOB_TIMEOUT_MS)
def recheck(job: Job) -> dict[str, object]:
    """Check again after the supplement."""
    with job_transaction(job) as session:
        return acceptance.recheck(session, case_no(job))


@router.task(task_type=JobType.ACCEPTANCE_ACCEPT.value, timeout_ms=JOB_TIMEOUT_MS)
def accept(job: Job) -> dict[str, object]:
    """Accept the case and issue 受理通知书."""
    with job_transaction(job) as session:
        return acceptance.accept(session, case_no(job), context(job, "limits"))


@router.task(task_type=JobType.ACCEPTANCE_DEEM.value, timeout_ms=JOB_TIMEOUT_MS)
def deem(job: Job) -> dict[str, object]:
    """Deem the case accepted by silence, backdated to receipt."""
    with job_transaction(job) as session:
        return acceptance.deem(session, case_no(job), context(job, "limits"))


@router.task(task_type=JobType.ACCEPTANCE_REQUEST_CORRECTION.value, timeout_ms=JOB_TIMEOUT_MS)
def request_correction(job: Job) -> dict[str, object]:
    """Issue 一次性补正告知书."""
    with job_transaction(job) as session:
        return acceptance.request_correction(session, case_no(job))


@router.task(task_type=JobType.ACCEPTANCE_REFUSE.value, timeout_ms=JOB_TIMEOUT_MS)
def refuse(job: Job) -> dict[str, object]:
    """Issue 不予受理决定书 and close."""
    with job_transaction(job) as session:
        return acceptance.refuse(session, case_no(job))


@router.task(task_type=JobType.ACCEPTANCE_NOT_NEEDED.value, timeout_ms=JOB_TIMEOUT_MS)
def not_needed(job: Job) -> dict[str, object]:
    """Tell the applicant that no approval is needed, and close."""
    with job_transaction(job) as session:
        return acceptance.not_needed(session, case_no(job))


@router.task(task_type=JobType.ACCEPTANCE_LAPSE.value, timeout_ms=JOB_TIMEOUT_MS)
def lapse(job: Job) -> dict[str, object]:
    """End a case whose supplement never came."""
    with job_transaction(job) as session:
        return acceptance.lapse(session, case_no(job))
