"""Check that all it takes to bring a case from submission to decision is up, for ``/readyz`` and ``/metrics``.

The web reads only the database: the bridge and the workers write their heartbeats there, in machine time.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Final

from pydantic import BaseModel
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlmodel import Session, col, func, select

from models.case import Case
from models.catalogue import Area, GuideVersion, ItemVersion
from models.database import Database
from models.engine_state import (
    JOB_AT_WORK,
    ElementVisit,
    FeedPosition,
    Heartbeat,
    Incident,
    InstanceState,
    ProcessDefinition,
    ProcessInstance,
)
from models.group import AUDIT_ADMINISTRATOR
from models.notification import Notification
from models.outbox import OutboxCommand, OutboxStatus
from models.protocol import JobType
from models.task import Task
from models.webhook import DeliveryStatus, WebhookDelivery, WebhookEndpoint
from services.clock import machine_now, product_now
from services.heartbeats import FEED, RELAY, WORKER_PREFIX
from services.process_engine import set_aside
from services.witness import alarm
from settings import PROJECT_ROOT, Environment, Settings, get_settings

BRIDGE_FRESH_SECONDS: Final = 15.0
WORKER_FRESH_SECONDS: Final = 30.0
MODELS_FOLDER: Final = PROJECT_ROOT / "bpmn"


class Check(BaseModel):
    """The answer of one check, and why: what is missing when it is not ok, or a warning when it is."""

    ok: bool
    reason: str = ""


class Readiness(BaseModel):
    """All checks; ``failing`` names those that keep the product from being ready, ``warnings`` those that do not."""

    ready: bool
    mode: Environment
    failing: list[str]
    warnings: list[str]
    checks: dict[str, Check]


@dataclass(frozen=True)
class OperatingFigures:
    """The gauges of one scrape."""

    cases_by_state: dict[str, int]
    open_tasks: int
    open_incidents: int
    set_aside: int
    tampered_documents: int
    """Papers reported to the auditors as tampered with."""
    outbox_pending: int
    outbox_dead: int
    outbox_oldest_seconds: float
    """How long the oldest command that waits to be sent has waited, by the machine's clock; 0 when none waits."""
    webhooks_pending: int
    webhooks_dead: int
    """Given up, and worth sending again: those of an ended subscription are not counted."""
    oldest_job_seconds: float
    """Product time since the oldest unfinished automatic step without an incident began; 0 when there is none."""
    heartbeat_age_seconds: dict[str, float]
    feed_lag_seconds: dict[str, float]
    """By exporter, the product time since the newest record taken; it also grows while nothing happens."""
    feed_waiting_seconds: float | None
    """How long the engine's records have waited to arrive here, 0 at rest; None before the feed's first heartbeat."""
    checks: dict[str, bool]
    """Every check of ``/readyz`` and whether it passes."""


def readiness(database: Database) -> Readiness:
    """Run every check; without a database, those that need it fail."""
    try:
        with database.reading() as session:
            checks = _checks(session, machine_now())
    except SQLAlchemyError:
        checks = {"database": Check(ok=False, reason="数据库不可用")}
    failing = [name for name, check in checks.items() if not check.ok]
    warnings = [name for name, check in checks.items() if check.ok and check.reason]
    mode = get_settings().environment
    return Readiness(ready=not failing, mode=mode, failing=failing, warnings=warnings, checks=checks)


def operating_figures(session: Session, now: datetime) -> OperatingFigures:
    """Count what ``/metrics`` reports; ``now`` is the machine's time."""
    states = session.exec(select(Case.state, func.count()).group_by(col(Case.state))).all()
    waiting = dict(
        session.exec(
            select(OutboxCommand.status, func.count())
            .where(col(OutboxCommand.status) != OutboxStatus.SENT)
            .group_by(col(OutboxCommand.status))
        ).all()
    )
    oldest_command = session.exec(
        select(func.min(OutboxCommand.created_at)).where(col(OutboxCommand.status) == OutboxStatus.PENDING)
    ).one()
    deliveries = dict(
        session.exec(
            select(WebhookDelivery.status, func.count())
            .join(WebhookEndpoint, col(WebhookEndpoint.id) == col(WebhookDelivery.endpoint_id))
            .where(col(WebhookDelivery.status) != DeliveryStatus.DELIVERED, col(WebhookEndpoint.deleted_at).is_(None))
            .group_by(col(WebhookDelivery.status))
        ).all()
    )
    beats = session.exec(select(Heartbeat)).all()
    waiting_feed = next((beat.detail.get("lag_seconds") for beat in beats if beat.component == FEED), None)
    product_time = product_now(session)
    newest = session.exec(
        select(FeedPosition.exporter, func.max(FeedPosition.record_at)).group_by(FeedPosition.exporter)
    ).all()
    return OperatingFigures(
        cases_by_state={str(state): number for state, number in states},
        open_tasks=session.exec(select(func.count()).select_from(Task).where(col(Task.is_open))).one(),
        open_incidents=session.exec(
            select(func.count()).select_from(Incident).where(col(Incident.resolved_at).is_(None))
        ).one(),
        set_aside=set_aside.count(session),
        tampered_documents=session.exec(
            select(func.count())
            .select_from(Notification)
            .where(Notification.to_group == AUDIT_ADMINISTRATOR.name, Notification.signal == alarm.DOCUMENT_TAMPERED)
        ).one(),
        outbox_pending=waiting.get(OutboxStatus.PENDING, 0),
        outbox_dead=waiting.get(OutboxStatus.DEAD, 0),
        outbox_oldest_seconds=_since(oldest_command, now),
        webhooks_pending=deliveries.get(DeliveryStatus.PENDING, 0),
        webhooks_dead=deliveries.get(DeliveryStatus.DEAD, 0),
        oldest_job_seconds=_since(_oldest_job(session), product_time),
        heartbeat_age_seconds={beat.component: _age(beat, now) for beat in beats},
        feed_lag_seconds={
            exporter: max(0.0, (product_time - record_at).total_seconds()) for exporter, record_at in newest
        },
        feed_waiting_seconds=None if waiting_feed is None else float(waiting_feed),
        checks={name: check.ok for name, check in _checks(session, now).items()},
    )


