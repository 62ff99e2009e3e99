"""What the window answers at acceptance: what is to be corrected is listed, and the form check binds."""
# ruff: noqa: F401, F811 - pytest takes the imported fixture by its name.

import json
from itertools import count
from typing import Any

import pytest
from sqlmodel import Session, select

from models.case import Applicant, Case, FormCheckFinding, Material, MaterialKind
from models.task import FormVersion, Task
from models.task_outcome import TaskOutcome
from services.cases import acceptance, corrections, form_check
from services.catalogue import reference
from services.clock import product_now
from services.documents import store
from services.errors import InvalidInput
from services.tasks import completion, views
from services.tasks.views import TaskCompletion
from settings import PROJECT_ROOT
from tests.factories.powers import actor, add_case, session

WINDOW = "xingguo.window"
FORM = PROJECT_ROOT / "bpmn" / "forms" / "acceptance.form"
LIMITS: dict[str, Any] = {}
keys = count(1)


def checked(session: Session, *, complete: bool) -> Case:
    """Return a case of D-01 that was received and checked, with every material or with none, conditions met or not."""
    guide = reference.guide(session, "D-01", 1)
    assert guide is not None
    answers = {one.key: one.expected for one in guide.conditions} if complete else {}
    case = add_case(session, next(keys), accepted_at=None, state=1, conditions=answers)
    session.get_one(Applicant, case.case_no).id_number = "91350100M000100Y43"
    for position, wanted in enumerate(guide.materials):
        session.add(
            Material(
                case_no=case.case_no,
                round=0,
                position=position,
                name=wanted.name,
                copies=wanted.copies,
                kind=MaterialKind(wanted.kind),
                present=complete,
            )
        )
    session.flush()
    acceptance.check(session, case.case_no)
    return case


def acceptance_task(session: Session, case: Case) -> Task:
    """Return the window's open task with the shipped form."""
    number = next(keys)
    session.add(
        FormVersion(form_key=number, form_id="acceptance", version=number, definition=json.loads(FORM.read_text()))
    )
    task = Task(
        key=number,
        case_no=case.case_no,
        process_id="acceptance",
        process_instance_key=1,
        element_id="Task_DecideAcceptance",
        element_instance_key=1,
        name="受理决定",
        area="xingguo",
        candidate_groups=[WINDOW],
        form_key=number,
        created_at=product_now(session),
    )
    session.add(task)
    session.flush()
    return task


def answer(session: Session, case: Case, outcome: str, opinion: str = "", **values: Any) -> None:
    """Complete the window's task of a case."""
    task = acceptance_task(session, case)
    completion.complete(
        session, actor(WINDOW), task.key, TaskCompletion(outcome=outcome, opinion=opinion, values=values)
    )


def recorded(session: Session) -> TaskOutcome:
    """Return the one answer that was recorded."""
    return session.exec(select(TaskOutcome)).one()


def test_without_a_list_the_form_check_is_the_list(session: Session) -> None:
    case = checked(session, complete=False)
    answer(session, case, "correct", "请一并补齐")
    assert corrections.told(session, recorded(session)) == [
        row.line() for row in corrections.proposed(session, case.case_no)
    ]
    assert len(corrections.told(session, recorded(session))) == len(form_check.missing_now(session, case.case_no)) > 0


def test_the_clerks_list_is_what_the_notice_prints(session: Session) -> None:
    case = checked(session, complete=False)
    guide = reference.guide(session, "D-01", 1)
    assert guide is not None
    name = guide.materials[0].name
    answer(session, case, "correct", corrections=[{"material": name, "text": "加盖公章"}, {"text": " 申请日期未填 "}])
    assert corrections.told(session, recorded(session)) == [f"{name}：加盖公章", "申请日期未填"]
    acceptance.request_correction(session, case.case_no)
    [notice] = [one for one in store.of_case(session, case.case_no) if one.kind == "一次性补正告知书"]
    assert notice.body is not None


