"""Move the product's and the engine's clock forward together, stopping at every instant something is due.

A jump over several timers would let running jobs time out, and date everything that happens by the end of the
jump. So an advance first lets running work finish, then goes to the next due timer, lets what that sets off
finish, and so on to its target. The offset is stored before the engine is moved: after a restart in between
it is found in the database and the engine is aligned again.

Works with the embedded engine, which has one partition, under ``--controlled-clock``.
"""

import asyncio
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeVar

import structlog
from sqlalchemy import func
from sqlmodel import Session, col, select

from bridge.projection.markers import MARKER_MESSAGE, Markers
from engine import clock as engine_clock
from engine.errors import EngineClockError, EngineUnreachable
from engine.exporters import FEED_PREFIX, HISTORY_PREFIX
from engine.gateway import Gateway
from models.clock_state import AdvanceStatus, ClockAdvance, ClockState
from models.database import Database
from models.engine_state import EngineJob, EngineTimer
from models.outbox import OutboxCommand, OutboxStatus
from services.clock import CLOCK_ROW, machine_now, product_now

STALL_SECONDS = 60.0
"""How long nothing may change before an advance is given up."""
POLL_SECONDS = 0.1
SETTLE_POLL_SECONDS = 0.02
MARKER_WAIT_SECONDS = 5.0
"""How long to wait for a marker before publishing another (the engine may have been restarted)."""
MARKER_TTL_MS = 0
PAST_DUE = timedelta(milliseconds=1)
BOTH = frozenset({FEED_PREFIX, HISTORY_PREFIX})
ONE = frozenset({FEED_PREFIX})

log = structlog.get_logger(__name__)
T = TypeVar("T")


class AdvanceStalled(Exception):
    """An advance cannot go on; the message says what it waited for."""


