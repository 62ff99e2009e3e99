"""Content is kept once, whole or not at all, and closed to others."""

import hashlib
import os
import stat
from pathlib import Path

import pytest

from connectors.storage import BlobMissing, StorageFailed, store_at

CONTENT = b"%PDF-1.7 content"
DIGEST = hashlib.sha256(CONTENT).hexdigest()


def source(folder: Path) -> Path:
    """Return a file to keep."""
    file = folder / "source"
    file.write_bytes(CONTENT)
    return file


def test_content_is_read_back_by_its_digest(tmp_path: Path) -> None:
    store = store_at(tmp_path / "files")
    store.put(DIGEST, source(tmp_path))
    store.put(DIGEST, source(tmp_path))
    with store.open(DIGEST) as content:
        assert content.read() == CONTENT
    kept = [path for path in (tmp_path / "files").rglob("*") if path.is_file()]
    assert len(kept) == 1
    assert stat.S_IMODE(kept[0].stat().st_mode) == 0o600
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "files").iterdir()} == {0o700}


def test_content_that_is_not_there_is_told(tmp_path: Path) -> None:
    store = store_at(tmp_path / "files")
    with pytest.raises(BlobMissing):
        store.open(DIGEST)
    store.delete(DIGEST)
    store.put(DIGEST, source(tmp_path))
    store.delete(DIGEST)
    with pytest.raises(BlobMissing):
        store.open(DIGEST)


def test_what_cannot_be_written_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "files").write_text("a file where the folder should be")
    with pytest.raises(StorageFailed):
        store_at(tmp_path / "files").put(DIGEST, source(tmp_path))
    (tmp_path / "files").unlink()
    with pytest.raises(StorageFailed):
        store_at(tmp_path / "files").put(DIGEST, tmp_path / "no such source")
    assert [name for _, _, names in os.walk(tmp_path / "files") for name in names] == []
