"""The addresses of a list's other pages and filters."""

from collections.abc import Mapping
from urllib.parse import urlencode


def query_of(chosen: Mapping[str, str | None]) -> str:
    """Return the query, with its question mark, that chooses this of a list; what is not chosen is left out."""
    return "?" + urlencode({name: value for name, value in chosen.items() if value})
