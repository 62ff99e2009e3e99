"""``tongquan up``: bring one instance from its state directory to a served site, and keep it there.

Checks come first and change nothing: the lock, the directory's owner, the disk, the port, the engine's files. Then
the database is migrated and seeded, and the children start: web and bridge at once, the engine with them, the
deployment of ``bpmn/`` when the engine takes commands, and the workers when it has models. None of this has a time
limit: what is slow is waited for, and from time to time the terminal says what for.
"""

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from types import FrameType

from bridge.feed_account import feed_account, kept_password
from engine.distribution import DEFAULT_VERSION, pin_of
from engine.spawn import spawn
from ops import banner, engine_preparation, environment, production, space
from ops.deployment import what_would_be_deployed
from ops.engine_child import EngineChild
from ops.engine_preparation import SearchStore
from ops.external_cluster import external_addresses, require_reachable
from ops.instance import EXTERNAL_ENGINE, Identity, InstanceDirectory, RunningProcess, RunRecord, WaitRecord, kind_of
from ops.model_deployment import ModelDeployment
from ops.ports import BASE_PORTS, ENGINE_PORTS, choose_ports
from ops.start_watch import StartWatch
from ops.supervision import ChildSpec, Supervisor
from ops.terminal import say
from ops.waiting import Part
from services.documents.signing import load_key
from services.errors import SetupError
from settings import PROJECT_ROOT, Environment, Settings, get_settings

TICK_SECONDS = 0.1
LOOK_SECONDS = 0.5
"""How often a start that is not done is looked at, and ``run.json`` tells what it waits for."""
FIRST_WORD_SECONDS = 60.0
"""When a start that is not done is first reported; then after twice the time, and so on."""
OPERATE_VERSION = "8.6.0"
VENDOR_ASSETS = PROJECT_ROOT / "api" / "static" / "vendor" / "manifest.json"


@dataclass(frozen=True)
class UpOptions:
    """What the user asked ``up`` for."""

    state_dir: Path
    port: int | None = None
    engine: str | None = None
    operate: bool = False
    zeebe: str | None = None
    controlled_clock: bool = False
    clock_start: datetime | None = None

    @property
    def wanted(self) -> Identity:
        """Return the identity a fresh state directory would get.

        Raises:
            SetupError: the options contradict each other.
        """
        if self.zeebe is not None:
            if self.controlled_clock or self.operate or self.engine is not None:
                raise SetupError("--zeebe 不能与 --engine、--operate、--controlled-clock 同用：它们只用于内置引擎")
            return Identity(EXTERNAL_ENGINE, controlled_clock=False, mode=environment.asked_mode())
        if self.operate and self.engine not in (None, OPERATE_VERSION):
            raise SetupError(f"--operate 需要引擎 {OPERATE_VERSION}：请去掉 --engine {self.engine}")
        version = self.engine or (OPERATE_VERSION if self.operate else DEFAULT_VERSION)
        pin_of(version)
        return Identity(version, self.controlled_clock, operate=self.operate, mode=environment.asked_mode())


