"""A step after the last test: every flow node of every model was visited, and the report says which and how often.

The instances of the process tests note their visits before they stop. Where xdist spreads the tests, each worker sends
its counts home. A run of only a part of the process tests cannot visit everything and is not judged; a run of all of
them gets one more result, which fails like a test's.
"""

import contextlib
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import col, func, select

from models.engine_state import ElementVisit
from settings import PROJECT_ROOT
from tests.instance import Instance, eventually

REPORT = PROJECT_ROOT / "test-results" / "model-coverage.txt"
PROCESS_TESTS = PROJECT_ROOT / "tests" / "process"
STEP = "tests/model_coverage.py::every_flow_node_of_every_model_was_visited"
FEED_SECONDS = 5
NAME = SENT = "model-coverage"
FLOW_NODE = re.compile(
    r"<bpmn:(?:startEvent|endEvent|intermediateCatchEvent|intermediateThrowEvent|boundaryEvent|userTask|serviceTask"
    r"|businessRuleTask|callActivity|subProcess|exclusiveGateway|parallelGateway|eventBasedGateway|inclusiveGateway"
    r'|scriptTask|sendTask|receiveTask|task)\b[^>]*\bid="([^"]+)"'
)

Node = tuple[str, str]
"""A process and an element of it."""


def drawn() -> set[Node]:
    """Return every flow node in the models."""
    return {
        (path.stem, element)
        for path in (PROJECT_ROOT / "bpmn").glob("*.bpmn")
        for element in FLOW_NODE.findall(path.read_text())
    }


def visited(instance: Instance) -> Counter[Node]:
    """Return how often the engine entered each element."""
    with instance.database.reading() as session:
        of_node = (col(ElementVisit.process_id), col(ElementVisit.element_id))
        rows = session.exec(select(*of_node, func.count()).group_by(*of_node)).all()
    return Counter({(process, element): count for process, element, count in rows})


def unseen_files(seen: Iterable[Path]) -> list[str]:
    """Return the names of the process tests' files that are not among ``seen``."""
    return sorted({path.name for path in PROCESS_TESTS.glob("test_*.py")} - {path.name for path in seen})


def judge(visits: Counter[Node], path: Path) -> pytest.TestReport:
    """Write how often each node was visited and return the result of this step."""
    nodes = sorted(drawn())
    missing = [node for node in nodes if not visits[node]]
    verdict = "all visited" if not missing else f"{len(missing)} never visited"
    lines = [f"{visits[node]:6d}  {node[0]}  {node[1]}" for node in nodes]
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"{len(nodes)} flow nodes, {verdict}\n" + "\n".join(lines) + "\n")
    return pytest.TestReport(
        nodeid=STEP,
        location=("tests/model_coverage.py", None, STEP),
        keywords={},
        outcome="failed" if missing else "passed",
        longrepr="\n".join(f"no test visited {element} of {process}" for process, element in missing) or None,
        when="call",
    )


class ModelCoverage:
    """Gather the visits of a run and judge them at its end; a worker of xdist gathers and leaves the judging."""

    def __init__(self) -> None:
        self._visits: Counter[Node] = Counter()
        self._files_run: set[Path] = set()
        self._left_out = False

    def note(self, instance: Instance) -> None:
        """Add the visits of an instance that is about to stop, once the feed has brought the last of them."""
        if not unseen_files(self._files_run):
            # Where a node was not visited at all, the judgement says so.
            with contextlib.suppress(AssertionError):
                eventually(lambda: drawn() <= set(visited(instance)), "every visit", FEED_SECONDS)
        self._visits += visited(instance)

    def pytest_deselected(self, items: Sequence[pytest.Item]) -> None:
        """Do not judge a run that leaves out single process tests."""
        self._left_out |= any(PROCESS_TESTS in item.path.parents for item in items)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Remember which files of process tests ran."""
        path = PROJECT_ROOT / report.nodeid.partition("::")[0]
        if path.parent == PROCESS_TESTS:
            self._files_run.add(path)

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Take over what a worker of xdist gathered."""
        told = getattr(node, "workeroutput", {}).get(SENT)
        if told is not None:
            self._visits += Counter({(process, element): count for process, element, count in told["visits"]})
            self._left_out |= told["left_out"]

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Send home what a worker gathered, or judge the whole run; the result counts like a test's."""
        home = getattr(session.config, "workeroutput", None)
        if home is not None:
            visits = [[*node, count] for node, count in self._visits.items()]
            home[SENT] = {"visits": visits, "left_out": self._left_out}
        elif not self._left_out and not unseen_files(self._files_run):
            report = judge(self._visits, REPORT)
            session.config.hook.pytest_runtest_logreport(report=report)
            if report.failed and session.exitstatus == pytest.ExitCode.OK:
                session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_configure(config: pytest.Config) -> None:
    """Follow this run."""
    config.pluginmanager.register(ModelCoverage(), NAME)
