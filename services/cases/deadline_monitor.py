"""Effects of the deadline watches: plan the next wake-up, raise the signals that are due, end overdue stages.

A signal is recorded once, dated by its due instant, however late the worker ran; with it go the reminders (催办) and
the supervision (督办), and where a limit ends a stage, the message that moves the process on.
"""

from datetime import datetime, timedelta
from typing import Any, Final

from sqlmodel import Session, col, select

from models.case import Case, CaseState
from models.catalogue import Mode
from models.deadline_signal import DeadlineSignal, SignalKind, signals_of
from models.group import Group, Role
from models.notification import NotificationKind
from models.protocol import START_TTL_MS, Message
from models.special_procedure import SpecialProcedure
from models.task import ClockShare, Task
from models.working_calendar import ONE_DAY, china_date, start_of_day
from services.cases import conditional_acceptance
from services.clock import product_now
from services.deadlines import case_deadlines
from services.journal import task_outcomes, timeline
from services.notifications import inbox
from services.process_engine import outbox
from services.process_engine.timers import timer_text

NOTHING_AHEAD = timedelta(days=365)
"""How far ahead the watch sleeps when nothing is left to signal; its timer may never be null."""

RETRY_SHARE = 10
"""A signal that could not be carried out is tried again after a tenth of the time since it came due."""

SIGNAL_TEXTS: Final = {
    SignalKind.ACCEPTANCE_WARNING: "黄牌：受理期限将于{day}届满，请作出受理答复",
    SignalKind.ACCEPTANCE_OVERDUE: "红牌：受理期限已于{day}届满而未告知，视为受理",
    SignalKind.SUPPLEMENT_OVERDUE: "补正期限已于{day}届满，申请人未补正",
    SignalKind.YELLOW: "黄牌：法定期限将于{day}届满",
    SignalKind.OVERDUE: "红牌：已超过法定期限{day}",
    SignalKind.PROMISE_BROKEN: "已超过承诺期限{day}",
    SignalKind.REVIEW_OVERDUE: "环节超时：县级审核期限{day}已到",
    SignalKind.DECISION_OVERDUE: "环节超时：市级决定期限{day}已到",
    SignalKind.FORWARDING_LATE: "迟转报：县级尚未转报审核转报件",
    SignalKind.TOLERANCE_WARNING: "容缺材料应于{day}前补齐",
    SignalKind.TOLERANCE_OVERDUE: "容缺材料逾期未补齐（{day}）",
    SignalKind.DELIVERY_OVERDUE: "决定应于{day}前送达，尚未送达",
}

STAGE_OF_ONE_CLOCK: Final = "环节超时：审查应于{day}前完成"
"""The stage overrun of a review that has no limit of its own."""

SUPERVISED: Final = frozenset(
    {
        SignalKind.ACCEPTANCE_OVERDUE,
        SignalKind.OVERDUE,
        SignalKind.PROMISE_BROKEN,
        SignalKind.REVIEW_OVERDUE,
        SignalKind.DECISION_OVERDUE,
        SignalKind.FORWARDING_LATE,
        SignalKind.DELIVERY_OVERDUE,
    }
)
"""Signals that go to the supervisor and the coordinator too (督办)."""


def plan(session: Session, case_no: str, thresholds: dict[str, Any] | None) -> dict[str, Any]:
    """Carry out what is due, and return when to wake next: at a signal, a day of an overrun pause, or far ahead.

    ``thresholds`` is the row of ``warning-thresholds``; None asks for ``acceptance-watch``. A null instant ends the
    watch: the receipt is over, or the decision was taken and nothing is left to signal.
    """
    case = session.get_one(Case, case_no)
    receipt = thresholds is None
    if not case.is_open or (receipt and case.accepted_at is not None):
        return {"nextWakeAt": None}
    if thresholds is not None and case.deadlines.thresholds != thresholds:
        case.deadlines.thresholds = dict(thresholds)
    case_deadlines.refresh(session, case)
    now = product_now(session)
    _carry_out_due(session, case, now)
    signals = _signals(session, case, now)
    known = timeline.recorded(session, case_no, [one.natural_key for one in signals])
    instants = [_wake(one, now) for one in signals if one.natural_key not in known]
    if case.is_open and case.case_state is CaseState.SPECIAL_OPEN:
        instants.append(_next_day_of_pause(session, case, now))
    elif not case.is_open or (not instants and (receipt or case.decided_at is not None)):
        return {"nextWakeAt": None}
    wake = min(instants, default=now + NOTHING_AHEAD)
    return {"nextWakeAt": timer_text(wake, now)}


def signal(session: Session, case_no: str) -> None:
    """Carry out every signal that has come due and was not yet."""
    case = session.get_one(Case, case_no)
    case_deadlines.refresh(session, case)
    _carry_out_due(session, case, product_now(session))


