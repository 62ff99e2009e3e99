"""Jobs between county and city: 受理推送 (idempotent by case) and 审核转报件 (idempotent by signature)."""

from pyzeebe import Job, ZeebeTaskRouter

from models.protocol import JobType
from services.cases import dossiers
from services.takeovers import handover, unit_transfers
from workers.runtime import JOB_TIMEOUT_MS
from workers.transaction import case_no, job_transaction

router = ZeebeTaskRouter()


@router.task(task_type=JobType.PUSH_TO_CITY.value, timeout_ms=JOB_TIMEOUT_MS)
def push_to_city(job: Job) -> dict[str, object]:
    """Push the accepted case to the city unit."""
    with job_transaction(job) as session:
        return dossiers.push_to_city(session, case_no(job))


@router.task(task_type=JobType.DOSSIER_BUILD.value, timeout_ms=JOB_TIMEOUT_MS)
def build_dossier(job: Job) -> dict[str, object]:
    """Build the dossier from the signed review and forward it."""
    with job_transaction(job) as session:
        return dossiers.build_dossier(session, case_no(job))


@router.task(task_type=JobType.DOSSIER_RECEIVE.value, timeout_ms=JOB_TIMEOUT_MS)
def receive_dossier(job: Job) -> dict[str, object]:
    """Record the city's receipt."""
    with job_transaction(job) as session:
        return dossiers.receive_dossier(session, case_no(job))


@router.task(task_type=JobType.DOSSIER_RETURN.value, timeout_ms=JOB_TIMEOUT_MS)
def return_dossier(job: Job) -> dict[str, object]:
    """Record the city's return of the dossier, with its reason; the county unit may have changed meanwhile."""
    with job_transaction(job) as session:
        returned = dossiers.return_dossier(session, case_no(job))
        handover.keep_with_city(session, case_no(job))
        return returned | unit_transfers.follow_return(session, case_no(job))
