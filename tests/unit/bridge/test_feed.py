"""The feed: each record once, in order, across repetitions, restarts and failures."""

import base64

import pytest
from sqlalchemy.exc import OperationalError
from sqlmodel import col, select

from bridge.feed import ForeignLog
from bridge.projection.definitions import element_names
from bridge.projection.hooks import Hooks
from bridge.projection.records import MalformedBulk, instant, millis, parse_bulk
from engine.gateway import MIRROR_ACTION
from models.database import Database
from models.engine_state import (
    ElementVisit,
    EngineJob,
    EngineTimer,
    FeedPosition,
    Incident,
    InstanceState,
    ProcessDefinition,
    ProcessInstance,
)
from models.task import NO_DUE, Task, TaskCandidate, TaskStatus
from services.process_engine import outbox
from tests.factories.bridge_records import (
    BASE_MS,
    START,
    Log,
    add_case,
    bulk,
    fake_hooks,
    feed_over,
    looking,
)


def test_a_task_of_a_known_case_gets_its_dates_at_once(database: Database) -> None:
    add_case(database, "C1")
    log, feed = Log(), feed_over(database)
    feed.apply(bulk(log.started(10, "C1")))
    feed.apply(bulk(log.task("CREATING", 20, 10)))
    feed.apply(bulk(log.task("CREATED", 20, 10)))
    with looking(database) as session:
        task = session.get_one(Task, 20)
        candidate = session.exec(select(TaskCandidate)).one()
        assert (task.case_no, task.item_name, task.due_at) == ("C1", "测试事项", START)
        assert (candidate.group_name, candidate.due_at, candidate.is_open) == ("xingguo.window", START, True)


def test_a_task_of_a_case_that_is_not_here_still_names_it(database: Database) -> None:
    log, feed = Log(), feed_over(database)
    feed.apply(bulk(log.started(10, "elsewhere"), log.task("CREATED", 20, 10)))
    with looking(database) as session:
        assert session.get_one(Task, 20).case_no == "elsewhere"


def test_a_repeated_request_changes_nothing_not_even_for_a_new_process(database: Database) -> None:
    add_case(database, "C1")
    log = Log()
    requests = [bulk(log.started(10, "C1")), bulk(log.task("CREATED", 20, 10)), bulk(log.task("COMPLETED", 20, 10))]
    feed = feed_over(database)
    for request in requests:
        feed.apply(request)
        feed.apply(request)
    restarted = feed_over(database)
    for request in requests:
        restarted.apply(request)
    with looking(database) as session:
        assert session.exec(select(Task.status)).all() == [TaskStatus.COMPLETED]
        assert session.exec(select(FeedPosition.position)).one() == 3


def test_only_the_new_part_of_an_overlapping_request_is_applied(database: Database) -> None:
    log, feed = Log(), feed_over(database)
    first, second = log.task("CREATED", 20, 10), log.task("CREATED", 30, 10)
    feed.apply(bulk(first))
    feed_over(database).apply(bulk(first, second))
    with looking(database) as session:
        assert sorted(session.exec(select(Task.key)).all()) == [20, 30]


def test_positions_are_kept_for_each_exporter_and_partition(database: Database) -> None:
    log, feed = Log(), feed_over(database)
    feed.apply(bulk(log.task("CREATED", 20, 10, partition=1)))
    other = log.record("PROCESS_INSTANCE", "ELEMENT_ACTIVATING", 40, ELEMENT, position=1)
    feed.apply(bulk(other, exporter="tq-history"))
    elsewhere = log.record("PROCESS_INSTANCE", "ELEMENT_ACTIVATING", 41, ELEMENT, position=1, partition=2)
    feed.apply(bulk(elsewhere, exporter="tq-history"))
    with looking(database) as session:
        assert len(session.exec(select(FeedPosition)).all()) == 3
        assert sorted(session.exec(select(ElementVisit.key)).all()) == [40, 41]


