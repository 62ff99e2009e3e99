"""Nobody refuses, returns or proposes to deny without saying why."""
# ruff: noqa: F401, F811 - pytest takes the imported fixture by its name.

import pytest
from sqlmodel import Session

from models.catalogue import Mode
from models.task import Task
from services.tasks.reasons import ReasonRequired, require_reason
from tests.factories.powers import add_case, session

UNFAVOURABLE = ["deny", "return", "refuse", "not_needed", "propose_deny"]


def at(element: str) -> Task:
    """Return a task of one element."""
    return Task(key=1, element_id=element)


@pytest.mark.parametrize("opinion", ["", " \n\t　"])
@pytest.mark.parametrize("outcome", UNFAVOURABLE)
def test_an_unfavourable_outcome_needs_its_reason(session: Session, outcome: str, opinion: str) -> None:
    with pytest.raises(ReasonRequired) as refusal:
        require_reason(add_case(session), at("Task_Anything"), outcome, opinion)
    assert (refusal.value.status, refusal.value.code) == (422, "reason_required")
    assert [one.field for one in refusal.value.problems] == ["opinion"]


@pytest.mark.parametrize("outcome", UNFAVOURABLE)
def test_a_reason_is_enough(session: Session, outcome: str) -> None:
    require_reason(add_case(session), at("Task_Anything"), outcome, "缺少第二项条件")


@pytest.mark.parametrize("outcome", ["accept", "correct", "forward", "approve", "done", "a_designers_own"])
def test_other_outcomes_need_none(session: Session, outcome: str) -> None:
    require_reason(add_case(session), at("Task_Anything"), outcome, "")


@pytest.mark.parametrize(
    ("mode", "element", "refused"),
    [
        (Mode.SUBSTANTIVE, "Task_CountyReview", True),
        (Mode.SUBSTANTIVE, "Task_CityReview", False),
        (Mode.DIRECT, "Task_CountyReview", False),
    ],
)
def test_agreeing_is_an_opinion_where_it_goes_into_the_dossier(
    session: Session, mode: Mode, element: str, refused: bool
) -> None:
    case = add_case(session, mode=mode)
    if not refused:
        require_reason(case, at(element), "agree", "")
        return
    with pytest.raises(ReasonRequired):
        require_reason(case, at(element), "agree", "")
