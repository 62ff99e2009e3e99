"""A running instance as its users have it: started by ``tongquan up``, driven through the API.

Nothing sleeps and hopes: ``eventually`` asks again until a deadline and then tells what it last saw.
"""

import itertools
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx

from models.database import Database
from tests.databases import Databases

PASSWORD = "tongquan-demo"
TONGQUAN = str(Path(sys.executable).with_name("tongquan"))
ID_CARD_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
DEADLINE_SECONDS = 30.0
START_SECONDS = 600
"""A start may take this long on a busy machine; below the time-out of the command, so that nothing is left running."""

OPINIONS = {
    "agree": "材料真实、符合条件，同意",
    "return": "请补充说明后再报",
    "propose_deny": "现场条件与申报不符，建议不予",
    "deny": "不符合办事指南第一项条件",
    "refuse": "不属于本窗口受理范围",
    "not_needed": "该事项依法不需要办理",
}
"""An opinion for each outcome that asks for one."""

REQUIRED_VALUES = {
    "Task_InspectOnSite": {
        "inspector_one": "测试核查员甲",
        "inspector_two": "测试核查员乙",
        "inspected_on": "2022-06-01",
        "finding": "现场与申报一致。",
    }
}
"""What a shipped form asks for besides outcome and opinion, by element."""

Found = TypeVar("Found")
serial = itertools.count(1)


def id_card(number: int) -> str:
    """Return a valid, invented ID card number; ``number`` makes it unique."""
    body = f"362101{1950 + number // 360 % 50}{number // 28 % 12 + 1:02d}{number % 28 + 1:02d}{number % 1000:03d}"
    total = sum(int(digit) * weight for digit, weight in zip(body, ID_CARD_WEIGHTS, strict=True))
    return body + "10X98765432"[total % 11]


def eventually(ask: Callable[[], Found | None], what: str, seconds: float = DEADLINE_SECONDS) -> Found:
    """Return the first answer that is not None or empty; fail with what was waited for."""
    deadline = time.monotonic() + seconds
    while True:
        found = ask()
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"not in {seconds:.0f} s: {what}")
        time.sleep(0.05)


