"""A real engine under a controlled clock with the bridge beside it, on models of these tests' own."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest
from pyzeebe import Job, ZeebeTaskRouter
from sqlmodel import Session

from engine.channel import open_channel
from engine.deploy import deploy_directory
from engine.distribution import fetch_zeebe
from engine.embedded import EngineConfig, EnginePorts, EngineProcess, start_embedded
from engine.exporters import FeedAccount
from engine.gateway import Gateway
from models.case import Case
from models.catalogue import Mode
from models.clock_state import ClockState
from models.database import Database
from services.clock import CLOCK_ROW, machine_now
from settings import PROJECT_ROOT
from tests.databases import Databases, new
from tests.factories.cases import build_case
from workers import runtime

MODELS = Path(__file__).parent / "models"
T = TypeVar("T")


def free_ports(count: int) -> list[int]:
    """Return ports nobody listens on now."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


@dataclass
class Stack:
    """The engine, the database and the bridge's process of one run."""

    config: EngineConfig
    engine: EngineProcess
    database: Database
    bridge: subprocess.Popen[bytes] | None = None
    jobs: list[tuple[str, int, datetime]] = field(default_factory=list)
    """What the tests' own handlers did: element, instance, product time."""

    def environment(self) -> dict[str, str]:
        """Return the environment of a process of the product beside this engine."""
        return {
            **os.environ,
            "PYTHONPATH": str(PROJECT_ROOT),
            "DATABASE_URL": self.database.url,
            "TONGQUAN_STATE_DIR": str(self.config.log_dir.parent),
            "ZEEBE_ADDRESS": self.config.gateway_address,
            "ZEEBE_REST_ADDRESS": self.config.rest_address,
            "TONGQUAN_ZEEBE_MANAGEMENT_ADDRESS": self.config.management_address,
            "FEED_BIND": self.config.feed_address,
            "TONGQUAN_FEED_USERNAME": self.config.feed_account.username,
            "TONGQUAN_FEED_PASSWORD": self.config.feed_account.password,
            "TONGQUAN_CONTROLLED_CLOCK": "true",
        }

    def start_bridge(self) -> None:
        """Start ``python -m bridge``; its log goes beside the engine's."""
        with (self.config.log_dir / "bridge.log").open("ab") as log:
            self.bridge = subprocess.Popen(
                [sys.executable, "-m", "bridge"], env=self.environment(), cwd=PROJECT_ROOT, stdout=log, stderr=log
            )

    def stop_bridge(self, number: int = signal.SIGTERM) -> int:
        """Send the bridge a signal and return its exit status."""
        assert self.bridge is not None
        self.bridge.send_signal(number)
        status = self.bridge.wait(20)
        self.bridge = None
        return status

    def call(self, use: Callable[[Gateway], Coroutine[Any, Any, T]]) -> T:
        """Use a gateway of one's own for one exchange."""

        async def exchange() -> T:
            async with Gateway(self.config.gateway_address, self.config.rest_address) as gateway:
                return await use(gateway)

        return asyncio.run(exchange())

    def publish(self, name: str, case_no: str, **variables: Any) -> None:
        """Publish a start message for a case."""
        self.call(
            lambda gateway: gateway.publish_message(
                name,
                case_no,
                variables={"caseId": case_no, **variables},
                time_to_live_ms=60_000,
                message_id=case_no,
            )
        )

    def look(self, query: Callable[[Session], T]) -> T:
        """Ask the database; rows returned keep their values."""
        with self.database.reading() as session:
            found = query(session)
            session.expunge_all()
            return found

    def add_case(self, case_no: str, **changes: Any) -> None:
        """Insert an open case with the least a projection needs."""
        with self.database.transaction() as session:
            session.add(a_case(case_no, **changes))


def a_case(case_no: str, **changes: Any) -> Case:
    """Return an open case that no service made."""
    now = datetime.now(UTC)
    values: dict[str, Any] = {
        "case_no": case_no,
        "query_code": "Q",
        "item_code": "W-01",
        "item_version": 1,
        "guide_version": 1,
        "item_name": "测试事项",
        "mode": Mode.WINDOW,
        "power_kind": "license",
        "power_type": "行政许可",
        "area": "xingguo",
        "city_unit": "zrzy",
        "applicant_digest": case_no,
        "submitted_by": "xingguo.window",
        "received_at": now,
        "due_at": now + timedelta(days=20),
        "process_id": "front-window",
    }
    return build_case(**{**values, **changes})


@pytest.fixture(scope="session")
def stack(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Start engine and bridge, deploy the tests' models, and work the tests' jobs."""
    folder = tmp_path_factory.mktemp("stack")
    *engine_ports, feed_port = free_ports(6)
    config = EngineConfig(
        version="8.5.8",
        distribution=fetch_zeebe("8.5.8"),
        data_dir=folder / "engine",
        log_dir=folder / "logs",
        ports=EnginePorts(*engine_ports),
        feed_address=f"127.0.0.1:{feed_port}",
        feed_account=FeedAccount("tongquan-feed", "only this instance knows it"),
        controlled_clock=True,
    )
    with new(databases, folder) as database:
        with database.transaction() as session:
            session.add(ClockState(id=CLOCK_ROW, controlled=True, offset_ms=0))
        running = Stack(config, start_embedded(config), database)
        try:
            running.start_bridge()
            running.call(lambda gateway: deploy_directory(gateway, MODELS))
            with HandlerThread(running):
                yield running
            running.stop_bridge()
        finally:
            if running.bridge is not None:
                running.bridge.kill()
                running.bridge.wait()
            running.engine.stop()


class HandlerThread:
    """The product's worker runtime with handlers of these tests, on a thread of its own."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run)
        self._ready = threading.Event()

    def __enter__(self) -> None:
        self._thread.start()
        assert self._ready.wait(10)

    def __exit__(self, *_error: object) -> None:
        asyncio.run_coroutine_threadsafe(self._worker.drain(), self._loop).result(20)
        self._thread.join(20)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._work())
        self._loop.run_until_complete(self._loop.shutdown_default_executor())
        self._loop.close()

    async def _work(self) -> None:
        channel = open_channel(self._stack.config.gateway_address)
        self._worker = runtime.Worker(channel)
        self._worker.include_router(_router(self._stack))
        self._ready.set()
        await self._worker.work()
        await self._worker.drain()
        await channel.close()


def _router(stack: Stack) -> ZeebeTaskRouter:
    router = ZeebeTaskRouter()

    def note(job: Job) -> dict[str, object]:
        offset = stack.look(lambda session: session.get_one(ClockState, CLOCK_ROW).offset_ms)
        at = machine_now() + timedelta(milliseconds=offset)
        stack.jobs.append((job.element_id, job.process_instance_key, at))
        return {}

    for job_type in ("bridge-register", "bridge-late", "bridge-note"):
        router.task(task_type=job_type, timeout_ms=runtime.JOB_TIMEOUT_MS)(note)
    return router
