"""Pass a case on to a county unit (转办): chosen among the area's units that have reviewers of their own.

The unit that the list or a second transfer gives the case is proposed, and stands where nothing is chosen. The choice
becomes the case's unit, whose reviewers get the tasks to come and whose name its papers bear.
"""

from datetime import datetime
from typing import Any, Final

from sqlmodel import Session

from models.case import Case
from models.catalogue import CountyUnit
from models.protocol import REVIEW_UNIT, Element
from models.task import Task
from models.working_calendar import china_date
from services.accounts.actors import Actor
from services.catalogue import in_force, reference
from services.clock import product_now
from services.errors import FieldProblem, InvalidInput
from services.journal import audit, timeline
from services.process_engine import outbox

CHOSEN: Final = "unit"
"""The form's field."""


def proposed(session: Session, task: Task, case: Case) -> dict[str, Any]:
    """Return what the form begins with: the proposed unit, and those to choose from."""
    if task.element_id != Element.ASSIGN_TO_UNIT:
        return {}
    today = china_date(product_now(session))
    options = [{"label": one.called(today), "value": one.code} for one in _choices(session, case)]
    return {CHOSEN: case.review_unit, "unitOptions": options}


def assign(session: Session, actor: Actor, task: Task, case: Case, values: dict[str, Any], at: datetime) -> None:
    """Make the chosen unit the case's, and tell the engine before the task is completed there.

    Raises:
        InvalidInput: the unit is none of those to choose from.
    """
    chosen = values.get(CHOSEN)
    if task.element_id != Element.ASSIGN_TO_UNIT or chosen in (None, "", case.review_unit):
        return
    unit = next((one for one in _choices(session, case) if one.code == chosen), None)
    if unit is None:
        raise InvalidInput([FieldProblem(f"values.{CHOSEN}", "应为本区有审核岗的部门")])
    before, case.county_unit, case.review_unit = case.review_unit, unit.code, unit.code
    session.add(case)
    timeline.append(
        session,
        case.case_no,
        "case.unit_assigned",
        f"转办{unit.called(china_date(at))}",
        actor=actor.username,
        at=at,
        key=f"case.unit_assigned:{task.key}",
    )
    audit.append(session, actor.username, "case.unit_assign", case.case_no, {"from": before, "to": unit.code}, at)
    if case.process_instance_key is not None:
        outbox.set_variables(
            session,
            stream=case.case_no,
            key=case.process_instance_key,
            variables={REVIEW_UNIT: unit.code},
            version=f"assigned-{task.key}",
        )


def _choices(session: Session, case: Case) -> list[CountyUnit]:
    today = china_date(product_now(session))
    here = reference.county_units(session, case.area)
    return [one for one in here if one.in_force(today) and in_force.passed_on_to(case.mode, one) is not None]
