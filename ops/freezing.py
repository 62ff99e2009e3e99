"""Freeze an instance's processes while its files are copied: all of one instant, as a power cut leaves them.

What is copied meanwhile is what ``kill -9`` of all of them at once would leave, from which engine, feed, relay and
workers are built to recover. The web is not frozen: it writes to the database alone, and what it commits
meanwhile waits there for the engine as ever.
"""

import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import psutil

from ops.instance import InstanceDirectory, RunRecord
from services.errors import SetupError

HELD = ("engine", "bridge", "workers")
"""The children that change state which engine and database share."""
STILL_SECONDS = 20.0
"""How long to wait: a process writing to a slow disk stops only once the write is done."""
STILL_STATES = frozenset("TtZX")
GUARD = 'read -r _; kill -CONT "$@" 2>/dev/null'
"""Resumes the processes once its input is closed, even by the death of its writer: none stays frozen."""


@contextmanager
def frozen(directory: InstanceDirectory) -> Iterator[None]:
    """Freeze a running instance's supervisor, engine, bridge and workers; they resume at the end, whatever happens.

    The supervisor is frozen first, so that it starts nothing anew meanwhile.

    Raises:
        SetupError: the instance is about to start or stop, or a process cannot be frozen.
    """
    record = _running(directory)
    supervisor = record.supervisor.find()
    if supervisor is None:
        raise SetupError("实例正在启动或停止：请等它就绪后再备份")
    with _going_on([supervisor]):
        _hold([supervisor])
        children = _children(_running(directory))
        with _going_on(children):
            _hold(children)
            yield


def _running(directory: InstanceDirectory) -> RunRecord:
    record = directory.run()
    if record is None or not record.ready:
        raise SetupError("实例正在启动或停止：请等它就绪后再备份")
    return record


def _children(record: RunRecord) -> list[psutil.Process]:
    """Return the children to freeze, with all they started; raise ``SetupError`` where one does not run."""
    of = {child.name: child.process.find() for child in record.children if child.process is not None}
    found = []
    for name in HELD:
        process = of.get(name)
        if process is None:
            raise SetupError(f"进程 {name} 正在重新启动：请等实例就绪后再备份")
        found += [process, *process.children(recursive=True)]
    return found


@contextmanager
def _going_on(processes: Sequence[psutil.Process]) -> Iterator[None]:
    """Make sure that processes resume afterwards, even when this one is killed."""
    numbers = [str(process.pid) for process in processes]
    guard = subprocess.Popen(
        ["/bin/sh", "-c", GUARD, "sh", *numbers], stdin=subprocess.PIPE, start_new_session=True, close_fds=True
    )
    try:
        yield
    finally:
        guard.communicate()


def _hold(processes: Sequence[psutil.Process]) -> None:
    try:
        for process in processes:
            process.suspend()
        latest = time.monotonic() + STILL_SECONDS
        while not all(_is_still(process) for process in processes):
            if time.monotonic() > latest:
                raise SetupError("实例的进程没有及时停住：请稍后再备份，或先 tongquan down")
            time.sleep(0.005)
    except psutil.Error as exc:
        raise SetupError("实例的进程刚刚重新启动：请等实例就绪后再备份") from exc


def _is_still(process: psutil.Process) -> bool:
    """Tell whether every thread of a process has stopped."""
    tasks = Path(f"/proc/{process.pid}/task")
    if not tasks.is_dir():
        return process.status() == psutil.STATUS_STOPPED
    return all(_state(task) in STILL_STATES for task in tasks.iterdir())


def _state(task: Path) -> str:
    try:
        # The state follows the name, which stands in parentheses and may hold anything.
        return (task / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[0]
    except (OSError, IndexError):
        return "X"
