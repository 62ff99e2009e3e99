"""Files of every type that is taken, made here, and some that are not."""

import io
import zipfile

from PIL import Image
from reportlab.pdfgen.canvas import Canvas

from services.files import media_types


def pdf(text: str = "图纸") -> bytes:
    """Return a PDF of one page."""
    content = io.BytesIO()
    canvas = Canvas(content)
    canvas.drawString(72, 720, text.encode("ascii", "replace").decode())
    canvas.setSubject(text)
    canvas.save()
    return content.getvalue()


def picture(kind: str, side: int = 9) -> bytes:
    """Return a picture in one of Pillow's formats."""
    content = io.BytesIO()
    Image.new("RGB", (side, side)).save(content, kind)
    return content.getvalue()


def archive(*names: str) -> bytes:
    """Return a ZIP archive with files of these names."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as made:
        for name in names:
            made.writestr(name, "x")
    return content.getvalue()


TAKEN = {
    media_types.PDF: pdf(),
    media_types.PNG: picture("PNG"),
    media_types.JPEG: picture("JPEG"),
    media_types.TIFF: picture("TIFF"),
    media_types.DOCX: archive("[Content_Types].xml", "word/document.xml"),
    media_types.XLSX: archive("[Content_Types].xml", "xl/workbook.xml"),
    media_types.OFD: archive("OFD.xml", "Doc_0/Document.xml"),
}
REFUSED = {
    "text": "你好".encode(),
    "page": b"<html><script>alert(1)</script>",
    "drawing": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    "page that holds a PDF": b"<html>%PDF-1.4",
    "program": b"MZ" + b"\0" * 200,
    "archive": archive("a.txt"),
    "broken archive": b"PK\x03\x04" + b"\0" * 60,
    "document with macros": archive("[Content_Types].xml", "word/document.xml", "word/vbaProject.bin"),
    "old document": bytes.fromhex("d0cf11e0a1b11ae1") + b"\0" * 600,
}