ELEMENT = {
    "bpmnElementType": "SERVICE_TASK",
    "elementId": "Task_X",
    "bpmnProcessId": "p",
    "processInstanceKey": 10,
    "parentProcessInstanceKey": -1,
    "version": 1,
}


def test_a_failed_transaction_leaves_nothing_and_the_repetition_applies_all(database: Database) -> None:
    add_case(database, "C1")
    working = fake_hooks()
    failures = [OperationalError("INSERT", {}, Exception("database gone"))]

    def failing(*arguments: object) -> None:
        if failures:
            raise failures.pop()
        working.receive_task(*arguments)  # type: ignore[arg-type]

    log = Log()
    feed = feed_over(database, Hooks(failing, working.confirm, working.cancel))
    feed.apply(bulk(log.started(10, "C1")))
    request = bulk(log.task("CREATED", 20, 10))
    with pytest.raises(OperationalError):
        feed.apply(request)
    with looking(database) as session:
        assert session.get(Task, 20) is None
        assert session.exec(select(FeedPosition.position)).one() == 1
    feed.apply(request)
    with looking(database) as session:
        assert session.get_one(Task, 20).case_no == "C1"


def test_the_log_of_another_engine_is_refused_instead_of_dropped(database: Database) -> None:
    log, feed = Log(), feed_over(database)
    for key in range(20, 25):
        feed.apply(bulk(log.task("CREATED", key, 10)))
    foreign = Log().task("CREATED", 99, 10)
    foreign.timestamp_ms = BASE_MS + 3_600_000
    with pytest.raises(ForeignLog):
        feed.apply(bulk(foreign))
    with pytest.raises(ForeignLog):
        feed_over(database).apply(bulk(foreign))


def test_positions_over_records_without_effect_are_stored_in_passing(database: Database) -> None:
    log, feed = Log(), feed_over(database)
    feed.apply(bulk(log.task("CREATED", 20, 10)))
    feed.apply(bulk(log.task("COMPLETING", 20, 10)))
    assert feed.positions() == {"tq-feed:1": 2}
    with database.transaction() as session:
        feed.write_positions(session)
    feed.apply(bulk(log.task("COMPLETED", 20, 10)))
    with looking(database) as session:
        assert session.exec(select(FeedPosition.position)).one() == 3
        assert session.get_one(Task, 20).status is TaskStatus.COMPLETED


def test_a_task_waits_for_its_case_and_gets_it_through_the_calling_instance(database: Database) -> None:
    add_case(database, "C1")
    log, feed = Log(), feed_over(database)
    feed.apply(bulk(log.task("CREATED", 20, 12)))
    with looking(database) as session:
        assert session.get_one(Task, 20).case_no is None
        assert session.exec(select(TaskCandidate.due_at)).one() == NO_DUE
    feed.apply(
        bulk(
            log.element("ELEMENT_ACTIVATING", 11, 11, kind="PROCESS", parent=10),
            log.element("ELEMENT_ACTIVATING", 12, 12, kind="PROCESS", parent=11),
            exporter="tq-history",
        )
    )
    feed.apply(bulk(log.started(10, "C1")))
    with looking(database) as session:
        assert session.get_one(Task, 20).case_no == "C1"
        cases = session.exec(select(ProcessInstance.case_no).order_by(col(ProcessInstance.key))).all()
        assert cases == ["C1", "C1", "C1"]


def test_a_called_instance_inherits_the_case_its_caller_has(database: Database) -> None:
    add_case(database, "C1")
    log, feed = Log(), feed_over(database)
    feed.apply(bulk(log.started(10, "C1")))
    feed.apply(bulk(log.task("CREATED", 20, 11)))
    feed.apply(bulk(log.element("ELEMENT_ACTIVATING", 11, 11, kind="PROCESS", parent=10), exporter="tq-history"))
    with looking(database) as session:
        assert session.get_one(Task, 20).case_no == "C1"


