"""``tongquan doctor``: check everything an instance depends on, and say how to fix what is missing."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from engine.distribution import DEFAULT_VERSION, is_fetched
from engine.downloads import default_cache
from engine.embedded import java_executable
from engine.errors import EngineError
from ops import assets, production, readiness, space
from ops.instance import EXTERNAL_ENGINE, Identity, InstanceDirectory
from ops.ports import is_free
from services.documents.signing import load_key
from services.errors import TongquanError

LEAST_PYTHON = (3, 11)
LEAST_NODE = 20
REFUSED_LATELY = timedelta(minutes=1)


@dataclass(frozen=True)
class Finding:
    """One check: whether it passed, what was seen, and how to fix it when it did not.

    A ``warning`` stops nothing, but somebody should look at it.
    """

    ok: bool
    subject: str
    seen: str
    way_out: str = ""
    warning: bool = False

    def __str__(self) -> str:
        mark = "✗" if not self.ok else "!" if self.warning else "✓"
        line = f"{mark} {self.subject}：{self.seen}"
        return line if self.ok or not self.way_out else f"{line}；{self.way_out}"


def examine(directory: InstanceDirectory) -> Iterator[Finding]:
    """Yield every finding, one after another; no check changes anything."""
    yield _python()
    yield _java()
    try:
        identity = directory.identity()
        running = directory.is_held()
    except TongquanError as exc:
        identity, running = None, False
        yield Finding(False, "状态目录", exc.message)
    else:
        yield _state(directory, identity, running)
        yield from _mode(directory, identity)
    if identity is None or identity.engine != EXTERNAL_ENGINE:
        yield _distribution(identity)
    yield from _disks(directory)
    yield from _ports(identity, running)
    yield _node()
    yield _assets()
    yield _database()
    yield _engine(directory, running)
    if running:
        yield from _instance(directory)
        yield from _exporters()


def _python() -> Finding:
    seen = ".".join(map(str, sys.version_info[:3]))
    return Finding(sys.version_info >= LEAST_PYTHON, "Python", seen, "请安装 Python 3.11 以上版本")


def _java() -> Finding:
    try:
        java = java_executable()
        done = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=30, check=True)
    except EngineError as exc:
        return Finding(False, "Java 运行时", exc.message)
    except (OSError, subprocess.SubprocessError) as exc:
        return Finding(False, "Java 运行时", f"不能运行（{exc}）", "请删除 .venv 后重新运行 make setup")
    return Finding(True, "Java 运行时", done.stderr.splitlines()[0])


def _distribution(identity: Identity | None) -> Finding:
    version, cache = identity.engine if identity else DEFAULT_VERSION, default_cache()
    fetched = is_fetched(version, cache)
    seen = f"{version} 完整（{cache}）" if fetched else f"{version} 不在缓存 {cache} 中或不完整"
    return Finding(fetched, "引擎文件", seen, "请联网运行 make setup，或用 TONGQUAN_MAVEN_MIRROR 指定镜像")


def _state(directory: InstanceDirectory, identity: Identity | None, running: bool) -> Finding:
    if identity is None:
        parent = _nearest(directory.root)
        return Finding(
            os.access(parent, os.W_OK), "状态目录", f"{directory.root}（尚未使用）", "不可写：请用 --state-dir 另指一处"
        )
    if directory.is_open_to_others():
        seen = f"{directory.root} 对本机其他用户开放，其中有密钥和个人信息"
        return Finding(False, "状态目录", seen, f"请运行 chmod -R go= {directory.root}，或重新启动实例")
    words = f"{directory.root}（引擎 {identity.engine}，{'运行中' if running else '未运行'}）"
    return Finding(os.access(directory.root, os.W_OK), "状态目录", words, "不可写：请检查权限")


def _mode(directory: InstanceDirectory, identity: Identity | None) -> Iterator[Finding]:
    from settings import get_settings

    settings = get_settings()
    if identity is None:
        return
    yield Finding(True, "运行模式", production.mode_words(identity))
    if told := production.exposure_words(settings):
        yield Finding(True, "运行模式", told, warning=True)
    if not identity.production:
        return
    try:
        production.require_closed(directory)
        production.require_tls(settings)
        load_key(settings)
    except TongquanError as exc:
        yield Finding(False, "运行模式", exc.message)
    for warning in production.warnings(settings):
        yield Finding(True, "运行模式", warning, warning=True)


def _disks(directory: InstanceDirectory) -> Iterator[Finding]:
    for subject, path in (("状态目录所在磁盘", directory.root), ("下载缓存所在磁盘", default_cache())):
        free = space.free_bytes(path)
        yield Finding(free >= space.LOW_BYTES, subject, f"剩余 {space.words(free)}", "不足 1 GB：请清理磁盘")


def _ports(identity: Identity | None, running: bool) -> Iterator[Finding]:
    for name, port in sorted((identity.ports if identity else {}).items()):
        if running == is_free(port):
            seen = "没有在监听" if running else "被其他程序占用"
            way_out = "请用 tongquan status 查看" if running else "下次启动会另选一个"
            yield Finding(running is False and name != "web", f"端口 {name}={port}", seen, way_out)
            continue
        yield Finding(True, f"端口 {name}={port}", "使用中" if running else "空闲")


def _node() -> Finding:
    try:
        node = assets.tool("node")
        done = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=30, check=True)
    except TongquanError as exc:
        return Finding(False, "Node.js", exc.message)
    except (OSError, subprocess.SubprocessError) as exc:
        return Finding(False, "Node.js", f"不能运行（{exc}）", "请重新运行 make setup")
    seen = done.stdout.strip()
    return Finding(int(seen.lstrip("v").split(".")[0]) >= LEAST_NODE, "Node.js", seen, "请安装 20 以上版本")


def _assets() -> Finding:
    built = assets.are_built()
    return Finding(built, "前端资源", "已生成" if built else "没有生成或已过时", "请运行 make setup")


def _database() -> Finding:
    from models.database import Database
    from services.setup import database_is_current
    from settings import get_settings

    url = get_settings().effective_database_url
    kind = "SQLite" if url.startswith("sqlite") else "PostgreSQL"
    if kind == "SQLite" and not Path(url.removeprefix("sqlite:///")).exists():
        return Finding(True, "数据库", "SQLite（首次启动时建立）")
    try:
        database = Database(url)
        with database.reading() as session:
            current = database_is_current(session)
        database.dispose()
    except Exception as exc:  # Any driver's own error is a finding here.
        reason = str(exc).splitlines()[0]
        return Finding(False, "数据库", f"{kind} 不可用（{reason}）", "请检查 DATABASE_URL、服务与权限")
    return Finding(current, "数据库", f"{kind}，结构{'为最新' if current else '不是本版本的'}", "请用 tongquan up 升级")


def _engine(directory: InstanceDirectory, running: bool) -> Finding:
    from ops.external_cluster import require_reachable
    from settings import get_settings

    record = directory.run() if running else None
    if record is None:
        return Finding(True, "引擎", "未运行")
    address = get_settings().zeebe_address
    try:
        require_reachable(address)
    except TongquanError:
        return Finding(False, "引擎", f"{address} 不可达", f"请查看 {directory.logs}")
    return Finding(True, "引擎", f"{address} 可达")


def _instance(directory: InstanceDirectory) -> Iterator[Finding]:
    record = directory.run()
    answer = readiness.ask(record.url) if record is not None and record.url else None
    if answer is None:
        yield Finding(False, "实例", "正在启动", "请稍后再看")
        return
    yield Finding(answer.ready, "实例", "已就绪" if answer.ready else answer.cause)
    for warning in answer.warnings:
        yield Finding(True, "实例", warning, warning=True)


def _exporters() -> Iterator[Finding]:
    """Report an exporter whose account the bridge refuses: an external cluster set up with another password."""
    from bridge.feed_account import feed_account
    from models.database import Database
    from models.engine_state import Heartbeat
    from services.heartbeats import FEED
    from settings import get_settings

    settings = get_settings()
    database = Database(settings.effective_database_url)
    try:
        with database.reading() as session:
            beat = session.get(Heartbeat, FEED)
            refused_at = beat.detail.get("refused_at") if beat is not None else None
            lately = beat is not None and refused_at and beat.at - datetime.fromisoformat(refused_at) < REFUSED_LATELY
    except SQLAlchemyError:
        return
    finally:
        database.dispose()
    if lately:
        username = feed_account(settings).username
        yield Finding(
            False,
            "导出器",
            f"有导出器以不对的用户名或口令连接 {settings.feed_bind}（最近一次 {refused_at}）",
            f"请让集群的导出器使用用户 {username} 和 TONGQUAN_FEED_PASSWORD 或状态目录 keys/feed.password 中的口令",
        )


def _nearest(path: Path) -> Path:
    while not path.exists():
        path = path.parent
    return path
