"""Jobs of the deadline watch and the special procedures; signals are idempotent by case, kind and due day."""

from pyzeebe import Job, ZeebeTaskRouter

from models.protocol import JobType
from services.cases import deadline_monitor, special_procedures
from workers.runtime import JOB_TIMEOUT_MS
from workers.transaction import case_no, job_transaction
from workers.variables import context_if_any, text

router = ZeebeTaskRouter()


@router.task(task_type=JobType.DEADLINE_PLAN.value, timeout_ms=JOB_TIMEOUT_MS)
def plan(job: Job) -> dict[str, object]:
    """Tell the watch when to wake next."""
    with job_transaction(job) as session:
        return deadline_monitor.plan(session, case_no(job), context_if_any(job, "thresholds"))


@router.task(task_type=JobType.DEADLINE_SIGNAL.value, timeout_ms=JOB_TIMEOUT_MS)
def signal(job: Job) -> dict[str, object]:
    """Record the signals that have come due, remind and call in supervision."""
    with job_transaction(job) as session:
        deadline_monitor.signal(session, case_no(job))
        return {}


@router.task(task_type=JobType.SPECIAL_PROCEDURE_BEGIN.value, timeout_ms=JOB_TIMEOUT_MS)
def begin_special_procedure(job: Job) -> dict[str, object]:
    """Tell the process when the special procedure's plan ends."""
    with job_transaction(job) as session:
        return special_procedures.planned_end(session, text(job, "specialProcedureId"))


@router.task(task_type=JobType.SPECIAL_PROCEDURE_END.value, timeout_ms=JOB_TIMEOUT_MS)
def end_special_procedure(job: Job) -> dict[str, object]:
    """Let the process go on; the end was recorded when it was asked for."""
    with job_transaction(job):
        return {}


@router.task(task_type=JobType.SPECIAL_PROCEDURE_REMIND.value, timeout_ms=JOB_TIMEOUT_MS)
def remind_special_procedure(job: Job) -> dict[str, object]:
    """Record that the special procedure ran past its plan."""
    with job_transaction(job) as session:
        special_procedures.remind(session, text(job, "specialProcedureId"))
        return {}
