"""Cases that no service made, told in one breath: what stands on the case and what stands in its deadlines."""

from typing import Any

from models.case import Case
from models.case_deadlines import CaseDeadlines


def build_case(**facts: Any) -> Case:
    """Return a case of ``facts``; those named like a deadline are written in its deadlines."""
    owed = {name: facts.pop(name) for name in list(facts) if name in CaseDeadlines.model_fields and name != "case_no"}
    unknown = facts.keys() - Case.model_fields.keys()
    if unknown:
        raise TypeError(f"a case has no {', '.join(sorted(unknown))}")
    return Case(**facts, deadlines=CaseDeadlines(case_no=facts["case_no"], **owed))
