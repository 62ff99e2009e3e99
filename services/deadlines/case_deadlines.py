"""A case's deadlines: computed from its clock, and stored where lists and timers read them.

The clock itself is pure (``models/case_clock.py``) and its inputs are gathered (``clock_inputs``); this module stores
what it says in the case's deadlines (``models/case_deadlines.py``) and its open tasks, and tells the engine when a
running ``deadline-watch`` must look again.
"""

import math
from datetime import date, datetime
from typing import Any

from sqlalchemy import bindparam, update
from sqlmodel import Session, col, select

from models.case import Case, CaseState
from models.case_clock import (
    JUST_AFTER,
    CaseClock,
    LimitUnit,
    ReceiptClock,
    compute_clock,
    compute_receipt_clock,
    receipt_due,
    share_of,
)
from models.case_deadlines import DueDate
from models.catalogue import Mode
from models.protocol import CASE_ID, START_TTL_MS, Message
from models.task import NO_DUE, ClockShare, Task, TaskCandidate
from models.working_calendar import WorkingCalendar, china_date, end_of_day, start_of_day
from services.catalogue import reference
from services.clock import product_now
from services.deadlines.clock_inputs import ClockInputs, gather
from services.deadlines.working_calendar import calendar_of
from services.process_engine import outbox

RECEIPT_LIMIT_DAYS = 5
"""Working days to accept, refuse or ask for a correction (行政许可法 art. 32)."""

SUPPLEMENT_DAYS = 30
"""Working days an applicant has to supply what was missing [decision]; the law sets none."""

COUNTY_REVIEW_DAYS = 20
"""Working days a lower organ has for its review (行政许可法 art. 43)."""

USUAL_LIMIT_DAYS = 20
"""Working days to decide where nothing shorter or longer is announced (行政许可法 art. 42)."""

DELIVERY_DAYS = 10
"""Working days from the decision to its delivery (行政许可法 art. 44)."""

ACCEPTANCE_YELLOW_DAYS = 1
"""Working days before the receipt limit's end at which the light turns yellow."""


_OPEN_TASKS = select(Task).where(Task.case_no == bindparam("case_no"), col(Task.is_open))


def set_receipt_deadline(session: Session, case: Case, received: datetime) -> datetime:
    """Set and return the end of the receipt limit that began with ``received``."""
    due = _set_receipt_dates(case, received, calendar_of(session, case.area))
    session.add(case)
    return due


def fix_limits(session: Session, case: Case, defaults: dict[str, Any]) -> None:
    """Give an accepted case its limits: the guide's, else the decision table's defaults."""
    case.deadlines.settle_receipt()
    guide = reference.guide(session, case.item_code, case.guide_version)
    limits = guide.limits if guide is not None else None
    if limits is not None:
        case.limit_days, case.promised_days = limits.statutory, limits.promised
        case.limit_unit, case.handling = LimitUnit(limits.unit), limits.kind.value
        case.review_days, case.decision_days = limits.review or COUNTY_REVIEW_DAYS, limits.decision or limits.statutory
    else:
        case.limit_days = int(defaults["statutory"])
        case.promised_days = int(defaults["promised"])
        case.limit_unit = LimitUnit(defaults["unit"])
        case.handling = str(defaults["kind"])
        case.review_days, case.decision_days = COUNTY_REVIEW_DAYS, case.limit_days
    refresh(session, case)


def announced_limit(session: Session, case: Case) -> tuple[int | None, LimitUnit]:
    """Return the limit that will run once the case is accepted, as its guide announces it."""
    guide = reference.guide(session, case.item_code, case.guide_version)
    if case.limit_days is not None or guide is None or guide.limits is None:
        return case.limit_days, case.limit_unit
    return guide.limits.statutory, LimitUnit(guide.limits.unit)


def announced_handling(session: Session, case: Case) -> str:
    """Return 即办件 or 承诺件: as fixed at acceptance, before it as the item's guide announces it."""
    guide = reference.guide(session, case.item_code, case.guide_version)
    if case.limit_days is not None or guide is None or guide.limits is None:
        return case.handling
    return guide.limits.kind.value


def last_day_if_accepted(session: Session, case: Case, today: date) -> date:
    """Return the day on which the statutory limit would end if the case were accepted today."""
    limit, unit = announced_limit(session, case)
    return compute_clock(today, limit or USUAL_LIMIT_DAYS, unit, calendar_of(session, case.area), today=today).due_on


def case_clock(case: Case, inputs: ClockInputs, now: datetime) -> CaseClock | None:
    """Compute the case's clock for the statutory limit as of ``now``; None before acceptance."""
    if case.accepted_at is None or case.limit_days is None:
        return None
    return _clock(case, inputs, case.accepted_at, case.limit_days, now)


def receipt_clock(case: Case, inputs: ClockInputs, now: datetime) -> ReceiptClock:
    """Compute the case's receipt limit as of ``now``, every day explained."""

    answered = case.closed_at if case.accepted_at is None else case.accepted_at
    if case.deemed_accepted:
        answered = None
    return compute_receipt_clock(
        china_date(case.received_at),
        RECEIPT_LIMIT_DAYS,
        inputs.calendar,
        today=china_date(now),
        corrected=_day_of(case.correction_requested_at),
        supplied=_day_of(case.supplemented_at),
        answered=_day_of(answered),
    )


