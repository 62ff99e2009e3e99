"""Files people handed in, given back as they were."""

from urllib.parse import quote


def file_headers(name: str) -> dict[str, str]:
    """Return the headers of a handed-in file: always saved, never shown, whatever it claims to be."""
    return {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}",
        "Content-Security-Policy": "sandbox",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, no-store",
    }
