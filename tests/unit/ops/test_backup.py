"""Backup and restore: everything comes back, and a damaged archive changes nothing."""

import fcntl
import io
import shutil
import sqlite3
import tarfile
from contextlib import closing
from pathlib import Path

import pyrage
import pytest

from ops.archive_encryption import ArchiveKey
from ops.backup import backup, restore
from ops.instance import Identity, InstanceDirectory
from services.errors import SetupError

pytestmark = pytest.mark.sqlite("a backup of PostgreSQL is pg_dump's")


@pytest.fixture(autouse=True)
def own_database(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "TONGQUAN_DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def stopped(tmp_path: Path) -> InstanceDirectory:
    """Return the directory of a stopped instance whose last writes are still in SQLite's journal."""
    directory = InstanceDirectory(tmp_path / "state")
    (directory.engine_data / "raft").mkdir(parents=True)
    (directory.engine_data / "raft" / ".marker").touch()
    (directory.engine_data / "raft" / "segment.log").write_bytes(b"\0" * 5000)
    directory.logs.mkdir()
    directory.log("web").write_text("not saved")
    directory.record(Identity("8.5.8", controlled_clock=True, ports={"web": 8123}))
    with closing(sqlite3.connect(directory.root / "tongquan.db")) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE note (text)")
        connection.execute("INSERT INTO note VALUES ('kept')")
        connection.commit()
    return directory


def test_a_restored_instance_has_database_engine_and_identity(stopped: InstanceDirectory, tmp_path: Path) -> None:
    archive = backup(stopped, tmp_path / "backup.tar.gz")
    again = InstanceDirectory(tmp_path / "again")
    assert restore(again, archive) == 4
    assert again.identity() == stopped.identity()
    assert (again.engine_data / "raft" / "segment.log").read_bytes() == b"\0" * 5000
    assert (again.engine_data / "raft" / ".marker").exists()
    with closing(sqlite3.connect(again.root / "tongquan.db")) as connection:
        assert connection.execute("SELECT text FROM note").fetchall() == [("kept",)]
    assert not again.logs.exists()


def test_an_instance_about_to_start_or_stop_is_not_backed_up(stopped: InstanceDirectory, tmp_path: Path) -> None:
    with stopped.held(), pytest.raises(SetupError, match="正在启动或停止"):
        backup(stopped, tmp_path / "backup.tar.gz")
    assert not (tmp_path / "backup.tar.gz").exists()


def test_one_backup_is_made_at_a_time(stopped: InstanceDirectory, tmp_path: Path) -> None:
    with (stopped.root / ".backup.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(SetupError, match="另一个备份"):
            backup(stopped, tmp_path / "backup.tar.gz")
    assert backup(stopped, tmp_path / "backup.tar.gz").exists()


def refused(archive: Path, root: Path, sentence: str, key: ArchiveKey | None = None) -> None:
    """Check that a restoring is refused in one sentence and leaves everything around it as it was."""
    before = sorted(root.parent.rglob("*"))
    with pytest.raises(SetupError, match=sentence) as caught:
        restore(InstanceDirectory(root), archive, key)
    assert "\n" not in caught.value.message
    assert sorted(root.parent.rglob("*")) == before


@pytest.mark.parametrize("damage", ["cut", "changed", "not an archive"])
def test_a_damaged_backup_is_refused_and_changes_nothing(
    stopped: InstanceDirectory, tmp_path: Path, damage: str
) -> None:
    archive = backup(stopped, tmp_path / "backup.tar.gz")
    content = archive.read_bytes()
    if damage == "cut":
        archive.write_bytes(content[: len(content) // 2])
    elif damage == "changed":
        archive.write_bytes(content[:200] + bytes([content[200] ^ 255]) + content[201:])
    else:
        archive.write_bytes(b"something else")
    refused(archive, tmp_path / "again", "已损坏")


def test_no_flipped_byte_ends_in_anything_but_one_sentence_or_a_whole_restoring(
    stopped: InstanceDirectory, tmp_path: Path
) -> None:
    content = backup(stopped, tmp_path / "backup.tar.gz").read_bytes()
    archive = tmp_path / "flipped.tar.gz"
    refusals: list[str] = []
    for position in range(0, len(content), max(1, len(content) // 60)):
        archive.write_bytes(content[:position] + bytes([content[position] ^ 255]) + content[position + 1 :])
        again = InstanceDirectory(tmp_path / "again")
        try:
            assert restore(again, archive) == 4
        except SetupError as exc:
            refusals.append(exc.message)
        else:
            shutil.rmtree(again.root)
        assert not again.root.exists()
    assert len(refusals) > 30
    assert all("已损坏" in one for one in refusals)
    assert not list(tmp_path.glob(".*"))


IDENTITY = pyrage.x25519.Identity.generate()
KEYS = {
    "passphrase": (ArchiveKey(passphrase="正确的口令"), ArchiveKey(passphrase="正确的口令")),
    "recipient": (ArchiveKey(recipient=str(IDENTITY.to_public())), ArchiveKey(identity=str(IDENTITY))),
}
"""What closes a backup and what opens it."""


@pytest.mark.parametrize("how", KEYS)
def test_an_encrypted_backup_tells_nothing_and_is_restored_with_its_key(
    stopped: InstanceDirectory, tmp_path: Path, how: str
) -> None:
    closing_key, opening_key = KEYS[how]
    archive = backup(stopped, tmp_path / "backup.tar.gz.age", closing_key)
    assert archive.stat().st_mode & 0o077 == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["backup.tar.gz.age", "state"]
    assert not [path for path in stopped.root.iterdir() if path.name.startswith(".backup-")]
    with pytest.raises(tarfile.TarError), tarfile.open(archive) as tar:
        tar.getmembers()
    again = InstanceDirectory(tmp_path / "again")
    assert restore(again, archive, opening_key) == 4
    assert again.identity() == stopped.identity()
    assert not (again.root / "archive").exists()


@pytest.mark.parametrize("how", KEYS)
def test_an_encrypted_backup_is_refused_without_its_key_or_with_another_or_damaged(
    stopped: InstanceDirectory, tmp_path: Path, how: str
) -> None:
    closing_key, opening_key = KEYS[how]
    archive = backup(stopped, tmp_path / "backup.tar.gz.age", closing_key)
    other = ArchiveKey(passphrase="错的", identity=str(pyrage.x25519.Identity.generate()))
    refused(archive, tmp_path / "again", "加密：请用")
    refused(archive, tmp_path / "again", "不能用所给的口令或私钥打开", other)
    content = archive.read_bytes()
    for position in (len(content) // 2, len(content) - 1):
        archive.write_bytes(content[:position] + bytes([content[position] ^ 255]) + content[position + 1 :])
        refused(archive, tmp_path / "again", "已损坏", opening_key)
    archive.write_bytes(content[: len(content) // 2])
    refused(archive, tmp_path / "again", "已损坏", opening_key)
    archive.write_bytes(content[:40])
    refused(archive, tmp_path / "again", "已损坏|不能用所给", opening_key)


def test_what_opens_and_closes_a_backup_is_read_from_files_and_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "words").write_text("一句口令\n第二行\n", encoding="utf-8")
    (tmp_path / "key").write_text(f"# created: today\n{IDENTITY}\n")
    monkeypatch.setenv("TONGQUAN_BACKUP_PASSPHRASE", "从环境来")
    read = ArchiveKey.read(passphrase_file=tmp_path / "words", identity=tmp_path / "key")
    assert (read.passphrase, read.identity) == ("一句口令", str(IDENTITY))
    assert ArchiveKey.read().passphrase == "从环境来"
    for wrong in ({"passphrase_file": tmp_path / "none"}, {"identity": tmp_path / "words"}):
        with pytest.raises(SetupError):
            ArchiveKey.read(**wrong)
    for unfit in (ArchiveKey(), ArchiveKey(recipient="age1nobody")):
        with pytest.raises(SetupError):
            unfit.require_closing()


@pytest.mark.parametrize("member", ["../outside", "/tmp/outside"])
def test_an_archive_that_reaches_out_of_its_directory_is_refused(tmp_path: Path, member: str) -> None:
    archive = tmp_path / "reaching.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        header = tarfile.TarInfo(member)
        header.size = 4
        tar.addfile(header, io.BytesIO(b"evil"))
    refused(archive, tmp_path / "inner" / "again", "已损坏")


def test_a_link_that_leads_out_of_the_directory_is_refused(tmp_path: Path) -> None:
    archive = tmp_path / "linked.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        header = tarfile.TarInfo("engine")
        header.type, header.linkname = tarfile.SYMTYPE, "../.."
        tar.addfile(header)
    refused(archive, tmp_path / "again", "已损坏")


@pytest.mark.parametrize("found", ["engine/data.log", "notes.txt", "logs/web.log"])
def test_a_directory_that_is_not_empty_is_refused_and_keeps_what_it_has(
    stopped: InstanceDirectory, tmp_path: Path, found: str
) -> None:
    archive = backup(stopped, tmp_path / "backup.tar.gz")
    mine = tmp_path / "mine" / found
    mine.parent.mkdir(parents=True)
    mine.write_text("mine")
    refused(archive, tmp_path / "mine", "不是空的")
    assert mine.read_text() == "mine"


def test_an_empty_directory_is_restored_into(stopped: InstanceDirectory, tmp_path: Path) -> None:
    archive = backup(stopped, tmp_path / "backup.tar.gz")
    again = InstanceDirectory(tmp_path / "again")
    with again.held():
        pass
    assert restore(again, archive) == 4
    assert again.identity() == stopped.identity()
    assert not list(tmp_path.glob(".*"))


def test_a_directory_in_use_is_not_overwritten(stopped: InstanceDirectory, tmp_path: Path) -> None:
    archive = backup(stopped, tmp_path / "backup.tar.gz")
    with pytest.raises(SetupError, match="已有实例"):
        restore(stopped, archive)


def test_what_another_database_holds_is_left_to_its_own_backup(
    stopped: InstanceDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://localhost/tongquan")
    with pytest.raises(SetupError, match="pg_dump"):
        backup(stopped)


def test_a_missing_backup_is_named(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="找不到备份文件"):
        restore(InstanceDirectory(tmp_path / "again"), tmp_path / "none.tar.gz")


def test_a_backup_and_what_is_restored_from_it_are_closed_to_others(stopped: InstanceDirectory, tmp_path: Path) -> None:
    archive = backup(stopped, tmp_path / "b.tar.gz")
    assert archive.stat().st_mode & 0o077 == 0
    restored = InstanceDirectory(tmp_path / "restored")
    restore(restored, archive)
    assert [path for path in (restored.root, *restored.root.rglob("*")) if path.stat().st_mode & 0o077] == []
