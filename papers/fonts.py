"""The typeface of the papers: Noto Serif SC, fetched at set-up and registered once per process with ReportLab.

It covers some 30 000 characters, the whole of GB 2312 and the rarer characters of names among them. A character it
lacks never vanishes: it is drawn as the type founders' mark ``〓`` and its code point is printed below the text.
"""

import re
import threading
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import structlog
from isal import isal_zlib
from reportlab import rl_config
from reportlab.lib.rl_accel import fp_str
from reportlab.pdfbase import pdfdoc, pdfmetrics
from reportlab.pdfbase.ttfonts import SUBSETN, TTFont, TTFontFace

REGULAR = "PaperSerif"
BOLD = "PaperSerifBold"
KEPT_TEXTS = 4096
"""How many texts' widths are cached: most of a paper is the wording that every paper of its kind has."""
MISSING_MARK = "〓"
"""The mark printers set for a character they have no type of."""

FONT_DIR = Path(__file__).resolve().parent.parent / "api" / "static" / "vendor" / "fonts"
"""Where the asset build (``assets/build.mjs``) puts the typeface."""

_FILES = {REGULAR: "NotoSerifSC-Regular.ttf", BOLD: "NotoSerifSC-Bold.ttf"}
_IGNORABLE = frozenset("\u00ad\u200b\u200c\u200d\u2060\ufeff") | {chr(code) for code in range(0xFE00, 0xFE10)}
_LAST_OF_FIRST_PLANE = 0xFFFF
_BEYOND_FIRST_PLANE = re.compile(r"<([0-9A-F]{5,6})>")
_FORMAT_STREAM = pdfdoc.PDFStream.format
_LAST_KEYWORD = b"endstream\n"
_registering = threading.Lock()
_log = structlog.get_logger(__name__)


class FontMissing(RuntimeError):
    """The papers' font is not installed; ``make setup`` fetches it."""

    def __init__(self, file: str) -> None:
        super().__init__(f"文书字体 {file} 尚未安装，请先运行 make setup")
        self.file = file


@lru_cache(maxsize=1)
def register() -> None:
    """Make both weights known to ReportLab, once per process; raise ``FontMissing`` without them.

    PDF streams are then written in binary, since ASCII armour costs a quarter more bytes and time, and compressed by
    ISA-L: zlib makes a subset of glyphs five per cent smaller with many times the work, half of all that a paper costs.
    """
    with _registering:
        for name, file in _FILES.items():
            # Subsets of only the characters used; "readable" ones carry the whole of ASCII in both weights.
            font = _PaperFont(name, str(_find(file)), asciiReadable=False)
            _read_glyphs_in_place(font.face)
            _write_widths_once(font.face)
            pdfmetrics.registerFont(font)
        rl_config.useA85 = 0
        pdfdoc.PDFZCompress.encode = _pack_quickly
        pdfdoc.PDFStream.format = _ended_by_a_line


class _PaperFont(TTFont):  # type: ignore[misc]
    """A font whose text can be copied and searched whatever plane its characters are on.

    ReportLab writes the code point itself where a PDF wants UTF-16: beyond the first plane that is a pair (ISO 32000-1,
    9.10.3), and a reader took ``1FBB4`` for the first four digits of it.
    """

    def addObjects(self, doc: pdfdoc.PDFDocument) -> None:  # noqa: N802  # ReportLab's name.
        """Add the font's subsets, and mend the table of each that has such characters."""
        subsets = self.state[doc].subsets
        super().addObjects(doc)
        for number, subset in enumerate(subsets):
            if any(code > _LAST_OF_FIRST_PLANE for code in subset):
                base = b"".join((SUBSETN(number), b"+", self.face.name, self.face.subfontNameX)).decode("pdfdoc")
                stream = doc.idToObject[f"toUnicodeCMap:{base}"]
                stream.content = _in_utf16(stream.content)


def _in_utf16(table: str) -> str:
    return _BEYOND_FIRST_PLANE.sub(lambda found: f"<{chr(int(found[1], 16)).encode('utf-16-be').hex().upper()}>", table)


def _pack_quickly(content: str | bytes) -> bytes:
    return isal_zlib.compress(content.encode() if isinstance(content, str) else content, level=1)


def _ended_by_a_line(stream: pdfdoc.PDFStream, document: pdfdoc.PDFDocument) -> bytes:
    """Format a stream whose last keyword stands on a line of its own, which PDF/A demands and ReportLab leaves out."""
    formatted: bytes = _FORMAT_STREAM(stream, document)
    return b"%b\n%b" % (formatted.removesuffix(_LAST_KEYWORD), _LAST_KEYWORD)


def widths(name: str) -> tuple[dict[int, float], float]:
    """Return a weight's advance widths by code point and the default, in thousandths of the size."""
    register()
    face = pdfmetrics.getFont(name).face
    return face.charWidths, face.defaultWidth


@lru_cache(maxsize=KEPT_TEXTS)
def text_width(text: str, name: str, size: float) -> float:
    """Return the width of a text in points."""
    table, default = widths(name)
    return sum([table.get(ord(char), default) for char in text]) * size / 1000


def printable(text: str) -> tuple[str, list[str]]:
    """Return a text every character of which can be drawn, and the characters that had to be marked.

    Line ends stay, other control characters become spaces, invisible ones (variation selectors, joiners) go.
    """
    known, _ = widths(REGULAR)
    if all(ord(char) in known for char in text):
        return text, []
    drawn: list[str] = []
    missing: list[str] = []
    for char in unicodedata.normalize("NFC", text):
        if char == "\n" or ord(char) in known:
            drawn.append(char)
        elif char.isspace() or unicodedata.category(char) == "Cc":
            drawn.append(" ")
        elif char not in _IGNORABLE:
            drawn.append(MISSING_MARK)
            missing.append(char)
    if missing:
        _log.warning("paper.glyph_missing", code_points=[f"U+{ord(char):04X}" for char in missing])
    return "".join(drawn), missing


@dataclass(frozen=True)
class _Glyphs:
    """The glyph table where it lies in the font file: a slice of it copies that glyph alone."""

    font_file: bytes
    start: int

    def __getitem__(self, part: slice) -> bytes:
        return self.font_file[self.start + part.start : self.start + part.stop]


def _read_glyphs_in_place(face: TTFontFace) -> None:
    """Spare ReportLab the copy of the whole glyph table, 13 MB, that it makes for every document."""
    whole_table = face.get_table
    glyphs = _Glyphs(face._ttf_data, face.get_table_pos("glyf")[0])
    face.get_table = lambda tag: glyphs if tag == "glyf" else whole_table(tag)


def _write_widths_once(face: TTFontFace) -> None:
    """Give ReportLab the widths of a subset as they are written in the file: most of a paper's numbers are widths."""
    as_number = face.getCharWidth
    face.getCharWidth = lru_cache(maxsize=None)(lambda code: fp_str(as_number(code)).encode())


def _find(file: str) -> Path:
    path = FONT_DIR / file
    if not path.is_file():
        raise FontMissing(file)
    return path
