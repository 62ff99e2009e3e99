"""The relay: send what the outbox holds to the engine, in order within a stream, in parallel across streams.

Only the oldest pending command of a stream is ever taken; the next follows when that one is sent or given up.
Each command may reach the engine twice (a relay can die between sending and marking): messages carry an id
the engine refuses the second time, and completing a task twice meets a task that is gone.

On SQLite there is one relay, which remembers what it is sending. On PostgreSQL a command is leased by moving
its ``available_at``, in one statement that skips rows another relay holds, so that several relays may run and
a dead relay's commands come back when the lease ends. No transaction is open while the engine is called.

While the engine is out of reach one command at a time probes whether it is back: a recovering engine writes a stack
trace for each it cannot take, which slows it down. Each probe is another command, so that one the engine never takes
does not keep the others waiting.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar

import structlog
from sqlalchemy import Integer, bindparam, func, select, update
from sqlmodel import Session

from engine.errors import CommandRejected, EngineUnreachable, IncidentGone, InstanceGone, TaskGone
from engine.gateway import Gateway
from models.database import Database
from models.outbox import OutboxCommand, OutboxKind, OutboxStatus
from models.task import Task, TaskStatus
from services.clock import machine_now

MAX_CONCURRENT = 64
CLAIM_BATCH = 256
POLL_BUSY_SECONDS = 0.025
POLL_IDLE_SECONDS = 0.025
WATCH_SECONDS = 0.004
"""How often an idle relay on SQLite asks whether any other connection has committed; each time takes microseconds."""
WATCH_POLL_SECONDS = 0.25
"""How long it may go without looking at the outbox itself, where commands in back-off come due."""
LEASE = timedelta(seconds=60)
"""Longer than a command can take with all the gateway's own repetitions."""
MAX_ATTEMPTS = 8
"""Refusals of the command itself; an engine out of reach does not count."""
FIRST_BACKOFF = timedelta(milliseconds=500)
MAX_BACKOFF = timedelta(minutes=1)
UNREACHABLE_PAUSE_SECONDS = 1.0
TASK_GONE_RECHECK = timedelta(milliseconds=200)
"""How soon to look again whether the feed has said what became of a task."""
RETRIES_AFTER_INCIDENT = 3
OUTBOX = OutboxCommand.__table__  # type: ignore[attr-defined]

log = structlog.get_logger(__name__)
T = TypeVar("T")


@dataclass(frozen=True)
class Command:
    """One command taken from the outbox."""

    id: int
    kind: OutboxKind
    stream: str
    payload: dict[str, Any]
    attempts: int


@dataclass(frozen=True)
class Outcome:
    """What became of a command: the row's new status, when to try again, and why."""

    id: int
    status: OutboxStatus
    available_at: datetime
    attempts: int
    last_error: str | None = None


class CommitWatch:
    """Tells whether another connection has written to an SQLite database, without reading any of it."""

    def __init__(self, path: str) -> None:
        self._connection = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
        self._seen = -1

    def changed(self) -> bool:
        """Tell whether there was a commit since the last call; a database that is busy counts as changed."""
        try:
            [version] = self._connection.execute("PRAGMA data_version").fetchone()
        except sqlite3.OperationalError:
            return True
        changed, self._seen = bool(version != self._seen), version
        return changed

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


