"""The state directory of one instance: its layout, its identity, who holds it, and what runs in it now.

Nobody but its owner reads it: whoever holds it writes files closed to others, as do its children, and a start closes
those that an earlier release left open.

``instance.json`` lasts: format, mode, engine, clock, chosen ports, the digest of the models last deployed. ``run.json``
tells of the running supervisor and its children and is of no use once they are gone. ``.lock`` is held while the
instance runs; the kernel frees it however the holder ends.
"""

import contextlib
import fcntl
import json
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Self

import psutil

from services.errors import SetupError
from settings import Environment

FORMAT = 1
EXTERNAL_ENGINE = "external"
START_TIME_TOLERANCE_SECONDS = 1.0
PRIVATE_UMASK = 0o077
OTHERS = 0o077
"""The permission bits of group and others."""


@dataclass(frozen=True)
class Identity:
    """What belongs to a state directory for good, and what it remembers from start to start.

    ``mode`` is None where nobody has chosen: in a request that leaves it open, and a directory of an earlier release.
    """

    engine: str
    controlled_clock: bool
    operate: bool = False
    ports: dict[str, int] = field(default_factory=dict)
    deployed_digest: str | None = None
    mode: Environment | None = None
    format: int = FORMAT

    @property
    def production(self) -> bool:
        """Tell whether it is a production instance's."""
        return self.mode is Environment.PRODUCTION


@dataclass(frozen=True)
class RunningProcess:
    """A process by its id and start time; the id alone may have gone to another process since."""

    pid: int
    started_at: float

    @classmethod
    def of(cls, pid: int) -> Self:
        """Describe a process that runs now."""
        return cls(pid, psutil.Process(pid).create_time())

    def find(self) -> psutil.Process | None:
        """Return the process if it is still the same one and has not ended."""
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.started_at) < START_TIME_TOLERANCE_SECONDS
            return process if same and process.status() != psutil.STATUS_ZOMBIE else None
        except psutil.Error:
            return None


@dataclass(frozen=True)
class ChildRecord:
    """What ``run.json`` says of one child."""

    name: str
    state: str
    restarts: int
    process: RunningProcess | None = None


@dataclass(frozen=True)
class WaitRecord:
    """What ``run.json`` says of a start that is not done: what it waits for, and for how long nothing has moved."""

    cause: str
    still_seconds: float = 0.0
    hopeless: bool = False


@dataclass(frozen=True)
class RunRecord:
    """What ``run.json`` says: the supervisor, how to reach what it runs, its children, and what a start waits for."""

    supervisor: RunningProcess
    url: str
    environment: dict[str, str]
    ready: bool = False
    children: tuple[ChildRecord, ...] = ()
    waiting: WaitRecord | None = None