def test_the_history_of_an_element_is_one_row_whether_it_ends_in_the_same_batch_or_later(database: Database) -> None:
    log, feed = Log(), feed_over(database)
    feed.apply(
        bulk(
            log.element("ELEMENT_ACTIVATING", 10, 10, kind="PROCESS"),
            log.element("ELEMENT_ACTIVATING", 31, 10),
            log.element("ELEMENT_COMPLETED", 31, 10),
            log.element("ELEMENT_ACTIVATING", 32, 10),
            log.element("SEQUENCE_FLOW_TAKEN", 33, 10, kind="SEQUENCE_FLOW"),
            exporter="tq-history",
        )
    )
    feed.apply(
        bulk(
            log.element("ELEMENT_TERMINATED", 32, 10),
            log.element("ELEMENT_COMPLETED", 10, 10, kind="PROCESS"),
            exporter="tq-history",
        )
    )
    with looking(database) as session:
        visits = {visit.key: visit.state for visit in session.exec(select(ElementVisit)).all()}
        assert visits == {31: InstanceState.COMPLETED, 32: InstanceState.TERMINATED}
        instance = session.get_one(ProcessInstance, 10)
        assert instance.state is InstanceState.COMPLETED
        assert instance.ended_at is not None


def test_a_task_whose_element_a_moved_instance_left_is_closed_though_the_engine_says_nothing_of_it(
    database: Database,
) -> None:
    add_case(database, "C1")
    log, feed = Log(), feed_over(database)
    feed.apply(bulk(log.started(10, "C1"), log.task("CREATED", 20, 10)))
    history = [log.element("ELEMENT_ACTIVATING", 19, 10, kind="USER_TASK")]
    feed.apply(bulk(log.task("CREATED", 23, 10)))
    history += [
        log.element("ELEMENT_TERMINATED", 19, 10, kind="USER_TASK"),
        log.element("ELEMENT_ACTIVATING", 22, 10, kind="USER_TASK"),
    ]
    feed.apply(bulk(*history, exporter="tq-history"))
    with looking(database) as session:
        assert session.get_one(Task, 20).status is TaskStatus.CANCELED
        assert session.get_one(Task, 20).closed_at == instant(history[1].timestamp_ms)
        assert session.get_one(Task, 23).is_open


def test_a_task_completed_before_its_element_was_ended_stays_completed(database: Database) -> None:
    add_case(database, "C1")
    log, feed = Log(), feed_over(database)
    feed.apply(bulk(log.started(10, "C1"), log.task("CREATED", 20, 10)))
    with database.transaction() as session:
        session.get_one(Task, 20).status = TaskStatus.COMPLETED
    feed.apply(bulk(log.element("ELEMENT_TERMINATED", 19, 10, kind="USER_TASK"), exporter="tq-history"))
    with looking(database) as session:
        assert session.get_one(Task, 20).status is TaskStatus.COMPLETED


def test_our_own_claim_coming_back_changes_nothing_and_a_strangers_is_taken_over(database: Database) -> None:
    log, feed = Log(), feed_over(database)
    feed.apply(bulk(log.task("CREATED", 20, 10)))
    feed.apply(bulk(log.task("ASSIGNED", 20, 10, assignee="a", action=MIRROR_ACTION)))
    with looking(database) as session:
        assert session.get_one(Task, 20).assignee is None
    feed.apply(bulk(log.task("ASSIGNED", 20, 10, assignee="b", action="assign")))
    with looking(database) as session:
        assert session.get_one(Task, 20).assignee == "b"
    with database.transaction() as session:
        outbox.assign_user_task(session, stream="C1", key=20, assignee=None, version="1")
    feed.apply(bulk(log.task("ASSIGNED", 20, 10, assignee="", action="unassign")))
    with looking(database) as session:
        assert session.get_one(Task, 20).assignee == "b"


def test_a_strangers_release_is_taken_over(database: Database) -> None:
    log, feed = Log(), feed_over(database)
    feed.apply(bulk(log.task("CREATED", 20, 10, assignee="b")))
    feed.apply(bulk(log.task("ASSIGNED", 20, 10, assignee="", action="unassign")))
    with looking(database) as session:
        assert session.get_one(Task, 20).assignee is None