def _carry_out_due(session: Session, case: Case, now: datetime) -> None:
    for one in sorted(_signals(session, case, now), key=lambda found: found.at):
        if one.at <= now and case.is_open and not timeline.has(session, case.case_no, one.natural_key):
            _carry_out(session, case, one)


def _signals(session: Session, case: Case, now: datetime) -> list[DeadlineSignal]:
    """Return the case's signals, except the stage overrun of a review that ended in time under a single clock."""
    found = signals_of(case)
    come = [one for one in found if one.kind is SignalKind.REVIEW_OVERDUE and one.at <= now]
    if not come or case.handled_as is Mode.SUBSTANTIVE or _is_asked(session, case, ClockShare.REVIEW):
        return found
    return [one for one in found if one not in come]


def _carry_out(session: Session, case: Case, one: DeadlineSignal) -> None:
    if not _take_effect(session, case, one):
        return
    one_clock = one.kind is SignalKind.REVIEW_OVERDUE and case.handled_as is not Mode.SUBSTANTIVE
    text = (STAGE_OF_ONE_CLOCK if one_clock else SIGNAL_TEXTS[one.kind]).format(day=china_date(one.due))
    timeline.append(
        session,
        case.case_no,
        f"deadline.{one.kind.value}",
        text,
        actor=timeline.SYSTEM,
        at=one.at,
        key=one.natural_key,
    )
    cause = inbox.Cause(one.kind.value, text, one.at, one.natural_key)
    inbox.notify(session, case, NotificationKind.REMINDER, _reminded(session, case, one.kind), cause)
    if one.kind in SUPERVISED:
        groups = inbox.supervising_groups(session, case)
        inbox.notify(session, case, NotificationKind.SUPERVISION, groups, cause)


def _take_effect(session: Session, case: Case, one: DeadlineSignal) -> bool:
    """Carry out what the end of a limit entails; False when an answer came first and there is nothing to signal."""
    match one.kind:
        case SignalKind.ACCEPTANCE_OVERDUE:
            return _end_stage(session, case, one, Message.ACCEPTANCE_OVERDUE, needs_task=True)
        case SignalKind.SUPPLEMENT_OVERDUE:
            return _end_stage(session, case, one, Message.SUPPLEMENT_OVERDUE, needs_task=False)
        case SignalKind.TOLERANCE_OVERDUE:
            return conditional_acceptance.lapse(session, case, one.due)
        case SignalKind.OVERDUE if _answered_in_time(session, case, one.due):
            return False
        case SignalKind.OVERDUE:
            case.overdue_at = case.overdue_at or one.at
            session.add(case)
    return True


def _answered_in_time(session: Session, case: Case, due: datetime) -> bool:
    """Tell whether the decision was given within the limit, though its job has not carried it out yet."""
    answer = task_outcomes.final(session, case.case_no)
    return answer is not None and answer.decided_at <= due


def _end_stage(session: Session, case: Case, one: DeadlineSignal, message: Message, *, needs_task: bool) -> bool:
    """Tell ``acceptance`` that a limit has ended; kept briefly, as its catcher is waiting already or never will."""
    if needs_task and not _is_asked(session, case, ClockShare.ACCEPTANCE):
        return False
    outbox.publish_message(
        session,
        message,
        stream=case.case_no,
        correlation_key=case.case_no,
        message_id=f"{case.case_no}:{message.value}:{china_date(one.due)}",
        time_to_live_ms=START_TTL_MS,
    )
    return True


def _is_asked(session: Session, case: Case, share: ClockShare) -> bool:
    query = select(Task.key).where(Task.case_no == case.case_no, Task.clock == share, col(Task.is_open))
    return session.exec(query).first() is not None


def _reminded(session: Session, case: Case, kind: SignalKind) -> list[str]:
    window = Group.of_area(case.area, Role.WINDOW).name
    match kind:
        case SignalKind.TOLERANCE_WARNING | SignalKind.TOLERANCE_OVERDUE | SignalKind.SUPPLEMENT_OVERDUE:
            return [window]
        case SignalKind.FORWARDING_LATE:
            return [*inbox.groups_at_work(session, case), Group.of_area(case.area, Role.CHIEF).name]
    return inbox.groups_at_work(session, case)


def _wake(one: DeadlineSignal, now: datetime) -> datetime:
    return one.at if one.at > now else now + (now - one.at) / RETRY_SHARE


def _next_day_of_pause(session: Session, case: Case, now: datetime) -> datetime:
    """Return the next instant at which a running special procedure moves the due day: past its plan, every day."""
    query = select(SpecialProcedure.planned_end_at).where(
        SpecialProcedure.case_no == case.case_no, col(SpecialProcedure.ended_at).is_(None)
    )
    planned = max((china_date(at) for at in session.exec(query).all()), default=china_date(now))
    return start_of_day(max(planned, china_date(now)) + ONE_DAY)
