"""A city library on a port that stays its own while it is stopped."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from connectors.city_library import StandIn
from tests.instance import eventually

PORTS = range(20_000, 32_000)
"""Below those the system hands out by itself: while the library is stopped, no other program is given its port."""


@contextmanager
def served(file: Path) -> Iterator[StandIn]:
    """Serve a library over a file until the block ends."""
    library = eventually(lambda: _started(StandIn(file, random.choice(PORTS))), "a free port for the city library")
    try:
        yield library
    finally:
        library.stop()


def start_again(library: StandIn) -> None:
    """Start a library that was stopped, on its port."""
    eventually(lambda: _started(library), "the city library's port")


def _started(library: StandIn) -> StandIn | None:
    try:
        library.start()
    except OSError:
        return None
    return library
