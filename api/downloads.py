"""What is given out as a file: issued papers, and what people handed in, as it was or as a browser shows it."""

from urllib.parse import quote

from fastapi import Response

from models.document import Document


class PdfResponse(Response):
    """A PDF document."""

    media_type = "application/pdf"


def as_pdf(document: Document) -> PdfResponse:
    """Return an issued document to be shown in the browser, under its kind and number as the file's name."""
    return pdf_named(document.pdf, f"document-{document.id}.pdf", f"{document.kind}-{document.number}.pdf")


def pdf_named(content: bytes, plain: str, printed: str) -> PdfResponse:
    """Return a PDF to be shown in the browser; ``plain`` is its name for those who know ASCII alone."""
    disposition = f"inline; filename=\"{plain}\"; filename*=UTF-8''{quote(printed, safe='')}"
    return PdfResponse(content, headers={"Content-Disposition": disposition, "Cache-Control": "private, no-store"})


class WorkbookResponse(Response):
    """A workbook (.xlsx)."""

    media_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def as_workbook(content: bytes, name: str) -> WorkbookResponse:
    """Return a workbook to be saved under an ASCII name."""
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "private, no-store"}
    return WorkbookResponse(content, headers=headers)


def file_headers(name: str) -> dict[str, str]:
    """Return the headers of a handed-in file: always saved, never shown, whatever it claims to be."""
    return {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}",
        "Content-Security-Policy": "sandbox",
        "Cache-Control": "private, no-store",
    }


def preview_headers(name: str) -> dict[str, str]:
    """Return the headers of a file that is a picture or a PDF: shown by itself, never within a page of ours."""
    return {
        **file_headers(name),
        "Content-Disposition": f"inline; filename*=UTF-8''{quote(name, safe='')}",
        "Content-Security-Policy": "default-src 'none'; img-src 'self'; object-src 'self'; style-src 'unsafe-inline'",
    }