class InstanceDirectory:
    """One state directory."""

    def __init__(self, root: Path) -> None:
        self.root = root.expanduser().absolute()

    @property
    def logs(self) -> Path:
        """Return where every child's log is."""
        return self.root / "logs"

    @property
    def engine_data(self) -> Path:
        """Return the embedded engine's data directory."""
        return self.root / "engine"

    @property
    def search_data(self) -> Path:
        """Return the data directory of the search store that Operate reads."""
        return self.root / "search"

    def log(self, name: str) -> Path:
        """Return one child's log."""
        return self.logs / f"{name}.log"

    # -- who holds it

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold the directory for one supervisor or one offline command; what is written meanwhile is closed to others.

        Raises:
            SetupError: another process holds it, or the directory cannot be written.
        """
        former = os.umask(PRIVATE_UMASK)
        try:
            with self._locked():
                yield
        finally:
            os.umask(former)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = (self.root / ".lock").open("a")
        except OSError as exc:
            raise SetupError(
                f"状态目录 {self.root} 不可写（{exc.strerror}）：请检查权限和磁盘，或用 --state-dir 另指一处"
            ) from exc
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as exc:
                raise SetupError(
                    f"状态目录 {self.root} 已有实例在运行：请先 tongquan down，或用 --state-dir 另指一处"
                ) from exc
            yield

    def close_to_others(self) -> None:
        """Remove the permissions of group and others on the directory and, where it is an instance's, on all in it.

        Other files in a directory that is not an instance's yet are left alone, as are those of another owner.
        """
        entries = [self.root]
        if self.identity() is not None:
            for folder, folders, files in os.walk(self.root):
                entries += [Path(folder, name) for name in (*folders, *files)]
        for path in entries:
            with contextlib.suppress(OSError):  # Files come and go meanwhile.
                mode = path.lstat().st_mode
                if mode & OTHERS and not stat.S_ISLNK(mode):
                    path.chmod(stat.S_IMODE(mode) & ~OTHERS)

    def is_open_to_others(self) -> bool:
        """Tell whether group or others have a permission on the directory, and so perhaps on what is in it."""
        return bool(self.root.stat().st_mode & OTHERS)

    def is_held(self) -> bool:
        """Tell whether an instance runs in it."""
        try:
            with (self.root / ".lock").open("r") as lock:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except OSError:
            return True
        return False

    # -- whose it is

    def identity(self) -> Identity | None:
        """Return the recorded identity, or ``None`` for a fresh directory.

        Raises:
            SetupError: it was written by a later release, or is damaged.
        """
        path = self.root / "instance.json"
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as exc:
            raise SetupError(f"{path} 已损坏：请从备份恢复，或用 --state-dir 指定新的状态目录") from exc
        if not isinstance(content, dict) or content.get("format") != FORMAT:
            raise SetupError(f"状态目录 {self.root} 由其他版本写成：请使用该版本启动，或用 --state-dir 指定新的目录")
        known = {key: content[key] for key in Identity.__dataclass_fields__ if key in content}
        if known.get("mode") is not None:
            known["mode"] = Environment(known["mode"])
        return Identity(**known)

    def check(self, wanted: Identity) -> Identity:
        """Return the identity to go on with: the recorded one when ``wanted`` fits it, else ``wanted`` for a fresh one.

        Its mode is settled: the recorded one, else the wanted one, else development.

        Raises:
            SetupError: the directory belongs to another engine or to the other mode.
        """
        recorded = self.identity()
        if recorded is None:
            return replace(wanted, mode=wanted.mode or Environment.DEVELOPMENT)
        if recorded.mode is not None and wanted.mode not in (None, recorded.mode):
            raise SetupError(_other_mode(self.root, recorded.mode))
        if recorded.engine != wanted.engine:
            raise SetupError(
                f"状态目录 {self.root} 属于{_engine_words(recorded.engine)}，不能用{_engine_words(wanted.engine)}打开："
                f"请改用 {_way_back(recorded.engine)}，或用 --state-dir 指定新的目录"
            )
        mode = recorded.mode or wanted.mode or Environment.DEVELOPMENT
        return replace(recorded, operate=wanted.operate, mode=mode)

    def record(self, identity: Identity) -> None:
        """Write the identity."""
        write_json(self.root / "instance.json", asdict(identity))

    # -- what runs in it

    def run(self) -> RunRecord | None:
        """Return what the last supervisor recorded; it may be gone by now."""
        try:
            content: dict[str, Any] = json.loads((self.root / "run.json").read_text(encoding="utf-8"))
            children = tuple(
                ChildRecord(c["name"], c["state"], c["restarts"], _process(c["process"])) for c in content["children"]
            )
            supervisor = _process(content["supervisor"])
            if supervisor is None:
                return None
            waiting = WaitRecord(**content["waiting"]) if content.get("waiting") else None
            return RunRecord(supervisor, content["url"], content["environment"], content["ready"], children, waiting)
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def record_run(self, record: RunRecord) -> None:
        """Write what runs now."""
        write_json(self.root / "run.json", asdict(record))

    def forget_run(self) -> None:
        """Remove ``run.json`` after a clean stop."""
        (self.root / "run.json").unlink(missing_ok=True)

    def kill_leftovers(self) -> int:
        """Kill children that outlived a killed supervisor (the caller holds the directory); return how many."""
        record = self.run()
        found = [c.process.find() for c in record.children if c.process is not None] if record is not None else []
        left = [process for process in found if process is not None]
        for process in left:
            process.kill()
        psutil.wait_procs(left, timeout=10)
        return len(left)


def kind_of(child: str) -> str:
    """Return what a child is, where several of one kind run: ``workers`` of ``workers-2``."""
    return child.partition("-")[0]


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Replace a JSON file as a whole; a reader sees the old or the new one."""
    new = path.with_name(f"{path.name}.new")
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        json.dump(content, file, ensure_ascii=False, indent=1)
    os.replace(new, path)


def _process(content: dict[str, Any] | None) -> RunningProcess | None:
    return RunningProcess(content["pid"], content["started_at"]) if content else None


def _engine_words(engine: str) -> str:
    return "外部引擎" if engine == EXTERNAL_ENGINE else f"引擎 {engine}"


def _other_mode(root: Path, recorded: Environment) -> str:
    if recorded is Environment.PRODUCTION:
        return f"状态目录 {root} 是正式实例，不能以开发模式打开：请去掉 TONGQUAN_ENVIRONMENT=development"
    return (
        f"状态目录 {root} 以开发模式建立，其中有公开口令的账号，不能转为正式："
        f"请用 tongquan init --production --state-dir 另建一个"
    )


def _way_back(engine: str) -> str:
    return "--zeebe ADDRESS" if engine == EXTERNAL_ENGINE else f"--engine {engine}"
