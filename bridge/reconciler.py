"""The reconciler: every few seconds, look for what should have happened and did not.

- An open case whose start message was sent a while ago, but of which the engine shows no instance, is
  started again under a new message id. Should both messages have made an instance, the first job lets one of
  them claim the case.
- A task, or a called instance, that was projected before its case was known gets its case.
- An incident of an uncaught error gets the element it belongs to.
- Of a question to an advisor that is past its days a reminder is sent: no process watches its limit.
- A case that a recall hands to the city and that is still with the county is handed over, and where the engine began no
  takeover it is asked again (``bridge/handovers.py``).
- An open case whose process instance was ended outside the product is reported as a deviation, and a deviation is
  settled once nothing remains to be done about it (``services/deviations``).
- Commands that are dead, or overdue, and tasks still without a case are counted for the administrators.
"""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

import structlog
from sqlalchemy import func
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, select

from bridge import handovers
from bridge.projection.hooks import Hooks
from bridge.projection.incidents import NO_CATCHER, name_uncaught_elements
from bridge.projection.instances import adopt
from models.case import Case
from models.database import Database
from models.engine_state import FeedPosition, Incident, InstanceState, ProcessInstance
from models.outbox import OutboxCommand, OutboxStatus
from models.protocol import START_TTL_MS
from models.task import Task
from services.cases import submission
from services.clock import machine_now, stored_offset_ms
from services.deviations import noticing
from services.guidance import consultations
from services.process_engine import outbox
from services.takeovers import handover

INTERVAL_SECONDS = 3.0
GRACE = timedelta(seconds=15)
"""How long a start may take when the feed has moved on since it was sent."""
QUIET_GRACE = timedelta(milliseconds=START_TTL_MS)
"""How long when the feed has said nothing since: it may be behind, or the engine idle."""
MAX_GRACE = timedelta(minutes=10)
STALE_AFTER = timedelta(minutes=1)
BATCH = 200

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Findings:
    """What one run found; the first eight were repaired or reported."""

    restarted: int = 0
    adopted: int = 0
    named: int = 0
    reminded: int = 0
    handed_over: int = 0
    repeated: int = 0
    deviations: int = 0
    settled: int = 0
    not_taken_over: int = 0
    unstarted: int = 0
    orphans: int = 0
    outbox_pending: int = 0
    outbox_stale: int = 0
    outbox_dead: int = 0

    def detail(self) -> dict[str, int]:
        """Return the figures for the heartbeat."""
        return asdict(self)


def reconcile(database: Database, hooks: Hooks) -> Findings:
    """Run once: one read and, where something is to be repaired, one short transaction."""
    now = machine_now()
    with database.reading() as session:
        lost = _lost_starts(session, now)
        orphans = _adoptable(session)
        nameless = _nameless(session)
        unanswered = consultations.overdue(session, BATCH)
        left_behind = handover.left_behind(session, BATCH)
        waiting = handovers.not_taken_over(session, BATCH)
        messages = handovers.lost(session, waiting, now, QUIET_GRACE)
        ended = noticing.ended_instances(session, BATCH)
        overcome = noticing.overcome(session, BATCH)
        figures = _figures(session, now) | {"not_taken_over": len(waiting) + len(left_behind)}
    restarted = adopted = named = 0
    if lost:
        with database.transaction() as session:
            restarted = sum(_restart(session, case_no, attempt) for case_no, attempt in lost)
    if orphans:
        with database.transaction() as session:
            adopted = adopt(session, orphans, hooks)
    if nameless:
        with database.transaction() as session:
            named = name_uncaught_elements(session)
    if unanswered:
        with database.transaction() as session:
            for question_id in unanswered:
                consultations.remind(session, question_id)
    handed_over = repeated = 0
    if left_behind or messages:
        with database.transaction() as session:
            handed_over = handovers.hand_over(session, left_behind)
            repeated = handovers.repeat(session, messages)
    if ended or overcome:
        with database.transaction() as session:
            for case_no in ended:
                noticing.tell_ended(session, case_no)
            for deviation_id in overcome:
                noticing.settle(session, deviation_id)
    return Findings(
        restarted=restarted,
        adopted=adopted,
        named=named,
        reminded=len(unanswered),
        handed_over=handed_over,
        repeated=repeated,
        deviations=len(ended),
        settled=len(overcome),
        **figures,
    )


