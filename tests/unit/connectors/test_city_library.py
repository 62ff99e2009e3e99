"""The city library over HTTP and its stand-in: versions in order, repeated requests, and a server that is away."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TypeVar

import httpx
import pytest

from connectors.city_library import HttpLibrary, LibraryFailed, StandIn
from tests.factories.city_library import served, start_again

NUMBER = "GZ360732-W25-2026-00001-7KQM2XWA"
Answer = TypeVar("Answer")


@pytest.fixture
def library(tmp_path: Path) -> Iterator[StandIn]:
    """Serve a library of its own."""
    with served(tmp_path / "library.db") as running:
        yield running


def ask(library: StandIn, question: Callable[[HttpLibrary], Awaitable[Answer]]) -> Answer:
    """Ask over a connection of its own and return the answer."""

    async def asked() -> Answer:
        connection = HttpLibrary(library.url)
        try:
            return await question(connection)
        finally:
            await connection.close()

    return asyncio.run(asked())


def put(library: StandIn, version: int, request: str, state: str) -> None:
    """Have a version kept."""
    ask(library, lambda one: one.put(NUMBER, version, request, {"state": state}))


def test_a_later_version_replaces_an_earlier_one_and_not_the_reverse(library: StandIn) -> None:
    assert ask(library, lambda one: one.find(NUMBER)) is None
    put(library, 2, "second", "changed")
    put(library, 1, "first", "valid")
    assert ask(library, lambda one: one.find(NUMBER)) == {"state": "changed"}


def test_a_repeated_request_is_answered_and_done_once(library: StandIn) -> None:
    put(library, 1, "first", "valid")
    put(library, 3, "first", "revoked")
    assert ask(library, lambda one: one.find(NUMBER)) == {"state": "valid"}


def test_what_was_kept_is_there_after_a_stop(library: StandIn) -> None:
    put(library, 1, "first", "valid")
    library.stop()
    with pytest.raises(LibraryFailed):
        put(library, 2, "second", "changed")
    with pytest.raises(LibraryFailed):
        ask(library, lambda one: one.find(NUMBER))
    start_again(library)
    assert library.find(NUMBER) == (1, {"state": "valid"})


def test_an_answer_of_another_shape_is_a_failure_and_no_difference(library: StandIn) -> None:
    put(library, 1, "first", "valid")
    with closing(library.connect()) as connection, connection:
        connection.execute("UPDATE certificate SET record = '[]'")
    with pytest.raises(LibraryFailed, match="agreed"):
        ask(library, lambda one: one.find(NUMBER))


@pytest.mark.parametrize(
    ("headers", "content"),
    [({}, b"{}"), ({"Idempotency-Key": "r"}, b"x"), ({"Idempotency-Key": "r"}, b'{"version": 1}')],
)
def test_a_malformed_request_is_refused(library: StandIn, headers: dict[str, str], content: bytes) -> None:
    answer = httpx.put(f"{library.url}/certificates/{NUMBER}", headers=headers, content=content)
    assert answer.status_code == 400
    assert library.find(NUMBER) is None
