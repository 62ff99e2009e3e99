"""Files people handed in, given back as they were, or as something a browser shows."""

from urllib.parse import quote


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
