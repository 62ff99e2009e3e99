"""Complete a task, and record the engine's confirmation.

Completing writes the answer, its audit and the command for the engine in one transaction. A task is done for people
from then on; the engine confirms it, or, when a timer or a withdrawal came first, the answer is marked overtaken.
"""

from datetime import datetime

from sqlalchemy import bindparam, func, update
from sqlmodel import Session

from models import form
from models.case import Case, CaseState
from models.protocol import Element
from models.task import ClockShare, Task, TaskStatus
from models.task_outcome import Outcome, TaskOutcome, TaskOutcomeStatus
from services.accounts import task_rights
from services.accounts.actors import Actor
from services.cases import conditional_acceptance, corrections, delivery, dossiers, hearings, open_tasks
from services.certificates import content, naming
from services.clock import product_now
from services.errors import Conflict, FieldProblem, InvalidInput
from services.files import binding
from services.journal import audit, seals, timeline
from services.process_engine import outbox
from services.tasks import inspection, reasons, unit_assignment
from services.tasks.access import TaskClosed, get_open, require_still_open
from services.tasks.views import TaskCompletion, TaskView, schema_of, view_now


class CasePaused(Conflict):
    """The case is in a special procedure, so no decision can be taken."""

    code, title, title_en = (
        "case_paused",
        "办件处于特别程序中，不能作出决定",
        "Case is in a special procedure",
    )


def complete(session: Session, actor: Actor, key: int, completion: TaskCompletion) -> TaskView:
    """Record the answer and queue the completion; a second time raises ``TaskClosed``."""
    task = get_open(session, actor, key)
    case = _lock_case(session, task)
    task_rights.require_not_taken(actor, task.assignee)
    schema = schema_of(session, task)
    labels = dict(form.outcomes(schema))
    if completion.outcome not in labels:
        raise InvalidInput([FieldProblem("outcome", f"办理结果应为：{'、'.join(labels)}")])
    entered = dict(completion.values)
    decides = Outcome.APPROVE in labels
    stated = entered.pop(content.CERTIFICATE, None) if decides else None
    answer, problems = form.check_answer(schema, entered, completion.opinion)
    if problems:
        raise InvalidInput([FieldProblem(one.field, one.message) for one in problems])
    reasons.require_reason(case, task, completion.outcome, completion.opinion)
    if completion.outcome in Outcome.merits():
        if case.case_state is CaseState.SPECIAL_OPEN:
            raise CasePaused()
        dossiers.require_received(session, case)
        naming.require_still_usable(session, case, completion.outcome)
    certificate = content.settle(session, case, completion.outcome, stated) if decides else None
    now = product_now(session)
    answer_due = case.deadlines.acceptance_due_at
    if task.clock is ClockShare.ACCEPTANCE and answer_due is not None and now > answer_due:
        raise TaskClosed("受理期限已过，视为受理")
    inspection.require_plausible(session, answer.values)
    if task.element_id == Element.DELIVERY:
        delivery.require_on_record(session, case, answer.values)
    values = corrections.settle(session, case, completion.outcome, answer.values)
    if certificate is not None:
        values = {**values, content.CERTIFICATE: certificate}
    conditional_acceptance.require_valid_promise(session, case, completion.outcome, values)
    conditional_acceptance.require_met(session, case, completion.outcome, values)
    conditional_acceptance.require_supplied(case, completion.outcome)
    hearings.require_impartial(session, actor, task)
    binding.require_usable(session, actor, {"files": completion.files})
    given = TaskOutcome(
        task_key=task.key,
        case_no=case.case_no,
        process_id=task.process_id,
        element_id=task.element_id,
        task_name=task.name,
        account=actor.username,
        outcome=completion.outcome,
        outcome_label=labels[completion.outcome],
        opinion=completion.opinion.strip(),
        form_values=values,
        decided_at=now,
    )
    session.add(given)
    seals.seal(session, given)
    unit_assignment.assign(session, actor, task, case, values, now)
    binding.bind(session, completion.files, case.case_no, task_key=task.key)
    task.assignee = task.assignee or actor.username
    open_tasks.close(session, task, TaskStatus.COMPLETING, now)
    timeline.append(
        session,
        case.case_no,
        "task.completed",
        _outcome_text(task.name, labels[completion.outcome], completion.opinion),
        actor=actor.username,
        at=now,
        key=f"task.completed:{task.key}",
    )
    audit.append(
        session,
        actor.username,
        "task.complete",
        case.case_no,
        {"task": task.key, "element": task.element_id, "outcome": completion.outcome},
        now,
    )
    outbox.complete_user_task(
        session,
        stream=case.case_no,
        key=task.key,
        variables={"outcome": completion.outcome, **answer.routing},
    )
    return view_now(session, task)


def confirm(session: Session, task_key: int, at: datetime) -> bool:
    """Record the engine's confirmation that a task is completed; tell whether no answer given here completed it."""
    session.flush()
    named = {"of_task": task_key}
    connection = session.connection()
    if connection.execute(_CONFIRM_TASK, {**named, "at": at}).rowcount == 0:
        return False
    unanswered = connection.execute(_CONFIRM_DECISION, named).rowcount == 0
    connection.execute(open_tasks.CLOSE_CANDIDATES, named)
    session.expire_all()
    return unanswered


def _lock_case(session: Session, task: Task) -> Case:
    """Return the task's case, locked until the answer is recorded, and look at the task again.

    A recall and a withdrawal lock the case too: the answer comes before it and counts, or after it and is refused.
    """
    case = session.get_one(Case, task.case_no, with_for_update={"key_share": True}, populate_existing=True)
    if session.get_bind().dialect.name == "postgresql":
        session.refresh(task)
        require_still_open(session, task)
    return case


_TASK = Task.__table__  # type: ignore[attr-defined]


_DECISION = TaskOutcome.__table__  # type: ignore[attr-defined]


_CONFIRM_TASK = (
    update(_TASK)
    .where(_TASK.c.key == bindparam("of_task"), _TASK.c.status.not_in((TaskStatus.COMPLETED, TaskStatus.CANCELED)))
    .values(
        status=TaskStatus.COMPLETED,
        is_open=False,
        closed_at=func.coalesce(_TASK.c.closed_at, bindparam("at", type_=_TASK.c.closed_at.type)),
    )
)


_CONFIRM_DECISION = (
    update(_DECISION).where(_DECISION.c.task_key == bindparam("of_task")).values(status=TaskOutcomeStatus.CONFIRMED)
)


def _outcome_text(name: str, outcome: str, opinion: str) -> str:
    return f"{name}：{outcome}。{opinion.strip()}" if opinion.strip() else f"{name}：{outcome}"
