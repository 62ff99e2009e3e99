"""The whole stack under test: an instance started by ``tongquan up``, its people driven through the API."""

import itertools
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
from sqlmodel import col, func, select

from bench.loopback import Connection, PerThread, UnexpectedAnswer
from bench.people import Pool
from models.case import Case
from models.database import Database
from models.outbox import OutboxCommand, OutboxKind
from ops.instance import InstanceDirectory
from services.accounts.demo_accounts import DEMO_PASSWORD
from settings import PROJECT_ROOT

LAST_TASK = "Task_Deliver"
CASE_NUMBER = "<case>"
ID_CARD_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
LOOK_PAUSE_SECONDS = 1.0
"""How often each person looks at the list; a list read without need would be measured as work."""
PAGE = 50
START_SECONDS = 900


def id_card(number: int) -> str:
    """Return a valid, invented ID card number; ``number`` makes it one of 252 000."""
    body = f"362101{1950 + number // 1000 % 21}{number // 28 % 12 + 1:02d}{number % 28 + 1:02d}{number % 1000:03d}"
    total = sum(int(digit) * weight for digit, weight in zip(body, ID_CARD_WEIGHTS, strict=True))
    return body + "10X98765432"[total % 11]


def good_answer(condition: dict[str, Any]) -> Any:
    """Return an answer that meets a guide's condition."""
    expected = condition["expected"]
    match condition["kind"]:
        case "boolean":
            return expected
        case "choice":
            return expected[0] if isinstance(expected, list) else expected
    first = str(expected).split(",", 1)[0].lstrip(">=<")
    return float(first.rpartition("=")[2])


