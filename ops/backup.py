"""``tongquan backup`` and ``restore``: one file with everything an instance needs to go on elsewhere.

Database and engine belong together: a backup is taken of a stopped instance, so that both are of one moment. The
archive names the SHA-256 of every file; restoring unpacks beside the state directory, checks all of them, and puts
the directory in place by one renaming: it is there as a whole or not at all. With PostgreSQL or an external engine
those have backups of their own, and this command says so.
"""

import errno
import hashlib
import io
import json
import os
import sqlite3
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path

from ops import space
from ops.environment import SQLITE_PREFIX, database_url
from ops.instance import EXTERNAL_ENGINE, InstanceDirectory
from services.clock import machine_now
from services.errors import SetupError

MANIFEST = "manifest.json"
LOCK = ".lock"
DATABASE = "tongquan.db"
FORMAT = 1
LEFT_OUT = {LOCK, "run.json", "logs", "engine-tmp", "search"}
"""Locks, logs, temporary files; the search store is rebuilt from the engine's export only in part, and not saved."""

DAMAGED = (tarfile.TarError, zlib.error, EOFError, OSError, ValueError, KeyError, TypeError)
"""What reading an archive raises whose bytes have been changed, or which was never one of ours."""


def backup(directory: InstanceDirectory, target: Path | None = None) -> Path:
    """Write a backup of a stopped instance to ``target`` (by default beside the state directory) and return it.

    Raises:
        SetupError: it runs, has nothing to save, does not fit, or keeps its data elsewhere.
    """
    identity = directory.identity()
    if identity is None:
        raise SetupError(f"{directory.root} 不是状态目录，没有可备份的内容：请用 --state-dir 指明")
    url = database_url(directory.root)
    if not url.startswith(SQLITE_PREFIX) or identity.engine == EXTERNAL_ENGINE:
        raise SetupError("使用 PostgreSQL 或外部引擎时，请用 pg_dump 和集群自己的备份；本命令只备份内置的一套")
    with directory.held():
        file = target or directory.root.with_name(f"{directory.root.name}-{_stamp(machine_now())}.tar.gz")
        database = Path(url.removeprefix(SQLITE_PREFIX))
        new = file.with_name(f".{file.name}.new")
        try:
            with tempfile.TemporaryDirectory(dir=directory.root, prefix=".backup-") as folder:
                copy = Path(folder) / DATABASE
                if database.exists():
                    _copy_database(database, copy)
                _write(new, directory.root, database, copy)
            os.replace(new, file)
        except OSError as exc:
            new.unlink(missing_ok=True)
            raise SetupError(f"备份 {file} 写不下去（{exc.strerror or exc}）：请检查磁盘空间和权限") from exc
    return file


def restore(directory: InstanceDirectory, archive: Path) -> int:
    """Put a backup where there is no state directory, or an empty one; return the number of files.

    Raises:
        SetupError: the directory is in use or not empty, or the archive is missing, damaged or of another version;
            nothing is changed and nothing left behind.
    """
    if not archive.is_file():
        raise SetupError(f"找不到备份文件 {archive}：请检查路径")
    root = directory.root.resolve()
    _require_empty(root)
    if not hasattr(tarfile, "data_filter"):
        raise SetupError("此 Python 不能安全地解开归档：请使用 3.11.4 以上版本")
    if space.free_bytes(directory.root) < 3 * archive.stat().st_size:
        raise SetupError(f"磁盘空间不足，{directory.root} 放不下这份备份：请清理磁盘或另指一处")
    try:
        root.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=root.parent, prefix=f".{root.name}-restore-") as name:
            folder = Path(name) / "restored"
            files = _unpacked(archive, folder)
            (folder / MANIFEST).unlink()
            InstanceDirectory(folder).close_to_others()
            with _taken_away(directory):
                os.replace(folder, root)
    except OSError as exc:
        raise SetupError(
            f"不能恢复到 {directory.root}（{exc.strerror or exc}）：请检查磁盘空间和权限，或用 --state-dir 另指一处"
        ) from exc
    return files


