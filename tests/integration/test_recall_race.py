"""An answer and a recall of the same case at one moment, on PostgreSQL, where two transactions do run side by side."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from sqlalchemy import text
from sqlmodel import select

from models.case import Case, CaseState
from models.database import Database
from models.in_flight import Disposition, InFlight
from models.task import Task, TaskStatus
from models.task_outcome import TaskOutcome, TaskOutcomeStatus
from services.clock import product_now
from services.takeovers import recalls
from services.takeovers.recall_views import RecallView
from services.tasks import access, completion
from services.tasks.views import TaskCompletion
from tests.databases import Databases, new
from tests.factories.powers import actor, add_case
from tests.instance import eventually

pytestmark = pytest.mark.postgresql("SQLite's writers go one after the other")

TASK = 7


@pytest.fixture
def database(databases: Databases) -> Iterator[Database]:
    """Yield a database with one case that waits for the county's decision."""
    with new(databases, seeded=True) as opened:
        with opened.transaction() as session:
            case = add_case(session, state=CaseState.IN_DEPARTMENT)
            session.add(
                Task(
                    key=TASK,
                    case_no=case.case_no,
                    process_id="direct-devolution",
                    process_instance_key=1,
                    element_id="Task_CountyDecide",
                    element_instance_key=1,
                    name="作出审批决定",
                    candidate_groups=["xingguo.approver"],
                    created_at=product_now(session),
                )
            )
        yield opened


def recall(database: Database) -> RecallView:
    """Recall the case's power in a transaction of its own."""
    with database.transaction() as session:
        return recalls.decide(
            session,
            actor("city.coordinator"),
            item="D-01",
            area="xingguo",
            reason="整改",
            effective_on=None,
            in_flight=InFlight.TRANSFER,
        )


def somebody_waits(database: Database) -> bool:
    """Tell whether a transaction waits for another's lock."""
    with database.engine.connect() as connection:
        return bool(connection.execute(text("SELECT count(*) FROM pg_locks WHERE NOT granted")).scalar_one())


def test_a_recall_waits_for_the_answer_under_way_and_lets_it_count(database: Database) -> None:
    with ThreadPoolExecutor(1) as threads:
        with database.transaction() as session:
            task = session.get_one(Task, TASK)
            case = completion._lock_case(session, task)
            task.status, task.is_open = TaskStatus.COMPLETING, False
            session.add(
                TaskOutcome(
                    task_key=TASK,
                    case_no=case.case_no,
                    process_id=task.process_id,
                    element_id=task.element_id,
                    task_name=task.name,
                    account="xingguo.approver",
                    outcome="approve",
                    status=TaskOutcomeStatus.RECORDED,
                    decided_at=product_now(session),
                )
            )
            session.flush()
            deciding: Future[RecallView] = threads.submit(recall, database)
            eventually(lambda: somebody_waits(database), "the recall waits for the answer")
        [touched] = deciding.result(timeout=30).cases
    assert touched.disposition is Disposition.FINISH
    with database.reading() as session:
        assert session.get_one(Task, TASK).status is TaskStatus.COMPLETING


def test_an_answer_that_waits_for_a_recall_is_refused(database: Database) -> None:
    def answer() -> None:
        with database.transaction() as session:
            late = TaskCompletion(outcome="approve", opinion="", values={})
            completion.complete(session, actor("xingguo.approver"), TASK, late)

    with ThreadPoolExecutor(1) as threads:
        with database.transaction() as session:
            recalls.decide(
                session,
                actor("city.coordinator"),
                item="D-01",
                area="xingguo",
                reason="整改",
                effective_on=None,
                in_flight=InFlight.TRANSFER,
            )
            session.flush()
            answering = threads.submit(answer)
            eventually(lambda: somebody_waits(database), "the answer waits for the recall")
        with pytest.raises(access.TaskClosed, match="已移交市级单位"):
            answering.result(timeout=30)
    with database.reading() as session:
        assert session.exec(select(TaskOutcome)).all() == []
        assert session.exec(select(Case)).one().taken_over_at is not None