class Relay:
    """Send commands until stopped."""

    def __init__(self, database: Database, gateway: Gateway, *, alive: Callable[[], None] = lambda: None) -> None:
        self._database = database
        self._gateway = gateway
        self._alive = alive
        self._leases = database.engine.dialect.name != "sqlite"
        self._watch = None if self._leases else CommitWatch(str(database.engine.url.database))
        self._threads = ThreadPoolExecutor(1, thread_name_prefix="relay-db")
        self._in_flight: dict[str, asyncio.Task[None]] = {}
        self._outcomes: list[tuple[str, Outcome]] = []
        self._finished = asyncio.Event()
        self._stopping = asyncio.Event()
        self._paused_until = 0.0
        self._reachable = True
        self.sent = 0

    def stop(self) -> None:
        """Take no further commands; :meth:`run` returns when those under way are marked."""
        self._stopping.set()
        self._finished.set()

    async def run(self) -> None:
        """Relay commands until :meth:`stop`."""
        marker = asyncio.create_task(self._mark_finished())
        try:
            while not self._stopping.is_set() and not marker.done():
                taken = await self._take()
                self._alive()
                for command in taken:
                    self._in_flight[command.stream] = asyncio.create_task(self._deliver(command))
                await self._until_next(busy=bool(taken or self._in_flight))
            await asyncio.gather(*self._in_flight.values(), return_exceptions=True)
        finally:
            self.stop()
            await marker
            self._threads.shutdown(wait=False)
            if self._watch is not None:
                self._watch.close()

    async def _until_next(self, *, busy: bool) -> None:
        """Wait until the outbox is worth another look."""
        if busy or self._watch is None:
            await self._pause(POLL_BUSY_SECONDS if busy else POLL_IDLE_SECONDS)
            return
        loop = asyncio.get_running_loop()
        latest = loop.time() + WATCH_POLL_SECONDS
        while not (self._stopping.is_set() or self._watch.changed() or loop.time() > latest):  # noqa: ASYNC110
            await asyncio.sleep(WATCH_SECONDS)

    async def _pause(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._stopping.wait(), seconds)
        except TimeoutError:
            return

    async def _take(self) -> list[Command]:
        """Take the oldest due command of each stream that has none under way."""
        room = self._room()
        if room <= 0 or asyncio.get_running_loop().time() < self._paused_until:
            return []
        due = await self._on_database(self._claim if self._leases else self._read_due)
        return [command for command in due if command.stream not in self._in_flight][:room]

    def _room(self) -> int:
        return (MAX_CONCURRENT if self._reachable else 1) - len(self._in_flight)

    def _read_due(self) -> list[Command]:
        with self._database.reading() as session:
            if not _anything_due(session):
                return []
            rows = session.connection().execute(_DUE_HEADS, {"now": machine_now(), "most": CLAIM_BATCH})
            return [_command(row) for row in rows]

    def _claim(self) -> list[Command]:
        with self._database.reading() as session:
            if not _anything_due(session):
                return []
        room = max(1, self._room())
        with self._database.transaction() as session:
            now = machine_now()
            ids = list(session.connection().execute(_FREE_HEADS, {"now": now, "most": room}).scalars())
            if not ids:
                return []
            rows = session.connection().execute(
                update(OUTBOX).where(OUTBOX.c.id.in_(ids)).values(available_at=now + LEASE).returning(*_COLUMNS)
            )
            return sorted((_command(row) for row in rows), key=lambda command: command.id)

    async def _deliver(self, command: Command) -> None:
        try:
            outcome = await self._outcome(command)
        except Exception as exc:
            log.exception("outbox.delivery_failed", outbox_id=command.id, kind=command.kind.value)
            outcome = _refused(command, f"{type(exc).__name__}")
        self._outcomes.append((command.stream, outcome))
        self._finished.set()

    async def _outcome(self, command: Command) -> Outcome:
        try:
            await self._send(command)
        except EngineUnreachable as exc:
            loop = asyncio.get_running_loop()
            if loop.time() >= self._paused_until:
                log.warning("relay.engine_unreachable", error=exc.message)
            self._paused_until = loop.time() + UNREACHABLE_PAUSE_SECONDS
            self._reachable = False
            return _later(command, timedelta(0), exc.message)
        except CommandRejected as exc:
            self._reachable = True
            return await self._rejected(command, exc)
        self._reachable = True
        return _sent(command)

    async def _rejected(self, command: Command, exc: CommandRejected) -> Outcome:
        if isinstance(exc, TaskGone):
            return await self._task_gone(command, exc)
        if isinstance(exc, InstanceGone | IncidentGone):
            return _sent(command, exc.message)
        return _refused(command, exc.message)

    async def _send(self, command: Command) -> None:
        payload = command.payload
        match command.kind:
            case OutboxKind.PUBLISH_MESSAGE:
                await self._gateway.publish_message(
                    payload["name"],
                    payload["correlation_key"],
                    variables=payload["variables"],
                    time_to_live_ms=payload["time_to_live_ms"],
                    message_id=payload["message_id"],
                )
            case OutboxKind.COMPLETE_USER_TASK:
                await self._gateway.complete_user_task(payload["key"], payload["variables"])
            case OutboxKind.ASSIGN_USER_TASK if payload["assignee"] is not None:
                await self._gateway.assign_user_task(payload["key"], payload["assignee"])
            case OutboxKind.ASSIGN_USER_TASK:
                await self._gateway.unassign_user_task(payload["key"])
            case OutboxKind.UPDATE_USER_TASK:
                await self._gateway.update_user_task(payload["key"], payload["candidate_groups"])
            case OutboxKind.SET_VARIABLES:
                await self._gateway.set_variables(payload["key"], payload["variables"])
            case OutboxKind.CANCEL_INSTANCE:
                await self._gateway.cancel_instance(payload["key"])
            case OutboxKind.MOVE_INSTANCE:
                await self._gateway.move_instance(
                    payload["key"],
                    activate=payload["activate"],
                    terminate=payload["terminate"],
                    variables=payload["variables"],
                )
            case OutboxKind.RETRY_INCIDENT:
                await self._retry_incident(payload["key"], payload["job_key"])

    async def _retry_incident(self, key: int, job_key: int | None) -> None:
        if job_key is not None:
            try:
                await self._gateway.update_retries(job_key, RETRIES_AFTER_INCIDENT)
            except IncidentGone:
                log.info("incident.job_gone", job_key=job_key)
        await self._gateway.resolve_incident(key)

    async def _task_gone(self, command: Command, exc: TaskGone) -> Outcome:
        """Leave a completion until the feed says whether it had been sent before or the task was
        cancelled."""
        if command.kind is not OutboxKind.COMPLETE_USER_TASK:
            return _sent(command, exc.message)
        status = await self._on_database(lambda: self._task_status(command.payload["key"]))
        if status in (TaskStatus.COMPLETED, TaskStatus.CANCELED):
            return _sent(command, None if status is TaskStatus.COMPLETED else "task canceled")
        return _later(command, TASK_GONE_RECHECK, exc.message)

    def _task_status(self, key: int) -> TaskStatus | None:
        with self._database.reading() as session:
            task = session.get(Task, key)
            return task.status if task is not None else None

    async def _mark_finished(self) -> None:
        """Write outcomes, all that have come together in one transaction, and free their streams."""
        while not self._stopping.is_set() or self._in_flight:
            await self._finished.wait()
            if not self._stopping.is_set():
                self._finished.clear()
            batch, self._outcomes = self._outcomes, []
            if not batch:
                await asyncio.sleep(POLL_BUSY_SECONDS)
                continue
            try:
                await self._on_database(partial(self._write, [outcome for _, outcome in batch]))
            except Exception:
                log.exception("relay.mark_failed", commands=len(batch))
                self._outcomes = batch + self._outcomes
                self._finished.set()
                await asyncio.sleep(UNREACHABLE_PAUSE_SECONDS)
                continue
            for stream, outcome in batch:
                self.sent += outcome.status is OutboxStatus.SENT
                self._in_flight.pop(stream, None)

    def _write(self, outcomes: Iterable[Outcome]) -> None:
        now = machine_now()
        rows = [
            {
                "outbox_id": outcome.id,
                "new_status": outcome.status,
                "new_available_at": outcome.available_at,
                "new_attempts": outcome.attempts,
                "new_error": outcome.last_error,
                "new_sent_at": now if outcome.status is OutboxStatus.SENT else None,
            }
            for outcome in outcomes
        ]
        with self._database.transaction() as session:
            session.connection().execute(_MARK, rows)

    async def _on_database(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)


