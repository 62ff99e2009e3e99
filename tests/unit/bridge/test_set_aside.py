"""What cannot be projected is set aside, and everything else goes on."""

import pytest
from sqlalchemy.exc import IntegrityError, OperationalError, ProgrammingError
from sqlmodel import Session, col, select

from bridge import set_aside
from bridge.faults import is_of_the_record
from bridge.projection.hooks import Hooks
from bridge.projection.projector import Projector
from bridge.projection.records import Bulk, MalformedBulk, Record, parse_bulk
from models.audit import AuditEntry
from models.case import Case
from models.database import Database
from models.engine_state import FeedPosition, Incident, ProcessDefinition
from models.set_aside import SetAsideRecord, Settlement
from models.task import FormVersion, Task, TaskStatus
from services.errors import Unavailable
from services.process_engine import set_aside as listed
from services.tasks import views
from tests.factories.bridge_records import (
    Log,
    add_case,
    bulk,
    bulk_body,
    fake_hooks,
    feed_over,
    form_record,
    looking,
    process_record,
)

GOOD_FORM = b'{"id": "f", "components": [{"key": "outcome", "type": "radio", "values": [{"value": "a"}]}]}'
BOM_FORM = b"\xef\xbb\xbf" + GOOD_FORM


def waiting(database: Database) -> list[SetAsideRecord]:
    with looking(database) as session:
        return list(
            session.exec(
                select(SetAsideRecord)
                .where(col(SetAsideRecord.settled_at).is_(None))
                .order_by(col(SetAsideRecord.position))
            ).all()
        )


def ask_again(database: Database, key: int | None, hooks: Hooks | None = None) -> bool:
    """Do what the bridge does for an administrator's retry."""
    assert key is not None
    return set_aside.retry(database, Projector(hooks or fake_hooks()), key)


class Moody:
    """Hooks of which receiving a task fails until its fault is mended."""

    def __init__(self, failure: Exception) -> None:
        self.failure: Exception | None = failure
        working = fake_hooks()

        def receive(session: Session, task: Task, case: Case) -> None:
            if self.failure is not None:
                raise self.failure
            working.receive_task(session, task, case)

        self.hooks = Hooks(receive, working.confirm, working.cancel)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (BOM_FORM, "字节顺序标记（BOM），请在 Modeler 中以 UTF-8（无 BOM）保存后重新部署"),
        (b'{"id": "f", "x": "\\ud800"}', "单独的代理项"),
        (b'{"id": "f", "x": 1e400}', "1e400"),
        (GOOD_FORM + b" trailing", "不是有效的 JSON"),
        ('{"id": "受理"}'.encode("gbk"), "不是 UTF-8 编码"),
        (b'{"id": "f", "x": ' + b"[" * 900 + b"]" * 900 + b"}", "嵌套过深"),
        (b'{"id": "f", "components": [1]}', "组件的结构无法识别"),
        (b'{"id": "f", "components": {"a": 1}}', "组件的结构无法识别"),
        (b"[]", "不是表单"),
    ],
)
def test_a_form_that_cannot_be_read_is_set_aside_and_the_task_behind_it_appears(
    database: Database, content: bytes, told: str
) -> None:
    add_case(database, "C1")
    log, feed = Log(), feed_over(database)
    feed.apply(bulk(form_record(log, 7, "acceptance", content), log.started(10, "C1"), log.task("CREATED", 20, 10)))
    kept = waiting(database)
    assert [(one.value_type, one.name, one.position) for one in kept] == [("FORM", "acceptance", 1)]
    assert kept[0].reason.startswith("表单 acceptance ")
    assert told in kept[0].reason
    with looking(database) as session:
        assert session.get_one(Task, 20).case_no == "C1"
        assert session.exec(select(FeedPosition.position)).one() == 3