@dataclass
class Instance:
    """One instance being run in this process."""

    options: UpOptions
    directory: InstanceDirectory
    identity: Identity
    supervisor: Supervisor = field(init=False)
    engine: EngineChild | None = None
    search: SearchStore | None = None
    chosen: dict[str, str] = field(default_factory=dict)
    deployment: ModelDeployment = field(init=False)
    waiting: WaitRecord | None = None
    ready: bool = False
    signals: int = 0

    def __post_init__(self) -> None:
        self.supervisor = Supervisor(tell=say, changed=lambda _supervisor: self._record())
        self.deployment = ModelDeployment(
            attempt=self._attempt_deployment,
            reason=lambda: last_line(self.directory.log(Part.DEPLOYMENT)),
            mark=lambda: what_would_be_deployed(self.directory),
            tell=say,
        )

    @property
    def url(self) -> str:
        """Return the site's address as a browser on this machine reaches it."""
        host = self.chosen["TONGQUAN_WEB_HOST"]
        shown = "127.0.0.1" if host in ("0.0.0.0", "::", "") else host  # noqa: S104
        return f"http://{shown}:{self.chosen['TONGQUAN_WEB_PORT']}"

    # -- before anything runs

    def prepare(self) -> None:
        """Check, choose ports, fetch the engine, migrate and seed; nothing is running yet.

        Raises:
            SetupError, EngineError: what is in the way, and how to fix it.
        """
        self._check_disk()
        web_host = os.environ.get("TONGQUAN_WEB_HOST", "127.0.0.1")
        names = [*BASE_PORTS, *(() if self.options.zeebe else ENGINE_PORTS)]
        if self.identity.operate:
            names.append("search")
        ports = choose_ports(names, self.identity.ports, web_port=self.options.port, web_host=web_host)
        external = external_addresses(self.options.zeebe) if self.options.zeebe else None
        if external is not None:
            require_reachable(external[0])
        distribution = None if external is not None else engine_preparation.fetch(self.identity.engine)
        operate_url = f"http://127.0.0.1:{ports['rest']}/operate" if self.identity.operate else None
        self.chosen = environment.instance_environment(
            self.directory,
            ports,
            mode=self.identity.mode or Environment.DEVELOPMENT,
            web_host=web_host,
            controlled_clock=self.options.controlled_clock,
            external=external,
            operate_url=operate_url,
        )
        environment.adopt(self.chosen, embedded=external is None)
        require_sharing_database(get_settings())
        if self.identity.production:
            production.require_tls(get_settings())
            load_key(get_settings())
        for line in production.exposure_banner(get_settings()):
            say(line)
        self._prepare_database()
        account = feed_account(get_settings())
        if external is not None and get_settings().feed_password is None:
            kept = kept_password(get_settings())
            say(f"· 集群的导出器须以用户 {account.username} 和 {kept} 中的口令连接 {self.chosen['FEED_BIND']}")
        self.identity = replace(
            self.identity,
            controlled_clock=self.options.controlled_clock,
            ports={**self.identity.ports, **ports},
            deployed_digest=self.identity.deployed_digest if self._engine_has_data() else None,
        )
        self.directory.record(self.identity)
        if distribution is not None:
            config = engine_preparation.configuration(
                self.directory,
                distribution,
                ports,
                version=self.identity.engine,
                feed_address=self.chosen["FEED_BIND"],
                controlled_clock=self.options.controlled_clock,
            )
            if self.identity.operate:
                config, self.search = engine_preparation.with_operate(config, self.directory, ports["search"])
            self.engine = EngineChild(config)

    def _check_disk(self) -> None:
        free = space.free_bytes(self.directory.root)
        if free < space.STOP_BYTES:
            raise SetupError(
                f"磁盘空间不足：{self.directory.root} 所在磁盘仅剩 {space.words(free)}，引擎无法运行；"
                f"请清理磁盘，或用 --state-dir 指定另一处"
            )
        if free < space.LOW_BYTES:
            say(f"! 磁盘空间紧张：{self.directory.root} 所在磁盘仅剩 {space.words(free)}")

    def _prepare_database(self) -> None:
        from services.setup import prepare

        say("· 检查数据库、事项目录与账号")
        prepare(get_settings(), clock_start=self.options.clock_start)

    def _engine_has_data(self) -> bool:
        return self.options.zeebe is not None or (self.directory.engine_data / "raft-partition").exists()

    # -- running

    def start(self) -> None:
        """Start what waits for nothing; the rest follows in :meth:`run`."""
        self._start_python("web", "网站", "api")
        self._start_several("bridge", "引擎桥", get_settings().bridge_processes)
        if self.search is not None:
            say("· 启动检索库")
            self.supervisor.start(self.search.child)

    def run(self) -> int:
        """Look after the children until asked to stop; return the exit status."""
        watch = StartWatch(self.directory, self.url, self.supervisor, self.deployment, self.engine, self._search_ready)
        try:
            begun = looked_at = time.monotonic()
            word_after = FIRST_WORD_SECONDS
            while not self.signals:
                self.supervisor.tick()
                self._go_on_with_start(watch)
                now = time.monotonic()
                if not self.ready and now - looked_at >= LOOK_SECONDS:
                    looked_at = now
                    self._look(watch)
                    if self.waiting is not None and now - begun >= word_after:
                        say(f"· 已启动 {now - begun:.0f} 秒，仍在等待：{self.waiting.cause}")
                        word_after *= 2
                time.sleep(TICK_SECONDS)
        finally:
            watch.stop()
        return 0

    def stop(self) -> None:
        """Stop every child: first those that use the engine, then the engine, last the bridge that hears from it."""
        if not self.supervisor.children:
            return
        say("· 正在停止…")
        self.deployment.stop()
        last = ("bridge", "search")
        users = [name for name in self.supervisor.children if kind_of(name) not in ("engine", *last)]
        self.supervisor.stop(users, ("engine",))
        say("· 已停止")

    def on_signal(self, _number: int, _frame: FrameType | None) -> None:
        """Ask the loop to end; a third time, end the children at once."""
        self.signals += 1
        if self.signals > 2:
            self.supervisor.kill()
            os._exit(130)

    def _search_ready(self) -> bool:
        return self.search is None or self.search.is_ready()

    def _go_on_with_start(self, watch: StartWatch) -> None:
        """Take the steps that wait for others: the engine for the search store, the workers for the models."""
        if self.engine is not None and "engine" not in self.supervisor.children:
            if not self._search_ready():
                return
            say(f"· 启动引擎 Zeebe {self.identity.engine}")
            self.supervisor.start(self.engine.spec())
        engine_ready = self.engine is None or self.engine.ready
        if engine_ready or self.deployment.begun:
            self.deployment.tick()
        # An engine that was never given a model has no jobs; polls of all job types would delay its first deployment.
        has_models = self.identity.deployed_digest is not None or self.deployment.tried or watch.web.answer.has_models
        if "workers" not in self.supervisor.children and engine_ready and has_models:
            self._start_several("workers", "作业处理", get_settings().worker_processes)

    def _attempt_deployment(self) -> "subprocess.Popen[bytes]":
        options = ["--state-dir", str(self.directory.root), "--if-changed", "--ready-timeout", "0"]
        return spawn(
            [sys.executable, "-m", "cli", "deploy", *options],
            env=environment.child_environment(self.chosen, embedded=self.engine is not None),
            log_path=self.directory.log(Part.DEPLOYMENT),
            cwd=PROJECT_ROOT,
        )

    def _look(self, watch: StartWatch) -> None:
        """See what the start waits for; when it is nothing any more, say that the instance is ready."""
        self.waiting = watch.look()
        self.ready = self.waiting is None
        if self.ready:
            watch.stop()
            for line in banner.ready_lines(self.url, self.directory, self.identity, self.deployment, self.chosen):
                say(line)
        self._record()

    def _start_several(self, package: str, label: str, number: int) -> None:
        """Start a package's processes: the first under its own name, the others numbered from 2 on."""
        self._start_python(package, label, package)
        for serial in range(2, number + 1):
            self._start_python(f"{package}-{serial}", f"{label}（{serial}）", package)

    def _start_python(self, name: str, label: str, package: str) -> None:
        spec = ChildSpec(
            name=name,
            label=label,
            command=[sys.executable, "-m", package],
            env=environment.child_environment(self.chosen, embedded=self.engine is not None),
            cwd=PROJECT_ROOT,
            log_path=self.directory.log(name),
        )
        self.supervisor.start(spec)

    def _record(self) -> None:
        children = tuple(child.record() for child in self.supervisor.children.values())
        own = RunningProcess.of(os.getpid())
        self.directory.record_run(RunRecord(own, self.url, self.chosen, self.ready, children, self.waiting))


