"""Deployed processes and forms, with the names people see, whoever deployed them."""

import base64
from collections.abc import Iterable
from typing import Any

import orjson
import structlog
from defusedxml.ElementTree import ParseError, fromstring
from sqlmodel import Session, col, select

from bridge.projection.records import Record
from models.engine_state import ProcessDefinition
from models.task import FormVersion
from models.upsert import upsert

BPMN = "{http://www.omg.org/spec/BPMN/20100524/MODEL}"
log = structlog.get_logger(__name__)


class Definitions:
    """Applies ``PROCESS`` and ``FORM`` and remembers element names, which never change for a definition
    key."""

    def __init__(self) -> None:
        self._names: dict[int, dict[str, str]] = {}

    def apply_processes(self, session: Session, records: Iterable[Record]) -> None:
        """Apply ``PROCESS CREATED``: keep the version's XML and its elements' names."""
        rows = [_definition(record) for record in records if record.intent == "CREATED"]
        for row in rows:
            self._names.pop(row["key"], None)
            log.info("process.deployed", process_id=row["process_id"], version=row["version"])
        upsert(session, ProcessDefinition, rows)

    def apply_forms(self, session: Session, records: Iterable[Record]) -> None:
        """Apply ``FORM CREATED``: keep the schema a task's form key points to."""
        rows = [
            {
                "form_key": record.value["formKey"],
                "form_id": record.value["formId"],
                "version": record.value["version"],
                "definition": orjson.loads(base64.b64decode(record.value["resource"])),
            }
            for record in records
            if record.intent == "CREATED"
        ]
        for row in rows:
            log.info("form.deployed", form_id=row["form_id"], version=row["version"])
        upsert(session, FormVersion, rows)

    def apply_deployments(self, _session: Session, records: Iterable[Record]) -> None:
        """Note a deployment; its processes and forms came as records of their own just before."""
        for record in records:
            if record.intent == "CREATED":
                log.info("deployment.seen", deployment_key=record.key)

    def name_of(self, session: Session, definition_key: int, element_id: str) -> str:
        """Return an element's name as modelled, or its id when it has none."""
        names = self._names.get(definition_key)
        if names is None:
            stored = session.exec(
                select(ProcessDefinition.element_names).where(col(ProcessDefinition.key) == definition_key)
            ).first()
            if stored is None:
                return element_id
            names = self._names[definition_key] = dict(stored)
        return names.get(element_id) or element_id


def element_names(xml: bytes, process_id: str) -> tuple[str, dict[str, str]]:
    """Return a process's name and the names of its elements, white space folded.

    A model the engine took but this parser refuses (an entity declaration, say) has no names; it must not
    stop the feed.
    """
    try:
        root = fromstring(xml)
    except (ParseError, ValueError) as exc:
        log.warning("process.unreadable", process_id=process_id, error=type(exc).__name__)
        return process_id, {}
    for process in root.iter(f"{BPMN}process"):
        if process.get("id") == process_id:
            pairs = ((element.get("id", ""), element.get("name", "")) for element in process.iter())
            names = {key: " ".join(name.split()) for key, name in pairs if key and name}
            return names.get(process_id, process_id), names
    return process_id, {}


def _definition(record: Record) -> dict[str, Any]:
    value = record.value
    xml = base64.b64decode(value["resource"])
    name, names = element_names(xml, value["bpmnProcessId"])
    return {
        "key": value["processDefinitionKey"],
        "process_id": value["bpmnProcessId"],
        "version": value["version"],
        "name": name,
        "resource_name": value["resourceName"],
        "checksum": value["checksum"],
        "xml": xml.decode(errors="replace"),
        "element_names": names,
        "deployed_at": record.at,
    }
