"""A file as a browser can show it: a picture or a PDF."""

import io
from typing import BinaryIO, Final

from PIL import Image, UnidentifiedImageError

from services.errors import TongquanError
from services.files import media_types

SHOWN_AS_IT_IS: Final = frozenset({media_types.PDF, media_types.PNG, media_types.JPEG})
MOST_PIXELS: Final = 100_000_000


class NoPreview(TongquanError):
    """The file can be saved, not shown (415)."""

    status, code, title = 415, "no_preview", "该文件不能预览，请下载查看"
    title_en = "The file cannot be shown; download it"


def preview(media_type: str, content: BinaryIO) -> tuple[str, BinaryIO]:
    """Return a type that browsers show and the content as that: the file itself, or a scan turned into a PNG.

    Raises:
        NoPreview: it is an office document, or a picture too large or broken.
    """
    if media_type in SHOWN_AS_IT_IS:
        return media_type, content
    if media_type not in media_types.PICTURES:
        raise NoPreview
    shown = io.BytesIO()
    try:
        with Image.open(content) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                raise NoPreview
            picture.convert("RGB").save(shown, "PNG")
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError) as exc:
        raise NoPreview from exc
    shown.seek(0)
    return media_types.PNG, shown
