"""The peer: SpiffWorkflow runs the same steps, each saved to SQLite, in one process and without anything around it.

``window_peer.bpmn`` has the service and user tasks of a W case's favourable path in its order, in the dialect this
engine reads: without the called processes, timers, decision tables and event subprocesses of the product's models.
"""

import json
import os
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from settings import PROJECT_ROOT

MODEL = Path(__file__).with_name("window_peer.bpmn")
OUTCOMES = {"Task_DecideAcceptance": "accept", "Task_CityReview": "agree", "Task_CityDecide": "approve"}
PROCESSES = os.cpu_count() or 1


class PeerMissing(Exception):
    """SpiffWorkflow is not installed; ``requirements-bench.lock`` has it."""


def rate(folder: Path, seconds: float) -> float:
    """Return finished cases a second with one process per core, each with a database of its own."""
    try:
        import SpiffWorkflow  # noqa: F401
    except ImportError as exc:
        raise PeerMissing("SpiffWorkflow") from exc
    folder.mkdir(parents=True, exist_ok=True)
    running = [
        subprocess.Popen(
            [sys.executable, "-m", "bench.peer", str(folder / f"peer{place}.db"), str(seconds)],
            cwd=PROJECT_ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        for place in range(PROCESSES)
    ]
    total = 0.0
    for one in running:
        told, _ = one.communicate(timeout=seconds * 4 + 60)
        total += json.loads(told)["rate"]
    return total


class Peer:
    """One process of the peer over one database."""

    def __init__(self, database: Path) -> None:
        from SpiffWorkflow.bpmn.parser import BpmnParser
        from SpiffWorkflow.bpmn.serializer import BpmnWorkflowSerializer

        parser = BpmnParser()
        parser.add_bpmn_file(str(MODEL))
        self._spec: Any = parser.get_spec("window_peer")
        self._serializer: Any = BpmnWorkflowSerializer()
        self._database = sqlite3.connect(database, isolation_level=None)
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = NORMAL")
        self._database.execute("CREATE TABLE IF NOT EXISTS workflow (id INTEGER PRIMARY KEY, state TEXT NOT NULL)")

    def run_case(self, number: int) -> None:
        """Run one case to its end; each step is read back, run and saved in a transaction of its own."""
        from SpiffWorkflow.bpmn import BpmnWorkflow
        from SpiffWorkflow.util.task import TaskState

        workflow: Any = BpmnWorkflow(self._spec)
        self._save(number, workflow)
        while True:
            workflow = self._load(number)
            if workflow.is_completed():
                return
            task = workflow.get_next_task(state=TaskState.READY)
            if task.task_spec.manual:
                task.data["outcome"] = OUTCOMES.get(task.task_spec.bpmn_id, "done")
            task.run()
            self._save(number, workflow)

    def _save(self, number: int, workflow: Any) -> None:
        state = self._serializer.serialize_json(workflow)
        self._database.execute("INSERT OR REPLACE INTO workflow (id, state) VALUES (?, ?)", (number, state))

    def _load(self, number: int) -> Any:
        [state] = self._database.execute("SELECT state FROM workflow WHERE id = ?", (number,)).fetchone()
        return self._serializer.deserialize_json(state)


def main(database: str, seconds: float) -> None:
    """Run cases for ``seconds`` after a warm-up and print the rate."""
    peer = Peer(Path(database))
    peer.run_case(0)
    begun, done = time.perf_counter(), 0
    while time.perf_counter() - begun < seconds:
        done += 1
        peer.run_case(done)
    sys.stdout.write(json.dumps({"rate": done / (time.perf_counter() - begun)}))


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
