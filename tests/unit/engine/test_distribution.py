"""The engine's files: fetched once, verified, whole or absent."""

import hashlib
import io
import tarfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import requests
import stamina

from engine import distribution, downloads
from engine.distribution import Pin, archive_path, fetch_zeebe, is_fetched, unpacked_path
from engine.downloads import repositories
from engine.errors import DistributionError

VERSION = "8.5.8"


def archive_bytes(files: dict[str, bytes]) -> bytes:
    """Return a distribution archive with one root folder, as published ones have."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in files.items():
            header = tarfile.TarInfo(f"camunda-zeebe-{VERSION}/{name}")
            header.size = len(content)
            tar.addfile(header, io.BytesIO(content))
    return buffer.getvalue()


GOOD = archive_bytes({"lib/broker.jar": b"classes", "config/application.yaml": b"zeebe:"})


class Repository:
    """Stands for the Maven repository: hands out what it is given, and counts."""

    def __init__(self) -> None:
        self.content: bytes = GOOD
        self.failures: list[Exception] = []
        self.asked = 0
        self.before_answer: Callable[[], None] = lambda: None

    def resolve(self, *place: Any) -> Path:
        *_coordinates, folder, progress = place
        self.asked += 1
        self.before_answer()
        if self.failures:
            raise self.failures.pop(0)
        folder.mkdir(parents=True)
        file = folder / "archive.tar.gz"
        file.write_bytes(self.content)
        if progress is not None:
            progress(len(self.content), len(self.content))
        return file


@pytest.fixture
def repository(monkeypatch: pytest.MonkeyPatch) -> Repository:
    """Replace the resolver and pin the archive that the repository has."""
    stand_in = Repository()
    pin = Pin(VERSION, hashlib.sha256(GOOD).hexdigest(), len(GOOD))
    monkeypatch.setattr(downloads, "resolve_once", stand_in.resolve)
    monkeypatch.setattr(distribution, "PINS", {VERSION: pin})
    return stand_in


def test_a_fetched_engine_is_unpacked_and_needs_the_repository_no_more(repository: Repository, tmp_path: Path) -> None:
    reported: list[tuple[int, int]] = []
    home = fetch_zeebe(VERSION, tmp_path, lambda done, total: reported.append((done, total)))
    assert (home / "lib" / "broker.jar").read_bytes() == b"classes"
    assert reported == [(len(GOOD), len(GOOD))]
    assert fetch_zeebe(VERSION, tmp_path) == home
    assert repository.asked == 1


def test_a_wrong_download_is_refused_and_leaves_nothing_that_passes_for_an_engine(
    repository: Repository, tmp_path: Path
) -> None:
    repository.content = archive_bytes({"lib/broker.jar": b"something else"})
    with pytest.raises(DistributionError, match="校验和不符"):
        fetch_zeebe(VERSION, tmp_path)
    assert not is_fetched(VERSION, tmp_path)
    assert [path.name for path in (tmp_path / "downloads").iterdir()] == [f"{VERSION}.lock"]


def test_a_damaged_archive_in_the_cache_is_fetched_again(repository: Repository, tmp_path: Path) -> None:
    cached = archive_path(VERSION, tmp_path)
    cached.parent.mkdir(parents=True)
    cached.write_bytes(GOOD[:100])
    fetch_zeebe(VERSION, tmp_path)
    assert cached.read_bytes() == GOOD
    assert repository.asked == 1


def test_an_archive_put_into_the_cache_by_hand_serves_a_machine_without_network(
    repository: Repository, tmp_path: Path
) -> None:
    cached = archive_path(VERSION, tmp_path)
    cached.parent.mkdir(parents=True)
    cached.write_bytes(GOOD)
    repository.failures = [requests.ConnectionError("offline")]
    assert fetch_zeebe(VERSION, tmp_path) == unpacked_path(VERSION, tmp_path)
    assert repository.asked == 0


@pytest.mark.parametrize("cached, named", [(None, "缓存中没有"), (b"cut", "已损坏并已删除")])
def test_offline_without_a_usable_file_the_way_out_is_named(
    repository: Repository, tmp_path: Path, cached: bytes | None, named: str
) -> None:
    archive = archive_path(VERSION, tmp_path)
    if cached is not None:
        archive.parent.mkdir(parents=True)
        archive.write_bytes(cached)
    repository.failures = [requests.ConnectionError("offline")]
    with pytest.raises(DistributionError, match=named) as refusal:
        fetch_zeebe(VERSION, tmp_path)
    assert "TONGQUAN_MAVEN_MIRROR" in refusal.value.message
    assert str(archive.parent) in refusal.value.message
    assert not archive.exists()


def test_a_broken_transfer_is_tried_again(repository: Repository, tmp_path: Path) -> None:
    repository.failures = [requests.exceptions.ChunkedEncodingError("cut"), requests.exceptions.ReadTimeout("slow")]
    with stamina.set_testing(True, attempts=downloads.ATTEMPTS):
        fetch_zeebe(VERSION, tmp_path)
    assert repository.asked == 3


def test_a_transfer_that_breaks_every_time_is_given_up(repository: Repository, tmp_path: Path) -> None:
    repository.failures = [requests.exceptions.ReadTimeout("slow")] * 4
    with (
        stamina.set_testing(True, attempts=10, cap=True),
        pytest.raises(DistributionError, match="TONGQUAN_MAVEN_MIRROR"),
    ):
        fetch_zeebe(VERSION, tmp_path)
    assert repository.asked == downloads.ATTEMPTS


def test_what_an_interrupted_fetch_left_is_swept_by_the_next(repository: Repository, tmp_path: Path) -> None:
    left = tmp_path / "downloads" / f".partial-{VERSION}-killed"
    left.mkdir(parents=True)
    (left / "half.tar.gz").write_bytes(GOOD[:50])
    fetch_zeebe(VERSION, tmp_path)
    assert not left.exists()


@pytest.mark.parametrize("damage", [lambda jar: jar.unlink(), lambda jar: jar.write_bytes(b"")])
def test_an_unpacked_engine_with_a_missing_or_cut_file_is_unpacked_again(
    repository: Repository, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    home = fetch_zeebe(VERSION, tmp_path)
    damage(home / "lib" / "broker.jar")
    assert not is_fetched(VERSION, tmp_path)
    fetch_zeebe(VERSION, tmp_path)
    assert (home / "lib" / "broker.jar").read_bytes() == b"classes"
    assert repository.asked == 1


def test_two_processes_fetching_at_once_download_once(repository: Repository, tmp_path: Path) -> None:
    repository.before_answer = lambda: time.sleep(0.1)
    homes: list[Path] = []
    fetches = [threading.Thread(target=lambda: homes.append(fetch_zeebe(VERSION, tmp_path))) for _ in range(3)]
    for fetch in fetches:
        fetch.start()
    for fetch in fetches:
        fetch.join()
    assert homes == [unpacked_path(VERSION, tmp_path)] * 3
    assert repository.asked == 1


def test_a_full_disk_is_named_before_anything_is_downloaded(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = type("Usage", (), {"free": 10})
    monkeypatch.setattr(downloads.shutil, "disk_usage", lambda _path: usage)
    with pytest.raises(DistributionError, match="磁盘空间不足"):
        fetch_zeebe(VERSION, tmp_path)
    assert repository.asked == 0


def test_an_unwritable_cache_is_named(repository: Repository, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DistributionError, match="TONGQUAN_CACHE"):
        fetch_zeebe(VERSION, tmp_path / "file" / "cache")


def test_an_unknown_version_is_refused_with_the_known_ones() -> None:
    with pytest.raises(DistributionError, match=r"8\.5\.8、8\.6\.0"):
        fetch_zeebe("8.4.0", Path("unused"))


def test_the_mirror_of_the_environment_comes_before_all_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TONGQUAN_MAVEN_MIRROR", "https://mirror.example/maven/")
    assert repositories() == {"mirror": "https://mirror.example/maven"}


@pytest.mark.parametrize(
    "covers, expected",
    [
        ("central", {"mirror": "https://mirror.example/m2"}),
        ("*", {"mirror": "https://mirror.example/m2"}),
        ("*,!central", None),
        ("other", None),
    ],
)
def test_a_mirror_of_the_users_maven_settings_is_used_when_it_covers_the_default_repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, covers: str, expected: dict[str, str] | None
) -> None:
    for name in ("TONGQUAN_MAVEN_MIRROR", "JGO_CONFIG_FILE", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".m2").mkdir()
    (tmp_path / ".m2" / "settings.xml").write_text(
        '<settings xmlns="urn:settings"><mirrors><mirror>'
        f"<mirrorOf>{covers}</mirrorOf><url>https://mirror.example/m2/</url></mirror></mirrors></settings>"
    )
    assert repositories() == expected
