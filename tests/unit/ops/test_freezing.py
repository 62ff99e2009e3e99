"""A running instance's processes are held still, all that share engine and database, and go on whatever happens."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from ops.freezing import frozen
from ops.instance import ChildRecord, InstanceDirectory, RunningProcess, RunRecord
from services.errors import SetupError
from settings import PROJECT_ROOT
from tests.instance import eventually

NAMES = ("supervisor", "engine", "bridge", "workers", "web")
LIVING = (psutil.STATUS_RUNNING, psutil.STATUS_SLEEPING, psutil.STATUS_DISK_SLEEP)
HOLDING = """
import sys
from pathlib import Path
from ops.freezing import frozen
from ops.instance import InstanceDirectory
with frozen(InstanceDirectory(Path(sys.argv[1]))):
    print("held", flush=True)
    sys.stdin.read()
"""

Running = dict[str, psutil.Process]


def record(directory: InstanceDirectory, processes: Running, *, ready: bool = True) -> None:
    """Write what a supervisor would have recorded."""
    known = {name: RunningProcess.of(process.pid) for name, process in processes.items()}
    children = tuple(ChildRecord(name, "running", 0, known.get(name)) for name in NAMES[1:])
    directory.record_run(RunRecord(known["supervisor"], "", {}, ready, children))


@pytest.fixture
def directory(tmp_path: Path) -> InstanceDirectory:
    return InstanceDirectory(tmp_path)


@pytest.fixture
def processes(directory: InstanceDirectory) -> Iterator[Running]:
    """Start what stands for an instance's processes, and record it."""
    started = {name: subprocess.Popen(["sleep", "600"]) for name in NAMES}
    found = {name: psutil.Process(one.pid) for name, one in started.items()}
    record(directory, found)
    yield found
    for one in started.values():
        one.kill()
        one.wait()


def still(processes: Running) -> set[str]:
    """Return the names of those that are held."""
    return {name for name, process in processes.items() if process.status() == psutil.STATUS_STOPPED}


def test_all_but_the_web_are_held_and_go_on_afterwards(directory: InstanceDirectory, processes: Running) -> None:
    with frozen(directory):
        assert still(processes) == {"supervisor", "engine", "bridge", "workers"}
    assert still(processes) == set()
    with pytest.raises(ZeroDivisionError), frozen(directory):
        raise ZeroDivisionError
    assert still(processes) == set()


def test_they_go_on_when_whoever_holds_them_is_killed(directory: InstanceDirectory, processes: Running) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDING, str(directory.root)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=PROJECT_ROOT,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    assert still(processes) == {"supervisor", "engine", "bridge", "workers"}
    holder.send_signal(signal.SIGKILL)
    holder.communicate(timeout=60)
    eventually(lambda: not still(processes), "all go on", 60)
    assert all(process.status() in LIVING for process in processes.values())


def test_an_instance_that_is_not_ready_or_whose_part_has_just_died_is_not_held(
    directory: InstanceDirectory, processes: Running
) -> None:
    record(directory, processes, ready=False)
    with pytest.raises(SetupError, match="正在启动"), frozen(directory):
        pass
    record(directory, {name: one for name, one in processes.items() if name != "bridge"})
    with pytest.raises(SetupError, match="bridge"), frozen(directory):
        pass
    assert still(processes) == set()
