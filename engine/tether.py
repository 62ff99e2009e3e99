"""Run a command that cannot outlive its parent: ``python -I -S tether.py PARENT_PID COMMAND…``.

A script, not a module: it is started without site packages so that it costs a few milliseconds. On Linux it asks
the kernel to kill the process when the parent dies, by whatever means, and becomes the command; the request
survives ``exec``. Elsewhere it stays between the two and watches the parent.
"""

import os
import signal
import subprocess
import sys
import time

PR_SET_PDEATHSIG = 1
PARENT_CHECK_SECONDS = 0.5


def bind_to_parent(parent: int) -> None:
    """Have the kernel send SIGKILL to this process when its parent is gone; leave at once if it is already."""
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")
    if os.getppid() != parent:
        sys.exit(1)


def watch(parent: int, command: list[str]) -> int:
    """Run the command as a child, pass on signals, and kill it once the parent is gone."""
    child = subprocess.Popen(command)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda received, _frame: child.send_signal(received))
    while child.poll() is None:
        if os.getppid() != parent:
            child.kill()
        time.sleep(PARENT_CHECK_SECONDS)
    return child.returncode


def main() -> None:
    """Bind, then become the command."""
    parent, command = int(sys.argv[1]), sys.argv[2:]
    if sys.platform != "linux":
        sys.exit(watch(parent, command))
    bind_to_parent(parent)
    try:
        os.execvp(command[0], command)  # noqa: S606
    except OSError as exc:
        sys.stderr.write(f"{command[0]}: {exc.strerror}\n")
        sys.exit(127)


main()