def test_a_process_in_gbk_is_set_aside_under_its_id(database: Database) -> None:
    xml = '<?xml version="1.0" encoding="GBK"?><definitions name="受理"/>'.encode("gbk")
    feed_over(database).apply(bulk(process_record(Log(), 5, "acceptance", xml)))
    [kept] = waiting(database)
    assert (kept.value_type, kept.name) == ("PROCESS", "acceptance")
    assert "GBK" in kept.reason


def test_a_repeated_request_sets_nothing_aside_twice_and_loses_nothing(database: Database) -> None:
    log, feed = Log(), feed_over(database)
    request = bulk(form_record(log, 7, "f", BOM_FORM), log.task("CREATED", 20, 10), form_record(log, 8, "g", b"{"))
    for receiver in (feed, feed, feed_over(database)):
        receiver.apply(request)
    assert [one.position for one in waiting(database)] == [1, 3]
    with looking(database) as session:
        assert session.exec(select(Task.key)).all() == [20]


LONE_SURROGATE = '"name":"\\ud800"'


def poisoned(record: Record, poison: str = LONE_SURROGATE) -> Bulk:
    """Return a request of which the record's own line is what the engine's JSON should not be."""
    body = bulk_body([record])
    return parse_bulk(body.replace(b'"value":{', f'"value":{{{poison},'.encode()))


@pytest.mark.parametrize("poison", [LONE_SURROGATE, '"n":1e400', f'"d":{"[" * 1100}{"]" * 1100}'])
def test_a_line_that_is_no_readable_json_is_set_aside_with_its_bytes(database: Database, poison: str) -> None:
    log, feed = Log(), feed_over(database)
    request = poisoned(log.task("CREATED", 20, 10), poison)
    feed.apply(request)
    feed.apply(bulk(log.task("CREATED", 30, 10)))
    [kept] = waiting(database)
    assert (kept.value_type, kept.position, kept.raw) == ("USER_TASK", 1, request.records[0].raw)
    assert kept.reason.startswith("任务")
    with looking(database) as session:
        assert session.exec(select(Task.key)).all() == [30]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"key":20', b'"key":"twenty"'),
        (b'"position":1', b'"position":99999999999999999999'),
        (b'"timestamp":', b'"timestamp":9999999999'),
        (b'"intent":"CREATED",', b""),
        (b'"elementId":"Task_Review"', b'"elementId":["a list"]'),
        (b'"candidateGroupsList":["xingguo.window"]', b'"candidateGroupsList":5'),
        (b'"creationTimestamp":', b'"creationTimestamp":9999999999'),
    ],
)
def test_a_record_of_unknown_shape_is_set_aside(database: Database, old: bytes, new: bytes) -> None:
    log, feed = Log(), feed_over(database)
    body = bulk_body([log.task("CREATED", 20, 10)])
    assert old in body
    feed.apply(parse_bulk(body.replace(old, new)))
    feed.apply(bulk(log.task("CREATED", 30, 10)))
    assert [one.position for one in waiting(database)] == [1]
    with looking(database) as session:
        assert session.exec(select(Task.key)).all() == [30]


def test_an_unreadable_record_that_would_change_nothing_is_dropped(database: Database) -> None:
    log, feed = Log(), feed_over(database)
    feed.apply(poisoned(log.task("CREATING", 20, 10)))
    feed.apply(poisoned(log.record("MESSAGE", "PUBLISHED", 9, {"name": "x"})))
    assert waiting(database) == []


def test_a_line_without_a_place_in_the_log_makes_the_request_malformed() -> None:
    with pytest.raises(MalformedBulk):
        parse_bulk(b'{"index":{"_index":"tq-feed_form_8.5.8","_id":"nowhere"}}\n{"x":\n')