def refresh(session: Session, case: Case, inputs: ClockInputs | None = None) -> bool:
    """Recompute the case, write its dates and those of its open tasks, and tell whether a watched date moved."""
    before = case.deadlines.watched
    set_dates(case, inputs or gather(session, [case]).of(case), product_now(session))
    session.add(case)
    session.flush()
    for task in session.exec(_OPEN_TASKS, params={"case_no": case.case_no}).all():
        apply_task_clock(session, task, case)
    return case.deadlines.watched != before


def set_dates(case: Case, inputs: ClockInputs, now: datetime) -> None:
    """Write what the clocks say: the receipt's before acceptance, then the limits and the shares.

    From the decision on they are fixed; only its delivery is still due.
    """
    if case.accepted_at is None:
        _set_receipt_stage(case, inputs.calendar)
        return
    if case.decided_at is not None:
        due, guessed = _working_days_after(case.decided_at, DELIVERY_DAYS, inputs.calendar)
        case.deadlines.owe_delivery(due, provisional=guessed)
    if case.limit_days is None or case.decided_at is not None:
        return
    statutory = _clock(case, inputs, case.accepted_at, case.limit_days, now)
    promised = _clock(case, inputs, case.accepted_at, case.promised_days or case.limit_days, now)
    case.deadlines.set_limits(statutory, promised)
    if case.handled_as is Mode.SUBSTANTIVE:
        _set_shares(case, inputs, [promised, statutory], now)
        return
    if case.mode is Mode.SUBSTANTIVE:
        case.deadlines.clear_shares()
    _set_review_stage(case, [promised, statutory])


def start_receipt_monitor(session: Session, case: Case) -> None:
    """Start ``acceptance-watch`` for a case whose receipt limit has begun."""
    outbox.publish_message(
        session,
        Message.RECEIPT_BEGUN,
        stream=case.case_no,
        correlation_key=case.case_no,
        message_id=case.case_no,
        variables={CASE_ID: case.case_no},
        time_to_live_ms=START_TTL_MS,
    )


def stop_receipt_monitor(session: Session, case: Case) -> None:
    """End ``acceptance-watch``: the window has answered, or there is nothing left to answer; once per case."""
    if outbox.is_queued(session, Message.RECEIPT_CLOSED, case.case_no):
        return
    outbox.publish_message(
        session,
        Message.RECEIPT_CLOSED,
        stream=case.case_no,
        correlation_key=case.case_no,
        message_id=case.case_no,
    )


def announce_change(session: Session, case: Case) -> None:
    """Tell the running ``deadline-watch`` that the dates moved; each change is a message of its own."""
    case.deadlines.clock_version += 1
    session.add(case)
    outbox.publish_message(
        session,
        Message.DEADLINE_CHANGED,
        stream=case.case_no,
        correlation_key=case.case_no,
        message_id=f"{case.case_no}:{case.deadlines.clock_version}",
    )


def finalize(session: Session, case: Case) -> None:
    """Fix, at the decision, whether it came too late and by when it must be delivered."""
    if case.decided_at is None:
        return
    due = case.deadlines.due_at
    if due is not None and case.decided_at > due:
        case.overdue_at = case.overdue_at or due + JUST_AFTER
    refresh(session, case)
    announce_change(session, case)


def recompute(session: Session, case: Case) -> None:
    """Recompute the case after something it depends on happened, and wake the watch if a date moved."""
    if refresh(session, case):
        announce_change(session, case)


def apply_task_clock(session: Session, task: Task, case: Case) -> None:
    """Write a task's item, area, due instant and warning from its case's clock."""
    due_before = task.due_at
    task.case_no, task.item_name, task.area = case.case_no, case.item_name, case.area
    if task.clock is not None:
        task.due_at, task.warn_at, task.provisional = share_dates(case, task.clock)
    task.paused = task.clock in (ClockShare.REVIEW, ClockShare.DECISION) and case.case_state is CaseState.SPECIAL_OPEN
    session.add(task)
    if task in session.new or task.due_at == due_before:
        # A task that is not written yet has no candidates; they are written with its due instant.
        return
    session.flush()
    session.exec(
        update(TaskCandidate).where(col(TaskCandidate.task_key) == task.key).values(due_at=task.due_at or NO_DUE)
    )


def share_dates(case: Case, share: ClockShare) -> tuple[datetime | None, datetime | None, bool]:
    """Return the due and the warning instant of one share of the case's clock, and whether they are provisional.

    ``direct`` and ``window`` have one clock from acceptance; ``substantive`` has the county's share, and the city's
    from the dossier's receipt, neither ever beyond the promised date.
    """
    owed = case.deadlines
    if share is ClockShare.ACCEPTANCE:
        return owed.acceptance_due_at, owed.acceptance_warn_at, owed.is_provisional(DueDate.ACCEPTANCE)
    if share is ClockShare.DELIVERY:
        return owed.delivery_due_at, None, owed.is_provisional(DueDate.DELIVERY)
    if case.handled_as is not Mode.SUBSTANTIVE:
        return owed.due_at, owed.warn_at, owed.is_provisional(DueDate.STATUTORY)
    if share is ClockShare.REVIEW:
        return owed.review_due_at, owed.review_warn_at, owed.is_provisional(DueDate.REVIEW)
    if owed.decision_due_at is not None:
        return owed.decision_due_at, owed.decision_warn_at, owed.is_provisional(DueDate.DECISION)
    due, guessed = owed.first_limit
    return due, owed.warn_at, guessed


