"""``tongquan up --detach``: start the supervisor in a session of its own and return once the site is ready.

A start is waited for as long as it makes progress. It is given up, and what was started is stopped, when only a person
can fix what it waits for, when nothing has moved for a while, or at the limit the caller has set.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from engine.progress import Progress, signs_of
from ops.down import down
from ops.instance import InstanceDirectory, WaitRecord
from ops.terminal import complain, say
from services.errors import SetupError
from settings import PROJECT_ROOT

STILL_SECONDS = 240.0
"""A start in which nothing has moved for this long is not just slow; longer than the engine itself is given."""
POLL_SECONDS = 0.2


def start_detached(state_dir: Path, arguments: Sequence[str], ready_timeout: float) -> int:
    """Run ``tongquan up`` with ``arguments`` in the background and follow it until it is ready or has failed.

    ``ready_timeout`` is in seconds, 0 for no limit; it counts from the end of the last download progress, so that a
    slow network is not a failed start.

    Raises:
        SetupError: an instance already runs in the state directory, or the start was given up.
    """
    directory = InstanceDirectory(state_dir)
    with directory.held():
        directory.logs.mkdir(parents=True, exist_ok=True)
        directory.log("supervisor").touch()
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
        return _follow(directory, process, log, seen, ready_timeout)
    except KeyboardInterrupt:
        process.send_signal(signal.SIGTERM)
        process.wait()
        return 130


def why_given_up(waiting: WaitRecord, elapsed: float, limit: float) -> str | None:
    """Return why a start that is not ready is given up, or ``None`` to go on waiting; all times are in seconds."""
    if waiting.hopeless:
        return waiting.cause
    if waiting.still_seconds > STILL_SECONDS:
        return f"{waiting.still_seconds:.0f} 秒没有任何进展：{waiting.cause}"
    if limit and elapsed > limit:
        return f"{limit:.0f} 秒内没有就绪（可用 --ready-timeout 放宽）：{waiting.cause}"
    return None


def _follow(
    directory: InstanceDirectory, process: "subprocess.Popen[bytes]", log: Path, seen: int, limit: float
) -> int:
    begun = time.monotonic()
    progress = Progress()
    while True:
        ended = process.poll()
        record = directory.run()
        own = record if record is not None and record.supervisor.pid == process.pid else None
        grown = _repeat(log, seen)
        if "MB（" in grown[1]:
            begun = time.monotonic()
        seen = grown[0]
        if ended is not None:
            return ended or 1
        if own is not None and own.ready:
            return 0
        waiting = own.waiting if own is not None else None
        if waiting is None:
            # Nothing is started yet; the supervisor's own work is all there is to see.
            still = progress.still_seconds(signs_of(process.pid, log))
            waiting = WaitRecord(f"实例仍在准备；日志：{log}", still)
        if why := why_given_up(waiting, time.monotonic() - begun, limit):
            down(directory)
            raise SetupError(f"启动未成，已停止：{why}")
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
