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
_MACROS: Final = "vbaproject.bin"


def find_media_type(file: Path) -> str | None:
    """Return the type of a file, None when it is not accepted; a document with macros is not."""
    with file.open("rb") as content:
        head = content.read(16)
    for start, media_type in _FIRST_BYTES:
        if head.startswith(start):
            return media_type
    return _of_archive(file) if head.startswith(_ARCHIVE) else None


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
