"""A snapshot is asked for by what a crash would repeat, not by how long the engine has run."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from bridge.snapshots import PAUSE_SECONDS, REPEATED_RECORDS, Snapshots
from engine.partitions import Positions, led_partitions, take_snapshot

MUCH = REPEATED_RECORDS + 1


class Engine:
    """One partition, a clock moved by hand, and an engine that may not hear."""

    def __init__(self) -> None:
        self.now = 0.0
        self.hears = True
        self.asked = 0
        self.keeper = Snapshots(self._take, clock=lambda: self.now)

    def _take(self) -> bool:
        self.asked += self.hears
        return self.hears

    def look(self, processed: int, exported: int, snapshot_processed: int = 0, snapshot_exported: int = 0) -> bool:
        return self.keeper.look({1: Positions(processed, exported, snapshot_processed, snapshot_exported)})


@pytest.fixture
def engine() -> Engine:
    return Engine()


def test_an_engine_with_little_behind_it_is_left_alone(engine: Engine) -> None:
    assert not engine.look(REPEATED_RECORDS, REPEATED_RECORDS)
    assert not engine.keeper.look({})


def test_after_a_recovery_it_is_asked_at_once_and_again_when_the_exporters_have_caught_up(engine: Engine) -> None:
    assert engine.look(MUCH, 0)
    engine.now += PAUSE_SECONDS
    assert not engine.look(MUCH, 10, snapshot_processed=MUCH)
    assert engine.look(MUCH, MUCH, snapshot_processed=MUCH, snapshot_exported=0)
    engine.now += PAUSE_SECONDS
    assert not engine.look(MUCH, MUCH, snapshot_processed=MUCH, snapshot_exported=MUCH)


def test_under_load_it_is_asked_no_oftener_than_the_pause_however_often_it_crashes(engine: Engine) -> None:
    looks = [(engine.look(MUCH * (second + 1), 0), second) for second in _seconds(engine, 95)]
    assert [second for asked, second in looks if asked] == [0, 30, 60, 90]


def _seconds(engine: Engine, count: int) -> Iterator[int]:
    for second in range(count):
        engine.now = float(second)
        yield second


def test_an_engine_that_did_not_hear_is_asked_at_the_next_look(engine: Engine) -> None:
    engine.hears = False
    assert not engine.look(MUCH, 0)
    engine.hears = True
    assert engine.look(MUCH, 0)
    assert engine.asked == 1


@pytest.fixture
def port() -> Iterator[tuple[str, list[str], dict[str, object]]]:
    """Serve a management port that tells ``status`` and notes what it is asked."""
    asked: list[str] = []
    status: dict[str, object] = {}

    class Port(BaseHTTPRequestHandler):
        def answer(self) -> None:
            asked.append(f"{self.command} {self.path}")
            body = json.dumps(status).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = answer  # noqa: N815
        do_POST = answer  # noqa: N815

        def log_message(self, *_: object) -> None:
            """Keep the tests' output to what fails."""

    server = HTTPServer(("127.0.0.1", 0), Port)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", asked, status
    server.shutdown()
    server.server_close()


LED = {"role": "LEADER", "processedPosition": 900, "exportedPosition": 850}


def test_a_snapshots_name_tells_what_is_in_it(port: tuple[str, list[str], dict[str, object]]) -> None:
    url, _, status = port
    status |= {
        "1": {**LED, "snapshotId": "77-2-500-400"},
        "2": {**LED, "snapshotId": "77-2-500-400-0-a1b2", "streamProcessorPhase": "PROCESSING"},
        "3": {**LED, "snapshotId": None, "exportedPosition": -1, "streamProcessorPhase": "REPLAY"},
        "4": {**LED, "role": "FOLLOWER"},
    }
    assert led_partitions(url) == {
        1: Positions(900, 850, 500, 400),
        2: Positions(900, 850, 500, 400, processing=True),
        3: Positions(900, 0, 0, 0),
    }
    assert Positions(900, 850, 500, 400).repeated_after_a_crash == 450


def test_a_snapshot_is_asked_for_at_the_management_port(port: tuple[str, list[str], dict[str, object]]) -> None:
    url, asked, _ = port
    assert take_snapshot(url)
    assert asked == ["POST /actuator/partitions/takeSnapshot"]


def test_nobody_there_hears_nothing() -> None:
    assert not take_snapshot("http://127.0.0.1:1")
    assert led_partitions("http://127.0.0.1:1") is None
