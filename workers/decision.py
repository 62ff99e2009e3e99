"""Jobs of the decision and what it issues; each is idempotent by case, documents by their natural key."""

from pyzeebe import Job, ZeebeTaskRouter

from models.case import Verdict
from models.protocol import JobType
from services.cases import decisions
from workers.runtime import JOB_TIMEOUT_MS
from workers.transaction import case_no, job_transaction
from workers.variables import context, text

router = ZeebeTaskRouter()


@router.task(task_type=JobType.DECISION_RECORD.value, timeout_ms=JOB_TIMEOUT_MS)
def record(job: Job) -> dict[str, object]:
    """Record the decision on the merits."""
    with job_transaction(job) as session:
        return decisions.record(session, case_no(job), Verdict(text(job, "decision")))


@router.task(task_type=JobType.ISSUE_DECISION.value, timeout_ms=JOB_TIMEOUT_MS)
def issue_decision(job: Job) -> dict[str, object]:
    """Issue the decision document."""
    with job_transaction(job) as session:
        return decisions.issue(session, case_no(job), context(job, "wording"))


@router.task(task_type=JobType.ISSUE_CERTIFICATE.value, timeout_ms=JOB_TIMEOUT_MS)
def issue_certificate(job: Job) -> dict[str, object]:
    """Issue the certificate."""
    with job_transaction(job) as session:
        return decisions.issue_certificate(session, case_no(job))


@router.task(task_type=JobType.DELIVERY_RECORD.value, timeout_ms=JOB_TIMEOUT_MS)
def record_delivery(job: Job) -> dict[str, object]:
    """Record the delivery (送达回证)."""
    with job_transaction(job) as session:
        return decisions.record_delivery(session, case_no(job))
