"""Require the reason of an unfavourable answer (行政许可法 arts. 32, 38, 43)."""

from models.case import Case
from models.catalogue import Mode
from models.protocol import Element
from models.task import Task
from models.task_outcome import Outcome
from services.errors import FieldProblem, InvalidInput


class ReasonRequired(InvalidInput):
    """The outcome was given without the reason that its paper prints."""

    code, title, title_en = "reason_required", "请写明理由", "A reason is required"


def require_reason(case: Case, task: Task, outcome: str, opinion: str) -> None:
    """Refuse an unfavourable outcome without a reason, and a substantive review without its opinion.

    The county's review goes to the city as part of the transfer dossier (审核转报件), so agreeing needs an opinion too.

    Raises:
        ReasonRequired: the opinion is empty or blank.
    """
    if opinion.strip():
        return
    if outcome in Outcome.unfavourable():
        raise ReasonRequired([FieldProblem("opinion", "请写明理由：理由将写入文书或随件退回")])
    reviewed = case.handled_as is Mode.SUBSTANTIVE and task.element_id == Element.COUNTY_REVIEW
    if reviewed and outcome == Outcome.AGREE:
        raise ReasonRequired([FieldProblem("opinion", "请写明审核意见：意见将写入审核转报件")])
