"""Deployed processes and forms, with the names people see, whoever deployed them."""

import base64
from collections.abc import Iterable
from typing import Any

import structlog
from defusedxml.ElementTree import ParseError, fromstring
from sqlalchemy import update
from sqlmodel import Session, col, select

from bridge.projection.records import Record
from models.engine_state import ProcessDefinition
from models.model_files import read_form, read_process
from models.set_aside import SetAsideRecord, Settlement
from models.task import FormVersion
from models.upsert import upsert
from services.clock import machine_now

BPMN = "{http://www.omg.org/spec/BPMN/20100524/MODEL}"
_DEFINITION = ProcessDefinition.__table__  # type: ignore[attr-defined]
_SET_ASIDE = SetAsideRecord.__table__  # type: ignore[attr-defined]
log = structlog.get_logger(__name__)


class Definitions:
    """Applies ``PROCESS`` and ``FORM`` and remembers element names, which never change for a definition
    key."""

    def __init__(self) -> None:
        self._names: dict[int, dict[str, str]] = {}

    def apply_processes(self, session: Session, records: Iterable[Record]) -> None:
        """Apply ``PROCESS`` records: keep a version's XML and its elements' names, and note when it is deleted."""
        for record in records:
            value = record.value
            if record.intent == "CREATED":
                row = _definition(record)
                self._names.pop(row["key"], None)
                upsert(session, ProcessDefinition, [row])
                _settle_older(session, "PROCESS", row["process_id"], row["key"])
                log.info("process.deployed", process_id=row["process_id"], version=row["version"])
            elif record.intent in ("DELETING", "DELETED"):
                # From DELETING on no instance starts; DELETED may have to wait for the last one that runs.
                known = (_DEFINITION.c.key == value["processDefinitionKey"]) & _DEFINITION.c.deleted_at.is_(None)
                session.connection().execute(update(_DEFINITION).where(known).values(deleted_at=record.at))
                log.warning("process.deleted", process_id=value["bpmnProcessId"], version=value["version"])

    def apply_forms(self, session: Session, records: Iterable[Record]) -> None:
        """Apply ``FORM CREATED``: keep the schema a task's form key points to.

        A deleted form is kept: open tasks refer to it.
        """
        rows = [
            {
                "form_key": record.value["formKey"],
                "form_id": record.value["formId"],
                "version": record.value["version"],
                "definition": read_form(base64.b64decode(record.value["resource"])),
            }
            for record in records
            if record.intent == "CREATED"
        ]
        for row in rows:
            log.info("form.deployed", form_id=row["form_id"], version=row["version"])
        upsert(session, FormVersion, rows)
        for row in rows:
            _settle_older(session, "FORM", row["form_id"], row["form_key"])

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
    content = base64.b64decode(value["resource"])
    xml = read_process(content)
    name, names = element_names(content, value["bpmnProcessId"])
    return {
        "key": value["processDefinitionKey"],
        "process_id": value["bpmnProcessId"],
        "version": value["version"],
        "name": name,
        "resource_name": value["resourceName"],
        "checksum": value["checksum"],
        "xml": xml,
        "element_names": names,
        "deployed_at": record.at,
    }


def _settle_older(session: Session, value_type: str, name: str, key: int) -> None:
    """Close the records of older versions that could not be read: the engine uses this one from now on."""
    older = (_SET_ASIDE.c.value_type == value_type) & (_SET_ASIDE.c.name == name) & (_SET_ASIDE.c.subject_key < key)
    change = update(_SET_ASIDE).where(older, _SET_ASIDE.c.settled_at.is_(None))
    session.connection().execute(change.values(settled_at=machine_now(), settlement=Settlement.REPLACED))
