"""Small files that would unfold to gigabytes: looked at within bounds, or not at all."""

import io
import struct
from pathlib import Path

import pytest
from PIL import Image

from services.errors import Unavailable
from services.files import media_types, previews
from services.files.previews import LONGEST_SIDE, NoPreview
from tests.factories.files import archive, picture


def scan(width: int, height: int, mode: str = "1") -> io.BytesIO:
    """Return a blank scan, packed as scanners do."""
    content = io.BytesIO()
    packed = "group4" if mode == "1" else "tiff_adobe_deflate"
    Image.new(mode, (width, height)).save(content, "TIFF", compression=packed)
    content.seek(0)
    return content


def with_directory(size: int, *, before_the_end: bytes = b"") -> bytes:
    """Return an archive that says its directory has ``size`` bytes."""
    content = archive("word/document.xml")
    end = content.rindex(b"PK\x05\x06")
    told = content[end : end + 12] + struct.pack("<I", size) + content[end + 16 :]
    return content[:end] + before_the_end + told


@pytest.mark.parametrize(
    "content",
    [
        with_directory(50_000_000),
        with_directory(0xFFFFFFFF),
        with_directory(60, before_the_end=b"PK\x06\x07" + b"\0" * 16),
        archive("word/document.xml")[:-10],
    ],
    ids=["a large directory", "one told elsewhere", "the end of a larger archive", "no end"],
)
def test_an_archive_with_an_unlikely_directory_is_not_even_opened(
    content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def opened(_file: object) -> None:
        raise AssertionError

    monkeypatch.setattr(media_types.zipfile, "ZipFile", opened)
    (tmp_path / "file").write_bytes(content)
    assert media_types.find_media_type(tmp_path / "file") is None


def test_an_archive_with_a_comment_is_still_a_document(tmp_path: Path) -> None:
    content = archive("word/document.xml")
    (tmp_path / "file").write_bytes(content[:-2] + struct.pack("<H", 4) + b"text")
    assert media_types.find_media_type(tmp_path / "file") == media_types.DOCX


def test_a_large_scan_is_shown_smaller(monkeypatch: pytest.MonkeyPatch) -> None:
    media_type, shown = previews.preview(media_types.TIFF, scan(2 * LONGEST_SIDE, 100))
    assert media_type == media_types.PNG
    with Image.open(shown) as made:
        assert (made.size, made.mode) == ((LONGEST_SIDE, 50), "L")


@pytest.mark.parametrize(("mode", "width"), [("1", 60_000), ("RGB", 20_000)])
def test_a_scan_that_unfolds_too_far_is_not_shown(mode: str, width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(previews, "MOST_SAMPLES", width * 10 * (3 if mode == "RGB" else 1) - 1)
    with pytest.raises(NoPreview):
        previews.preview(media_types.TIFF, scan(width, 10, mode))


def test_no_more_than_two_are_unfolded_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(previews, "_TURN_SECONDS", 0.0)
    with previews._turns, previews._turns:
        with pytest.raises(Unavailable):
            previews.preview(media_types.TIFF, scan(9, 9))
        assert previews.preview(media_types.PNG, io.BytesIO(picture("PNG")))[0] == media_types.PNG
    assert previews.preview(media_types.TIFF, scan(9, 9))[0] == media_types.PNG