_COLUMNS = (OUTBOX.c.id, OUTBOX.c.kind, OUTBOX.c.stream, OUTBOX.c.payload, OUTBOX.c.attempts)
_MARK = (
    update(OUTBOX)
    .where(OUTBOX.c.id == bindparam("outbox_id"))
    .values(
        status=bindparam("new_status"),
        available_at=bindparam("new_available_at"),
        attempts=bindparam("new_attempts"),
        last_error=bindparam("new_error"),
        sent_at=bindparam("new_sent_at"),
    )
)


_NOW = bindparam("now", type_=OUTBOX.c.available_at.type)
_ANY_DUE = select(OUTBOX.c.id).where(OUTBOX.c.status == OutboxStatus.PENDING, OUTBOX.c.available_at <= _NOW).limit(1)
_OLDEST = (
    select(func.min(OUTBOX.c.id).label("id"))
    .where(OUTBOX.c.status == OutboxStatus.PENDING)
    .group_by(OUTBOX.c.stream)
    .subquery()
)
_DUE_HEADS = (
    select(*_COLUMNS)
    .join(_OLDEST, _OLDEST.c.id == OUTBOX.c.id)
    .where(OUTBOX.c.available_at <= _NOW)
    .order_by(OUTBOX.c.available_at, OUTBOX.c.id)
    .limit(bindparam("most", type_=Integer))
)
"""The oldest pending command of each stream, where it is due; one put off a moment ago comes after the others."""

_FREE_HEADS = (
    select(OUTBOX.c.id)
    .where(OUTBOX.c.id.in_(select(_DUE_HEADS.with_only_columns(OUTBOX.c.id).subquery().c.id)))
    .where(OUTBOX.c.status == OutboxStatus.PENDING, OUTBOX.c.available_at <= _NOW)
    .with_for_update(skip_locked=True)
)
"""Those of them that no other relay holds."""


def _anything_due(session: Session) -> bool:
    """Look at one index entry, which is all an idle relay costs."""
    return session.connection().execute(_ANY_DUE, {"now": machine_now()}).first() is not None


def _command(row: Any) -> Command:
    return Command(row.id, row.kind, row.stream, row.payload, row.attempts)


def _sent(command: Command, note: str | None = None) -> Outcome:
    return Outcome(command.id, OutboxStatus.SENT, machine_now(), command.attempts, note)


def _later(command: Command, delay: timedelta, reason: str) -> Outcome:
    return Outcome(command.id, OutboxStatus.PENDING, machine_now() + delay, command.attempts, reason[:500])


def _refused(command: Command, reason: str) -> Outcome:
    attempts = command.attempts + 1
    if attempts >= MAX_ATTEMPTS:
        log.error("outbox.dead", outbox_id=command.id, kind=command.kind.value, error=reason)
        return Outcome(command.id, OutboxStatus.DEAD, machine_now(), attempts, reason[:500])
    delay = min(FIRST_BACKOFF * 2 ** (attempts - 1), MAX_BACKOFF)
    return Outcome(command.id, OutboxStatus.PENDING, machine_now() + delay, attempts, reason[:500])
