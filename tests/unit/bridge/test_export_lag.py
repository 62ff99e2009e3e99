"""How far the exporters are behind, by positions: work that waits counts, rest does not."""

import time

import pytest

from bridge.export_lag import ExportLag
from bridge.feed import RECENT_SECONDS
from engine.partitions import Positions
from models.database import Database
from tests.factories.bridge_records import BASE_MS, Log, bulk, feed_over


class Watched:
    def __init__(self) -> None:
        self.now = 0.0
        self.lag = ExportLag(lambda: self.now)

    def at(self, seconds: float, processed: int, exported: int, partition: int = 1) -> float:
        self.now = seconds
        self.lag.note({partition: Positions(processed, exported)})
        return self.lag.seconds()


@pytest.fixture
def watched() -> Watched:
    return Watched()


def test_an_engine_at_rest_does_not_lag_however_long_nothing_happens(watched: Watched) -> None:
    assert [watched.at(seconds, 43, 44) for seconds in (0, 100, 10_000)] == [0, 0, 0]


def test_what_waits_is_counted_from_when_it_had_been_processed(watched: Watched) -> None:
    assert watched.at(0, 40, 44) == 0
    assert watched.at(10, 50, 44) == 0
    assert watched.at(30, 60, 44) == 20
    assert watched.at(40, 70, 55) == 10, "what was processed at 10 has gone, what was at 30 has not"
    assert watched.at(50, 70, 71) == 0


def test_progress_that_is_too_slow_is_a_lag_and_not_life(watched: Watched) -> None:
    lags = [watched.at(seconds, processed=seconds * 100, exported=seconds * 10) for seconds in range(0, 100, 10)]
    assert lags == sorted(lags)
    assert lags[-1] > 60


def test_each_partition_counts(watched: Watched) -> None:
    watched.at(0, 10, 11, partition=1)
    watched.at(0, 20, 11, partition=2)
    assert watched.at(30, 10, 11, partition=1) == 30


def test_without_positions_the_age_of_arriving_records_tells_and_silence_does_not(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed = feed_over(database)
    record = Log().task("CREATED", 20, 10)
    record.timestamp_ms = BASE_MS - 86_400_000 * 365
    feed.apply(bulk(record))
    assert feed.behind_seconds() > 86_400
    started = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: started + RECENT_SECONDS + 1)
    assert feed.behind_seconds() == 0
