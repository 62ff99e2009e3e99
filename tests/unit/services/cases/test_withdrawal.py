"""A withdrawal closes the case's tasks in its own transaction; what comes after it is refused, with the reason."""
# ruff: noqa: F401, F811 - pytest takes the imported fixture by its name.

import pytest
from sqlmodel import Session, col, select

from models.case import Case, CaseState
from models.task import Task, TaskCandidate, TaskStatus
from models.task_outcome import TaskOutcome
from services.cases import applicant_actions, open_tasks
from services.clock import product_now
from services.tasks import access, completion, worklist
from services.tasks.views import TaskCompletion
from tests.factories.powers import actor, add_case, session

WINDOW, REVIEWER = "xingguo.window", "xingguo.reviewer"


def open_task(session: Session, case: Case, key: int) -> Task:
    """Return a new open task of the county's reviewer."""
    task = Task(
        key=key,
        case_no=case.case_no,
        process_id=case.process_id,
        process_instance_key=key,
        element_id="Task_CountyReview",
        element_instance_key=key,
        name="审查",
        area="xingguo",
        candidate_groups=[REVIEWER],
        created_at=product_now(session),
    )
    session.add(task)
    session.flush()
    session.add(TaskCandidate(task_key=key, group_name=REVIEWER, due_at=task.created_at, created_at=task.created_at))
    session.flush()
    return task


def withdraw(session: Session, case: Case) -> None:
    """Withdraw a case at its window."""
    applicant_actions.withdraw(session, actor(WINDOW), case.case_no, "不办了")


def test_a_withdrawal_leaves_no_open_task_and_no_candidate(session: Session) -> None:
    case, other = add_case(session, 1), add_case(session, 2)
    tasks = [open_task(session, case, 11), open_task(session, case, 12)]
    kept = open_task(session, other, 13)
    withdraw(session, case)
    assert {(one.status, one.is_open) for one in tasks} == {(TaskStatus.CANCELED, False)}
    assert kept.is_open
    candidates = select(TaskCandidate.task_key).where(col(TaskCandidate.is_open))
    assert session.exec(candidates).all() == [kept.key]


def test_an_answer_after_the_withdrawal_is_refused_with_its_reason(session: Session) -> None:
    case = add_case(session, 1)
    task = open_task(session, case, 11)
    withdraw(session, case)
    with pytest.raises(access.TaskClosed) as refusal:
        completion.complete(session, actor(REVIEWER), task.key, TaskCompletion(outcome="done"))
    assert (refusal.value.status, refusal.value.code) == (409, "task_closed")
    assert "撤回" in refusal.value.message
    assert session.exec(select(TaskOutcome)).all() == []


def test_a_task_the_engine_opened_before_it_heard_of_the_withdrawal_is_none_to_work_on(session: Session) -> None:
    case = add_case(session, 1)
    withdraw(session, case)
    late = open_task(session, case, 11)
    with pytest.raises(access.TaskClosed):
        completion.complete(session, actor(REVIEWER), late.key, TaskCompletion(outcome="done"))


def test_the_engines_word_on_a_task_that_a_withdrawal_closed_changes_nothing(session: Session) -> None:
    case = add_case(session, 1)
    task = open_task(session, case, 11)
    withdraw(session, case)
    closed_at = task.closed_at
    open_tasks.cancel(session, task.key, product_now(session))
    completion.confirm(session, task.key, product_now(session))
    session.refresh(task)
    assert (task.status, task.closed_at) == (TaskStatus.CANCELED, closed_at)
    assert case.case_state in (CaseState.WITHDRAWN, CaseState.RETRACTED)
