"""What a file is, is told from its content; its name is only a name."""

from pathlib import Path

import pytest

from connectors.scanning import ScannerFailed
from services.errors import InvalidInput, Unavailable
from services.files import previews, receiving
from services.files.receiving import FileTypeNotAllowed, examine, plain_name
from tests.factories.files import REFUSED, TAKEN, picture


class Verdict:
    """A scanner that always says the same."""

    def __init__(self, threat: str | None = None, *, fails: bool = False) -> None:
        self._threat, self._fails = threat, fails

    def find_threat(self, file: Path) -> str | None:
        """Say it."""
        assert file.stat().st_size
        if self._fails:
            raise ScannerFailed("gone")
        return self._threat


def written(folder: Path, content: bytes) -> Path:
    """Return a file of some content."""
    file = folder / "upload"
    file.write_bytes(content)
    return file


@pytest.mark.parametrize("media_type", TAKEN)
def test_a_type_is_told_from_the_content_whatever_the_name_says(tmp_path: Path, media_type: str) -> None:
    examined = examine(written(tmp_path, TAKEN[media_type]), "无害.exe", None)
    assert (examined.media_type, examined.size) == (media_type, len(TAKEN[media_type]))
    assert examined.sha256 == receiving.digest_of(tmp_path / "upload")


@pytest.mark.parametrize("what", REFUSED)
def test_other_content_is_refused_whatever_the_name_says(tmp_path: Path, what: str) -> None:
    with pytest.raises(FileTypeNotAllowed) as refusal:
        examine(written(tmp_path, REFUSED[what]), "申请书.pdf", None)
    assert refusal.value.status == 415


@pytest.mark.parametrize(("name", "content"), [("申请书.pdf", b""), ("", b"%PDF-1.7"), ("../..", b"%PDF-1.7")])
def test_an_empty_file_or_a_name_that_says_nothing_is_refused(tmp_path: Path, name: str, content: bytes) -> None:
    with pytest.raises(InvalidInput):
        examine(written(tmp_path, content), name, None)


def test_what_the_scanner_finds_is_refused_and_what_it_does_not_know_is_not_taken(tmp_path: Path) -> None:
    file = written(tmp_path, TAKEN["application/pdf"])
    assert examine(file, "a.pdf", Verdict()).name == "a.pdf"
    with pytest.raises(InvalidInput, match="Eicar"):
        examine(file, "a.pdf", Verdict("Eicar-Test-Signature"))
    with pytest.raises(Unavailable):
        examine(file, "a.pdf", Verdict(fails=True))


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("C:\\Users\\窗口\\申请书.pdf", "申请书.pdf"),
        ("../../etc/passwd", "passwd"),
        ("图\u202egpj.exe", "图gpj.exe"),
        ("a\r\nb\0.pdf", "ab.pdf"),
        ("  .隐藏.pdf ", "隐藏.pdf"),
        ("长" * 300 + ".pdf", "长" * 196 + ".pdf"),
    ],
)
def test_a_name_is_a_name_and_no_path(given: str, kept: str) -> None:
    assert plain_name(given) == kept


@pytest.mark.parametrize("media_type", TAKEN)
def test_pictures_and_pdf_are_shown_the_rest_is_saved(tmp_path: Path, media_type: str) -> None:
    file = written(tmp_path, TAKEN[media_type])
    with file.open("rb") as content:
        if media_type in previews.SHOWN_AS_IT_IS:
            assert previews.preview(media_type, content) == (media_type, content)
        elif media_type == "image/tiff":
            shown_as, shown = previews.preview(media_type, content)
            assert shown_as == "image/png"
            assert shown.read(8) == picture("PNG")[:8]
        else:
            with pytest.raises(previews.NoPreview):
                previews.preview(media_type, content)


@pytest.mark.filterwarnings("ignore")
def test_a_broken_scan_is_not_shown(tmp_path: Path) -> None:
    with written(tmp_path, b"II*\0broken").open("rb") as content, pytest.raises(previews.NoPreview):
        previews.preview("image/tiff", content)