@pytest.mark.parametrize("listed", [{}, {"corrections": None}, {"corrections": []}], ids=str)
def test_nothing_to_correct_is_refused_and_the_correction_is_kept(session: Session, listed: dict[str, Any]) -> None:
    case = checked(session, complete=True)
    with pytest.raises(corrections.CorrectionsRequired) as refusal:
        answer(session, case, "correct", "请补正", **listed)
    assert (refusal.value.status, refusal.value.code) == (422, "corrections_required")
    assert session.exec(select(TaskOutcome)).all() == []
    assert case.correction_requested_at is None


def test_an_emptied_list_does_not_fall_back_to_the_form_check(session: Session) -> None:
    with pytest.raises(corrections.CorrectionsRequired):
        answer(session, checked(session, complete=False), "correct", corrections=[])


@pytest.mark.parametrize(
    ("rows", "field"),
    [
        ("材料", "values.corrections"),
        ([{"material": "没有的材料", "text": "补"}], "values.corrections.0.material"),
        ([{"condition": "no_such", "text": "补"}], "values.corrections.0.condition"),
        ([{"text": "一"}, {"text": "  "}], "values.corrections.1.text"),
        ([{"text": "补", "by": "谁"}], "values.corrections.0.by"),
    ],
    ids=str,
)
def test_a_row_that_says_nothing_or_names_what_is_not_there_is_refused(session: Session, rows: Any, field: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        answer(session, checked(session, complete=False), "correct", corrections=rows)
    assert [one.field for one in refusal.value.problems] == [field]
    assert session.exec(select(TaskOutcome)).all() == []


def test_another_outcome_keeps_no_list(session: Session) -> None:
    case = checked(session, complete=True)
    answer(session, case, "accept", corrections=[{"text": "没有删去的一行"}])
    assert corrections.CORRECTIONS not in recorded(session).form_values


def test_the_form_offers_what_the_check_found(session: Session) -> None:
    case = checked(session, complete=False)
    offered = views.form_data(session, acceptance_task(session, case))
    assert [one["text"] for one in offered["corrections"]] == form_check.missing_now(session, case.case_no)
    guide = reference.guide(session, "D-01", 1)
    assert guide is not None
    assert [one["value"] for one in offered["materialOptions"]] == [one.name for one in guide.materials]


def test_a_case_that_lacks_something_is_not_accepted_by_itself(session: Session) -> None:
    case = checked(session, complete=False)
    with pytest.raises(form_check.FormCheckUnmet) as refusal:
        answer(session, case, "accept")
    assert (refusal.value.status, refusal.value.code) == (409, "form_check_unmet")
    assert {one.field for one in refusal.value.problems or []} == {"materials", "conditions"}
    assert session.exec(select(TaskOutcome)).all() == []


def test_a_reason_overrules_the_check_and_is_kept(session: Session) -> None:
    case = checked(session, complete=False)
    answer(session, case, "accept", overrule="原件已由本窗口核对")
    assert recorded(session).form_values["overrule"] == "原件已由本窗口核对"


@pytest.mark.parametrize("blank", ["", "  ", None])
def test_a_blank_reason_overrules_nothing(session: Session, blank: str | None) -> None:
    with pytest.raises(form_check.FormCheckUnmet):
        answer(session, checked(session, complete=False), "accept", overrule=blank)


def test_a_complete_case_is_accepted_without_more(session: Session) -> None:
    answer(session, checked(session, complete=True), "accept")
    assert recorded(session).outcome == "accept"


def test_a_restriction_is_for_the_clerk_to_weigh(session: Session) -> None:
    case = checked(session, complete=True)
    session.add(
        FormCheckFinding(
            case_no=case.case_no, round=0, rule="restriction", subject="监管限制 1", passed=False, message="限制"
        )
    )
    session.flush()
    answer(session, case, "accept")