@dataclass
class Instance:
    """One running instance; accounts sign in once and keep their client."""

    url: str
    state_dir: Path
    database: Database
    """What its processes write to, for a look or a step that no interface offers."""
    clients: dict[str, httpx.Client] = field(default_factory=dict)
    patience: float = DEADLINE_SECONDS
    """How long a step may take, in seconds; more where parts die meanwhile."""
    signing_in: threading.Lock = field(default_factory=threading.Lock, repr=False)
    """Held while a client is made, so that of several threads one makes it."""

    def api(self, username: str) -> httpx.Client:
        """Return a client signed in as ``username``; its base is the API's."""
        with self.signing_in:
            if username not in self.clients:
                client = httpx.Client(base_url=f"{self.url}/api/v1", timeout=60)
                answer = client.post("/login", json={"username": username, "password": PASSWORD})
                assert answer.status_code == 200, answer.text
                client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
                self.clients[username] = client
            return self.clients[username]

    def body(self, item: str, area: str, **changes: Any) -> dict[str, Any]:
        """Return a complete, well-formed submission for an item, as its guide asks."""
        guide = self.api(f"{area}.window").get(f"/items/{item}/guide").json()
        number = next(serial) + os.getpid() * 1000
        return {
            "item": item,
            "area": area,
            "applicant": {
                "kind": "person",
                "name": "测试申请人",
                "id_type": "id_card",
                "id_number": id_card(number),
                "phone": "13800000000",
            },
            "project": f"测试项目{number}",
            "conditions": {one["key"]: good_answer(one) for one in guide["conditions"]},
            "materials": [
                {"name": one["name"], "copies": one["copies"], "kind": one["kind"], "present": True}
                for one in guide["materials"]
            ],
            **changes,
        }

    def submit(self, item: str, area: str, **changes: Any) -> str:
        """Submit a well-formed case and return its number."""
        body = self.body(item, area, **changes)
        answer = self.api(f"{area}.window").post(
            "/cases", json=body, headers={"Idempotency-Key": f"key-{os.getpid()}-{next(serial)}"}
        )
        assert answer.status_code == 201, answer.text
        return str(answer.json()["case_no"])

    def case(self, case_no: str, username: str = "city.coordinator") -> dict[str, Any]:
        """Return the whole case."""
        answer = self.api(username).get(f"/cases/{case_no}")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def task(self, case_no: str, element_id: str) -> dict[str, Any]:
        """Return the open task of a case at one element, waiting for it."""

        def look() -> dict[str, Any] | None:
            return next((one for one in self.case(case_no)["tasks"] if one["element_id"] == element_id), None)

        return eventually(look, f"task {element_id} of {case_no}; {self.told(case_no)}", self.patience)

    def complete(self, case_no: str, element_id: str, outcome: str, opinion: str | None = None, **values: Any) -> None:
        """Complete a task as its first candidate group's account, with what its outcome and element ask for."""
        answer = self.answer(self.task(case_no, element_id), outcome, opinion, **values)
        assert answer.status_code == 202, answer.text

    def answer(self, task: dict[str, Any], outcome: str, opinion: str | None = None, **values: Any) -> httpx.Response:
        """Send a task's completion as its first candidate group's account, whatever is answered to it."""
        element_id = task["element_id"]
        if opinion is None:
            opinion = OPINIONS.get(outcome, "")
        values = {**REQUIRED_VALUES.get(element_id, {}), **values}
        if outcome == "correct":
            values.setdefault("corrections", [{"text": "申请表须加盖公章"}])
        return self.api(task["candidate_groups"][0]).post(
            f"/tasks/{task['id']}/complete", json={"outcome": outcome, "opinion": opinion, "values": values}
        )

    def finish(self, case_no: str, **outcomes: str) -> dict[str, Any]:
        """Complete every open task, by default favourably, until the case is closed; return it."""
        deadline = time.monotonic() + self.patience * 4
        while time.monotonic() < deadline:
            case = self.case(case_no)
            if case["closed_at"] is not None:
                return case
            for task in case["tasks"]:
                favourable = task["outcomes"][0]["value"]
                self.complete(case_no, task["element_id"], outcomes.get(task["element_id"], favourable))
            time.sleep(0.05)
        raise AssertionError(f"{case_no} did not close: {self.told(case_no)}")

    def until(self, case_no: str, condition: Callable[[dict[str, Any]], object], what: str) -> dict[str, Any]:
        """Return the case once ``condition`` holds for it."""

        def look() -> dict[str, Any] | None:
            case = self.case(case_no)
            return case if condition(case) else None

        return eventually(look, f"{what}: {self.told(case_no)}", self.patience)

    def advance(self, *, seconds: float = 0, days: float = 0) -> str:
        """Move the engine's and the product's time forward and return the new time."""
        answer = self.api("admin.system").post("/clock/advance", json={"seconds": seconds + days * 86_400}, timeout=600)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["now"])

    def told(self, case_no: str) -> list[str]:
        """Return what the case's timeline says, for messages."""
        case = self.case(case_no)
        return [case["state"]["name"], *(f"{one['event']}: {one['text']}" for one in case["timeline"])]

    def stop(self) -> None:
        """Stop the instance and wait until it is gone; its database stays."""
        for client in self.clients.values():
            client.close()
        run("down", "--state-dir", str(self.state_dir))


def good_answer(condition: dict[str, Any]) -> Any:
    """Return an answer that meets a guide's condition."""
    expected = condition["expected"]
    if condition["kind"] == "boolean":
        return expected
    if condition["kind"] == "choice":
        return expected[0] if isinstance(expected, list) else expected
    bounds = dict(part.strip().split("=", 1) if "=" in part else (part[0], part[1:]) for part in expected.split(","))
    return float(next(iter(bounds.values())))


def run(*arguments: str, timeout: float = 300, **options: Any) -> "subprocess.CompletedProcess[str]":
    """Run ``tongquan`` with arguments and return what it said."""
    return subprocess.run([TONGQUAN, *arguments], capture_output=True, text=True, timeout=timeout, **options)


@contextmanager
def running(databases: Databases, state_dir: Path, *arguments: str, **settings: str) -> Iterator[Instance]:
    """Run an instance on a free port and a database of its own; it is ready when it is yielded.

    ``settings`` are environment variables without the prefix.
    """
    with databases.empty(state_dir) as database:
        port = free_port()
        options = ["--state-dir", str(state_dir), "--port", str(port), "--ready-timeout", str(START_SECONDS)]
        own = {"DATABASE_URL": database.url, **{f"TONGQUAN_{name.upper()}": value for name, value in settings.items()}}
        done = run("up", "--detach", *options, *arguments, timeout=900, env={**os.environ, **own})
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}\n{logs(state_dir)}"
        instance = Instance(f"http://127.0.0.1:{port}", state_dir, database)
        try:
            yield instance
        finally:
            instance.stop()


def free_port() -> int:
    """Return a port nobody listens on."""
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def logs(state_dir: Path) -> str:
    """Return the end of every log of an instance."""
    told = []
    for path in sorted((state_dir / "logs").glob("*.log")):
        told.append(f"== {path.name}\n" + "\n".join(path.read_text(errors="replace").splitlines()[-25:]))
    return "\n".join(told)
