"""Fetch, verify and unpack the pinned engine distributions into the download cache.

The resolver writes straight to the final file name and never resumes; a fetch therefore runs in a folder of its
own, is checked against the pinned SHA-256, and only then renamed into the cache. Two processes may fetch at once:
one waits for the other's lock.

Layout of the cache: ``downloads/camunda-zeebe-<version>.tar.gz`` and ``camunda-zeebe-<version>/``, the unpacked
distribution with the marker ``.verified.json`` (digest of its archive, and each file's size).
"""

import json
import os
import shutil
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

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
from engine.errors import DistributionError

GROUP = "io.camunda"
ARTIFACT = "camunda-zeebe"
MARKER = ".verified.json"
UNPACKED_FACTOR = 2.5
"""Room an archive and its unpacked files take, as a multiple of the archive."""


@dataclass(frozen=True)
class Pin:
    """One published distribution: its version, the digest of its archive, and the archive's size in bytes."""

    version: str
    sha256: str
    size: int


PINS = {
    pin.version: pin
    for pin in (
        Pin("8.5.8", "53ce62b008e61a87a3f7aed700065ad1352084a24c85771bc4e8300828bf95b4", 212_102_843),
        Pin("8.6.0", "5c699e86a6c9d290dd7b1f0b2ea648fb57fd1dacf1cab22c874219e58827ea45", 299_201_896),
    )
}
DEFAULT_VERSION = "8.5.8"


def unpacked_path(version: str, cache_dir: Path) -> Path:
    """Return where a version's unpacked distribution stands in the cache, whether there or not."""
    return cache_dir / f"{ARTIFACT}-{version}"


def archive_path(version: str, cache_dir: Path) -> Path:
    """Return where a version's archive stands in the cache, whether there or not."""
    return cache_dir / "downloads" / f"{ARTIFACT}-{version}.tar.gz"


def is_fetched(version: str, cache_dir: Path) -> bool:
    """Tell whether the unpacked distribution is there, from the pinned archive, with no file missing or cut."""
    return _is_intact(unpacked_path(version, cache_dir), pin_of(version))


def pin_of(version: str) -> Pin:
    """Return a version's pin.

    Raises:
        DistributionError: the version is not one of the pinned ones.
    """
    try:
        return PINS[version]
    except KeyError:
        known = "、".join(PINS)
        raise DistributionError(f"不支持引擎版本 {version}：可用的版本是 {known}") from None


def fetch_zeebe(version: str, cache_dir: Path | None = None, progress: Progress | None = None) -> Path:
    """Return the unpacked distribution of ``version``, fetched first when the cache has none that is whole.

    A wrong or cut archive in the cache is deleted and fetched again. Once fetched it needs no network.

    Raises:
        DistributionError: unknown version, no network and nothing usable cached, wrong checksum, or disk full.
    """
    pin = pin_of(version)
    cache = cache_dir or default_cache()
    target = unpacked_path(version, cache)
    if _is_intact(target, pin):
        return target
    with disk_errors(cache):
        (cache / "downloads").mkdir(parents=True, exist_ok=True)
        with locked(cache / "downloads" / f"{version}.lock"):
            if not _is_intact(target, pin):
                _unpack(_verified_archive(pin, cache, progress), target, pin)
    return target


def _verified_archive(pin: Pin, cache: Path, progress: Progress | None) -> Path:
    """Return the archive with the pinned digest, downloaded when the cache has none."""
    archive = archive_path(pin.version, cache)
    damaged = False
    if archive.exists():
        if sha256(archive) == pin.sha256:
            return archive
        damaged = True
        archive.unlink()
    require_space(cache, int(pin.size * (1 + UNPACKED_FACTOR)))
    with download_folder(archive.parent, pin.version) as folder:
        fetched = _download(pin, folder, archive, progress, damaged=damaged)
        actual = sha256(fetched)
        if actual != pin.sha256:
            raise DistributionError(
                f"下载的引擎 {pin.version} 校验和不符（得到 {actual[:12]}…，应为 {pin.sha256[:12]}…），已删除："
                f"请检查 TONGQUAN_MAVEN_MIRROR 所指的镜像后重试"
            )
        os.replace(fetched, archive)
    return archive


def _download(pin: Pin, folder: Path, archive: Path, progress: Progress | None, *, damaged: bool) -> Path:
    """Resolve the archive into ``folder``."""
    try:
        return resolve(GROUP, ARTIFACT, pin.version, "tar.gz", folder, progress)
    except RepositoryUnreachable as exc:
        found = "缓存中的文件已损坏并已删除" if damaged else "缓存中没有"
        raise DistributionError(
            f"无法下载引擎 {pin.version}（{found}，仓库不可达或没有此文件）：请联网后重试，"
            f"或用 TONGQUAN_MAVEN_MIRROR 指定可达的 Maven 镜像，或把 {archive.name} 放到 {archive.parent}"
        ) from exc


def _unpack(archive: Path, target: Path, pin: Pin) -> None:
    """Unpack beside the target and rename, so that the target is whole or absent."""
    require_space(target.parent, int(pin.size * UNPACKED_FACTOR))
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}-") as folder:
        try:
            with tarfile.open(archive, "r:gz") as tar:
                # The filter came with 3.11.4; the archive is the pinned one either way.
                tar.extraction_filter = getattr(tarfile, "data_filter", lambda member, _path: member)
                tar.extractall(folder)  # noqa: S202
        except (tarfile.TarError, EOFError) as exc:
            archive.unlink(missing_ok=True)
            raise DistributionError(f"引擎包 {archive.name} 无法解开，已删除：请重试") from exc
        (root,) = Path(folder).iterdir()
        marker: dict[str, Any] = {"sha256": pin.sha256, "files": _sizes(root)}
        (root / MARKER).write_text(json.dumps(marker, indent=1), encoding="utf-8")
        if target.exists():
            shutil.rmtree(target)
        os.replace(root, target)


def _is_intact(target: Path, pin: Pin) -> bool:
    try:
        marker = json.loads((target / MARKER).read_text(encoding="utf-8"))
        whole = all((target / name).stat().st_size == size for name, size in marker["files"].items())
    except (OSError, ValueError, KeyError, AttributeError):
        return False
    return whole and marker.get("sha256") == pin.sha256


def _sizes(root: Path) -> dict[str, int]:
    return {str(p.relative_to(root)): p.stat().st_size for p in sorted(root.rglob("*")) if p.is_file()}
