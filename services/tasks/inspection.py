"""The on-site check of art. 34: two or more staff, so never the same name twice, and never on a future day."""

from datetime import date
from typing import Any

from sqlmodel import Session

from models.working_calendar import china_date
from services.clock import product_now
from services.errors import FieldProblem, InvalidInput

INSPECTORS = ("inspector_one", "inspector_two")
INSPECTED_ON = "inspected_on"


def require_plausible(session: Session, values: dict[str, Any]) -> None:
    """Refuse an answer that names one person as both inspectors or a future day; a form without them passes.

    Raises:
        InvalidInput: with each field that is wrong.
    """
    problems = []
    first, second = ("".join(str(values.get(key) or "").split()) for key in INSPECTORS)
    if first and first == second:
        problems.append(FieldProblem(f"values.{INSPECTORS[1]}", "现场核查须由两名不同的工作人员进行"))
    day = values.get(INSPECTED_ON)
    if isinstance(day, str) and day and date.fromisoformat(day[:10]) > china_date(product_now(session)):
        problems.append(FieldProblem(f"values.{INSPECTED_ON}", "核查日期不能晚于今日"))
    if problems:
        raise InvalidInput(problems)
