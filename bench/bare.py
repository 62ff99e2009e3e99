"""The bare engine: the same models, no-op workers, human tasks completed as soon as they are exported, no database."""

import itertools
import os
import queue
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import orjson
from defusedxml.ElementTree import fromstring
from pyzeebe.proto import gateway_pb2 as pb
from pyzeebe.proto.gateway_pb2_grpc import GatewayStub

from bench.loopback import PerThread, UnexpectedAnswer
from bench.noop_workers import publication
from bench.people import Pool
from bench.stack import cpu_seconds
from bridge.exporter_endpoint import ExporterEndpoint
from bridge.projection.records import Bulk
from engine.deploy import read_models
from engine.distribution import DEFAULT_VERSION, fetch_zeebe
from engine.embedded import EngineConfig, EnginePorts, EngineProcess, engine_command, engine_environment, prepare_start
from engine.exporters import FeedAccount, ValueType
from engine.spawn import spawn
from models.form import outcomes
from ops.ports import ENGINE_PORTS, choose_ports
from settings import PROJECT_ROOT

BPMN = "{http://www.omg.org/spec/BPMN/20100524/MODEL}"
ZEEBE = "{http://camunda.org/schema/zeebe/1.0}"
LAST_TASK = "Task_Deliver"
CALL_SECONDS = 10.0
DEPLOY_SECONDS = 60.0


@dataclass(frozen=True)
class Seen:
    """A job the no-op workers were given: its type, its case, and the machine's monotonic time."""

    job_type: str
    case_no: str
    at: float


def favourable_outcomes(models: Path) -> dict[str, str]:
    """Return the first outcome of each user task's form, by element id, as the models in a directory have it."""
    forms = {}
    for file in models.glob("**/*.form"):
        schema = orjson.loads(file.read_bytes())
        forms[schema["id"]] = outcomes(schema)[0][0]
    found = {}
    for file in models.glob("*.bpmn"):
        for task in fromstring(file.read_bytes()).iter(f"{BPMN}userTask"):
            form = task.find(f".//{ZEEBE}formDefinition")
            found[task.get("id", "")] = forms.get(form.get("formId", ""), "done") if form is not None else "done"
    return found


