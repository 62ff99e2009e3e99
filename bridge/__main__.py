"""Run the bridge: feed, relay, reconciler, retries of what the feed set aside, webhooks, the city library of
certificates, the audit chain's heads and, under a controlled clock, the clock keeper, in one process.

On PostgreSQL several bridges may run. They share leased work (the relay's commands, the webhooks' deliveries) and take
turns at work that one does for all (the reconciler's runs, retries). The feed, and the clock keeper that listens to it,
run in the bridge that has the port; the others stand by and take the port over as soon as that bridge is gone.

A part that fails ends the process with status 1; the supervisor starts it again, and everything resumes from
the database. SIGTERM lets requests and commands under way finish first.
"""

import asyncio
import contextlib
import errno
import signal
import sys
import time
from collections.abc import Callable
from functools import partial
from typing import TypeVar

import structlog
import uvloop

import models  # noqa: F401 - registers every table
from bridge import reconciler, set_aside
from bridge.clock import ClockKeeper
from bridge.export_lag import ExportLag
from bridge.exporter_endpoint import ExporterEndpoint
from bridge.feed import Feed
from bridge.feed_account import feed_account
from bridge.library import LibrarySender
from bridge.projection.hooks import Hooks, service_hooks
from bridge.projection.markers import Markers
from bridge.projection.projector import Projector
from bridge.relay import Relay
from bridge.snapshots import Snapshots
from bridge.unheard import Unheard
from bridge.webhooks import WebhookSender
from bridge.witness import Witness
from engine.errors import EngineUnreachable
from engine.gateway import Gateway
from engine.partitions import CALL_TIMEOUT_SECONDS, led_partitions, take_snapshot
from models.database import Database
from services import interpreter, locks
from services.heartbeats import FEED, RECONCILER, RELAY, Heartbeats
from services.logs import configure_logging
from services.witness import heads
from settings import Settings, get_settings

FLUSH_SECONDS = 2.0
"""How often the heartbeats are written; readers should allow for several of these."""
RELAY_RETRY_SECONDS = 5.0
"""How long the gateway repeats a refused command before the relay takes it back and waits itself."""
EXPORTERS_POLL_SECONDS = 5.0
"""How often the engine is asked how far it has processed and exported."""
LONGEST_PAUSE_SECONDS = 60.0
STANDBY_SECONDS = 0.25
"""How often a standby bridge checks whether the feed's port is free."""
RETRY_POLL_SECONDS = 0.5
"""How often to check whether an administrator wants a set-aside record projected again."""

log = structlog.get_logger(__name__)
T = TypeVar("T")


