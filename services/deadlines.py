"""The dates a case owes: reckoned from its clock, written where lists and timers read them.

The clock itself is pure (``models/case_clock.py``); this module gathers its inputs, stores what it says on the case
and its open tasks, and tells the engine when a running ``deadline-watch`` must look again.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import update
from sqlmodel import Session, col, select

from catalog_data.guide import Guide
from models.case import Case, CaseState, LimitUnit
from models.case_clock import DEFAULT_YELLOW_SHARE, CaseClock, Pause, receipt_due, reckon
from models.protocol import Message
from models.special_procedure import Extension, SpecialProcedure
from models.task import NO_DUE, ClockShare, Task, TaskCandidate
from models.working_calendar import china_date, start_of_day
from services import calendar, catalogue, outbox, timeline
from services.clock import product_now

RECEIPT_LIMIT_DAYS = 5
"""Working days to accept, refuse or ask for a correction (行政许可法 art. 32)."""

ACCEPTANCE_YELLOW_DAYS = 1
"""Working days before the receipt limit's end at which the light turns yellow."""

NOTHING_AHEAD = timedelta(days=365)
"""How far ahead ``deadline-watch`` sleeps when nothing is left to signal; its timer may never be null."""

SHORTEST_SLEEP = timedelta(seconds=1)
"""A timer strictly in the future: one at or before the engine's now would spin."""


def set_receipt_deadline(session: Session, case: Case, received: datetime) -> datetime:
    """Set and return the end of the receipt limit that began with ``received``."""
    case.acceptance_due_at = receipt_due(received, calendar.calendar_of(session, case.area), RECEIPT_LIMIT_DAYS)
    session.add(case)
    return case.acceptance_due_at


def supplement_deadline(session: Session, case: Case, since: datetime, days: int) -> datetime:
    """Return the end of the time the applicant has to supply what was missing."""
    return receipt_due(since, calendar.calendar_of(session, case.area), days)


def fix_limits(session: Session, case: Case, defaults: dict[str, Any]) -> None:
    """Give an accepted case its limits: the guide's, else the decision table's defaults."""
    version = catalogue.guide_version(session, case.item_code, case.guide_version)
    guide = Guide.model_validate(version.body) if version is not None else None
    if guide is not None:
        case.limit_days, case.promised_days = guide.limits.statutory, guide.limits.promised
        case.limit_unit = LimitUnit(guide.limits.unit)
    else:
        case.limit_days = int(defaults["statutory"])
        case.promised_days = int(defaults["promised"])
        case.limit_unit = LimitUnit(defaults["unit"])
    refresh(session, case)


def case_clock(session: Session, case: Case, now: datetime, *, limit: int | None = None) -> CaseClock | None:
    """Reckon the case's clock as of ``now``, by default for the statutory limit; None before acceptance."""
    if case.accepted_at is None or case.limit_days is None:
        return None
    extension = session.exec(select(Extension).where(Extension.case_no == case.case_no)).first()
    extra = extension.days if extension is not None else 0
    ended = case.decided_at or case.closed_at
    return reckon(
        china_date(case.accepted_at),
        (case.limit_days if limit is None else limit) + extra,
        case.limit_unit,
        calendar.calendar_of(session, case.area),
        today=china_date(now),
        pauses=pauses_of(session, case),
        stopped=china_date(ended) if ended is not None else None,
        yellow_share=case.yellow_share or DEFAULT_YELLOW_SHARE,
    )


def pauses_of(session: Session, case: Case) -> Sequence[Pause]:
    """Return the spans in which the case's clock stands still."""
    procedures = session.exec(
        select(SpecialProcedure).where(SpecialProcedure.case_no == case.case_no).order_by("begun_at")
    ).all()
    return [
        Pause(
            china_date(one.begun_at),
            china_date(one.planned_end_at),
            china_date(one.ended_at) if one.ended_at is not None else None,
            f"特别程序：{one.kind.value}",
        )
        for one in procedures
    ]