class BareEngine:
    """A fresh embedded engine with nothing of the product around it."""

    name = "bare engine"

    def __init__(self, directory: Path, *, threads: int) -> None:
        self._directory = directory
        self._threads = threads
        self._serial = itertools.count(1)
        self._outcomes = favourable_outcomes(PROJECT_ROOT / "bpmn")
        self._release: Callable[[], None] = lambda: None
        self._closed = 0
        self.started: queue.SimpleQueue[Seen] = queue.SimpleQueue()
        self._start_message: dict[str, Any] = {}
        self.engine: EngineProcess | None = None
        self.workers: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Start the engine and deploy the models; call it from the main thread."""
        ports = choose_ports((*ENGINE_PORTS, "feed"), {})
        account = FeedAccount("feed", secrets.token_urlsafe())
        self._sink = ExporterEndpoint(f"127.0.0.1:{ports['feed']}", self._take, account=account)
        self._sink.start()
        config = EngineConfig(
            version=DEFAULT_VERSION,
            distribution=fetch_zeebe(DEFAULT_VERSION),
            data_dir=self._directory / "engine",
            log_dir=self._directory / "logs",
            ports=EnginePorts(**{name: ports[name] for name in ENGINE_PORTS}),
            feed_address=f"127.0.0.1:{ports['feed']}",
            feed_account=account,
            heap=os.environ.get("TONGQUAN_ENGINE_HEAP", "512m"),
        )
        prepare_start(config)
        process = spawn(
            engine_command(config),
            env=_user_tasks_only(engine_environment(config)),
            log_path=config.output_path,
            cwd=config.data_dir,
        )
        self.engine = EngineProcess(config, process)
        self.engine.wait_ready()
        self._stub = GatewayStub(grpc.insecure_channel(config.gateway_address))
        self._rest = PerThread(config.rest_address)
        self._deploy()
        self._pool: Pool[tuple[int, str]] = Pool(self._threads, self._complete)

    def follow(self, messages: list[dict[str, Any]]) -> None:
        """Start the workers, which publish the messages the product does: what they start is the engine's work too."""
        if self.engine is None:
            raise RuntimeError("not started")
        self._start_message, *others = messages
        plan = self._directory / "messages.json"
        plan.write_bytes(orjson.dumps(others))
        with (self.engine.config.log_dir / "workers.log").open("ab") as log:
            self.workers = subprocess.Popen(
                [sys.executable, "-m", "bench.noop_workers", self.engine.config.gateway_address, str(plan)],
                cwd=PROJECT_ROOT,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        threading.Thread(target=self._listen, daemon=True).start()

    def stop(self) -> None:
        """Stop workers, engine and sink."""
        if self.workers is not None:
            self.workers.terminate()
            self.workers.wait(20)
        if self.engine is not None:
            self._pool.close()
            self.engine.stop()
            self._sink.stop()

    def submit(self) -> None:
        """Publish one start message."""
        self.submit_case()

    def submit_case(self) -> str:
        """Publish one start message and return its case."""
        case_no = f"bare-{next(self._serial)}"
        request = publication(self._start_message, case_no)
        while True:
            try:
                self._stub.PublishMessage(request, timeout=CALL_SECONDS)
            except grpc.RpcError as exc:
                if exc.code() is not grpc.StatusCode.RESOURCE_EXHAUSTED:
                    raise
                time.sleep(0.02)
            else:
                return case_no

    def begin(self, release: Callable[[], None]) -> None:
        """Let people complete tasks."""
        self._release = release
        self._pool.resume()

    def pause(self) -> None:
        """Stop people working."""
        self._pool.pause()

    def finished(self) -> int:
        """Return how many cases' last job was done."""
        return self._closed

    def cpu_seconds(self) -> dict[str, float]:
        """Return the processor seconds of the engine and of the workers so far."""
        if self.engine is None or self.workers is None:
            return {}
        return {"engine": cpu_seconds(self.engine.pid), "workers": cpu_seconds(self.workers.pid)}

    def failures(self) -> list[str]:
        """Return what went wrong while people worked."""
        return list(self._pool.failures)

    def _deploy(self) -> None:
        resources = [pb.Resource(name=one.name, content=one.content) for one in read_models(PROJECT_ROOT / "bpmn")]
        deadline = time.monotonic() + DEPLOY_SECONDS
        while True:
            try:
                self._stub.DeployResource(pb.DeployResourceRequest(resources=resources), timeout=30)
            except grpc.RpcError as exc:
                if exc.code() is not grpc.StatusCode.UNAVAILABLE or time.monotonic() > deadline:
                    raise
                time.sleep(0.5)
            else:
                return

    def _take(self, bulk: Bulk) -> None:
        for record in bulk.records:
            if record.value_type == "USER_TASK" and record.intent == "CREATED":
                self._pool.put((record.key, record.value["elementId"]))

    def _complete(self, work: tuple[int, str]) -> None:
        key, element_id = work
        body = {"variables": {"outcome": self._outcomes.get(element_id, "done")}}
        while True:
            status, answer = self._rest.connection.send("POST", f"/v1/user-tasks/{key}/completion", body)
            if status not in (429, 503):
                break
            time.sleep(0.02)
        if status != 204:
            raise UnexpectedAnswer(f"complete {element_id}: {status} {answer}")
        if element_id == LAST_TASK:
            self._release()

    def _listen(self) -> None:
        """Read what the workers report: ``<job type> <case> <seconds>`` a line."""
        for line in self.workers.stdout if self.workers is not None and self.workers.stdout is not None else ():
            job_type, case_no, at = line.split()
            if job_type == "case-close":
                self._closed += 1
            else:
                self.started.put(Seen(job_type, case_no, float(at)))


def _user_tasks_only(environment: dict[str, str]) -> dict[str, str]:
    """Leave one exporter, for user tasks alone: what a driver needs and no more."""
    kept = {key: value for key, value in environment.items() if "_EXPORTERS_HISTORY_" not in key}
    return kept | {
        f"ZEEBE_BROKER_EXPORTERS_FEED_ARGS_INDEX_{kind.upper()}": str(kind is ValueType.USER_TASK).lower()
        for kind in ValueType
    }
