"""A task offered to another county's group is told to the administrator, and that group sees and does nothing."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlmodel import Session, select

from bridge.projection.hooks import service_hooks
from models.database import Database
from models.deviation import Deviation, DeviationKind
from models.notification import Notification
from models.task import TaskCandidate
from services.deviations import ledger
from services.errors import Forbidden
from services.tasks import completion, worklist
from services.tasks.views import TaskCompletion
from tests.databases import Databases, new
from tests.factories.bridge_records import Log, add_case, bulk, feed_over
from tests.factories.powers import actor

CASE, OWN, FOREIGN = "C1", "xingguo.window", "yudu.approver"


@pytest.fixture
def database(databases: Databases, tmp_path: Path) -> Iterator[Database]:
    with new(databases, tmp_path) as opened:
        add_case(opened, CASE)
        yield opened


@pytest.fixture
def log(database: Database) -> Log:
    """Return a log after which a task is open with the case's own window and another county's approver."""
    written = Log()
    feed_over(database, service_hooks()).apply(
        bulk(written.started(10, CASE), written.task("CREATED", 20, 10, candidateGroupsList=[OWN, FOREIGN]))
    )
    return written


def offered(session: Session) -> dict[str, bool]:
    """Return the task's candidate groups and whether each has it in its list."""
    return {one.group_name: one.is_open for one in session.exec(select(TaskCandidate)).all()}


def test_the_foreign_group_has_the_task_in_no_list_and_may_neither_read_nor_complete_it(
    database: Database, log: Log
) -> None:
    with database.transaction() as session:
        assert offered(session) == {OWN: True, FOREIGN: False}
        assert worklist.list_tasks(session, actor(FOREIGN)).items == []
        assert [one.id for one in worklist.list_tasks(session, actor(OWN)).items] == ["20"]
        with pytest.raises(Forbidden):
            worklist.get_task(session, actor(FOREIGN), 20)
        with pytest.raises(Forbidden):
            completion.complete(session, actor(FOREIGN), 20, TaskCompletion(outcome="done"))
        completion.complete(session, actor(OWN), 20, TaskCompletion(outcome="done"))


def test_a_task_moved_to_a_foreign_group_later_is_closed_to_it_too_and_told_once(database: Database) -> None:
    log = Log()
    feed = feed_over(database, service_hooks())
    feed.apply(bulk(log.started(10, CASE), log.task("CREATED", 20, 10, candidateGroupsList=[OWN])))
    for _ in range(2):
        feed.apply(bulk(log.task("UPDATED", 20, 10, candidateGroupsList=[FOREIGN])))
    with database.transaction() as session:
        assert offered(session) == {FOREIGN: False}
        with pytest.raises(Forbidden):
            completion.complete(session, actor(FOREIGN), 20, TaskCompletion(outcome="done"))
        (told,) = session.exec(select(Deviation)).all()
        assert (told.kind, told.task_key) == (DeviationKind.FOREIGN_GROUP, 20)
        (notice,) = session.exec(select(Notification)).all()
        assert notice.to_group == "admin.system"
        assert FOREIGN in notice.text


def test_a_task_that_arrives_before_its_case_is_known_is_looked_at_when_it_is(database: Database) -> None:
    log = Log()
    feed = feed_over(database, service_hooks())
    feed.apply(bulk(log.task("CREATED", 20, 10, candidateGroupsList=[OWN, FOREIGN])))
    feed.apply(bulk(log.started(10, CASE)))
    with database.reading() as session:
        assert offered(session) == {OWN: True, FOREIGN: False}
        assert len(session.exec(select(Deviation)).all()) == 1


def test_only_the_system_administrator_reads_the_ledger(database: Database, log: Log) -> None:
    with database.reading() as session:
        (shown,) = ledger.deviations(session, actor("admin.system")).items
        assert (shown.case_no, shown.element_id, shown.restorable) == (CASE, "Task_Review", False)
        for other in ("city.coordinator", OWN, "admin.audit"):
            with pytest.raises(Forbidden):
                ledger.deviations(session, actor(other))
