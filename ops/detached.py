"""``tongquan up --detach``: start the supervisor in a session of its own and return once the site is ready."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from ops.down import down
from ops.instance import InstanceDirectory
from ops.readiness import ask, summary
from ops.terminal import complain, say
from services.errors import SetupError
from settings import PROJECT_ROOT

READY_TIMEOUT_SECONDS = 240.0
"""Counted from the end of the last download progress, so that a slow network is not a failed start."""
POLL_SECONDS = 0.2


def start_detached(state_dir: Path, arguments: Sequence[str]) -> int:
    """Run ``tongquan up`` with ``arguments`` in the background and follow it until it is ready or has failed.

    Raises:
        SetupError: an instance already runs in the state directory, or it is not ready in time.
    """
    directory = InstanceDirectory(state_dir)
    with directory.held():
        directory.logs.mkdir(parents=True, exist_ok=True)
    log = directory.log("supervisor")
    seen = log.stat().st_size if log.exists() else 0
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "cli", "up", *arguments],
            cwd=PROJECT_ROOT,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        return _follow(directory, process, log, seen)
    except KeyboardInterrupt:
        process.send_signal(signal.SIGTERM)
        process.wait()
        return 130


def _follow(directory: InstanceDirectory, process: "subprocess.Popen[bytes]", log: Path, seen: int) -> int:
    deadline = time.monotonic() + READY_TIMEOUT_SECONDS
    while True:
        ended = process.poll()
        record = directory.run()
        ready = record is not None and record.ready and record.supervisor.pid == process.pid
        grown = _repeat(log, seen)
        if "MB（" in grown[1]:
            deadline = time.monotonic() + READY_TIMEOUT_SECONDS
        seen = grown[0]
        if ended is not None:
            return ended or 1
        if ready:
            return 0
        if time.monotonic() > deadline:
            missing = summary(ask(record.url).failing) if record is not None else "监督进程没有开始"
            down(directory)
            raise SetupError(f"{READY_TIMEOUT_SECONDS:.0f} 秒内没有就绪，已停止：{missing}；日志：{directory.logs}")
        time.sleep(POLL_SECONDS)


def _repeat(log: Path, seen: int) -> tuple[int, str]:
    """Print what the log has gained and return its new length and that text."""
    with log.open("rb") as file:
        file.seek(seen)
        gained = file.read()
    whole = gained[: gained.rfind(b"\n") + 1]
    text = whole.decode("utf-8", errors="replace")
    for line in text.splitlines():
        if line.startswith("✗ "):
            complain(line.removeprefix("✗ "))
        else:
            say(line)
    return seen + len(whole), text
