"""Start a process that logs to a file and dies with the process that started it."""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

TETHER = Path(__file__).with_name("tether.py")


def spawn(
    command: Sequence[str | Path], *, env: Mapping[str, str], log_path: Path, cwd: Path
) -> subprocess.Popen[bytes]:
    """Start ``command`` in a session of its own, its output appended to ``log_path``.

    The process is killed by the kernel when the calling *thread* ends (that is how Linux counts parents), so call
    this from the main thread. A session of its own keeps a Ctrl-C in the terminal away from it: its parent decides
    how it is stopped.
    """
    log_path.parent.mkdir(parents=True, exist_ok=True)
    tethered = [sys.executable, "-I", "-S", str(TETHER), str(os.getpid()), *map(str, command)]
    with log_path.open("ab") as log:
        return subprocess.Popen(
            tethered,
            env=dict(env),
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
