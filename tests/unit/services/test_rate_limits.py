"""The moving windows of ``limits`` over the database."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from freezegun import freeze_time
from freezegun.api import FrozenDateTimeFactory
from sqlmodel import func, select

from models.database import Database
from models.rate_limit import RateHit
from services.rate_limits import RateLimits

NOW = datetime(2026, 9, 21, 1, tzinfo=UTC)


@pytest.fixture
def clock() -> Iterator[FrozenDateTimeFactory]:
    with freeze_time(NOW) as frozen:
        yield frozen


def noted(database: Database, rules: str, *who: str) -> bool:
    with database.transaction() as session:
        return RateLimits(session).note(rules, *who)


def wait(database: Database, rules: str, *who: str) -> int:
    with database.reading() as session:
        return RateLimits(session).wait(rules, *who)


def test_a_full_window_tells_how_long_until_its_oldest_entry_leaves(
    database: Database, clock: FrozenDateTimeFactory
) -> None:
    for _ in range(3):
        assert wait(database, "3/minute", "a") == 0
        assert noted(database, "3/minute", "a")
        clock.tick(10)
    assert wait(database, "3/minute", "a") == 30
    assert not noted(database, "3/minute", "a")
    clock.tick(timedelta(seconds=30))
    assert wait(database, "3/minute", "a") == 0
    assert noted(database, "3/minute", "a")
    assert wait(database, "3/minute", "a") == 10


def test_who_is_counted_apart_and_can_be_forgotten(database: Database, clock: FrozenDateTimeFactory) -> None:
    noted(database, "1/minute", "a", "b")
    assert wait(database, "1/minute", "a", "b") == 60
    assert wait(database, "1/minute", "a", "c") == 0
    with database.transaction() as session:
        RateLimits(session).clear("1/minute", "a", "b")
    assert wait(database, "1/minute", "a", "b") == 0


def test_of_several_windows_the_longest_wait_counts(database: Database, clock: FrozenDateTimeFactory) -> None:
    rules = "2/minute;3/10 minutes"
    for _ in range(2):
        noted(database, rules, "a")
    assert wait(database, rules, "a") == 60
    clock.tick(60)
    noted(database, rules, "a")
    assert wait(database, rules, "a") == 540


def test_entries_that_left_their_window_are_deleted(database: Database, clock: FrozenDateTimeFactory) -> None:
    for number in range(20):
        noted(database, "1/minute", str(number))
    clock.tick(61)
    noted(database, "1/minute", "a")
    with database.reading() as session:
        assert session.exec(select(func.count()).select_from(RateHit)).one() == 1