def _oldest_job(session: Session) -> datetime | None:
    """Return when the oldest automatic step began that still waits for a worker.

    The history of elements only ever grows, so what waits has an index of its own (``ix_element_visit_job``), which a
    database takes where the condition is literal in the statement. A step with an incident is left out: that one
    waits for a person, and has a figure of its own.
    """
    has_incident = (
        select(Incident.key)
        .where(
            Incident.process_instance_key == ElementVisit.process_instance_key,
            Incident.element_instance_key == ElementVisit.key,
            col(Incident.resolved_at).is_(None),
        )
        .exists()
    )
    runs = (
        select(ProcessInstance.key)
        .where(ProcessInstance.key == ElementVisit.process_instance_key, ProcessInstance.state == InstanceState.ACTIVE)
        .exists()
    )
    return session.exec(select(func.min(ElementVisit.started_at)).where(text(JOB_AT_WORK), runs, ~has_incident)).one()


@lru_cache(maxsize=4)
def shipped_processes(folder: Path = MODELS_FOLDER) -> frozenset[str]:
    """Return the ids of the processes in ``bpmn/``: one executable process per file, of the same name."""
    return frozenset(path.stem for path in folder.glob("*.bpmn"))


def _checks(session: Session, now: datetime) -> dict[str, Check]:
    from services.setup import database_is_current

    if not database_is_current(session):
        return {"database": Check(ok=False, reason="数据库结构不是最新版本")}
    beats = {beat.component: beat for beat in session.exec(select(Heartbeat)).all()}
    return {
        "database": Check(ok=True),
        "mode": _mode(get_settings()),
        "catalogue": _catalogue(session),
        "processes": _processes(session),
        "engine": _engine(beats.get(RELAY), now),
        "feed": _feed(beats.get(FEED), now, get_settings().feed_lag_seconds),
        "set_aside": Check(ok=True, reason=set_aside.summary(session)),
        "relay": _fresh(beats.get(RELAY), now, BRIDGE_FRESH_SECONDS),
    } | {
        f"{WORKER_PREFIX}{job_type}": _fresh(beats.get(f"{WORKER_PREFIX}{job_type}"), now, WORKER_FRESH_SECONDS)
        for job_type in JobType
    }


def _mode(settings: Settings) -> Check:
    """Warn of published passwords that other machines reach; it does not make the site unready."""
    exposed = settings.exposed_demonstration
    return Check(ok=True, reason="演示环境对外开放：账号与口令是公开的，不得录入真实办件" if exposed else "")


def _catalogue(session: Session) -> Check:
    missing = [
        table.__name__
        for table in (Area, ItemVersion, GuideVersion)
        if session.exec(select(func.count()).select_from(table)).one() == 0
    ]
    return Check(ok=not missing, reason=_listed("尚未导入", missing))


def _processes(session: Session) -> Check:
    """Check that the engine has every process of ``bpmn/``: the three modes and what they call, directly or not."""
    known = set(session.exec(select(ProcessDefinition.process_id).distinct()).all())
    deployed = set(
        session.exec(
            select(ProcessDefinition.process_id).where(col(ProcessDefinition.deleted_at).is_(None)).distinct()
        ).all()
    )
    missing = shipped_processes() - deployed
    reasons = [
        _listed("已从引擎中删除，办件会停在调用它的环节，请运行 tongquan deploy", sorted(missing & known)),
        _listed("尚未部署", sorted(missing - known)),
    ]
    return Check(ok=not missing, reason="；".join(filter(None, reasons)))


def _feed(feed: Heartbeat | None, now: datetime, longest_lag: float) -> Check:
    """Check that what the engine does arrives here: a feed that is alive but takes in nothing fails."""
    fresh = _fresh(feed, now, BRIDGE_FRESH_SECONDS)
    if feed is None or not fresh.ok:
        return fresh
    if error := feed.detail.get("error"):
        return Check(ok=False, reason=f"引擎的记录最近一次没有写入成功，引擎会重复发送：{error}")
    lag = float(feed.detail.get("lag_seconds") or 0)
    if lag > longest_lag:
        return Check(ok=False, reason=f"引擎的记录滞后 {lag:.0f} 秒，任务和办件状态不是最新的")
    return Check(ok=True)


def _engine(relay: Heartbeat | None, now: datetime) -> Check:
    fresh = _fresh(relay, now, BRIDGE_FRESH_SECONDS)
    if relay is None or not fresh.ok:
        return Check(ok=False, reason="未知：中继无心跳")
    reachable = relay.detail.get("engine") is True
    return Check(ok=reachable, reason="" if reachable else "引擎不可达")


def _fresh(beat: Heartbeat | None, now: datetime, seconds: float) -> Check:
    if beat is None:
        return Check(ok=False, reason="尚无心跳")
    age = _age(beat, now)
    return Check(ok=age < seconds, reason="" if age < seconds else f"最近心跳在 {age:.0f} 秒前")


def _age(beat: Heartbeat, now: datetime) -> float:
    return max(0.0, (now - beat.at).total_seconds())


def _since(begun: datetime | None, now: datetime) -> float:
    return 0.0 if begun is None else max(0.0, (now - begun).total_seconds())


def _listed(label: str, names: Iterable[str]) -> str:
    joined = "、".join(names)
    return f"{label}：{joined}" if joined else ""
