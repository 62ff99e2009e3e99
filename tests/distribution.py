"""How xdist's workers share the tests out: by file, except that files on one engine stay together, longest first.

Starting an engine with its children costs half a minute of both cores, and the time of the process tests' instance
only moves forward, so what shares an instance runs on one worker, in order. The long pieces start first; the unit
tests fill up what is left. Without xdist the order is pytest's own.
"""

from typing import Any

import pytest

ON_ONE_ENGINE = (
    ("tests/process/test_clock_scenario.py", "clock scenario"),
    ("tests/process/", "processes"),
    ("tests/browser/test_operate.py", "operate"),
    ("tests/browser/", "browser"),
    ("tests/faults/test_connection.py", "stack"),
    ("tests/faults/", "faults"),
    ("tests/integration/test_bridge_", "stack"),
    ("tests/integration/test_gateway.py", "stack"),
)
"""The beginning of a test file's path, and whom it stays with; the first that fits counts."""

LONGEST_FIRST = (
    "processes",
    "clock scenario",
    "faults",
    "stack",
    "repetition",
    "browser",
    "operate",
    "tests/integration/",
)
"""The groups and folders that begin a run, in order."""


def group_of(nodeid: str) -> str:
    """Return the group of a test: its engine's, or its file."""
    path = nodeid.partition("::")[0]
    return next((group for beginning, group in ON_ONE_ENGINE if path.startswith(beginning)), path)


def _place(nodeid: str) -> int:
    group = group_of(nodeid)
    places = [place for place, first in enumerate(LONGEST_FIRST) if group.startswith(first)]
    return places[0] if places else len(LONGEST_FIRST)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Put the long pieces first, on a worker of xdist."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: _place(item.nodeid))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Hand out whole groups, in the order of the collection."""
    from xdist.scheduler import LoadScopeScheduling

    class ByEngine(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return group_of(nodeid)

    config.option.loadscopereorder = False
    return ByEngine(config, log)
