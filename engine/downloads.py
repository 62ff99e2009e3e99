"""What every download shares: where to fetch from, a lock, room on the disk, and messages for disk errors."""

import errno
import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import requests
import stamina

from engine.errors import DistributionError
from engine.repetition import quiet

TIMEOUT_SECONDS = 30
ATTEMPTS = 3
FIRST_PAUSE_SECONDS = 0.5

Progress = Callable[[int, int], None]
"""Called while downloading with the bytes so far and the total."""


def default_cache() -> Path:
    """Return the download cache: ``TONGQUAN_CACHE``, else ``tongquan`` in the user's cache folder."""
    if chosen := os.environ.get("TONGQUAN_CACHE"):
        return Path(chosen).expanduser().absolute()
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser().absolute() / "tongquan"


class RepositoryUnreachable(Exception):
    """No Maven repository is reachable, or none has the file."""


def resolve(group: str, artifact: str, version: str, packaging: str, folder: Path, progress: Progress | None) -> Path:
    """Let the Maven resolver fetch one file into ``folder``, trying again when a transfer breaks.

    Raises:
        RepositoryUnreachable: there is nothing to fetch from.
    """
    quiet()
    broken = (requests.exceptions.ChunkedEncodingError, requests.exceptions.Timeout)
    try:
        for attempt in stamina.retry_context(broken, attempts=ATTEMPTS, wait_initial=FIRST_PAUSE_SECONDS):
            with attempt:
                return resolve_once(group, artifact, version, packaging, folder / str(attempt.num), progress)
    except (requests.RequestException, RuntimeError) as exc:
        raise RepositoryUnreachable(str(exc)) from exc
    raise AssertionError("unreachable: the last failure is raised")


def resolve_once(
    group: str, artifact: str, version: str, packaging: str, folder: Path, progress: Progress | None
) -> Path:
    """Fetch one file into ``folder``; an unfinished one stays there under its final name."""
    from jgo.maven import MavenContext, PythonResolver

    @contextmanager
    def report(_name: str, total: int) -> Iterator[Callable[[int], None]]:
        done = 0

        def update(count: int) -> None:
            nonlocal done
            done += count
            if progress is not None:
                progress(done, total)

        yield update

    context = MavenContext(
        resolver=PythonResolver(progress_callback=report),
        repo_cache=folder,
        remote_repos=repositories(),
        timeout=TIMEOUT_SECONDS,
    )
    return Path(context.project(group, artifact).at_version(version).artifact("", packaging).resolve())


def repositories() -> dict[str, str] | None:
    """Return the Maven repositories to ask, or ``None`` for the resolver's default.

    In this order: ``TONGQUAN_MAVEN_MIRROR`` (one address), the repositories of the resolver's own settings file,
    and a mirror of everything or of ``central`` in Maven's user settings.
    """
    if mirror := os.environ.get("TONGQUAN_MAVEN_MIRROR"):
        return {"mirror": mirror.rstrip("/")}
    from jgo.config import GlobalSettings

    if configured := GlobalSettings.load().repositories:
        return {name: url.rstrip("/") for name, url in configured.items()}
    return _mirror_of_maven_settings(Path.home() / ".m2" / "settings.xml")


def _mirror_of_maven_settings(settings: Path) -> dict[str, str] | None:
    from defusedxml import ElementTree

    try:
        root = ElementTree.parse(settings).getroot()
    except (OSError, ElementTree.ParseError):
        return None
    if root is None:
        return None
    for mirror in root.iterfind(".//{*}mirrors/{*}mirror"):
        covered = {part.strip() for part in (mirror.findtext("{*}mirrorOf") or "").split(",")}
        url = (mirror.findtext("{*}url") or "").strip()
        if url and covered & {"*", "central", "external:*"} and "!central" not in covered:
            return {"mirror": url.rstrip("/")}
    return None


def sha256(path: Path) -> str:
    """Return a file's digest."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def download_folder(parent: Path, name: str) -> Iterator[Path]:
    """Give a folder for one download; sweep what interrupted ones of this name left (the lock is held)."""
    prefix = f".partial-{name}-"
    for left in parent.glob(f"{prefix}*"):
        shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(dir=parent, prefix=prefix) as folder:
        yield Path(folder)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock file across processes; it is released when the process that holds it ends."""
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def require_space(folder: Path, needed: int) -> None:
    """Make sure ``needed`` bytes fit.

    Raises:
        DistributionError: they do not.
    """
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise DistributionError(
            f"磁盘空间不足：{folder} 还需 {needed >> 20} MB，仅剩 {free >> 20} MB；"
            f"请清理磁盘，或用 TONGQUAN_CACHE 指定另一处缓存"
        )


@contextmanager
def disk_errors(cache: Path) -> Iterator[None]:
    """Turn an error of the file system into a sentence."""
    try:
        yield
    except OSError as exc:
        if exc.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DistributionError(
                f"磁盘已满，无法写入 {cache}：请清理磁盘，或用 TONGQUAN_CACHE 指定另一处缓存"
            ) from exc
        raise DistributionError(
            f"无法写入下载缓存 {cache}（{exc.strerror}）：请检查权限，或用 TONGQUAN_CACHE 指定另一处缓存"
        ) from exc
