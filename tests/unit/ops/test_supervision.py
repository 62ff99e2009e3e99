"""Supervision: a dead child comes back, ever later; a stopped one does not; none outlives its parent."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from ops import supervision
from ops.supervision import ChildSpec, ChildState, Supervisor

SLEEPER = "import time; time.sleep(60)"
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
ROOT = Path(supervision.__file__).parent.parent


def until(condition: Callable[[], object], seconds: float = 10) -> None:
    """Wait for a condition, failing after ``seconds``."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def supervisor(told: list[str]) -> Iterator[Supervisor]:
    running = Supervisor(tell=told.append, changed=lambda _supervisor: None)
    yield running
    running.kill()


def spec(tmp_path: Path, code: str, **changes: object) -> ChildSpec:
    values = {
        "name": "child",
        "label": "子进程",
        "command": [sys.executable, "-c", code],
        "env": dict(os.environ),
        "cwd": tmp_path,
        "log_path": tmp_path / "child.log",
        **changes,
    }
    return ChildSpec(**values)  # type: ignore[arg-type]


def test_a_killed_child_is_started_again_within_ten_seconds(
    supervisor: Supervisor, told: list[str], tmp_path: Path
) -> None:
    starts: list[int] = []
    child = supervisor.start(spec(tmp_path, SLEEPER, before_start=lambda: starts.append(1)))
    assert child.process is not None
    assert not child.restless
    first = child.process.pid
    child.process.kill()
    begun = time.monotonic()

    def came_back() -> bool:
        supervisor.tick()
        return child.state is ChildState.RUNNING and child.restarts == 1

    until(came_back)
    assert time.monotonic() - begun < 10
    assert child.process.pid != first
    assert child.restless
    child.started_at -= supervision.STEADY_SECONDS
    assert not child.restless
    assert len(starts) == 2
    assert any("信号 9" in line and str(child.spec.log_path) in line for line in told)


def test_a_child_that_keeps_dying_is_started_ever_later_but_within_ten_seconds(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    child = supervisor.start(spec(tmp_path, "raise SystemExit(7)"))
    delays = []
    for _ in range(7):
        until(lambda: child.notice_death())
        delays.append(child.delay)
        child.next_start_at = 0
        assert child.restart_when_due()
    assert delays == sorted(delays)
    assert delays[0] < 1
    assert delays[-1] == supervision.LAST_RESTART_SECONDS < 10
    assert child.restarts == 7


def test_a_stopped_child_stays_stopped(supervisor: Supervisor, tmp_path: Path) -> None:
    child = supervisor.start(spec(tmp_path, SLEEPER))
    supervisor.stop()
    supervisor.tick()
    assert child.state is ChildState.STOPPED
    assert child.process is not None
    assert child.process.poll() is not None


def test_a_child_that_ignores_the_request_to_stop_is_killed(supervisor: Supervisor, tmp_path: Path) -> None:
    child = supervisor.start(spec(tmp_path, STUBBORN, stop_seconds=0.3))
    until(lambda: "up" in child.spec.log_path.read_text())
    supervisor.stop()
    assert child.process is not None
    assert child.process.returncode == -signal.SIGKILL


def test_no_child_outlives_a_killed_parent(tmp_path: Path) -> None:
    parent_code = (
        "import sys, time, pathlib; from engine.spawn import spawn; import os;"
        f"child = spawn([sys.executable, '-c', {SLEEPER!r}], env=dict(os.environ),"
        f" log_path=pathlib.Path({str(tmp_path / 'log')!r}), cwd=pathlib.Path({str(tmp_path)!r}));"
        "print(child.pid, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", parent_code], cwd=ROOT, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        until(lambda: "sleep" in " ".join(child.cmdline()) and "tether" not in " ".join(child.cmdline()))
        parent.kill()
        until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE, seconds=5)


def test_a_log_that_has_grown_too_large_is_emptied_and_its_past_kept_once(
    supervisor: Supervisor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervision, "LOG_LIMIT_BYTES", 100)
    log = tmp_path / "child.log"
    log.write_text("x" * 200)
    supervisor.start(spec(tmp_path, "print('hello')"))
    until(lambda: "hello" in log.read_text())
    assert log.read_text() == "hello\n"
    assert (tmp_path / "child.log.1").read_text() == "x" * 200


def test_a_command_that_does_not_exist_says_so_in_the_log(supervisor: Supervisor, tmp_path: Path) -> None:
    child = supervisor.start(spec(tmp_path, "", command=["/no/such/program"]))
    until(child.notice_death)
    assert child.exit_code == 127
    assert "/no/such/program" in child.spec.log_path.read_text()