class Bridge:
    """The parts of the bridge over one database and one engine."""

    def __init__(self, settings: Settings, database: Database, gateway: Gateway, hooks: Hooks) -> None:
        self._database = database
        self._hooks = hooks
        self._beats = Heartbeats()
        markers = Markers()
        self._projector = Projector(hooks)
        self._feed = Feed(database, self._projector, markers)
        self._lag = ExportLag()
        self._unheard = Unheard(database)
        named = "zeebe_management_address" in settings.model_fields_set
        self._management_url = settings.zeebe_management_address if named else None
        self._snapshots = Snapshots(lambda: take_snapshot(settings.zeebe_management_address))
        self._controlled = settings.controlled_clock
        self._alone = settings.bridge_processes == 1
        self._positions_known = False
        self._endpoint = ExporterEndpoint(
            settings.feed_bind, self._feed.apply, account=feed_account(settings), has_taken=self._feed.has_taken
        )
        self._gateway = gateway
        self._relay = Relay(database, gateway, alive=lambda: self._beats.beat(RELAY))
        self._library = LibrarySender(database, settings)
        self._witness = Witness(database, heads.file_of(settings))
        self._clock: ClockKeeper | None = None
        if settings.controlled_clock:
            self._clock = ClockKeeper(database, gateway, markers, settings.zeebe_management_address)

    async def run(self, stop: asyncio.Event) -> None:
        """Run all parts until ``stop`` is set or one of them fails, which is raised."""
        log.info("bridge.started")
        parts = {
            asyncio.create_task(self._hold_feed(), name="feed"),
            asyncio.create_task(self._relay.run(), name="relay"),
            asyncio.create_task(self._write_heartbeats(), name="heartbeats"),
            asyncio.create_task(self._reconcile(), name="reconciler"),
            asyncio.create_task(self._probe_engine(), name="probe"),
            asyncio.create_task(self._retry_set_aside(), name="retries"),
            asyncio.create_task(WebhookSender(self._database).run(), name="webhooks"),
            asyncio.create_task(self._library.run(), name="city-library"),
            asyncio.create_task(self._witness.run(), name="witness"),
            asyncio.create_task(stop.wait(), name="stop"),
        }
        done, rest = await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.to_thread(self._endpoint.stop)
        self._relay.stop()
        for part in rest:
            if part.get_name() != "relay":
                part.cancel()
        await asyncio.gather(*rest, return_exceptions=True)
        with contextlib.suppress(Exception):
            await asyncio.to_thread(self._flush)
        await asyncio.to_thread(self._witness.look)
        for part in done:
            if part.get_name() != "stop":
                part.result()
                raise RuntimeError(f"{part.get_name()} ended by itself")
        log.info("bridge.stopped")

    async def _hold_feed(self) -> None:
        """Take the exporters' requests once no other bridge does, and run what depends on them."""
        while not self._listens():  # noqa: ASYNC110
            await asyncio.sleep(STANDBY_SECONDS)
        log.info("bridge.feed_taken", feed_port=self._endpoint.port)
        await asyncio.gather(self._probe_positions(), *([self._clock.run()] if self._clock is not None else []))

    def _listens(self) -> bool:
        """Listen for exporters; tell whether the port was free. For the only bridge a taken port is an error."""
        try:
            self._endpoint.start()
        except OSError as exc:
            if self._alone or exc.errno != errno.EADDRINUSE:
                raise
            return False
        return True

    async def _write_heartbeats(self) -> None:
        applied, since = 0, time.monotonic()
        while True:
            await asyncio.sleep(FLUSH_SECONDS)
            if self._endpoint.alive:
                now, refused_at = time.monotonic(), self._endpoint.refused_at
                self._beats.beat(
                    FEED,
                    positions=self._feed.positions(),
                    records_per_second=round((self._feed.applied - applied) / (now - since), 1),
                    error=self._endpoint.last_error,
                    lag_seconds=round(self._lag_seconds(), 1),
                    refused_at=refused_at.isoformat() if refused_at is not None else None,
                )
                applied, since = self._feed.applied, now
            try:
                await asyncio.to_thread(self._flush)
            except Exception:
                log.exception("bridge.heartbeat_failed")

    async def _probe_engine(self) -> None:
        """Ask the engine whether it leads its partitions and record the answer with the relay's heartbeat."""
        while True:
            try:
                reachable = bool((await self._gateway.topology()).led)
            except EngineUnreachable:
                reachable = False
            self._beats.beat(RELAY, engine=reachable)
            await asyncio.sleep(FLUSH_SECONDS)

    async def _probe_positions(self) -> None:
        """Note how far engine and exporters have come, and request a snapshot in time; without a configured port
        there is nothing to ask.

        A busy engine that cannot answer in time logs a stack trace, so it is then asked less often; one that is not
        there is asked as often as before, so that its return is noticed.
        """
        pause = EXPORTERS_POLL_SECONDS
        while (url := self._management_url) is not None:
            begun = time.monotonic()
            positions = await asyncio.to_thread(led_partitions, url)
            silent = positions is None and time.monotonic() - begun >= CALL_TIMEOUT_SECONDS
            self._positions_known = positions is not None
            self._lag.note(positions or {})
            self._unheard.note(positions or {}, begun)
            await asyncio.to_thread(self._snapshots.look, positions or {})
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS) if silent else EXPORTERS_POLL_SECONDS
            await asyncio.sleep(pause)
        await asyncio.Event().wait()

    def _lag_seconds(self) -> float:
        """Return how long records have been waiting, by the engine's positions, else by the age of arriving ones."""
        if self._positions_known:
            return self._lag.seconds()
        return 0.0 if self._controlled else self._feed.behind_seconds()

    async def _retry_set_aside(self) -> None:
        """Project again what an administrator asked for; while the database is away, try again later."""
        while True:
            try:
                if await asyncio.to_thread(set_aside.asked_for, self._database):
                    await asyncio.to_thread(self._in_turn, "set_aside", self._retry_asked_for)
            except Exception:
                log.exception("bridge.retry_failed")
            await asyncio.sleep(RETRY_POLL_SECONDS)

    def _retry_asked_for(self) -> None:
        for key in set_aside.asked_for(self._database):
            set_aside.retry(self._database, self._projector, key)

    def _in_turn(self, name: str, work: Callable[[], T]) -> T | None:
        """Do ``work`` and return what it returns, or None while another bridge does it."""
        with self._database.reading() as session:
            return work() if locks.try_acquire(session, f"bridge:{name}") else None

    def _flush(self) -> None:
        with self._database.transaction() as session:
            self._feed.write_positions(session)
            self._beats.write(session)

    async def _reconcile(self) -> None:
        while True:
            await asyncio.sleep(reconciler.INTERVAL_SECONDS)
            try:
                look = partial(reconciler.reconcile, self._database, self._hooks)
                findings = await asyncio.to_thread(self._in_turn, "reconciler", look)
                await asyncio.to_thread(self._unheard.look)
            except Exception:
                log.exception("reconciler.failed")
            else:
                if findings is not None:
                    self._beats.beat(RECONCILER, **findings.detail())


async def main() -> int:
    """Run the bridge the settings describe until SIGTERM or SIGINT; return the exit status."""
    settings = get_settings()
    database = Database(settings.effective_database_url)
    interpreter.tune()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    try:
        async with Gateway.from_settings(settings, retry_timeout=RELAY_RETRY_SECONDS) as gateway:
            await Bridge(settings, database, gateway, service_hooks()).run(stop)
    except Exception:
        log.exception("bridge.failed")
        return 1
    finally:
        database.dispose()
    return 0


if __name__ == "__main__":
    configure_logging("bridge")
    sys.exit(uvloop.run(main()))
