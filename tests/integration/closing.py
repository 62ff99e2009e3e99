"""Bring a case to its end without an engine: what the jobs of the last steps do, called in their order."""

from datetime import timedelta

from models.case import Case, Verdict
from models.task_outcome import TaskOutcome
from services.cases import decisions
from services.clock import product_now
from tests.integration.web import Web, serial


def close(web: Web, case_no: str, verdict: Verdict = Verdict.APPROVE, approver: str = "city.zrzy.approver") -> None:
    """Accept, decide and close a case; the approver's answer is recorded as a task's would be."""
    with web.database.transaction() as session:
        case, now = session.get_one(Case, case_no), product_now(session)
        case.accepted_at, case.deadlines.due_at = now, now + timedelta(days=30)
        session.add(
            TaskOutcome(
                task_key=next(serial) + 5_000_000,
                case_no=case_no,
                process_id=case.process_id,
                element_id="Task_CityDecide",
                task_name="作出决定",
                account=approver,
                outcome=verdict.value,
                decided_at=now,
            )
        )
        case.decision, case.decided_at = verdict, now
        session.flush()
        decisions.close(session, case_no)
