"""``tongquan backup`` and ``restore``: one file with everything an instance needs to go on elsewhere.

Database and engine belong together, so both have to be of one instant. A stopped instance's are. A running one's
engine, feed, relay and workers are frozen while their files are copied, which takes seconds; people go on
meanwhile, and what they submit after that instant is not in the backup. With PostgreSQL or an external engine those
have backups of their own, and this command says so.

The archive names the SHA-256 of every file, and may be encrypted as a whole. Restoring unpacks beside the state
directory, checks all of them, and puts the directory in place by one rename: it is there as a whole or not at all.
"""

import errno
import fcntl
import hashlib
import io
import json
import os
import shutil
import sqlite3
import tarfile
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path

from sqlalchemy.exc import TimeoutError as WaitTimedOut

from models.write_lock import SUFFIX, WriteLock
from ops import archive_encryption, space
from ops.archive_encryption import ArchiveKey
from ops.environment import SQLITE_PREFIX, database_url
from ops.freezing import frozen
from ops.instance import EXTERNAL_ENGINE, PRIVATE_UMASK, InstanceDirectory
from services.clock import machine_now
from services.errors import SetupError

MANIFEST = "manifest.json"
LOCK = ".lock"
BACKUP_LOCK = ".backup.lock"
DATABASE = "tongquan.db"
FORMAT = 1
WRITE_TURN_SECONDS = 15.0
LEFT_OUT = {LOCK, BACKUP_LOCK, "run.json", "run.json.new", "logs", "engine-tmp", "search"}
"""Locks, logs, temporary files; the search store is rebuilt from the engine's export only in part, and not saved."""

DAMAGED = (tarfile.TarError, zlib.error, EOFError, OSError, ValueError, KeyError, TypeError)
"""Errors raised by reading an archive whose bytes have been changed, or which was never one of ours."""


def backup(directory: InstanceDirectory, target: Path | None = None, key: ArchiveKey | None = None) -> Path:
    """Write a backup to ``target`` (by default beside the state directory) and return it; encrypted with a key.

    Raises:
        SetupError: there is nothing to save, it does not fit, or the instance is about to start or stop or keeps its
            data elsewhere.
    """
    identity = directory.identity()
    if identity is None:
        raise SetupError(f"{directory.root} 不是状态目录，没有可备份的内容：请用 --state-dir 指明")
    url = _database_url(directory)
    if not url.startswith(SQLITE_PREFIX) or identity.engine == EXTERNAL_ENGINE:
        raise SetupError("使用 PostgreSQL 或外部引擎时，请用 pg_dump 和集群自己的备份；本命令只备份内置的一套")
    ending = ".tar.gz" if key is None else ".tar.gz.age"
    file = target or directory.root.with_name(f"{directory.root.name}-{_stamp(machine_now())}{ending}")
    new = file.with_name(f".{file.name}.new")
    database = Path(url.removeprefix(SQLITE_PREFIX))
    try:
        with (
            _alone(directory),
            tempfile.TemporaryDirectory(dir=directory.root, prefix=".backup-") as name,
            _entries(directory, database, Path(name)) as entries,
        ):
            plain = new if key is None else Path(name) / "archive"
            _write(plain, entries)
            if key is not None:
                archive_encryption.encrypt(plain, new, key)
        os.replace(new, file)
    except OSError as exc:
        raise SetupError(f"备份 {file} 写不下去（{exc.strerror or exc}）：请检查磁盘空间和权限") from exc
    finally:
        new.unlink(missing_ok=True)
    return file


def _database_url(directory: InstanceDirectory) -> str:
    """Return the database of the instance: a running one's own, whatever this process's environment says."""
    record = directory.run()
    running = record.environment.get("DATABASE_URL") if record is not None and directory.is_held() else None
    return running or database_url(directory.root)


