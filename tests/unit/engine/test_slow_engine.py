"""A slow engine is asked less often and waited for; one that ends, refuses or stands still is not."""

import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from engine import embedded
from engine.embedded import EngineConfig, EnginePorts, EngineProcess
from engine.errors import EngineClockError, EngineClockRefused, EngineStartError
from engine.exporters import FeedAccount
from engine.spawn import spawn

PROCESSING = {"1": {"role": "LEADER", "streamProcessorPhase": "PROCESSING"}}
PAUSED = {"1": {"role": "LEADER", "streamProcessorPhase": "PAUSED"}}
OFFSET_MS = 3_600_000


@dataclass
class Management:
    """The management port of an engine: what it answers to the n-th request of a path, and what it was asked."""

    answers: dict[str, Callable[[int], tuple[int, Any] | None]]
    asked: list[str] = field(default_factory=list)
    offset_ms: int = 0

    def answer(self, path: str, body: dict[str, Any]) -> tuple[int, Any] | None:
        """Return status and body, or None for no answer at all."""
        self.asked.append(path)
        if path in self.answers:
            return self.answers[path](self.asked.count(path))
        if path == "/actuator/clock/add":
            self.offset_ms += body["offsetMilli"]
        return 200, {"epochMilli": time.time_ns() // 1_000_000 + self.offset_ms}


@pytest.fixture
def serve() -> Iterator[Callable[[Management], int]]:
    servers: list[tuple[ThreadingHTTPServer, threading.Event]] = []

    def start(management: Management) -> int:
        ended = threading.Event()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                length = int(self.headers.get("content-length") or 0)
                found = management.answer(self.path, json.loads(self.rfile.read(length) or b"{}"))
                if found is None:
                    ended.wait(30)
                    return
                content = json.dumps(found[1]).encode()
                self.send_response(found[0])
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_POST = do_GET  # noqa: N815 - the name the library looks for.

            def log_message(self, *_arguments: object) -> None:
                return

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        servers.append((server, ended))
        return int(server.server_address[1])

    yield start
    for server, ended in servers:
        ended.set()
        server.shutdown()
        server.server_close()


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Callable[..., EngineProcess]]:
    running: list[EngineProcess] = []

    def start(port: int, code: str = "import time; time.sleep(60)") -> EngineProcess:
        config = EngineConfig(
            version="8.5.8",
            distribution=tmp_path,
            data_dir=tmp_path / "data",
            log_dir=tmp_path,
            ports=EnginePorts(1, 2, 3, 4, port),
            feed_address="127.0.0.1:5",
            feed_account=FeedAccount("feed", "secret"),
            controlled_clock=True,
        )
        process = spawn([sys.executable, "-c", code], env=dict(os.environ), log_path=config.output_path, cwd=tmp_path)
        running.append(EngineProcess(config, process))
        return running[-1]

    yield start
    for one in running:
        one.kill()


def test_an_engine_that_does_not_answer_for_long_is_asked_ever_less_often_and_then_processes(
    serve: Callable[[Management], int], engine: Callable[..., EngineProcess], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "FIRST_ANSWER_SECONDS", 0.2)

    def resume(time_asked: int) -> tuple[int, Any] | None:
        return None if time_asked < 4 else (200, PAUSED if time_asked < 6 else PROCESSING)

    management = Management(
        {
            embedded.READINESS_PATH: lambda n: (503, {}) if n < 4 else (200, {}),
            "/actuator/partitions/resumeProcessing": resume,
        }
    )
    started = engine(serve(management))
    begun = time.monotonic()
    started.settle(lambda: OFFSET_MS)
    # Three unanswered requests of 0.2, 0.4 and 0.8 seconds; at a fixed 0.2 it would have been over sooner.
    assert time.monotonic() - begun > 1.4
    assert management.asked.count("/actuator/partitions/resumeProcessing") >= 6
    assert abs(management.offset_ms - OFFSET_MS) < 1000
    assert started.is_alive()


def test_the_clock_is_not_touched_once_the_engine_may_process(
    serve: Callable[[Management], int], engine: Callable[..., EngineProcess]
) -> None:
    management = Management(
        {
            embedded.READINESS_PATH: lambda _: (200, {}),
            "/actuator/partitions/resumeProcessing": lambda n: (503, {}) if n < 3 else (200, PROCESSING),
        }
    )
    engine(serve(management)).settle(lambda: OFFSET_MS)
    first = management.asked.index("/actuator/partitions/resumeProcessing")
    assert not any("clock" in path for path in management.asked[first:])


def test_a_database_that_is_busy_is_asked_again_for_the_products_time(
    serve: Callable[[Management], int], engine: Callable[..., EngineProcess]
) -> None:
    management = Management(
        {
            embedded.READINESS_PATH: lambda _: (200, {}),
            "/actuator/partitions/resumeProcessing": lambda _: (200, PROCESSING),
        }
    )
    asked: list[int] = []

    def offset() -> int:
        asked.append(1)
        if len(asked) < 3:
            raise EngineClockError("busy")
        return OFFSET_MS

    engine(serve(management)).settle(offset)
    assert abs(management.offset_ms - OFFSET_MS) < 1000


def test_an_engine_whose_clock_cannot_be_moved_is_not_asked_again(
    serve: Callable[[Management], int], engine: Callable[..., EngineProcess]
) -> None:
    management = Management({embedded.READINESS_PATH: lambda _: (200, {}), "/actuator/clock": lambda _: (404, {})})
    with pytest.raises(EngineClockRefused, match="404"):
        engine(serve(management)).settle(lambda: OFFSET_MS)
    assert management.asked.count("/actuator/clock") == 1


def test_an_engine_that_ends_is_told_by_its_exit_status(
    serve: Callable[[Management], int], engine: Callable[..., EngineProcess]
) -> None:
    management = Management({embedded.READINESS_PATH: lambda _: (503, {})})
    with pytest.raises(EngineStartError, match="退出码 7"):
        engine(serve(management), "raise SystemExit(7)").settle(lambda: OFFSET_MS)


def test_an_engine_that_stands_still_is_given_up(
    serve: Callable[[Management], int], engine: Callable[..., EngineProcess], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "STILL_SECONDS", 0.0)
    management = Management({embedded.READINESS_PATH: lambda _: (503, {})})
    with pytest.raises(EngineStartError, match="没有任何进展"):
        engine(serve(management)).wait_ready()


def test_an_engine_that_writes_its_log_is_waited_for_however_long_it_takes(
    serve: Callable[[Management], int], engine: Callable[..., EngineProcess], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "STILL_SECONDS", 0.0)

    def work(time_asked: int) -> tuple[int, Any]:
        with started.config.log_path.open("a") as log:
            log.write("replaying\n")
        return (503, {}) if time_asked < 20 else (200, {})

    management = Management({embedded.READINESS_PATH: work})
    started = engine(serve(management))
    started.wait_ready()
    assert management.asked.count(embedded.READINESS_PATH) >= 20
