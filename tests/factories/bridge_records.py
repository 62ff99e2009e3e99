"""Records as the exporter sends them, and a feed over a database of its own."""

import base64
import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import orjson
from sqlmodel import Session

import models  # noqa: F401 - registers every table
from bridge.feed import Feed
from bridge.projection.hooks import Hooks
from bridge.projection.markers import Markers
from bridge.projection.projector import Projector
from bridge.projection.records import Bulk, Record, parse_bulk
from models.case import Case
from models.database import Database
from models.task import Task, TaskStatus
from tests.factories.cases import build_case

BASE_MS = 1_795_320_636_774
START = datetime(2026, 9, 21, 1, 0, tzinfo=UTC)


def fake_hooks() -> Hooks:
    """Return hooks that do the least a service does."""

    def clock(_session: Session, task: Task, case: Case) -> None:
        task.item_name, task.due_at = case.item_name, case.deadlines.due_at

    def close(status: TaskStatus) -> Any:
        def closing(session: Session, key: int, at: datetime) -> None:
            task = session.get(Task, key)
            if task is not None:
                task.status, task.is_open, task.closed_at = status, False, at

        return closing

    return Hooks(clock, close(TaskStatus.COMPLETED), close(TaskStatus.CANCELED))


class Log:
    """An engine's log: gives records ascending positions."""

    def __init__(self) -> None:
        self._positions = itertools.count(1)

    def record(self, value_type: str, intent: str, key: int, value: dict[str, Any], **changes: Any) -> Record:
        position = next(self._positions)
        return Record(
            partition=changes.get("partition", 1),
            position=changes.get("position", position),
            key=key,
            value_type=value_type,
            intent=intent,
            timestamp_ms=changes.get("timestamp_ms", BASE_MS + position),
            value=value,
        )

    def started(self, instance: int, case_no: str) -> Record:
        return self.record(
            "MESSAGE_START_EVENT_SUBSCRIPTION",
            "CORRELATED",
            1,
            {
                "messageName": "case-submitted-window",
                "correlationKey": case_no,
                "processInstanceKey": instance,
                "bpmnProcessId": "front-window",
                "variables": {"caseId": case_no},
            },
        )

    def task(self, intent: str, key: int, instance: int, **changes: Any) -> Record:
        value = {
            "elementId": "Task_Review",
            "processDefinitionKey": 5,
            "bpmnProcessId": "front-window",
            "processInstanceKey": instance,
            "elementInstanceKey": key - 1,
            "customHeaders": {"clock": "review"},
            "candidateGroupsList": ["xingguo.window"],
            "creationTimestamp": BASE_MS,
            "formKey": -1,
            "assignee": "",
            "action": "",
            "dueDate": "",
        }
        return self.record("USER_TASK", intent, key, {**value, **changes})

    def element(self, intent: str, key: int, instance: int, *, kind: str = "SERVICE_TASK", parent: int = -1) -> Record:
        value = {
            "bpmnElementType": kind,
            "elementId": "front-window" if kind == "PROCESS" else "Task_Review",
            "bpmnProcessId": "front-window",
            "processInstanceKey": instance,
            "parentProcessInstanceKey": parent,
            "version": 1,
        }
        return self.record("PROCESS_INSTANCE", intent, key, value)


def form_record(
    log: Log, key: int, form_id: str, content: bytes, *, version: int = 1, intent: str = "CREATED"
) -> Record:
    """Return the record of a deployed form, or, as ``DELETED`` under a key of its own, of its deletion."""
    value = {"formKey": key, "formId": form_id, "version": version, "resource": base64.b64encode(content).decode()}
    return log.record("FORM", intent, key if intent == "CREATED" else key + 1000, value)


def process_record(
    log: Log, key: int, process_id: str, xml: bytes, *, version: int = 1, intent: str = "CREATED"
) -> Record:
    """Return the record of a deployed process, or, as ``DELETED`` under a key of its own, of its deletion."""
    value = {
        "bpmnProcessId": process_id,
        "version": version,
        "processDefinitionKey": key,
        "resourceName": f"{process_id}.bpmn",
        "checksum": "x",
        "resource": base64.b64encode(xml if intent == "CREATED" else b"").decode(),
    }
    return log.record("PROCESS", intent, key if intent == "CREATED" else key + 1000, value)


def feed_over(database: Database, hooks: Hooks | None = None) -> Feed:
    """Return a new feed, as a bridge that has just been started has it."""
    return Feed(database, Projector(hooks or fake_hooks()), Markers())


def bulk_body(records: list[Record], exporter: str = "tq-feed") -> bytes:
    """Return the body of a ``_bulk`` request."""
    lines = []
    for record in records:
        index = f"{exporter}_{record.value_type.lower().replace('_', '-')}_8.5.8_2026-11-22"
        named = {"_index": index, "_id": f"{record.partition}-{record.position}"}
        lines.append(orjson.dumps({"index": named}))
        lines.append(
            orjson.dumps(
                {
                    "partitionId": record.partition,
                    "position": record.position,
                    "key": record.key,
                    "valueType": record.value_type,
                    "intent": record.intent,
                    "timestamp": record.timestamp_ms,
                    "value": record.value,
                }
            )
        )
    return b"\n".join(lines) + b"\n"


def bulk(*records: Record, exporter: str = "tq-feed") -> Bulk:
    """Return records as one request."""
    return parse_bulk(bulk_body(list(records), exporter))


def add_case(database: Database, case_no: str, **changes: Any) -> None:
    """Insert an open case with the least a projection needs."""
    values: dict[str, Any] = {
        "case_no": case_no,
        "query_code": "Q",
        "item_code": "W-01",
        "item_version": 1,
        "guide_version": 1,
        "item_name": "测试事项",
        "mode": "window",
        "power_kind": "license",
        "power_type": "行政许可",
        "area": "xingguo",
        "city_unit": "zrzy",
        "applicant_digest": case_no,
        "submitted_by": "xingguo.window",
        "received_at": START,
        "due_at": START,
        "process_id": "front-window",
    }
    with database.transaction() as session:
        session.add(build_case(**{**values, **changes}))


@contextmanager
def looking(database: Database) -> Iterator[Session]:
    """Yield a session for assertions."""
    with database.reading() as session:
        yield session
