"""The on-site check of art. 34: two or more staff, so never the same name twice."""

from typing import Any

from services.errors import FieldProblem, InvalidInput

INSPECTORS = ("inspector_one", "inspector_two")


def require_two_inspectors(values: dict[str, Any]) -> None:
    """Refuse an answer that names one person as both inspectors; a form without them passes."""
    first, second = ("".join(str(values.get(key) or "").split()) for key in INSPECTORS)
    if first and first == second:
        raise InvalidInput([FieldProblem(f"values.{INSPECTORS[1]}", "现场核查须由两名不同的工作人员进行")])
