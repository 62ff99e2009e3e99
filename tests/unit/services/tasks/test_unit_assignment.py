"""转办: the case is passed on to the unit the list proposes, or to another of the area's that has reviewers."""

import pytest
from sqlmodel import Session, col, select

from models.audit import AuditEntry
from models.case import Case
from models.catalogue import Mode
from models.outbox import OutboxCommand, OutboxKind
from models.protocol import Element
from models.task import Task
from services.clock import product_now
from services.errors import InvalidInput
from services.journal import audit
from services.tasks import unit_assignment
from tests.factories.cases import build_case
from tests.factories.powers import actor
from tests.factories.powers import session as session

WINDOW = actor("rongjiang.window")


@pytest.fixture
def case(session: Session) -> Case:
    """Add a running case of the zone, proposed to its land office."""
    made = build_case(
        case_no="R1",
        query_code="Q",
        item_code="S-22",
        item_version=1,
        guide_version=1,
        item_name="测试事项",
        mode=Mode.SUBSTANTIVE,
        power_kind="license",
        power_type="行政许可",
        area="rongjiang",
        city_unit="zrzy",
        county_unit="zrzy",
        review_unit="zrzy",
        applicant_digest="d",
        submitted_by="rongjiang.window",
        received_at=product_now(session),
        process_id="substantive-review",
        process_instance_key=7,
    )
    session.add(made)
    session.flush()
    return made


def task(session: Session, element: str = Element.ASSIGN_TO_UNIT) -> Task:
    return Task(
        key=1,
        case_no="R1",
        element_id=element,
        process_id="substantive-review",
        process_instance_key=7,
        element_instance_key=8,
        name="转办区级部门",
        candidate_groups=["rongjiang.window"],
        created_at=product_now(session),
    )


def test_the_lists_unit_is_proposed_among_those_with_reviewers_of_their_own(session: Session, case: Case) -> None:
    shown = unit_assignment.proposed(session, task(session), case)
    assert shown["unit"] == "zrzy"
    offered = {one["value"]: one["label"] for one in shown["unitOptions"]}
    assert offered["nb"] == "区农办"
    assert not {"czj", "dqb"} & offered.keys(), "they have no reviewers"
    assert unit_assignment.proposed(session, task(session, Element.COUNTY_REVIEW), case) == {}


def test_another_unit_becomes_the_cases_and_the_engine_is_told(session: Session, case: Case) -> None:
    unit_assignment.assign(session, WINDOW, task(session), case, {"unit": "nb"}, product_now(session))
    assert (case.county_unit, case.review_unit) == ("nb", "nb")
    command = session.exec(select(OutboxCommand).order_by(col(OutboxCommand.id).desc())).first()
    assert command is not None
    assert (command.kind, command.payload) == (
        OutboxKind.SET_VARIABLES,
        {"key": 7, "variables": {"reviewUnit": "nb"}},
    )
    audit.write_now(session)
    entry = session.exec(select(AuditEntry).where(AuditEntry.action == "case.unit_assign")).one()
    assert entry.detail == {"from": "zrzy", "to": "nb"}


@pytest.mark.parametrize("values", [{}, {"unit": None}, {"unit": "zrzy"}])
def test_without_another_choice_the_proposed_unit_stands(
    session: Session, case: Case, values: dict[str, str | None]
) -> None:
    unit_assignment.assign(session, WINDOW, task(session), case, values, product_now(session))
    assert case.review_unit == "zrzy"
    assert session.exec(select(OutboxCommand)).all() == []


@pytest.mark.parametrize("unit", ["czj", "nowhere", "xzsp.reviewer"])
def test_a_unit_without_reviewers_is_refused(session: Session, case: Case, unit: str) -> None:
    with pytest.raises(InvalidInput):
        unit_assignment.assign(session, WINDOW, task(session), case, {"unit": unit}, product_now(session))
    assert case.review_unit == "zrzy"
