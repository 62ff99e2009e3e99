"""Keep children running: start them, start them again when they die, stop them all gracefully.

Everything happens in the main thread, in short steps (:meth:`Supervisor.tick`): Linux ties a child to the thread
that started it. A child that dies is restarted after half a second, then at growing intervals of up to eight seconds.
"""

import shutil
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from engine.spawn import spawn
from ops.instance import ChildRecord, RunningProcess

FIRST_RESTART_SECONDS = 0.5
LAST_RESTART_SECONDS = 8.0
STEADY_SECONDS = 30.0
"""A child that ran this long has its back-off forgotten."""
LOG_LIMIT_BYTES = 20_000_000
LOG_CHECK_SECONDS = 10.0
KILL_WAIT_SECONDS = 5.0


class ChildState(StrEnum):
    """Where a child stands."""

    RUNNING = "running"
    WAITING = "waiting"
    STOPPED = "stopped"


@dataclass(frozen=True)
class ChildSpec:
    """How one child is started; ``before_start`` runs before every start, those after a crash included."""

    name: str
    label: str
    command: Sequence[str | Path]
    env: Mapping[str, str]
    cwd: Path
    log_path: Path
    stop_seconds: float = 10.0
    before_start: Callable[[], None] | None = None
    after_start: Callable[["subprocess.Popen[bytes]"], None] | None = None


@dataclass
class Child:
    """One supervised child."""

    spec: ChildSpec
    process: subprocess.Popen[bytes] | None = None
    state: ChildState = ChildState.STOPPED
    restarts: int = 0
    started_at: float = 0.0
    next_start_at: float = 0.0
    delay: float = FIRST_RESTART_SECONDS
    exit_code: int | None = None

    def start(self) -> None:
        """Start the process now."""
        if self.spec.before_start is not None:
            self.spec.before_start()
        self.process = spawn(self.spec.command, env=self.spec.env, log_path=self.spec.log_path, cwd=self.spec.cwd)
        self.state, self.started_at = ChildState.RUNNING, time.monotonic()
        if self.spec.after_start is not None:
            self.spec.after_start(self.process)

    def notice_death(self) -> bool:
        """Return whether the process has ended since last asked, and plan its next start."""
        if self.state is not ChildState.RUNNING or self.process is None or self.process.poll() is None:
            return False
        now = time.monotonic()
        if now - self.started_at >= STEADY_SECONDS:
            self.delay = FIRST_RESTART_SECONDS
        self.exit_code = self.process.returncode
        self.state, self.next_start_at = ChildState.WAITING, now + self.delay
        return True

    def restart_when_due(self) -> bool:
        """Start the process again once its delay is over; return whether it was."""
        if self.state is not ChildState.WAITING or time.monotonic() < self.next_start_at:
            return False
        self.delay = min(self.delay * 2, LAST_RESTART_SECONDS)
        self.restarts += 1
        try:
            self.start()
        except OSError:
            # A full disk, say: nothing was started, so the next attempt comes after the longer delay.
            self.next_start_at = time.monotonic() + self.delay
            return False
        return True

    @property
    def restless(self) -> bool:
        """Tell whether it ended a moment ago, or has not run steadily since."""
        return self.restarts > 0 and (
            self.state is ChildState.WAITING or time.monotonic() - self.started_at < STEADY_SECONDS
        )

    def record(self) -> ChildRecord:
        """Return what ``run.json`` says of it."""
        running = None
        if self.process is not None and self.process.poll() is None:
            running = RunningProcess.of(self.process.pid)
        return ChildRecord(self.spec.name, str(self.state), self.restarts, running)


@dataclass
class Supervisor:
    """The children of one instance; ``tell`` gets a line for people, ``changed`` is called when a child's state is."""

    tell: Callable[[str], None]
    changed: Callable[["Supervisor"], None]
    children: dict[str, Child] = field(default_factory=dict)
    logs_checked_at: float = 0.0

    def start(self, spec: ChildSpec) -> Child:
        """Start a child and keep it running from now on."""
        child = self.children[spec.name] = Child(spec)
        _trim(spec.log_path)
        child.start()
        self.changed(self)
        return child

    def tick(self) -> None:
        """Look after every child once."""
        for child in self.children.values():
            if child.notice_death():
                wait = child.next_start_at - time.monotonic()
                self.tell(
                    f"✗ {child.spec.label}已退出（{exit_words(child.exit_code)}），{max(wait, 0):.1f} 秒后重新启动；"
                    f"日志：{child.spec.log_path}"
                )
                self.changed(self)
            if child.restart_when_due():
                self.tell(f"· {child.spec.label}已重新启动")
                self.changed(self)
        self._look_after_logs()

    def stop(self, *groups: Sequence[str]) -> None:
        """Stop the named children group by group, then all others; those that do not stop in time are killed."""
        named = {name for group in groups for name in group}
        for group in (*groups, [name for name in self.children if name not in named]):
            _stop_all([self.children[name] for name in group if name in self.children])
            self.changed(self)

    def kill(self) -> None:
        """End every child at once."""
        for child in self.children.values():
            child.state = ChildState.STOPPED
            if child.process is not None and child.process.poll() is None:
                child.process.kill()
                child.process.wait(KILL_WAIT_SECONDS)

    def _look_after_logs(self) -> None:
        now = time.monotonic()
        if now - self.logs_checked_at >= LOG_CHECK_SECONDS:
            self.logs_checked_at = now
            for child in self.children.values():
                _trim(child.spec.log_path)


def _stop_all(children: list[Child]) -> None:
    for child in children:
        child.state = ChildState.STOPPED
        if child.process is not None and child.process.poll() is None:
            child.process.terminate()
    begun = time.monotonic()
    for child in children:
        if child.process is None:
            continue
        try:
            child.process.wait(max(0.1, child.spec.stop_seconds - (time.monotonic() - begun)))
        except subprocess.TimeoutExpired:
            child.process.kill()
            child.process.wait(KILL_WAIT_SECONDS)


def _trim(log: Path) -> None:
    """Keep one former log when a log has grown too large; its writer appends and goes on in the emptied file."""
    try:
        if log.stat().st_size > LOG_LIMIT_BYTES:
            shutil.copyfile(log, log.with_name(f"{log.name}.1"))
            with log.open("r+b") as file:
                file.truncate(0)
    except OSError:
        return


def exit_words(code: int | None) -> str:
    """Return how a process ended, as people say it."""
    if code is not None and code < 0:
        return f"信号 {-code}"
    return f"退出码 {code}"
