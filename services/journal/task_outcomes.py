"""The answers people gave in a case's tasks, for the jobs that carry them out."""

from functools import lru_cache

from sqlalchemy import bindparam
from sqlmodel import Session, col, select
from sqlmodel.sql.expression import SelectOfScalar

from models.case import Case
from models.task import Task
from models.task_outcome import Outcome, TaskOutcome, TaskOutcomeStatus
from services.errors import NotFound


def latest(session: Session, case_no: str, *, outcome: str | None = None, element: str | None = None) -> TaskOutcome:
    """Return the latest answer that was not overtaken, by outcome or task; raise ``NotFound`` when there is none.

    A task completed in another tool leaves no answer here: then the job cannot know who decided, and fails openly.
    """
    found = find(session, case_no, outcome=outcome, element=element)
    if found is None:
        raise NotFound(f"办件{case_no}没有可执行的办理意见")
    return found


def find(
    session: Session, case_no: str, *, outcome: str | None = None, element: str | None = None
) -> TaskOutcome | None:
    """Return the latest answer that was not overtaken, or None."""
    given = {"outcome": outcome, "element": element}
    narrowed = tuple(name for name, value in given.items() if value is not None)
    return session.exec(_latest(narrowed), params={"case_no": case_no, **given}).first()


@lru_cache
def _latest(narrowed: tuple[str, ...]) -> SelectOfScalar[TaskOutcome]:
    """Return the query for a case's latest answer that was not overtaken, narrowed by some of outcome and element."""
    query = select(TaskOutcome).where(
        TaskOutcome.case_no == bindparam("case_no"), TaskOutcome.status != TaskOutcomeStatus.OVERTAKEN
    )
    columns = {"outcome": col(TaskOutcome.outcome), "element": col(TaskOutcome.element_id)}
    for name in narrowed:
        query = query.where(columns[name] == bindparam(name))
    return query.order_by(col(TaskOutcome.id).desc()).limit(1)


_AMONG = (
    select(TaskOutcome)
    .where(
        TaskOutcome.case_no == bindparam("case_no"),
        TaskOutcome.status != TaskOutcomeStatus.OVERTAKEN,
        col(TaskOutcome.outcome).in_(bindparam("outcomes", expanding=True)),
    )
    .order_by(col(TaskOutcome.id).desc())
    .limit(1)
)


def final(session: Session, case_no: str) -> TaskOutcome | None:
    """Return the answer that decides the case, carried out already or not, or None."""
    return _among(session, case_no, Outcome.merits())


def is_decided(session: Session, case: Case) -> bool:
    """Tell whether the case is decided, or its decision is on its way to the engine."""
    return case.decision is not None or final(session, case.case_no) is not None


def is_ending(session: Session, case: Case) -> bool:
    """Tell whether the case is decided or not accepted, or the answer that says so is on its way to the engine."""
    return case.decision is not None or _among(session, case.case_no, Outcome.ending()) is not None


def _among(session: Session, case_no: str, outcomes: frozenset[Outcome]) -> TaskOutcome | None:
    return session.exec(_AMONG, params={"case_no": case_no, "outcomes": sorted(one.value for one in outcomes)}).first()


def of_instance(session: Session, instance_key: int) -> TaskOutcome | None:
    """Return the latest answer given in one process instance that was not overtaken, or None."""
    query = (
        select(TaskOutcome)
        .join(Task, col(Task.key) == TaskOutcome.task_key)
        .where(Task.process_instance_key == instance_key, TaskOutcome.status != TaskOutcomeStatus.OVERTAKEN)
    )
    return session.exec(query.order_by(col(TaskOutcome.id).desc())).first()


def everything(session: Session, case_no: str) -> list[TaskOutcome]:
    """Return every answer of a case, oldest first."""
    return list(session.exec(select(TaskOutcome).where(TaskOutcome.case_no == case_no).order_by("id")).all())
