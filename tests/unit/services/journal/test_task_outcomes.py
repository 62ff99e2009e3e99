"""Whether a case is decided, or as good as: by what was carried out, and by answers on their way to the engine."""

from datetime import UTC, datetime

import pytest
from sqlmodel import Session

from models.case import Case, Verdict
from models.task_outcome import Outcome, TaskOutcome, TaskOutcomeStatus
from services.journal import task_outcomes
from tests.factories.powers import add_case, session

__all__ = ["session"]


@pytest.fixture
def case(session: Session) -> Case:
    return add_case(session)


def answer(session: Session, case: Case, outcome: str, status: TaskOutcomeStatus = TaskOutcomeStatus.RECORDED) -> None:
    session.add(
        TaskOutcome(
            task_key=1,
            case_no=case.case_no,
            process_id="p",
            element_id="Task_Decide",
            task_name="作出决定",
            account="xingguo.approver",
            outcome=outcome,
            status=status,
            decided_at=datetime(2026, 9, 21, tzinfo=UTC),
        )
    )
    session.flush()


@pytest.mark.parametrize(
    ("outcome", "decided", "ending"),
    [
        (Outcome.APPROVE, True, True),
        (Outcome.DENY, True, True),
        (Outcome.REFUSE, False, True),
        (Outcome.NOT_NEEDED, False, True),
        (Outcome.ACCEPT, False, False),
        ("something a designer drew", False, False),
    ],
)
def test_an_answer_decides_or_ends_a_case_before_it_is_carried_out(
    session: Session, case: Case, outcome: str, decided: bool, ending: bool
) -> None:
    answer(session, case, outcome)
    assert task_outcomes.is_decided(session, case) is decided
    assert task_outcomes.is_ending(session, case) is ending


def test_an_overtaken_answer_decides_nothing(session: Session, case: Case) -> None:
    answer(session, case, Outcome.APPROVE, TaskOutcomeStatus.OVERTAKEN)
    assert not task_outcomes.is_decided(session, case)
    assert not task_outcomes.is_ending(session, case)


def test_a_recorded_decision_stands_without_an_answer(session: Session, case: Case) -> None:
    case.decision = Verdict.DENY
    assert task_outcomes.is_decided(session, case)
    assert task_outcomes.is_ending(session, case)