def _lost_starts(session: Session, now: datetime) -> list[tuple[str, int]]:
    """Return cases whose start is lost, each with the number of the next attempt."""
    unclaimed = session.exec(
        select(Case).where(col(Case.is_open), col(Case.process_instance_key).is_(None)).limit(BATCH)
    ).all()
    if not unclaimed:
        return []
    heard = _feed_heard_at(session)
    started = _started(session, [case.case_no for case in unclaimed])
    lost = []
    for case in unclaimed:
        if case.case_no in started:
            continue
        message, _ = submission.START_MESSAGES[case.mode]
        attempt, last = outbox.last_attempt(session, message, case.case_no)
        if last is None:
            # Submission writes case and message in one transaction: without a row there was no start.
            lost.append((case.case_no, attempt))
        elif last.status is not OutboxStatus.PENDING:
            since = last.sent_at or last.available_at
            grace = GRACE if heard is not None and heard > since else QUIET_GRACE
            if now - since > min(grace * 2**attempt, MAX_GRACE):
                lost.append((case.case_no, attempt + 1))
    return lost


def _restart(session: Session, case_no: str, attempt: int) -> int:
    case = session.get(Case, case_no, with_for_update=True, populate_existing=True)
    if case is None or not case.is_open or case.process_instance_key is not None:
        return 0
    message, _ = submission.START_MESSAGES[case.mode]
    if outbox.is_queued(session, message, outbox.attempt_id(case_no, attempt)):
        return 0
    log.warning("case.start_repeated", case_no=case_no, attempt=attempt)
    submission.request_start(session, case, attempt)
    return 1


def _started(session: Session, case_nos: list[str]) -> set[str]:
    """Return those cases of which an instance that nobody called is running; a worker has yet to claim it.

    One that has ended lost the claim to an instance the engine has undone since (``bridge/unheard.py``).
    """
    rows = session.exec(
        select(ProcessInstance.case_no).where(
            col(ProcessInstance.case_no).in_(case_nos),
            col(ProcessInstance.parent_key).is_(None),
            ProcessInstance.state == InstanceState.ACTIVE,
        )
    )
    return {case_no for case_no in rows if case_no is not None}


def _feed_heard_at(session: Session) -> datetime | None:
    """Return the machine's time of the latest record the feed has stored."""
    latest = session.exec(select(FeedPosition).order_by(col(FeedPosition.record_at).desc())).first()
    if latest is None:
        return None
    return latest.record_at - timedelta(milliseconds=stored_offset_ms(session))


def _adoptable(session: Session) -> dict[int, str]:
    """Return instances with a case below which a task or a called instance waits for it."""
    parent, child = aliased(ProcessInstance), aliased(ProcessInstance)
    of_tasks = (
        select(col(parent.key), col(parent.case_no))
        .join(Task, col(Task.process_instance_key) == col(parent.key))
        .where(col(Task.case_no).is_(None), col(parent.case_no).is_not(None))
    )
    of_children = (
        select(col(parent.key), col(parent.case_no))
        .join(child, col(child.parent_key) == col(parent.key))
        .where(col(child.case_no).is_(None), col(parent.case_no).is_not(None))
    )
    rows = [row for query in (of_tasks, of_children) for row in session.exec(query.limit(BATCH))]
    return {key: case_no for key, case_no in rows if case_no is not None}


def _nameless(session: Session) -> bool:
    nameless = select(Incident.key).where(col(Incident.element_id) == NO_CATCHER, col(Incident.resolved_at).is_(None))
    return session.exec(nameless.limit(1)).first() is not None


def _figures(session: Session, now: datetime) -> dict[str, int]:
    pending = col(OutboxCommand.status) == OutboxStatus.PENDING
    count = func.count()
    return {
        "unstarted": session.exec(
            select(count).select_from(Case).where(col(Case.is_open), col(Case.process_instance_key).is_(None))
        ).one(),
        "orphans": session.exec(
            select(count).select_from(Task).where(col(Task.case_no).is_(None), col(Task.is_open))
        ).one(),
        "outbox_pending": session.exec(select(count).select_from(OutboxCommand).where(pending)).one(),
        "outbox_stale": session.exec(
            select(count).select_from(OutboxCommand).where(pending, col(OutboxCommand.created_at) < now - STALE_AFTER)
        ).one(),
        "outbox_dead": session.exec(
            select(count).select_from(OutboxCommand).where(col(OutboxCommand.status) == OutboxStatus.DEAD)
        ).one(),
    }