def test_changed_candidate_groups_replace_the_old_ones(database: Database) -> None:
    log, feed = Log(), feed_over(database)
    feed.apply(bulk(log.task("CREATED", 20, 10)))
    feed.apply(bulk(log.task("UPDATED", 20, 10, candidateGroupsList=["x", "y"], action="update")))
    with looking(database) as session:
        assert sorted(session.exec(select(TaskCandidate.group_name)).all()) == ["x", "y"]
        assert session.get_one(Task, 20).candidate_groups == ["x", "y"]


def test_a_job_with_an_incident_is_not_running_until_it_is_resolved(database: Database) -> None:
    log, feed = Log(), feed_over(database)
    job = {"type": "t", "processInstanceKey": 10, "elementId": "NO_CATCH_EVENT_FOUND"}
    incident = {
        "processInstanceKey": 10,
        "elementId": "Task_X",
        "elementInstanceKey": 9,
        "jobKey": 50,
        "errorType": "UNHANDLED_ERROR_EVENT",
        "errorMessage": "…",
    }
    feed.apply(bulk(log.record("JOB", "CREATED", 50, job)))
    feed.apply(bulk(log.record("JOB", "ERROR_THROWN", 50, job)))
    feed.apply(bulk(log.record("INCIDENT", "CREATED", 60, incident)))
    with looking(database) as session:
        assert session.get_one(EngineJob, 50).has_incident
    feed.apply(bulk(log.record("INCIDENT", "RESOLVED", 60, incident)))
    with looking(database) as session:
        assert not session.get_one(EngineJob, 50).has_incident
        assert session.get_one(Incident, 60).resolved_at is not None
    feed.apply(bulk(log.record("JOB", "COMPLETED", 50, job)))
    with looking(database) as session:
        assert session.get(EngineJob, 50) is None


def test_a_timer_is_open_until_it_fires(database: Database) -> None:
    log, feed = Log(), feed_over(database)
    timer = {"processInstanceKey": 10, "targetElementId": "Event_X", "dueDate": BASE_MS + 5}
    feed.apply(bulk(log.record("TIMER", "CREATED", 70, timer), log.record("TIMER", "CREATED", 71, timer)))
    feed.apply(bulk(log.record("TIMER", "TRIGGERED", 70, timer)))
    with looking(database) as session:
        left = session.exec(select(EngineTimer)).one()
        assert (left.key, left.due_at) == (71, instant(BASE_MS + 5))


def test_a_deployed_process_gives_tasks_their_names(database: Database) -> None:
    xml = (
        '<d xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL"><bpmn:process id="p" name="流程">'
        '<bpmn:userTask id="Task_Review" name="审查&#10;材料"/></bpmn:process></d>'
    )
    log, feed = Log(), feed_over(database)
    value = {
        "bpmnProcessId": "p",
        "version": 1,
        "processDefinitionKey": 5,
        "resourceName": "p.bpmn",
        "checksum": "x",
        "resource": base64.b64encode(xml.encode()).decode(),
    }
    feed.apply(bulk(log.record("PROCESS", "CREATED", 5, value), log.task("CREATED", 20, 10)))
    with looking(database) as session:
        assert session.get_one(ProcessDefinition, 5).name == "流程"
        assert session.get_one(Task, 20).name == "审查 材料"


def test_a_hostile_model_does_not_stop_the_feed() -> None:
    bomb = b'<!DOCTYPE d [<!ENTITY a "aaaa">]><d>&a;</d>'
    assert element_names(bomb, "p") == ("p", {})


@pytest.mark.parametrize("body", [b"{}\n", b"x\ny\n", b'{"index":{"_index":"a"}}\n{"position":1}\n'])
def test_a_malformed_body_is_told_apart(body: bytes) -> None:
    with pytest.raises(MalformedBulk):
        parse_bulk(body)


@pytest.mark.parametrize("value", [0, 1, 999, 1000, BASE_MS])
def test_instants_keep_their_milliseconds(value: int) -> None:
    assert millis(instant(value)) == value
