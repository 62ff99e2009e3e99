"""``tongquan down``: stop an instance and wait until all its processes are gone."""

import contextlib
import time

import psutil

from ops.instance import InstanceDirectory

STOP_TIMEOUT_SECONDS = 60.0
POLL_SECONDS = 0.1


def down(directory: InstanceDirectory, timeout: float = STOP_TIMEOUT_SECONDS) -> bool:
    """Stop the instance of ``directory``; return whether one was running.

    A supervisor that does not end in time is killed; the kernel then kills its children.
    """
    record = directory.run()
    supervisor = record.supervisor.find() if record is not None else None
    was_running = supervisor is not None or directory.is_held()
    if supervisor is not None:
        with contextlib.suppress(psutil.NoSuchProcess):
            supervisor.terminate()
    deadline = time.monotonic() + timeout
    while directory.is_held():
        if time.monotonic() > deadline:
            if supervisor is None:
                return was_running
            with contextlib.suppress(psutil.NoSuchProcess):
                supervisor.kill()
            deadline = time.monotonic() + timeout
        if supervisor is None:
            # It is still starting and has recorded nothing yet.
            record = directory.run()
            supervisor = record.supervisor.find() if record is not None else None
            if supervisor is not None:
                with contextlib.suppress(psutil.NoSuchProcess):
                    supervisor.terminate()
        time.sleep(POLL_SECONDS)
    if supervisor is not None:
        with contextlib.suppress(psutil.TimeoutExpired):
            supervisor.wait(timeout)
    if directory.root.exists():
        with directory.held():
            directory.kill_leftovers()
            directory.forget_run()
    return was_running
