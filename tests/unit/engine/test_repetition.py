"""Calls are repeated quietly until they succeed or time is up."""

import asyncio
import time

import pytest
import structlog

from engine.repetition import repeating


class Away(Exception):
    """May succeed a moment later."""


class Line:
    """Fails with what it is given, then answers."""

    def __init__(self, *failures: Exception) -> None:
        self.failures = list(failures)
        self.calls = 0

    async def call(self) -> str:
        self.calls += 1
        if self.failures:
            raise self.failures.pop(0)
        return "there"


def repeated(line: Line, *, timeout: float) -> str:
    caller = repeating(timeout=timeout, first_pause=0.001, longest_pause=0.002).on(Away)
    return asyncio.run(caller(line.call))


def test_a_call_is_repeated_until_it_succeeds_and_no_repetition_is_logged() -> None:
    line = Line(Away(), Away(), Away())
    with structlog.testing.capture_logs() as logged:
        assert repeated(line, timeout=10.0) == "there"
    assert line.calls == 4
    assert logged == []


def test_the_last_error_is_raised_when_time_is_up() -> None:
    line = Line(*(Away(str(number)) for number in range(10_000)))
    began = time.monotonic()
    with pytest.raises(Away) as given_up:
        repeated(line, timeout=0.05)
    assert line.calls > 2
    assert str(given_up.value) == str(line.calls - 1)
    assert time.monotonic() - began >= 0.05


def test_any_other_error_is_raised_at_once() -> None:
    line = Line(KeyError("k"))
    with pytest.raises(KeyError):
        repeated(line, timeout=10.0)
    assert line.calls == 1