class Stack:
    """One running instance; ``submit`` and the threads of ``begin`` are its clerks, reviewers and approvers."""

    name = "whole stack"

    def __init__(self, state_dir: Path, *, item: str, areas: tuple[str, ...], threads: int) -> None:
        self.state_dir = state_dir
        self._item, self.areas = item, areas
        self._serial = itertools.count(1)
        self._threads = threads
        self._accounts: dict[str, PerThread] = {}
        self._seen: set[str] = set()
        self._looking = threading.Event()
        self._closing = threading.Event()
        self._release: Callable[[], None] = lambda: None
        self._pool: Pool[tuple[str, dict[str, Any]]] | None = None
        self._lock = threading.Lock()

    # -- its life

    def start(self, **environment: str) -> None:
        """Start the instance on free ports and sign everybody in."""
        self._tongquan("up", "--detach", "--port", str(_free_port()), **environment)
        record = InstanceDirectory(self.state_dir).run()
        if record is None:
            raise RuntimeError("the instance left no record of its run")
        self.record = record
        self.base = f"{record.url}/api/v1"
        self.database = Database(record.environment["DATABASE_URL"])
        self._template = self._submission()
        self.groups = (
            *(f"{area}.window" for area in self.areas),
            *(f"city.{self.unit}.{r}" for r in ("reviewer", "approver")),
        )
        self._pool = Pool(self._threads, self._complete)
        for group in self.groups:
            self.account(group)
            threading.Thread(target=self._look, args=(group,), daemon=True).start()

    def stop(self) -> None:
        """Stop the instance; its state directory stays."""
        self._closing.set()
        if self._pool is not None:
            self._pool.close()
            self.database.dispose()
        self._tongquan("down")

    def _tongquan(self, *arguments: str, **environment: str) -> None:
        command = [sys.executable, "-m", "cli", arguments[0], "--state-dir", str(self.state_dir), *arguments[1:]]
        done = subprocess.run(
            command,
            cwd=PROJECT_ROOT,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            timeout=START_SECONDS,
        )
        if done.returncode != 0:
            raise RuntimeError(f"tongquan {arguments[0]}: {done.stdout}\n{done.stderr}")

    # -- what is measured

    def submit(self) -> None:
        """Submit one case at the window."""
        self.submit_case()

    def submit_case(self, area: str | None = None) -> str:
        """Submit one case at the window of ``area``, by default of each in turn, and return its number."""
        return self.submit_numbered(next(self._serial), area)

    def submit_numbered(self, number: int, area: str | None = None) -> str:
        """Submit the case that ``number`` makes unique; sent again it is the same case, under the same key."""
        area = area or self.areas[number % len(self.areas)]
        body = {
            **self._template,
            "area": area,
            "project": f"基准测试项目{number}",
            "applicant": {**self._template["applicant"], "id_number": id_card(number)},
        }
        key = f"bench-{os.getpid()}-{number}"
        status, answer = self.account(f"{area}.window").connection.send("POST", "/cases", body, Idempotency_Key=key)
        if status not in (200, 201):
            raise UnexpectedAnswer(f"POST /cases: {status} {answer}")
        return str(answer["case_no"])

    def begin(self, release: Callable[[], None]) -> None:
        """Let everybody look at their lists and complete what is there."""
        self._release = release
        if self._pool is not None:
            self._pool.resume()
        self._looking.set()

    def pause(self) -> None:
        """Stop people working."""
        self._looking.clear()
        if self._pool is not None:
            self._pool.pause()

    def finished(self) -> int:
        """Return how many cases are closed, as the database has it."""
        with self.database.reading() as session:
            return int(session.exec(select(func.count()).select_from(Case).where(~col(Case.is_open))).one())

    def failures(self) -> list[str]:
        """Return what went wrong while people worked."""
        return list(self._pool.failures) if self._pool is not None else []

    def memory(self) -> dict[str, int]:
        """Return the resident bytes of each child by name."""
        record = InstanceDirectory(self.state_dir).run()
        found: dict[str, int] = {}
        for child in record.children if record is not None else ():
            process = child.process.find() if child.process is not None else None
            if process is not None:
                family = [process, *process.children(recursive=True)]
                found[child.name] = sum(_resident(one) for one in family)
        return found

    def database_bytes(self) -> int:
        """Return the size of an SQLite database with what is not yet checkpointed; 0 for another."""
        path = Path(str(self.database.engine.url.database))
        return sum(one.stat().st_size for one in path.parent.glob(f"{path.name}*") if one.is_file())

    def cpu_seconds(self) -> dict[str, float]:
        """Return the processor seconds each child has used so far, by name."""
        record = InstanceDirectory(self.state_dir).run()
        found: dict[str, float] = {}
        for child in record.children if record is not None else ():
            process = child.process.find() if child.process is not None else None
            if process is not None:
                found[child.name] = cpu_seconds(process.pid)
        return found

    def messages(self) -> list[dict[str, Any]]:
        """Return every message the product published for the case closed first, in order.

        Wherever the case's number stands there is :data:`CASE_NUMBER` instead, to be replaced by another's.
        """
        with self.database.reading() as session:
            case_no = session.exec(
                select(Case.case_no).where(~col(Case.is_open)).order_by("received_at").limit(1)
            ).one()
            commands = session.exec(
                select(OutboxCommand)
                .where(OutboxCommand.stream == case_no, OutboxCommand.kind == OutboxKind.PUBLISH_MESSAGE)
                .order_by(col(OutboxCommand.id))
            ).all()
        return [json.loads(json.dumps(one.payload).replace(case_no, CASE_NUMBER)) for one in commands]

    def account(self, username: str) -> PerThread:
        """Return an account's connections, signed in once."""
        with self._lock:
            if username not in self._accounts:
                status, answer = Connection(self.base).send(
                    "POST", "/login", {"username": username, "password": DEMO_PASSWORD}
                )
                if status != 200:
                    raise UnexpectedAnswer(f"login {username}: {status} {answer}")
                self._accounts[username] = PerThread(self.base, answer["access_token"])
            return self._accounts[username]

    def _submission(self) -> dict[str, Any]:
        window = self.account(f"{self.areas[0]}.window").connection
        guide = window.get(f"/items/{self._item}/guide")
        listed = window.get(f"/items?area={self.areas[0]}")
        found = next(
            one for one in (listed["items"] if isinstance(listed, dict) else listed) if one["code"] == self._item
        )
        self.unit = found["unit"]
        return {
            "item": self._item,
            "area": self.areas[0],
            "applicant": {
                "kind": "person",
                "name": "基准申请人",
                "id_type": "id_card",
                "id_number": id_card(0),
                "phone": "13800000000",
            },
            "project": "",
            "conditions": {one["key"]: good_answer(one) for one in guide["conditions"]},
            "materials": [
                {"name": one["name"], "copies": one["copies"], "kind": one["kind"], "present": True}
                for one in guide["materials"]
            ],
        }

    # -- its people

    def _look(self, group: str) -> None:
        """Read a group's list again and again and hand new tasks to the pool."""
        while not self._closing.is_set():
            self._looking.wait()
            try:
                page = self.account(group).connection.get(f"/tasks?limit={PAGE}")
            except Exception as exc:
                if self._pool is not None and not self._closing.is_set():
                    self._pool.failures.append(f"list {group}: {exc}")
                time.sleep(0.2)
                continue
            fresh = [task for task in page["items"] if task["id"] not in self._seen]
            for task in fresh:
                self._seen.add(task["id"])
                if self._pool is not None:
                    self._pool.put((group, task))
            time.sleep(LOOK_PAUSE_SECONDS)

    def _complete(self, work: tuple[str, dict[str, Any]]) -> None:
        group, task = work
        body = {"outcome": task["outcomes"][0]["value"], "opinion": "同意", "values": {}}
        status, answer = self.account(group).connection.send("POST", f"/tasks/{task['id']}/complete", body)
        if status != 202:
            raise UnexpectedAnswer(f"complete {task['element_id']}: {status} {answer}")
        if task["element_id"] == LAST_TASK:
            self._release()


def _resident(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0


def cpu_seconds(pid: int) -> float:
    """Return the processor seconds a process and those it started have used so far."""
    try:
        process = psutil.Process(pid)
        return float(sum(sum(one.cpu_times()[:2]) for one in (process, *process.children(recursive=True))))
    except psutil.Error:
        return 0.0


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