def _set_receipt_stage(case: Case, kinds: WorkingCalendar) -> None:
    if case.case_state is CaseState.CORRECTION_OPEN and case.correction_requested_at is not None:
        due, guessed = _working_days_after(case.correction_requested_at, SUPPLEMENT_DAYS, kinds)
        case.deadlines.owe_supplement(due, provisional=guessed)
    elif case.deadlines.acceptance_due_at is not None:
        _set_receipt_dates(case, case.supplemented_at or case.received_at, kinds)


def _set_receipt_dates(case: Case, received: datetime, kinds: WorkingCalendar) -> datetime:
    due, guessed = _working_days_after(received, RECEIPT_LIMIT_DAYS, kinds)
    warn = start_of_day(kinds.subtract_working_days(china_date(due), ACCEPTANCE_YELLOW_DAYS))
    case.deadlines.owe_answer(due, warn, provisional=guessed)
    return due


def _working_days_after(since: datetime, days: int, kinds: WorkingCalendar) -> tuple[datetime, bool]:
    """Return the end of a limit of so many working days after ``since``, and whether it is provisional."""
    due = receipt_due(since, kinds, days)
    return due, kinds.provisional_until(china_date(since), china_date(due))


def _set_shares(case: Case, inputs: ClockInputs, bounds: list[CaseClock], now: datetime) -> None:
    accepted = case.accepted_at or case.received_at
    threshold = float(case.deadlines.thresholds.get("stageShare") or 1)
    own = _clock(case, inputs, accepted, case.review_days or COUNTY_REVIEW_DAYS, now, county=True)
    before_the_city = _clock(case, inputs, accepted, _days_before_the_city(case), now, extended=False)
    review = _first([own, before_the_city])
    late = int(case.deadlines.thresholds.get("lateForwardingDays") or 0)
    late_at = None
    if late > 0:
        late_on = _clock(case, inputs, accepted, late, now, county=True).due_on
        late_at = start_of_day(min(late_on, review.due_on))
    case.deadlines.set_review_share(review, overrun_at=_overrun(review, threshold), forwarding_late_at=late_at)
    if inputs.dossier_received is None:
        case.deadlines.clear_decision_share()
        return
    own = _clock(case, inputs, inputs.dossier_received, case.decision_days or case.limit_days or 0, now)
    decision = _first([own, *bounds])
    case.deadlines.set_decision_share(decision, overrun_at=_overrun(decision, threshold))


def _days_before_the_city(case: Case) -> int:
    """Return how much of the promised limit is the county's: what the city's own days leave, at least one.

    The city's are those its guide names. Where these would take the whole limit, or none are named, they are a third
    of it, rounded up [decision]: a dossier that comes on the last day leaves nobody time to decide.
    """
    limit = case.limit_days or 0
    whole = min(case.promised_days or limit, limit)
    named = case.decision_days or limit
    return max(1, whole - (named if named < whole else math.ceil(whole / 3)))


def _set_review_stage(case: Case, bounds: list[CaseClock]) -> None:
    """Set when the review should be over under a single clock, where ``stageShare`` is below the whole."""
    share = float(case.deadlines.thresholds.get("stageShare") or 1)
    case.deadlines.review_overrun_at = _overrun(_first(bounds), share) if share < 1 else None


def _clock(
    case: Case,
    inputs: ClockInputs,
    since: datetime,
    limit: int,
    now: datetime,
    *,
    county: bool = False,
    extended: bool = True,
) -> CaseClock:
    """Compute a limit from ``since``; the county's share is in working days, and no extension lengthens it."""
    ended = case.decided_at or case.closed_at
    thresholds = case.deadlines.thresholds
    share, days = thresholds.get("yellowShare"), thresholds.get("yellowDays")
    return compute_clock(
        china_date(since),
        limit,
        LimitUnit.WORKING_DAY if county else case.limit_unit,
        inputs.calendar,
        today=china_date(now),
        pauses=inputs.pauses,
        stopped=china_date(ended) if ended is not None else None,
        extension=inputs.extension_days if extended and not county else 0,
        **({"yellow_share": float(share)} if share is not None else {}),
        yellow_days=int(days or 0),
    )


def _first(clocks: list[CaseClock]) -> CaseClock:
    return min(clocks, key=lambda clock: clock.due_on)


def _overrun(clock: CaseClock, share: float) -> datetime:
    return end_of_day(clock.counted_on(share_of(clock.limit, share))) + JUST_AFTER


def _day_of(moment: datetime | None) -> date | None:
    return china_date(moment) if moment is not None else None
