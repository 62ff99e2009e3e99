"""The search store Operate reads: OpenSearch on loopback, in one process, from files pinned in ``opensearch.lock``."""

import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx

from engine.downloads import (
    Progress,
    RepositoryUnreachable,
    default_cache,
    disk_errors,
    download_folder,
    locked,
    require_space,
    resolve,
    sha256,
)
from engine.embedded import java_executable
from engine.errors import DistributionError
from engine.loopback import loopback_client

VERSION = "2.17.1"
LOCK = Path(__file__).with_name("opensearch.lock")
MAIN_CLASS = "org.codelibs.opensearch.runner.OpenSearchRunner"
HEAP = "700m"
CLUSTER_FILE = "cluster-name"
CLUSTER_NAME_BYTES = 4


@dataclass(frozen=True)
class PinnedJar:
    """One file of the lock: Maven coordinates, bytes and digest."""

    group: str
    artifact: str
    version: str
    size: int
    digest: str

    @property
    def name(self) -> str:
        """Return the file's name."""
        return f"{self.artifact}-{self.version}.jar"


@dataclass(frozen=True)
class SearchConfig:
    """What one search store is started with."""

    jars: Path
    data_dir: Path
    port: int

    @property
    def url(self) -> str:
        """Return the store's base URL."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def cluster_name(self) -> str:
        """Return the store's cluster name, drawn once: stores of one name on one machine would join each other."""
        file = self.data_dir / CLUSTER_FILE
        if not file.exists():
            self.data_dir.mkdir(parents=True, exist_ok=True)
            file.write_text(f"tongquan-{secrets.token_hex(CLUSTER_NAME_BYTES)}", encoding="utf-8")
        return file.read_text(encoding="utf-8").strip()


def pinned_jars() -> Iterator[PinnedJar]:
    """Yield the files of the lock."""
    for line in LOCK.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            coordinates, size, digest = line.split()
            group, artifact, version = coordinates.split(":")
            yield PinnedJar(group, artifact, version, int(size), digest.removeprefix("sha256:"))


def fetch_opensearch(cache_dir: Path | None = None, progress: Progress | None = None) -> Path:
    """Return the folder with every file of the lock, fetching those that are missing or wrong.

    Raises:
        DistributionError: no network and not all cached, wrong checksum, or disk full.
    """
    cache = cache_dir or default_cache()
    folder = cache / f"opensearch-{VERSION}"
    jars = list(pinned_jars())
    if all(_has_size(folder, jar) for jar in jars):
        return folder
    total = sum(jar.size for jar in jars)
    with disk_errors(cache):
        folder.mkdir(parents=True, exist_ok=True)
        with locked(folder / ".lock"):
            require_space(folder, total)
            done = 0
            for jar in jars:
                if not _has_size(folder, jar):
                    _fetch(jar, folder)
                done += jar.size
                if progress is not None:
                    progress(done, total)
    return folder


def search_command(config: SearchConfig) -> list[str]:
    """Return the command that runs the store; only locked files are on its class path."""
    class_path = os.pathsep.join(str(config.jars / jar.name) for jar in pinned_jars())
    return [
        str(java_executable()),
        f"-Xmx{HEAP}",
        "-XX:+ExitOnOutOfMemoryError",
        "-XX:-UsePerfData",
        "-Djava.security.manager=allow",
        "--add-opens",
        "java.base/java.lang=ALL-UNNAMED",
        "-Djava.locale.providers=CLDR,SPI",
        f"-Djava.io.tmpdir={config.data_dir}",
        "-cp",
        class_path,
        MAIN_CLASS,
        "-basePath",
        str(config.data_dir),
        "-numOfNode",
        "1",
        "-clusterName",
        config.cluster_name,
        # Its first node listens one above the base it is given.
        "-baseHttpPort",
        str(config.port - 1),
        "-printOnFailure",
    ]


def search_environment() -> dict[str, str]:
    """Return the store's environment: the caller's."""
    return dict(os.environ)


def is_ready(config: SearchConfig) -> bool:
    """Tell whether the store answers and serves all that it holds."""
    try:
        answer = loopback_client().get(f"{config.url}/_cluster/health", timeout=2.0)
        return answer.status_code == httpx.codes.OK and answer.json().get("status") in ("green", "yellow")
    except (httpx.HTTPError, ValueError):
        return False


def _has_size(folder: Path, jar: PinnedJar) -> bool:
    try:
        return (folder / jar.name).stat().st_size == jar.size
    except OSError:
        return False


def _fetch(jar: PinnedJar, folder: Path) -> None:
    with download_folder(folder, jar.artifact) as partial:
        try:
            file = resolve(jar.group, jar.artifact, jar.version, "jar", partial, None)
        except RepositoryUnreachable as exc:
            raise DistributionError(
                f"无法下载检索库的 {jar.name}（仓库不可达或没有此文件）：请联网后重试，"
                f"或用 TONGQUAN_MAVEN_MIRROR 指定可达的 Maven 镜像"
            ) from exc
        if sha256(file) != jar.digest:
            raise DistributionError(
                f"下载的 {jar.name} 校验和不符，已删除：请检查 TONGQUAN_MAVEN_MIRROR 所指的镜像后重试"
            )
        os.replace(file, folder / jar.name)
