"""The canvas a paper is drawn on: an archival PDF whose seal is, where it is to be signed, the signature's own face."""

import io
from typing import Any, Final

from reportlab.pdfbase.pdfdoc import (
    PDFArray,
    PDFDictionary,
    PDFName,
    PDFObject,
    PDFObjectReference,
    PDFResourceDictionary,
    PDFString,
    xObjectName,
)
from reportlab.pdfgen.canvas import Canvas

from papers.archival import PRODUCER, make_archival
from papers.fonts import REGULAR
from papers.paper import Paper
from papers.seal import RADIUS, SEAL_FORM
from papers.signable import SignatureGap

_PRINTED_AND_LOCKED: Final = 4 | 128
"""A widget's flags: printed with the page, and not to be moved."""

_ADDED_ONLY: Final = 1 | 2
"""An AcroForm's flags: it has signatures, and whoever saves the file may only add to it."""


class PaperCanvas(Canvas):  # type: ignore[misc]
    """ReportLab's canvas for one paper; with a ``gap`` the first seal drawn becomes the field of a signature.

    The seal is then the appearance of the field: a reader shows it where it was stamped, and tells of the signature
    whoever clicks on it.
    """

    def __init__(self, buffer: io.BytesIO, paper: Paper, gap: SignatureGap | None) -> None:
        super().__init__(buffer, invariant=1, pageCompression=1, pdfVersion=(1, 7), initialFontName=REGULAR)
        self.setTitle(f"{paper.title} {paper.number}")
        self.setAuthor(paper.issuer)
        self.setSubject(paper.title)
        self.setCreator(PRODUCER)
        self.setProducer(PRODUCER)
        make_archival(self._doc, f"{paper.title} {paper.number}", paper.issuer, paper.title, paper.signed_on)
        self._gap = gap

    def doForm(self, name: str) -> None:  # noqa: N802  # ReportLab's name.
        """Show a form; the seal's becomes the field of the signature."""
        if self._gap is None or name != SEAL_FORM:
            super().doForm(name)
            return
        self._add_field(self._gap)
        self._gap = None

    def endForm(self, **attributes: Any) -> None:  # noqa: N802  # ReportLab's name.
        """End a form; its resources include its transparency, which ReportLab leaves to the page."""
        resources = PDFResourceDictionary()
        resources.basicFonts()
        resources.basicProcs()
        resources.ExtGState = self._extgstate.getState()
        super().endForm(Resources=resources, **attributes)

    def _add_field(self, gap: SignatureGap) -> None:
        x, y = self.absolutePosition(0, 0)
        corners = [f"{value:.2f}" for value in (x - RADIUS, y - RADIUS, x + RADIUS, y + RADIUS)]
        document = self._doc
        field = PDFDictionary(
            {
                "Type": PDFName("Annot"),
                "Subtype": PDFName("Widget"),
                "FT": PDFName("Sig"),
                "T": PDFString("Seal"),
                "F": _PRINTED_AND_LOCKED,
                "Rect": PDFArray([_Written(one.encode()) for one in corners]),
                "AP": PDFDictionary({"N": PDFObjectReference(xObjectName(SEAL_FORM))}),
                "V": document.Reference(_Written(gap.dictionary()), "Signature"),
            }
        )
        self._addAnnotation(field, "Seal")
        document.Catalog.AcroForm = PDFDictionary(
            {"Fields": PDFArray([document.refAnnotation("Seal")]), "SigFlags": _ADDED_ONLY}
        )


class _Written(PDFObject):  # type: ignore[misc]
    """An object that is written as it stands."""

    def __init__(self, text: bytes) -> None:
        self.text = text

    def format(self, _document: object) -> bytes:
        return self.text