def up(options: UpOptions) -> int:
    """Run an instance in the foreground until a signal; return the exit status.

    Raises:
        SetupError, EngineError: what is in the way, and how to fix it; nothing is left running.
    """
    directory = InstanceDirectory(options.state_dir)
    wanted = options.wanted
    with directory.held():
        directory.kill_leftovers()
        identity = directory.check(wanted)
        if identity.production:
            production.require_begun(directory)
            production.require_machine_clock(options.controlled_clock)
            production.require_closed(directory)
        directory.record_run(RunRecord(RunningProcess.of(os.getpid()), "", {}))
        instance = Instance(options, directory, identity)
        directory.close_to_others()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, instance.on_signal)
        try:
            instance.prepare()
            if not VENDOR_ASSETS.exists():
                say("! 前端资源尚未生成，页面不完整：请运行 make setup")
            if not instance.signals:
                instance.start()
            return instance.run()
        except OSError as exc:
            raise SetupError(f"实例因系统错误停止（{exc.strerror or exc}）：请检查磁盘空间和权限后重试") from exc
        finally:
            instance.stop()
            directory.forget_run()


def require_sharing_database(settings: Settings) -> None:
    """Make sure that several bridges have a database they can share.

    Raises:
        SetupError: it is SQLite, where only one relay may take commands.
    """
    if settings.bridge_processes > 1 and settings.effective_database_url.startswith("sqlite"):
        raise SetupError(
            "SQLite 上只能运行一个引擎桥：请去掉 TONGQUAN_BRIDGE_PROCESSES，或用 DATABASE_URL 指定 PostgreSQL"
        )


def last_line(log: Path) -> str:
    """Return the last line a log holds, or a word for none."""
    try:
        lines = [line for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    except OSError:
        lines = []
    return lines[-1].removeprefix("✗ ") if lines else "没有日志"