class ClockKeeper:
    """Carry out requested advances, one after another."""

    def __init__(
        self,
        database: Database,
        gateway: Gateway,
        markers: Markers,
        management_url: str,
        *,
        stall_seconds: float = STALL_SECONDS,
    ) -> None:
        self._database = database
        self._gateway = gateway
        self._markers = markers
        self._management_url = management_url
        self._stall_seconds = stall_seconds

    async def run(self) -> None:
        """Look for requests until cancelled; one that was under way when the bridge stopped is resumed."""
        while True:
            request = await asyncio.to_thread(self._next_request)
            if request is None:
                await asyncio.sleep(POLL_SECONDS)
                continue
            try:
                await self._advance(request)
            except AdvanceStalled as exc:
                log.error("clock.advance_failed", advance_id=request, error=str(exc))
                await asyncio.to_thread(self._finish, request, AdvanceStatus.FAILED, str(exc))

    async def _advance(self, request: int) -> None:
        target = await asyncio.to_thread(self._fix_target, request)
        log.info("clock.advance_begun", advance_id=request, target=target.isoformat())
        await self._align()
        while True:
            await self._settle()
            stop = await asyncio.to_thread(self._next_stop, target)
            if stop is None:
                break
            await self._go_to(stop)
            await self._timers_fired()
        await self._go_to(target)
        await self._settle()
        await self._caught_up(BOTH)
        await asyncio.to_thread(self._finish, request, AdvanceStatus.DONE, None)
        log.info("clock.advance_done", advance_id=request)

    async def _go_to(self, moment: datetime) -> None:
        await asyncio.to_thread(self._store_offset, moment)
        await self._align()

    async def _align(self) -> None:
        """Bring the engine to the stored offset; an engine being restarted is waited for."""
        deadline = time.monotonic() + self._stall_seconds
        while True:
            offset = await asyncio.to_thread(self._offset)
            try:
                await asyncio.to_thread(engine_clock.align, self._management_url, offset)
                return
            except EngineClockError as exc:
                if time.monotonic() > deadline:
                    raise AdvanceStalled(f"引擎时钟无法拨动：{exc.message}") from exc
                await asyncio.sleep(0.5)

    async def _settle(self) -> None:
        """Wait until the feed has shown twice in a row that no command is waiting and no job is running."""
        watch = _Progress(self._stall_seconds)
        while True:
            await self._until_none(self._pending_commands, watch, "待发送的指令")
            await self._caught_up(ONE)
            commands, jobs = await asyncio.to_thread(self._work_left)
            if commands == 0 and jobs == 0:
                return
            watch.note((commands, jobs), f"{commands} 条指令、{jobs} 个作业尚未完成：{await self._waiting_for()}")
            await asyncio.sleep(SETTLE_POLL_SECONDS)

    async def _timers_fired(self) -> None:
        """Wait until every timer that is due is gone from the feed's list of open ones."""
        await self._until_none(self._due_timers, _Progress(self._stall_seconds), "到期的定时器")

    async def _until_none(self, count: Callable[[Session], int], watch: "_Progress", what: str) -> None:
        while (left := await asyncio.to_thread(self._read, count)) > 0:
            watch.note((what, left), f"{left} 个{what}没有动静")
            await asyncio.sleep(SETTLE_POLL_SECONDS)

    async def _caught_up(self, exporters: frozenset[str]) -> None:
        """Wait until a marker published now has come back through every one of ``exporters``."""
        deadline = time.monotonic() + self._stall_seconds
        while True:
            marker = self._markers.new()
            try:
                await self._gateway.publish_message(
                    MARKER_MESSAGE, marker, variables={}, time_to_live_ms=MARKER_TTL_MS, message_id=marker
                )
                if await asyncio.to_thread(self._markers.wait, marker, set(exporters), MARKER_WAIT_SECONDS):
                    return
            except EngineUnreachable as exc:
                log.info("clock.engine_unreachable", error=exc.message)
                await self._align()
            finally:
                self._markers.forget(marker)
            if time.monotonic() > deadline:
                raise AdvanceStalled(
                    f"引擎的记录在 {self._stall_seconds:.0f} 秒内没有送达：{'、'.join(sorted(exporters))}"
                )

    async def _waiting_for(self) -> str:
        def job_types(session: Session) -> str:
            rows = session.exec(
                select(EngineJob.job_type).where(col(EngineJob.has_incident).is_(False)).distinct().limit(5)
            )
            return "、".join(sorted(rows))

        return await asyncio.to_thread(self._read, job_types)

    def _read(self, query: Callable[[Session], T]) -> T:
        with self._database.reading() as session:
            return query(session)

    def _next_request(self) -> int | None:
        with self._database.reading() as session:
            return session.exec(
                select(ClockAdvance.id)
                .where(col(ClockAdvance.status) == AdvanceStatus.PENDING)
                .order_by(col(ClockAdvance.id))
            ).first()

    def _fix_target(self, request: int) -> datetime:
        with self._database.transaction() as session:
            advance = session.get_one(ClockAdvance, request)
            if advance.target_at is None:
                advance.target_at = product_now(session) + timedelta(milliseconds=round(advance.seconds * 1000))
            return advance.target_at

    def _finish(self, request: int, status: AdvanceStatus, error: str | None) -> None:
        with self._database.transaction() as session:
            advance = session.get_one(ClockAdvance, request)
            advance.status, advance.error, advance.finished_at = status, error, machine_now()

    def _store_offset(self, moment: datetime) -> None:
        """Move the product's clock to ``moment``; it never goes back, for instance when the target has
        passed."""
        with self._database.transaction() as session:
            state = session.get(ClockState, CLOCK_ROW, with_for_update=True)
            if state is None:
                state = ClockState(id=CLOCK_ROW, controlled=True)
            ahead = -((machine_now() - moment) // timedelta(milliseconds=1))
            state.offset_ms = max(state.offset_ms, ahead)
            session.add(state)

    def _offset(self) -> int:
        with self._database.reading() as session:
            state = session.get(ClockState, CLOCK_ROW)
            return state.offset_ms if state is not None else 0

    def _next_stop(self, target: datetime) -> datetime | None:
        """Return the next instant at or before ``target`` at which a timer is due."""
        with self._database.reading() as session:
            due = session.exec(
                select(EngineTimer.due_at).where(col(EngineTimer.due_at) <= target).order_by(col(EngineTimer.due_at))
            ).first()
            return due + PAST_DUE if due is not None else None

    @staticmethod
    def _due_timers(session: Session) -> int:
        return session.exec(
            select(func.count()).select_from(EngineTimer).where(col(EngineTimer.due_at) < product_now(session))
        ).one()

    @staticmethod
    def _pending_commands(session: Session) -> int:
        return session.exec(
            select(func.count()).select_from(OutboxCommand).where(col(OutboxCommand.status) == OutboxStatus.PENDING)
        ).one()

    def _work_left(self) -> tuple[int, int]:
        with self._database.reading() as session:
            jobs = session.exec(
                select(func.count()).select_from(EngineJob).where(col(EngineJob.has_incident).is_(False))
            ).one()
            return self._pending_commands(session), jobs


class _Progress:
    """Gives up when nothing has changed for too long."""

    def __init__(self, stall_seconds: float) -> None:
        self._stall_seconds = stall_seconds
        self._last: object = None
        self._since = time.monotonic()

    def note(self, seen: object, message: str) -> None:
        """Note what is left; raise :class:`AdvanceStalled` when it has not changed for the stall time."""
        now = time.monotonic()
        if seen != self._last:
            self._last, self._since = seen, now
        elif now - self._since > self._stall_seconds:
            raise AdvanceStalled(f"{self._stall_seconds:.0f} 秒内没有进展：{message}")