def test_a_task_completed_behind_its_set_aside_creation_is_completed_after_the_retry(database: Database) -> None:
    add_case(database, "C1")
    moody = Moody(ValueError("a rule that was not thought of"))
    log, feed = Log(), feed_over(database, moody.hooks)
    feed.apply(bulk(log.started(10, "C1")))
    feed.apply(bulk(log.task("CREATED", 20, 10)))
    feed.apply(bulk(log.task("ASSIGNED", 20, 10, assignee="b", action="assign")))
    # Another bridge goes on where the first one ended.
    feed_over(database, moody.hooks).apply(bulk(log.task("COMPLETED", 20, 10)))
    first, *behind = waiting(database)
    assert [one.behind for one in behind] == [first.id, first.id]
    with looking(database) as session:
        assert session.get(Task, 20) is None
        assert listed.count(session) == 1
    assert not ask_again(database, first.id, moody.hooks)
    moody.failure = None
    assert ask_again(database, first.id, moody.hooks)
    with looking(database) as session:
        task = session.get_one(Task, 20)
        assert (task.status, task.is_open, task.assignee, task.case_no) == (TaskStatus.COMPLETED, False, "b", "C1")
        assert session.exec(select(SetAsideRecord.settlement)).all() == [Settlement.PROJECTED] * 3
    assert waiting(database) == []
    assert ask_again(database, first.id, moody.hooks), "a second retry changes nothing"


def test_after_a_retry_the_feed_that_set_the_record_aside_applies_what_follows(database: Database) -> None:
    add_case(database, "C1")
    moody = Moody(ValueError("…"))
    log, feed = Log(), feed_over(database, moody.hooks)
    feed.apply(bulk(log.started(10, "C1")))
    feed.apply(bulk(log.task("CREATED", 20, 10)))
    moody.failure = None
    assert ask_again(database, waiting(database)[0].id, moody.hooks)
    feed.apply(bulk(log.task("COMPLETED", 20, 10)))
    assert waiting(database) == []
    with looking(database) as session:
        assert session.get_one(Task, 20).status is TaskStatus.COMPLETED


def test_where_a_later_record_fails_in_a_retry_it_is_the_one_to_be_mended(database: Database) -> None:
    log, feed = Log(), feed_over(database)
    incident = {"processInstanceKey": 10, "elementInstanceKey": 9, "errorType": "X", "errorMessage": "…"}
    feed.apply(bulk(log.record("INCIDENT", "CREATED", 60, incident)))
    feed.apply(bulk(log.record("INCIDENT", "RESOLVED", 60, {"jobKey": ["?"]})))
    first, second = waiting(database)
    with database.transaction() as session:
        row = session.get_one(SetAsideRecord, first.id)
        row.raw = row.raw.replace(b'"processInstanceKey"', b'"elementId":"Task_X","processInstanceKey"')
    assert not ask_again(database, first.id)
    [left] = waiting(database)
    assert (left.id, left.behind) == (second.id, None)
    assert left.reason
    with looking(database) as session:
        assert session.get_one(Incident, 60).resolved_at is None


def test_one_start_message_set_aside_holds_no_other_case_of_the_process(database: Database) -> None:
    add_case(database, "C2")
    log, feed = Log(), feed_over(database)
    unknown = log.started(10, "C1")
    del unknown.value["messageName"], unknown.value["variables"]
    feed.apply(bulk(unknown))
    feed.apply(bulk(log.started(11, "C2"), log.task("CREATED", 20, 11)))
    assert [one.value_type for one in waiting(database)] == ["MESSAGE_START_EVENT_SUBSCRIPTION"]
    with looking(database) as session:
        assert session.get_one(Task, 20).case_no == "C2"


