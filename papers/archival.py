"""Make a paper's PDF one for archives: PDF/A-2b, with XMP metadata, an output intent, and every font embedded.

Sources: ISO 19005-2:2011; XMP (ISO 16684-1); the sRGB profile is Little CMS's, as Pillow makes it.
"""

from datetime import date
from functools import lru_cache
from typing import Any, Final
from xml.sax.saxutils import escape

from PIL import ImageCms
from reportlab.pdfbase.pdfdoc import (
    PDFArray,
    PDFCatalog,
    PDFDictionary,
    PDFDocument,
    PDFInfo,
    PDFName,
    PDFStream,
    PDFString,
)

PRODUCER: Final = "Tongquan"
_PROFILE_DATE: Final = slice(24, 36)
"""Where an ICC header states when the profile was made: the moment of this process, were it left there."""

_XMP: Final = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/" xmlns:dc="http://purl.org/dc/elements/1.1/"
 xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:pdf="http://ns.adobe.com/pdf/1.3/">
<pdfaid:part>2</pdfaid:part>
<pdfaid:conformance>B</pdfaid:conformance>
<dc:format>application/pdf</dc:format>
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">{title}</rdf:li></rdf:Alt></dc:title>
<dc:creator><rdf:Seq><rdf:li>{author}</rdf:li></rdf:Seq></dc:creator>
<dc:description><rdf:Alt><rdf:li xml:lang="x-default">{subject}</rdf:li></rdf:Alt></dc:description>
<xmp:CreateDate>{dated}</xmp:CreateDate>
<xmp:ModifyDate>{dated}</xmp:ModifyDate>
<xmp:CreatorTool>{producer}</xmp:CreatorTool>
<pdf:Producer>{producer}</pdf:Producer>
</rdf:Description>
</rdf:RDF>
</x:xmpmeta>
<?xpacket end="w"?>"""


class _Catalog(PDFCatalog):  # type: ignore[misc]
    """A catalogue that may name output intents."""

    __NoDefault__ = (*PDFCatalog.__NoDefault__, "OutputIntents")


class _Info(PDFInfo):  # type: ignore[misc]
    """The document's information, dated by the paper, as its metadata are."""

    def __init__(self, title: str, author: str, subject: str, on: date) -> None:
        super().__init__()
        self.title, self.author, self.subject = title, author, subject
        self.on = on

    def format(self, document: PDFDocument) -> bytes:
        dated = PDFString(f"D:{self.on:%Y%m%d}000000+08'00'")
        entries = {
            "Title": PDFString(self.title),
            "Author": PDFString(self.author),
            "Subject": PDFString(self.subject),
            "Creator": PDFString(PRODUCER),
            "Producer": PDFString(PRODUCER),
            "CreationDate": dated,
            "ModDate": dated,
        }
        formatted: bytes = PDFDictionary(entries).format(document)
        return formatted


def make_archival(document: PDFDocument, title: str, author: str, subject: str, on: date) -> None:
    """Give a document what PDF/A-2b asks for beside embedded fonts; ``on`` is the paper's date."""
    document.info = _Info(title, author, subject, on)
    catalog = _Catalog()
    catalog.__dict__.update(document.Catalog.__dict__)
    document.Catalog = document._catalog = catalog
    catalog.Lang = PDFString("zh-CN")
    catalog.Metadata = _stream(
        {"Type": PDFName("Metadata"), "Subtype": PDFName("XML")}, _metadata(title, author, subject, on)
    )
    profile = document.Reference(_stream({"N": 3}, _srgb()))
    catalog.OutputIntents = PDFArray(
        [
            PDFDictionary(
                {
                    "Type": PDFName("OutputIntent"),
                    "S": PDFName("GTS_PDFA1"),
                    "OutputConditionIdentifier": PDFString("sRGB"),
                    "Info": PDFString("sRGB"),
                    "DestOutputProfile": profile,
                }
            )
        ]
    )


def _stream(entries: dict[str, Any], content: bytes) -> PDFStream:
    return PDFStream(PDFDictionary(entries), content, [])


def _metadata(title: str, author: str, subject: str, on: date) -> bytes:
    texts = {"title": title, "author": author, "subject": subject, "producer": PRODUCER}
    return _XMP.format(
        dated=f"{on.isoformat()}T00:00:00+08:00", **{name: escape(text) for name, text in texts.items()}
    ).encode()


@lru_cache(maxsize=1)
def _srgb() -> bytes:
    """Return the profile of sRGB, the same bytes in every process."""
    made: bytes = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return made[: _PROFILE_DATE.start] + bytes(12) + made[_PROFILE_DATE.stop :]
