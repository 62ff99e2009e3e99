"""A file as a browser can show it: a picture or a PDF.

A scan of a few kilobytes may unfold to gigabytes: how much is bounded, and how many are unfolded at once.
"""

import io
from threading import BoundedSemaphore
from typing import BinaryIO, Final

from PIL import Image, UnidentifiedImageError

from services.errors import TongquanError, Unavailable
from services.files import media_types

SHOWN_AS_IT_IS: Final = frozenset({media_types.PDF, media_types.PNG, media_types.JPEG})
MOST_SAMPLES: Final = 150_000_000
"""Pixels times channels: A3 at 600 dpi in grey, or A4 in colour."""
LONGEST_SIDE: Final = 4000
"""What a scan is shown with: more than a screen has, and quickly packed."""
_TURN_SECONDS: Final = 10.0
_turns = BoundedSemaphore(2)


class NoPreview(TongquanError):
    """The file can be saved, not shown (415)."""

    status, code, title = 415, "no_preview", "该文件不能预览，请下载查看"
    title_en = "The file cannot be shown; download it"


def preview(media_type: str, content: BinaryIO) -> tuple[str, BinaryIO]:
    """Return a type that browsers show and the content as that: the file itself, or a scan turned into a PNG.

    Raises:
        NoPreview: it is an office document, or a picture too large or broken.
        Unavailable: others are being prepared just now.
    """
    if media_type in SHOWN_AS_IT_IS:
        return media_type, content
    if media_type not in media_types.PICTURES:
        raise NoPreview
    if not _turns.acquire(timeout=_TURN_SECONDS):
        raise Unavailable("正在预览的文件较多，请稍后再试", "Other files are being prepared; try again")
    try:
        return media_types.PNG, _as_png(content)
    finally:
        _turns.release()


def _as_png(content: BinaryIO) -> BinaryIO:
    shown = io.BytesIO()
    try:
        with Image.open(content) as picture:
            if picture.width * picture.height * len(picture.getbands()) > MOST_SAMPLES:
                raise NoPreview
            # Of bilevel scans every other line would be left out.
            scan = picture.convert("L") if picture.mode == "1" else picture
            scan.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
            (scan if scan.mode == "L" else scan.convert("RGB")).save(shown, "PNG")
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError) as exc:
        raise NoPreview from exc
    shown.seek(0)
    return shown