def test_a_newer_version_settles_the_unreadable_one_and_serves_its_open_tasks(database: Database) -> None:
    log, feed = Log(), feed_over(database)
    feed.apply(bulk(form_record(log, 7, "acceptance", BOM_FORM), log.task("CREATED", 20, 10, formKey=7)))
    with looking(database) as session:
        task = session.get_one(Task, 20)
        shown = views.view_now(session, task)
        assert (shown.outcomes, shown.form_fault) == ([], views.FORM_FAULT)
        with pytest.raises(views.FormUnreadable):
            views.schema_of(session, task)
    feed.apply(bulk(form_record(log, 9, "acceptance", GOOD_FORM, version=2)))
    assert waiting(database) == []
    with looking(database) as session:
        shown = views.view_now(session, session.get_one(Task, 20))
        assert ([one.value for one in shown.outcomes], shown.form_fault) == (["a"], None)
        assert session.exec(select(SetAsideRecord.settlement)).one() is Settlement.REPLACED
        assert session.exec(select(FormVersion.form_key)).one() == 9


def test_deleting_an_unreadable_form_in_the_engine_settles_it(database: Database) -> None:
    log, feed = Log(), feed_over(database)
    feed.apply(bulk(form_record(log, 7, "acceptance", BOM_FORM)))
    feed.apply(bulk(form_record(log, 7, "acceptance", BOM_FORM, intent="DELETED")))
    assert waiting(database) == []


def test_a_version_of_a_process_is_deleted_from_when_no_instance_of_it_starts_any_more(database: Database) -> None:
    log, feed = Log(), feed_over(database)
    feed.apply(bulk(process_record(log, 5, "p", b"<d/>"), process_record(log, 6, "p", b"<d/>", version=2)))
    deleting = process_record(log, 6, "p", b"", version=2, intent="DELETING")
    feed.apply(bulk(deleting))
    feed.apply(bulk(process_record(log, 6, "p", b"", version=2, intent="DELETED")))
    with looking(database) as session:
        assert session.get_one(ProcessDefinition, 5).deleted_at is None
        assert session.get_one(ProcessDefinition, 6).deleted_at == deleting.at


def test_setting_aside_leaves_an_audit_entry_that_holds_no_value_of_the_record(database: Database) -> None:
    moody = Moody(ValueError("张三 362101199001011234"))
    add_case(database, "C1")
    log, feed = Log(), feed_over(database, moody.hooks)
    feed.apply(bulk(log.started(10, "C1"), log.task("CREATED", 20, 10)))
    with looking(database) as session:
        entry = session.exec(select(AuditEntry)).one()
        assert (entry.action, entry.detail["kind"], entry.detail["name"]) == (
            "feed.set_aside",
            "USER_TASK",
            "Task_Review",
        )
        assert "张三" not in str(entry.detail) + waiting(database)[0].reason


def test_a_database_that_goes_away_while_records_are_taken_one_by_one_loses_nothing(database: Database) -> None:
    add_case(database, "C1")
    moody = Moody(OperationalError("INSERT", {}, Exception("database is locked")))
    log, feed = Log(), feed_over(database, moody.hooks)
    request = bulk(form_record(log, 7, "f", BOM_FORM), log.started(10, "C1"), log.task("CREATED", 20, 10))
    with pytest.raises(OperationalError):
        feed.apply(request)
    assert waiting(database) == []
    moody.failure = None
    feed.apply(request)
    assert len(waiting(database)) == 1
    with looking(database) as session:
        assert session.get_one(Task, 20).case_no == "C1"


class Answered(Exception):
    """A database driver's error with its code."""

    def __init__(self, sqlstate: str | None) -> None:
        super().__init__("told")
        self.sqlstate = sqlstate


@pytest.mark.parametrize(
    ("failure", "own"),
    [
        (KeyError("elementId"), True),
        (RecursionError(), True),
        (IntegrityError("INSERT", {}, Answered("23505")), True),
        (ProgrammingError("INSERT", {}, Answered(None)), True),
        (ProgrammingError("INSERT", {}, Answered("42P01")), False),
        (OperationalError("INSERT", {}, Answered("40001")), False),
        (OSError("no space left"), False),
        (MemoryError(), False),
        (Unavailable(), False),
    ],
)
def test_a_failure_is_the_records_own_or_the_moments(failure: Exception, own: bool) -> None:
    assert is_of_the_record(failure) is own