def _require_empty(root: Path) -> None:
    """Refuse a directory that holds anything, be it an instance or somebody's files."""
    try:
        found = sorted(entry.name for entry in root.iterdir() if entry.name != LOCK)
    except FileNotFoundError:
        return
    except OSError as exc:
        raise SetupError(f"状态目录 {root} 不可用（{exc.strerror}）：请用 --state-dir 指定一个空目录") from exc
    if "instance.json" in found:
        raise SetupError(f"状态目录 {root} 已有实例：请用 --state-dir 指定一个空目录来恢复")
    if found:
        raise SetupError(
            f"目录 {root} 不是空的（有 {found[0]} 等 {len(found)} 项）：请用 --state-dir 指定一个空目录来恢复"
        )


@contextmanager
def _taken_away(directory: InstanceDirectory) -> Iterator[None]:
    """Hold an existing empty directory while it makes way for the restored one; one that is not there needs nothing."""
    if not directory.root.exists():
        yield
        return
    with directory.held():
        _require_empty(directory.root)
        (directory.root / LOCK).unlink()
        yield


def _unpacked(archive: Path, folder: Path) -> int:
    """Unpack an archive of ours into ``folder`` and check it; return the number of files.

    Raises:
        SetupError: it is damaged, is none of ours, or is of another version.
    """
    folder.mkdir()
    try:
        with tarfile.open(archive, "r:gz") as tar:
            tar.extractall(folder, filter="data")
        return _checked(folder)
    except DAMAGED as exc:
        if isinstance(exc, OSError) and exc.errno in (errno.ENOSPC, errno.EDQUOT, errno.EACCES, errno.EROFS):
            raise
        raise SetupError(f"备份文件 {archive} 已损坏或不是同权的备份：请换用另一份") from exc


def _copy_database(source: Path, target: Path) -> None:
    """Copy through SQLite itself, so that what its journal still holds is in the copy."""
    with closing(sqlite3.connect(source)) as original, closing(sqlite3.connect(target)) as copy:
        original.backup(copy)


def _write(file: Path, root: Path, database: Path, copy: Path) -> None:
    beside = {f"{database.name}{ending}" for ending in ("", "-wal", "-shm")} if database.parent == root else set()
    entries = [(path, path.relative_to(root).as_posix()) for path in _files(root, LEFT_OUT | beside)]
    if copy.exists():
        entries.append((copy, DATABASE))
    manifest = {"format": FORMAT, "files": {name: _sha256(path) for path, name in entries}}
    with tarfile.open(file, "w:gz", compresslevel=3) as tar:
        content = json.dumps(manifest, indent=1).encode()
        header = tarfile.TarInfo(MANIFEST)
        header.size = len(content)
        tar.addfile(header, io.BytesIO(content))
        for path, name in entries:
            tar.add(path, name, recursive=False)


def _files(root: Path, left_out: set[str]) -> Iterator[Path]:
    for entry in sorted(root.iterdir()):
        if entry.name in left_out or entry.name.startswith((".backup-", ".restore-")):
            continue
        if entry.is_dir():
            yield from (path for path in sorted(entry.rglob("*")) if path.is_file())
        elif entry.is_file():
            yield entry


def _checked(folder: Path) -> int:
    """Check what was unpacked against its manifest: every file, and no other."""
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    if manifest["format"] != FORMAT:
        raise SetupError("备份由其他版本写成：请使用该版本恢复")
    files: dict[str, str] = manifest["files"]
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} - {MANIFEST}
    if found != set(files) or any(_sha256(folder / name) != digest for name, digest in files.items()):
        raise ValueError("files differ from the manifest")
    return len(files)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _stamp(at: datetime) -> str:
    return f"{at:%Y%m%d-%H%M%S}"