@contextmanager
def _alone(directory: InstanceDirectory) -> Iterator[None]:
    """Let one backup run at a time: two would release what the other holds. Only the owner can read what it writes."""
    former = os.umask(PRIVATE_UMASK)
    try:
        with (directory.root / BACKUP_LOCK).open("a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as exc:
                raise SetupError("另一个备份正在进行：请等它完成") from exc
            yield
    finally:
        os.umask(former)


@contextmanager
def _entries(directory: InstanceDirectory, database: Path, folder: Path) -> Iterator[list[tuple[Path, str]]]:
    """Yield the files to save with their names in the archive, all of one instant: a running instance's as copies."""
    if directory.is_held():
        copies = folder / "copies"
        copies.mkdir()
        _require_room(directory, database)
        with _between_two_writes(directory, database):
            # The database first: a file that people hand in meanwhile is stored before a row names it.
            _copy_database(database, folder / DATABASE)
            entries = _copied(_found(directory.root, database), copies)
        yield [*entries, (folder / DATABASE, DATABASE)]
        return
    with directory.held():
        entries = _found(directory.root, database)
        if database.exists():
            _copy_database(database, folder / DATABASE)
            entries.append((folder / DATABASE, DATABASE))
        yield entries


@contextmanager
def _between_two_writes(directory: InstanceDirectory, database: Path) -> Iterator[None]:
    """Hold the instance while none of its processes is writing to the database, so that the web need not wait."""
    turn = WriteLock(str(database), WRITE_TURN_SECONDS)
    try:
        turn.acquire()
    except WaitTimedOut as exc:
        raise SetupError("数据库一直有写入在进行：请稍后再备份") from exc
    ours = True
    try:
        with frozen(directory):
            turn.release()
            ours = False
            yield
    finally:
        if ours:
            turn.release()


def _require_room(directory: InstanceDirectory, database: Path) -> None:
    """Refuse to fill the disk that a running engine writes to."""
    size = sum(path.stat().st_size for path, _ in _found(directory.root, database)) + database.stat().st_size
    if space.free_bytes(directory.root) < 2 * size + space.STOP_BYTES:
        raise SetupError(
            f"磁盘空间不足，{directory.root} 所在磁盘放不下 {space.words(2 * size)} 的副本："
            "请清理磁盘，或停止实例后再备份"
        )


def _copied(entries: list[tuple[Path, str]], folder: Path) -> list[tuple[Path, str]]:
    copies = []
    for path, name in entries:
        copy = folder / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        try:
            shutil.copyfile(path, copy)
        except FileNotFoundError:  # The web, which goes on, keeps a file under another name while it is being received.
            continue
        copies.append((copy, name))
    return copies


def restore(directory: InstanceDirectory, archive: Path, key: ArchiveKey | None = None) -> int:
    """Put a backup where there is no state directory, or an empty one; return the number of files.

    Raises:
        SetupError: the directory is in use or not empty, or the archive is missing, damaged, of another version or not
            opened by the key; nothing is changed and nothing left behind.
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
            files = _unpacked(archive, folder, key or ArchiveKey())
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


def _unpacked(archive: Path, folder: Path, key: ArchiveKey) -> int:
    """Unpack an archive of ours into ``folder`` and check it; return the number of files.

    Raises:
        SetupError: it is damaged, is not one of ours, is of another version, or is not opened by the key.
    """
    folder.mkdir()
    try:
        plain = archive
        if archive_encryption.is_encrypted(archive):
            plain = folder.with_name("archive")
            archive_encryption.decrypt(archive, plain, key)
        with tarfile.open(plain, "r:gz") as tar:
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


def _found(root: Path, database: Path) -> list[tuple[Path, str]]:
    """Return the files of a state directory with their names in the archive, without the database."""
    endings = ("", "-wal", "-shm", SUFFIX)
    beside = {f"{database.name}{ending}" for ending in endings} if database.parent == root else set()
    return [(path, path.relative_to(root).as_posix()) for path in _files(root, LEFT_OUT | beside)]


def _write(file: Path, entries: list[tuple[Path, str]]) -> None:
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
