"""The city decides a ``substantive`` case on a dossier it received, whatever the model drew."""
# ruff: noqa: F401, F811 - pytest takes the imported fixture by its name.

import json
from collections.abc import Iterator
from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from sqlmodel import Session, col, select

from models.case import Case, Verdict
from models.catalogue import Mode
from models.dossier import TransferDossier
from models.task import FormVersion, Task
from models.task_outcome import TaskOutcome
from services.cases import decisions, dossiers
from services.clock import product_now
from services.tasks import completion
from services.tasks.views import TaskCompletion
from settings import PROJECT_ROOT
from tests.factories.powers import actor, add_case, session

APPROVER = "city.zrzy.approver"
DECISION_FORM = PROJECT_ROOT / "bpmn" / "forms" / "decision.form"
FORWARDED, RECEIVED, RETURNED = "forwarded", "received", "returned"

keys = count(1)


def at_city(session: Session, *rounds: str, **changes: Any) -> Case:
    """Return a ``substantive`` case with the city; ``rounds`` say how far each of its dossiers has come."""
    facts: dict[str, Any] = {
        "mode": Mode.SUBSTANTIVE,
        "item_code": "S-22",
        "area": "rongjiang",
        "city_unit": "zrzy",
        "process_id": "substantive-review",
        "level": 1,
    }
    case, now = add_case(session, next(keys), **facts | changes), product_now(session)
    for number, how_far in enumerate(rounds, 1):
        session.add(
            TransferDossier(
                case_no=case.case_no,
                round=number,
                body={},
                digest="0" * 64,
                forwarded_by="rongjiang.chief",
                forwarded_at=now,
                received_at=None if how_far == FORWARDED else now,
                returned_at=now if how_far == RETURNED else None,
            )
        )
    session.flush()
    return case


def decide(session: Session, case: Case, outcome: str) -> None:
    """Complete the approver's task of a case."""
    number, form = next(keys), json.loads(DECISION_FORM.read_text())
    session.add(FormVersion(form_key=number, form_id="decision", version=1, definition=form))
    task = Task(
        key=number,
        case_no=case.case_no,
        process_id=case.process_id,
        process_instance_key=1,
        element_id="Task_CityDecide",
        element_instance_key=1,
        name="作出审批决定",
        candidate_groups=[APPROVER],
        form_key=number,
        created_at=product_now(session),
    )
    session.add(task)
    session.flush()
    completion.complete(session, actor(APPROVER), task.key, TaskCompletion(outcome=outcome, opinion="理由"))


@pytest.mark.parametrize("outcome", ["approve", "deny"])
@pytest.mark.parametrize("rounds", [[], [FORWARDED], [RETURNED], [RETURNED, FORWARDED], [RECEIVED, FORWARDED]], ids=str)
def test_no_decision_without_a_dossier_the_city_received_and_kept(
    session: Session, rounds: list[str], outcome: str
) -> None:
    case = at_city(session, *rounds)
    with pytest.raises(dossiers.DossierMissing) as refusal:
        decide(session, case, outcome)
    assert (refusal.value.status, refusal.value.code) == (409, "dossier_missing")
    assert session.exec(select(TaskOutcome)).all() == []


@pytest.mark.parametrize("rounds", [[RECEIVED], [RETURNED, RECEIVED]], ids=str)
def test_a_received_dossier_is_decided_on(session: Session, rounds: list[str]) -> None:
    case = at_city(session, *rounds)
    decide(session, case, "approve")
    decisions.record(session, case.case_no, Verdict.APPROVE)
    assert case.decision is Verdict.APPROVE


def test_the_approver_may_return_a_case_without_a_dossier(session: Session) -> None:
    case = at_city(session)
    decide(session, case, "return")
    assert [one.outcome for one in session.exec(select(TaskOutcome)).all()] == ["return"]


@pytest.mark.parametrize("mode", [Mode.WINDOW, Mode.DIRECT])
def test_the_other_modes_have_no_dossier_and_need_none(session: Session, mode: Mode) -> None:
    case = at_city(session, mode=mode)
    decide(session, case, "approve")
    decisions.record(session, case.case_no, Verdict.APPROVE)
    assert case.decision is Verdict.APPROVE


def test_what_a_recall_handed_over_is_decided_without_a_dossier(session: Session) -> None:
    case = at_city(session, taken_over_at=product_now(session) - timedelta(hours=1))
    decide(session, case, "deny")
    decisions.record(session, case.case_no, Verdict.DENY)
    assert case.decision is Verdict.DENY


def test_an_answer_that_came_another_way_is_not_recorded_as_a_decision(session: Session) -> None:
    case = at_city(session, FORWARDED)
    session.add(
        TaskOutcome(
            task_key=next(keys),
            case_no=case.case_no,
            process_id=case.process_id,
            element_id="Task_CityDecide",
            task_name="作出审批决定",
            account=APPROVER,
            outcome="approve",
            decided_at=product_now(session),
        )
    )
    session.flush()
    with pytest.raises(dossiers.DossierMissing):
        decisions.record(session, case.case_no, Verdict.APPROVE)
    assert case.decision is None
