"""Rows that make an instance without an engine look ready: a heartbeat of everything, and every process deployed."""

from datetime import datetime
from typing import Any

from models.engine_state import Heartbeat, ProcessDefinition
from models.protocol import JobType
from services.health import shipped_processes
from tests.integration.web import NOW, Web


def beat_everywhere(web: Web, at: datetime, **missing: Any) -> None:
    components = ["feed", "relay", *(f"worker:{job_type}" for job_type in JobType)]
    with web.database.transaction() as session:
        for component in components:
            detail = {"engine": True} if component == "relay" else {}
            session.merge(Heartbeat(component=component, at=at, detail=detail))


def deploy_everything(web: Web) -> None:
    with web.database.transaction() as session:
        for key, process_id in enumerate(sorted(shipped_processes()), start=10):
            session.merge(
                ProcessDefinition(
                    key=key,
                    process_id=process_id,
                    version=1,
                    name=process_id,
                    resource_name=f"{process_id}.bpmn",
                    checksum="0",
                    xml="",
                    deployed_at=NOW,
                )
            )
