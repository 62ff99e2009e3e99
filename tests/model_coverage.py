"""Every flow node of every model was visited by some test of this run; the report says which and how often.

Runs last, and only judges when the whole folder ran: a selection cannot visit everything.
"""

import re
import sqlite3
from collections import Counter
from pathlib import Path

import pytest

from settings import PROJECT_ROOT
from tests.instance import Instance, eventually

pytestmark = pytest.mark.engine

REPORT = PROJECT_ROOT / "test-results" / "model-coverage.txt"
FLOW_NODE = re.compile(
    r"<bpmn:(?:startEvent|endEvent|intermediateCatchEvent|intermediateThrowEvent|boundaryEvent|userTask|serviceTask"
    r"|businessRuleTask|callActivity|subProcess|exclusiveGateway|parallelGateway|eventBasedGateway|inclusiveGateway"
    r'|scriptTask|sendTask|receiveTask|task)\b[^>]*\bid="([^"]+)"'
)


def drawn() -> set[tuple[str, str]]:
    """Return (process, element) of every flow node in the models."""
    return {
        (path.stem, element)
        for path in (PROJECT_ROOT / "bpmn").glob("*.bpmn")
        for element in FLOW_NODE.findall(path.read_text())
    }


def visited(instance: Instance) -> Counter[tuple[str, str]]:
    """Return how often the engine entered each element."""
    with sqlite3.connect(f"file:{instance.state_dir / 'tongquan.db'}?mode=ro", uri=True) as database:
        rows = database.execute("SELECT process_id, element_id, count(*) FROM element_visit GROUP BY 1, 2").fetchall()
    return Counter({(process, element): count for process, element, count in rows})


def test_every_flow_node_was_visited(instance: Instance, request: pytest.FixtureRequest) -> None:
    modules = {Path(item.path).name for item in request.session.items}
    everything = {path.name for path in Path(__file__).parent.glob("test_*.py")}
    if not everything <= modules:
        pytest.skip(f"only a part of the process tests runs: without {sorted(everything - modules)}")
    counts = visited(instance)
    if missing := drawn() - set(counts):
        eventually(lambda: not (missing - set(visited(instance))) or None, f"visits of {sorted(missing)}", 5)
    lines = [f"{counts[node]:6d}  {node[0]}  {node[1]}" for node in sorted(drawn())]
    REPORT.parent.mkdir(exist_ok=True)
    REPORT.write_text(f"{len(lines)} flow nodes, all visited\n" + "\n".join(lines) + "\n")
