"""What a file is, by its content: its name and the type the browser declares are ignored.

Few types are accepted, each recognized with certainty: pictures and PDF by their first bytes, office documents and OFD
(the national layout format, GB/T 33190) by what their archive holds. Libraries for this guess: the one that was tried
took any archive for a Word document.
"""

import zipfile
from pathlib import Path
from typing import Final

PDF: Final = "application/pdf"
PNG: Final = "image/png"
JPEG: Final = "image/jpeg"
TIFF: Final = "image/tiff"
DOCX: Final = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
OFD: Final = "application/ofd"
PICTURES: Final = frozenset({PNG, JPEG, TIFF})
ALLOWED: Final = {PDF: "PDF", PNG: "PNG", JPEG: "JPEG", TIFF: "TIFF", DOCX: "DOCX", XLSX: "XLSX", OFD: "OFD"}
"""Every accepted type, and what people call it."""

_FIRST_BYTES: Final = (
    (b"%PDF-", PDF),
    (b"\x89PNG\r\n\x1a\n", PNG),
    (b"\xff\xd8\xff", JPEG),
    (b"II*\0", TIFF),
    (b"MM\0*", TIFF),
)
_ARCHIVE: Final = b"PK\x03\x04"
_PARTS: Final = (("word/document.xml", DOCX), ("xl/workbook.xml", XLSX), ("OFD.xml", OFD))
_MOST_PARTS: Final = 10_000
_MOST_DIRECTORY_BYTES: Final = 2 * 1024 * 1024
_END: Final = b"PK\x05\x06"
_LARGE_END: Final = b"PK\x06\x07"
"""Before the end of an archive of more than 4 GB or 65,535 parts (ZIP64), as no document is."""
_LAST_BYTES: Final = 22 + 65_535 + 20
"""The record at an archive's end with the longest comment, and what may stand before it."""
_MACROS: Final = "vbaproject.bin"


def find_media_type(file: Path) -> str | None:
    """Return the type of a file, None when it is not accepted; a document with macros is not."""
    with file.open("rb") as content:
        head = content.read(16)
    for start, media_type in _FIRST_BYTES:
        if head.startswith(start):
            return media_type
    return _of_archive(file) if head.startswith(_ARCHIVE) and _has_few_parts(file) else None


def _has_few_parts(file: Path) -> bool:
    """Tell whether an archive's directory is one of a document, by the record at its end.

    Reading a directory of a million parts takes half a minute and a gigabyte.
    """
    with file.open("rb") as content:
        content.seek(max(0, file.stat().st_size - _LAST_BYTES))
        last = content.read(_LAST_BYTES)
    at = last.rfind(_END)
    if at < 0 or len(last) < at + 22 or last[max(0, at - 20) : at].startswith(_LARGE_END):
        return False
    return int.from_bytes(last[at + 12 : at + 16], "little") <= _MOST_DIRECTORY_BYTES


def _of_archive(file: Path) -> str | None:
    try:
        with zipfile.ZipFile(file) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, UnicodeDecodeError):
        return None
    if len(names) > _MOST_PARTS or any(name.lower().endswith(_MACROS) for name in names):
        return None
    known = set(names)
    return next((media_type for part, media_type in _PARTS if part in known), None)