def refresh(session: Session, case: Case) -> None:
    """Reckon the case anew and write its dates on it and its open tasks."""
    now = product_now(session)
    clock = case_clock(session, case, now)
    if clock is not None:
        promised = case_clock(session, case, now, limit=case.promised_days)
        case.due_at, case.warn_at = clock.due_at, clock.yellow_at
        case.promised_due_at = promised.due_at if promised is not None else None
        case.provisional = clock.provisional
        session.add(case)
    session.flush()
    for task in session.exec(select(Task).where(Task.case_no == case.case_no, col(Task.is_open))).all():
        apply_task_clock(session, task, case)


def announce_change(session: Session, case: Case) -> None:
    """Tell the running ``deadline-watch`` that the dates moved; each change is a message of its own."""
    case.clock_version += 1
    session.add(case)
    outbox.publish_message(
        session,
        Message.DEADLINE_CHANGED,
        stream=case.case_no,
        correlation_key=case.case_no,
        message_id=f"{case.case_no}:{case.clock_version}",
    )


def apply_task_clock(session: Session, task: Task, case: Case) -> None:
    """Write a task's item, area, due instant and warning from its case's clock."""
    task.case_no, task.item_name, task.area = case.case_no, case.item_name, case.area
    task.paused = False
    if task.clock is ClockShare.ACCEPTANCE:
        task.due_at = case.acceptance_due_at
        task.warn_at = _acceptance_warning(session, case)
    elif task.clock is not None:
        task.due_at, task.warn_at = case.due_at, case.warn_at
        task.paused = case.case_state is CaseState.SPECIAL_OPEN
    session.add(task)
    session.flush()
    session.exec(
        update(TaskCandidate).where(col(TaskCandidate.task_key) == task.key).values(due_at=task.due_at or NO_DUE)
    )


def _acceptance_warning(session: Session, case: Case) -> datetime | None:
    if case.acceptance_due_at is None:
        return None
    days, kinds = china_date(case.acceptance_due_at), calendar.calendar_of(session, case.area)
    left = ACCEPTANCE_YELLOW_DAYS
    while left > 0:
        days -= timedelta(days=1)
        left -= kinds.day(days).working
    return start_of_day(days)


def plan(session: Session, case_no: str, thresholds: dict[str, Any]) -> dict[str, Any]:
    """Return when ``deadline-watch`` must wake next: the yellow instant, the due instant, or far ahead."""
    case = session.get_one(Case, case_no)
    share = thresholds.get("yellowShare")
    if share is not None and case.yellow_share != float(share):
        case.yellow_share = float(share)
        refresh(session, case)
    now = product_now(session)
    ahead = [at for at in (case.warn_at, _overdue_at(case)) if at is not None and at > now]
    paused = case.case_state is CaseState.SPECIAL_OPEN
    wake = min(ahead) if ahead and not paused else now + NOTHING_AHEAD
    return {"nextWakeAt": max(wake, now + SHORTEST_SLEEP).isoformat(timespec="seconds")}


def signal(session: Session, case_no: str) -> None:
    """Record the warnings that have come due, each once and dated by its due instant."""
    case = session.get_one(Case, case_no)
    now = product_now(session)
    if not case.is_open or case.case_state is CaseState.SPECIAL_OPEN or case.decided_at is not None:
        return
    overdue_at = _overdue_at(case)
    if case.warn_at is not None and case.warn_at <= now:
        timeline.add(
            session,
            case_no,
            "deadline.yellow",
            f"黄牌：距法定期限{_day(case.due_at)}不多",
            actor=timeline.SYSTEM,
            at=case.warn_at,
            key=f"deadline.yellow:{_day(case.warn_at)}",
        )
    if overdue_at is not None and overdue_at <= now:
        timeline.add(
            session,
            case_no,
            "deadline.overdue",
            f"红牌：已超过法定期限{_day(case.due_at)}",
            actor=timeline.SYSTEM,
            at=overdue_at,
            key=f"deadline.overdue:{_day(case.due_at)}",
        )


def _overdue_at(case: Case) -> datetime | None:
    return case.due_at + timedelta(seconds=1) if case.due_at is not None else None


def _day(moment: datetime | None) -> date | None:
    return china_date(moment) if moment is not None else None
